// SPDX-License-Identifier: GPL-2.0

//! Counts of what happened since the module was loaded.

use crate::ktask::kernel::percpu::{
    self,
    Counter,
    Sums, //
};
use core::mem::offset_of;

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters; they only grow. Each CPU has its own: a call without helpers writes nothing that
        /// CPUs share.
        pub(crate) struct Stats {
            $($(#[$doc])* pub(crate) $name: Counter<{ offset_of!(Sums, $name) }>,)*
        }

        impl Stats {
            /// The counters of the module, of which there is one set.
            pub(crate) const fn new() -> Self {
                Self { $($name: Counter,)* }
            }

            /// Calls `each` with the name and value of every counter.
            pub(crate) fn for_each(&self, mut each: impl FnMut(&str, u64)) {
                let mut sums = Sums { $($name: 0,)* };
                percpu::add_to(&mut sums);
                $(each(stringify!($name), sums.$name as u64);)*
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

    /// Counts a task without helpers.
    #[inline]
    pub(crate) fn ran_alone(&self, chunks: usize, units: usize) {
        percpu::count_alone(chunks, units);
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
    /// Helpers that no worker took up for long, and that left their places to others; they count as
    /// cancelled, too.
    helpers_taken_back,
    /// Tasks that failed.
    failed_tasks,
    /// Calls of undo functions.
    undone_ranges,
}
