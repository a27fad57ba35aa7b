// SPDX-License-Identifier: GPL-2.0

//! How many threads a task gets.

/// Returns the number of threads of a task, the caller included: one per minimum chunk, but no
/// more than `max` and no more than there are CPUs to run on. At least 1.
pub(crate) fn count(size: usize, min: usize, max: usize, cpus: usize) -> usize {
    size.div_ceil(min.max(1)).min(max).min(cpus).max(1)
}

/// Whether a task has one thread on any machine: [`count`] for all numbers of CPUs.
pub(crate) fn only_one(size: usize, min: usize, max: usize) -> bool {
    max <= 1 || size <= min.max(1)
}
