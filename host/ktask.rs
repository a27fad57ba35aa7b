// SPDX-License-Identifier: GPL-2.0

//! The rooms of the module that need no kernel: the module's own files, not copies.
//!
//! The files ask for `crate::ktask::sync`, which has a twin here. Each crate of the workspace
//! includes this file by its path.

pub(crate) mod sync;

#[path = "../ktask/policy/mod.rs"]
pub(crate) mod policy;

#[allow(
    unsafe_code,
    reason = "handshake.rs accesses its data through a cell; the crates deny all other unsafe code"
)]
#[path = "../ktask/protocol/mod.rs"]
pub(crate) mod protocol;

#[path = "../ktask/placement/mod.rs"]
pub(crate) mod placement;
