// SPDX-License-Identifier: GPL-2.0

//! The module's own files, those without the kernel, on the stand-in for the kernel's atomics of the host tests.

#![allow(
    dead_code,
    reason = "the model does not play all that the policy is about"
)]

#[path = "../../../host/sync.rs"]
pub(crate) mod sync;

#[path = "../../../ktask/policy/mod.rs"]
pub(crate) mod policy;

#[allow(
    unsafe_code,
    reason = "the handshake guards what owner and worker of a helper pass to each other"
)]
#[path = "../../../ktask/protocol/mod.rs"]
pub(crate) mod protocol;

#[path = "../../../ktask/placement/mod.rs"]
pub(crate) mod placement;
