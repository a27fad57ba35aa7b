// SPDX-License-Identifier: GPL-2.0

//! How large the next chunk is: guided self-scheduling.
//!
//! Large chunks first, smaller ones as the part empties, so that the threads finish together
//! without paying for many small chunks. (Polychronopoulos and Kuck, "Guided Self-Scheduling",
//! 1987.) ktask v4 and padata use one size, a quarter of a thread's share, so that the last chunk
//! can keep everybody waiting for that long.

/// A chunk is at most this fraction of a thread's even share of what remains.
const SHARES_PER_THREAD: usize = 2;

/// Returns the length in units of the next chunk of a part with `remaining` units (not 0).
///
/// The result is in `1..=remaining`, and a multiple of `min` unless it is all that remains. One
/// thread gets everything at once: there is nobody to share with. `min` and `threads` of 0 count
/// as 1.
pub(crate) fn next_len(remaining: usize, min: usize, threads: usize) -> usize {
    if threads <= 1 {
        return remaining;
    }
    let min = min.max(1);
    // Neither divisor can be 0 here; `checked_*` keeps a panicking path out of the module.
    let share = remaining
        .checked_div(threads.saturating_mul(SHARES_PER_THREAD))
        .unwrap_or(remaining);
    let partial = share.checked_rem(min).unwrap_or(0);
    (share - partial).max(min).min(remaining)
}
