// SPDX-License-Identifier: GPL-2.0

//! Counts of what happened since the module was loaded.

use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters; they only grow.
        pub(crate) struct Stats {
            $($(#[$doc])* pub(crate) $name: Counter,)*
        }

        impl Stats {
            /// All 0.
            pub(crate) fn new() -> Self {
                Self { $($name: Counter::new(),)* }
            }

            /// Calls `each` with the name and value of every counter.
            pub(crate) fn for_each(&self, mut each: impl FnMut(&str, u64)) {
                $(each(stringify!($name), self.$name.get());)*
            }
        }
    };
}

impl Stats {
    /// Counts what one thread has done.
    pub(crate) fn worked(&self, chunks: usize, units: usize) {
        self.chunks.add(chunks);
        self.units.add(units);
    }
}

stats! {
    /// Tasks that were run, failed ones included.
    tasks,
    /// Calls of thread functions.
    chunks,
    /// Units given to thread functions.
    units,
    /// Helpers that began to work.
    helpers_started,
    /// Helpers that were queued but cancelled before they began.
    helpers_cancelled,
    /// Helpers that were to run on a node that was full, and so were sent elsewhere.
    helpers_spilled,
    /// Helpers whose worker may not run on the CPU that they were queued for.
    helpers_displaced,
    /// Times a helper moved to another node.
    helpers_migrated,
    /// Helpers that the limits allowed, but for which no slot was left.
    helpers_unavailable,
    /// Times a helper went from one task to another one, which had fewer helpers than it could use.
    helpers_switched,
    /// Helpers that left a task before its work was done: limits or CPUs had changed, the machine
    /// saves power, or other tasks had fewer helpers.
    helpers_left,
    /// Tasks that failed.
    failed_tasks,
    /// Calls of undo functions.
    undone_ranges,
}

/// One counter.
pub(crate) struct Counter(Atomic<u64>);

impl Counter {
    fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Its value.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Adds 1 if `it_happened`.
    pub(crate) fn count(&self, it_happened: bool) {
        if it_happened {
            self.add(1);
        }
    }

    /// Adds to it.
    pub(crate) fn add(&self, value: usize) {
        self.0.add(value as u64, Relaxed);
    }
}
