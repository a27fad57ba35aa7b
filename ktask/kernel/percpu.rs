// SPDX-License-Identifier: GPL-2.0

//! Counters of which each CPU has a copy of its own: to count writes nothing that CPUs share.

use super::c;

pub(crate) use c::ktask_stats as Sums;

/// A counter: the field of [`Sums`] at this offset.
pub(crate) struct Counter<const OFFSET: usize>;

impl<const OFFSET: usize> Counter<OFFSET> {
    /// Adds to the counter.
    pub(crate) fn add(&self, value: usize) {
        const {
            assert!(OFFSET < size_of::<Sums>() && OFFSET % size_of::<usize>() == 0);
        }
        // SAFETY: As was just checked, there is a counter at the offset.
        unsafe { c::ktask_c_stat_add(OFFSET, value) };
    }

    /// Adds 1 if `it_happened`.
    pub(crate) fn count(&self, it_happened: bool) {
        if it_happened {
            self.add(1);
        }
    }
}

/// Counts a task without helpers, with its chunks and units.
pub(crate) fn count_alone(chunks: usize, units: usize) {
    // SAFETY: May be called anywhere.
    unsafe { c::ktask_c_stats_alone(chunks, units) };
}

/// Adds the counters of all CPUs. Those that change meanwhile may or may not be seen.
pub(crate) fn add_to(sums: &mut Sums) {
    // SAFETY: The pointer is valid for the call.
    unsafe { c::ktask_c_stats_sum(sums) };
}
