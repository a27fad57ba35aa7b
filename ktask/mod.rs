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
//! No lock of the framework is held while a client's function runs, but for the iterator lock around
//! the client's iterator, and the dummy map that shows lockdep the wait of a caller.
//!
//! 1. The lock of [`kernel::hungry::Hungry`].
//! 2. The lock of a [`kernel::team::Team`], one a task, never two at once. Inside, the kernel's own
//!    locks are taken: the workqueue's when a work item is queued, the scheduler's when a nice value
//!    is set, and those of the completion and the condition variable when threads are woken.
//! 3. The lock of [`engine::machine::Machine`] and that of the free slots are leaves: no other lock of
//!    the framework is taken inside.

pub(crate) mod sync;

pub(crate) mod policy;

pub(crate) mod protocol;

pub(crate) mod placement;

pub(crate) mod kernel;

pub(crate) mod engine;

pub(crate) mod interface;
