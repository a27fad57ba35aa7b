// SPDX-License-Identifier: GPL-2.0

//! Tests of the policy layer on the host.
//!
//! The files under test are the module's own, not copies. They ask for `crate::ktask::sync`, which
//! is a stand-in here. Tests that check a promise of the project carry its number in their name.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

// Cargo builds again when this has changed; see `run`.
const _: Option<&str> = option_env!("KTASK_HOST_SOURCES");

// With the tests in, whatever is still unused is unused for good: no allowance is made then.
#[cfg_attr(
    not(test),
    allow(
        dead_code,
        reason = "only the tests use it here, and the module elsewhere"
    )
)]
mod ktask {
    pub(crate) mod sync;

    #[path = "../../../../ktask/policy/mod.rs"]
    pub(crate) mod policy;
}

#[cfg(test)]
mod chunk;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod part;
#[cfg(test)]
mod placement;
#[cfg(test)]
mod rlim;
#[cfg(test)]
mod served;
#[cfg(test)]
mod threads;
#[cfg(test)]
mod undo;
#[cfg(test)]
mod util;
