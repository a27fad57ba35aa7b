// SPDX-License-Identifier: GPL-2.0

//! Tests of the policy layer, and of what is pure in the samples, on the host.
//!
//! The files under test are the module's own, not copies. They ask for `crate::ktask::sync`, which
//! is a stand-in here. With the feature `loom` that stands on the atomics of loom, and model checks
//! take the place of the other tests. Tests that check a promise of the project carry its number in
//! their name.

#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

// Cargo builds again when this has changed; see `run`.
const _: Option<&str> = option_env!("KTASK_HOST_SOURCES");

// With the tests in, whatever is still unused is unused for good: no allowance is made then.
#[cfg_attr(
    any(not(test), feature = "loom"),
    allow(
        dead_code,
        reason = "only the tests use it here, and the module elsewhere"
    )
)]
mod ktask {
    pub(crate) mod sync;

    #[path = "../../../../ktask/policy/mod.rs"]
    pub(crate) mod policy;

    #[path = "../../../../ktask/protocol/mod.rs"]
    pub(crate) mod protocol;

    #[path = "../../../../ktask/placement/mod.rs"]
    pub(crate) mod placement;
}

#[cfg(all(test, not(feature = "loom")))]
#[path = "../../../samples/folio_zero/split.rs"]
mod folio_split;

#[cfg(all(test, not(feature = "loom")))]
mod chunk;
#[cfg(all(test, not(feature = "loom")))]
mod handshake;
#[cfg(all(test, not(feature = "loom")))]
mod lending;
#[cfg(all(test, feature = "loom"))]
mod models;
#[cfg(all(test, not(feature = "loom")))]
mod outcome;
#[cfg(all(test, not(feature = "loom")))]
mod part;
#[cfg(all(test, not(feature = "loom")))]
mod placement;
#[cfg(all(test, not(feature = "loom")))]
mod rlim;
#[cfg(all(test, not(feature = "loom")))]
mod served;
#[cfg(all(test, not(feature = "loom")))]
mod split;
#[cfg(all(test, not(feature = "loom")))]
mod threads;
#[cfg(all(test, not(feature = "loom")))]
mod undo;
#[cfg(all(test, not(feature = "loom")))]
mod util;
#[cfg(all(test, not(feature = "loom")))]
mod walk;
