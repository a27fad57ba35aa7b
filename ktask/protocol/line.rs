// SPDX-License-Identifier: GPL-2.0

//! The tasks that could use more helpers, each of which has its turn: a ring.

use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};

/// No task. Tasks are known by their addresses.
const NONE: usize = 0;

/// The neighbours of a task in a [`Line`].
///
/// Accessed under the lock of the line; atomic because no type says so.
pub(crate) struct Entry {
    next: Atomic<usize>,
    prev: Atomic<usize>,
}

impl Entry {
    /// In no line.
    pub(crate) fn new() -> Self {
        Self {
            next: Atomic::new(NONE),
            prev: Atomic::new(NONE),
        }
    }

    /// Whether the task is in a line.
    pub(crate) fn is_taken(&self) -> bool {
        self.next.load(Relaxed) != NONE
    }
}

/// Where the entries of tasks are.
pub(crate) trait Entries {
    /// The entry of a task that is in the line or joins it.
    fn entry(&self, task: usize) -> &Entry;
}

/// A ring of tasks. Belongs under a lock.
pub(crate) struct Line {
    /// Whose turn it is.
    first: usize,
    len: usize,
}

impl Line {
    /// Nobody is in line.
    pub(crate) fn new() -> Self {
        Self {
            first: NONE,
            len: 0,
        }
    }

    /// How many tasks there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a task of no line: all others have their turn first.
    pub(crate) fn join(&mut self, entries: &impl Entries, task: usize) {
        let entry = entries.entry(task);
        self.len += 1;
        if self.first == NONE {
            self.first = task;
            entry.next.store(task, Relaxed);
            entry.prev.store(task, Relaxed);
            return;
        }
        let first = entries.entry(self.first);
        let last = first.prev.load(Relaxed);
        entry.next.store(self.first, Relaxed);
        entry.prev.store(last, Relaxed);
        entries.entry(last).next.store(task, Relaxed);
        first.prev.store(task, Relaxed);
    }

    /// Removes a task of this line.
    pub(crate) fn leave(&mut self, entries: &impl Entries, task: usize) {
        let entry = entries.entry(task);
        let (next, prev) = (entry.next.load(Relaxed), entry.prev.load(Relaxed));
        entry.next.store(NONE, Relaxed);
        entry.prev.store(NONE, Relaxed);
        self.len = self.len.saturating_sub(1);
        if next == task {
            self.first = NONE;
            return;
        }
        entries.entry(prev).next.store(next, Relaxed);
        entries.entry(next).prev.store(prev, Relaxed);
        if self.first == task {
            self.first = next;
        }
    }

    /// The task whose turn it is; the next call tells the one after it.
    pub(crate) fn turn(&mut self, entries: &impl Entries) -> Option<usize> {
        if self.first == NONE {
            return None;
        }
        let task = self.first;
        self.first = entries.entry(task).next.load(Relaxed);
        Some(task)
    }
}
