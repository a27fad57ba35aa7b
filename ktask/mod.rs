// SPDX-License-Identifier: GPL-2.0

//! The framework, from the bottom up: each folder uses only those above it in this list.
//!
//! | folder | what is in it | kernel? |
//! | --- | --- | --- |
//! | [`sync`] | atomics and the cell that a protocol guards, with a twin on the host | its types |
//! | [`policy`] | sequential decisions: chunk sizes, numbers of threads, what to undo | no |
//! | [`protocol`] | what threads agree on: claims, errors, limits, the life of a helper | no |
//! | [`placement`] | on which CPU and node a helper runs | no |
//! | [`kernel`] | one kernel facility a file, behind safe interfaces | yes |
//! | [`engine`] | the life of one task | through [`kernel`] |
//! | [`interface`] | the C interface, debugfs | through [`kernel`] |
//!
//! The folders without the kernel are compiled on the host as they are, where they are tested and
//! model-checked.
//!
//! # Lock order
//!
//! No lock of the framework is held while a client's function runs, but for the dummy map that
//! shows lockdep the wait of a caller. Two spinlocks are never held at once, with one exception:
//!
//! 1. the lock of a [`kernel::team::Team`] (one a task), inside of which
//! 2. the scheduler's own locks are taken, when the nice value of a boosted worker is set.
//!
//! The lock of [`engine::machine::Machine`] and that of the free slots are leaves.

pub(crate) mod sync;

pub(crate) mod policy;

pub(crate) mod protocol;

pub(crate) mod placement;

pub(crate) mod kernel;

pub(crate) mod engine;

pub(crate) mod interface;
