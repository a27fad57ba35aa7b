// SPDX-License-Identifier: GPL-2.0

//! What to do, without the kernel: chunk sizes, thread counts, limits, placement, errors, undo
//! ranges, and the handshake between a task and its helpers.
//!
//! Only `core` and [`crate::ktask::sync`] are used here, so that the host tests compile these files
//! as they are.

pub(crate) mod chunk;
pub(crate) mod handshake;
pub(crate) mod lending;
pub(crate) mod outcome;
pub(crate) mod part;
pub(crate) mod placement;
pub(crate) mod rlim;
pub(crate) mod served;
pub(crate) mod threads;
pub(crate) mod undo;
pub(crate) mod walk;
