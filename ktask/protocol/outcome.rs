// SPDX-License-Identifier: GPL-2.0

//! Whether a task has failed, and how: its first error.

use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};

/// The error of a task, shared by its threads.
///
/// No ordering is needed. What matters to a thread is that a failure, once it has seen it, stays
/// seen; and the caller reads the error last, after the end of each helper.
pub(crate) struct Outcome(Atomic<i32>);

impl Outcome {
    /// A task that has not failed.
    pub(crate) fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// The first error, 0 if there was none so far.
    pub(crate) fn error(&self) -> i32 {
        self.0.load(Relaxed)
    }

    /// Whether the task has failed, so that no new chunk may start.
    pub(crate) fn failed(&self) -> bool {
        self.error() != 0
    }

    /// Fails the task with `error` (not 0). Only the first error counts.
    pub(crate) fn fail(&self, error: i32) {
        let _ = self.0.cmpxchg(0, error, Relaxed);
    }
}
