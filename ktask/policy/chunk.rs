// SPDX-License-Identifier: GPL-2.0

//! How large the next chunk is: guided self-scheduling.
//!
//! Large chunks first, smaller ones as the part empties, so that the threads finish together
//! without paying for many small chunks. (Polychronopoulos and Kuck, "Guided Self-Scheduling",
//! 1987.) ktask v4 and padata use one size, a quarter of a thread's share, so that the last chunk
//! can keep everybody waiting for that long.
//!
//! The first chunks have a limit of their own: if the units at the start of a part are the dear
//! ones, a chunk that is half of a thread's share keeps one thread busy long after the others.

/// A chunk is at most this fraction of a thread's even share of what remains.
const SHARES_PER_THREAD: usize = 2;

/// A chunk is at most this fraction of a thread's even share of the whole part.
const FIRST_SHARES_PER_THREAD: usize = 8;

/// A thread that has no helper yet takes this fraction of the part at once: helpers that come find
/// work, and a caller that stays alone pays for few chunks.
const PIECES_ALONE: usize = 16;

/// A chunk that one thread has claimed, and nobody else will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// How many units of the part precede it.
    pub(crate) offset: usize,
    /// Its length in units, never 0.
    pub(crate) len: usize,
    /// The client's position where it starts.
    pub(crate) start: usize,
    /// The client's position where it ends.
    pub(crate) end: usize,
}

/// The sizes of the chunks of one part. Most chunks are of the largest or of the smallest size, which
/// needs no division.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// The smallest chunk, at least 1.
    min: usize,
    /// With less than this left, chunks are the smallest.
    few: usize,
    /// The largest chunk, a multiple of `min`.
    most: usize,
    /// With this much left or more, chunks are the largest.
    plenty: usize,
    /// In between, what remains is divided by this.
    shares: usize,
    /// A chunk is at most this much larger than what the thread has done so far.
    growth: usize,
}

impl Sizes {
    /// The chunks of a part of `size` units that `threads` threads share; none but the last is
    /// smaller than `min`. `min` and `threads` of 0 count as 1.
    pub(crate) fn new(size: usize, min: usize, threads: usize) -> Self {
        let min = min.max(1);
        if threads <= 1 {
            return Self {
                min,
                few: 0,
                most: usize::MAX,
                plenty: 0,
                shares: 1,
                growth: usize::MAX,
            };
        }
        let shares = threads.saturating_mul(SHARES_PER_THREAD);
        let first_shares = threads.saturating_mul(FIRST_SHARES_PER_THREAD);
        // `checked_*` keeps panicking paths out of the module.
        let most = size.checked_div(first_shares).unwrap_or(size);
        let most = round_down(most, min).max(min);
        Self {
            min,
            few: min.saturating_mul(2).saturating_mul(shares),
            most,
            plenty: most.saturating_mul(shares),
            shares,
            growth: usize::MAX,
        }
    }

    /// The chunks of a part of `size` units for a thread that has no helper yet, but may have some
    /// later; none but the last is smaller than `min`.
    pub(crate) fn alone(size: usize, min: usize) -> Self {
        let min = min.max(1);
        let piece = round_down(size / PIECES_ALONE, min).max(min);
        Self {
            min: piece,
            few: usize::MAX,
            most: piece,
            plenty: usize::MAX,
            shares: 1,
            growth: usize::MAX,
        }
    }

    /// The same for a thread that may be slower than others, as it runs at the lowest priority: it
    /// begins with the smallest chunk, and never gets more than it has done so far and one of
    /// these, so that in the end nobody waits for it longer than it has worked already.
    pub(crate) fn with_slow_start(self) -> Self {
        Self {
            growth: self.min,
            ..self
        }
    }

    /// Returns the length in units of the next chunk, with `remaining` units (not 0) left, for a
    /// thread that has done `done` units of the part.
    ///
    /// In `1..=remaining`, and a multiple of the minimum unless it is all that remains. One thread
    /// gets everything at once: there is nobody to share with.
    #[inline]
    pub(crate) fn next(&self, remaining: usize, done: usize) -> usize {
        if remaining < self.few {
            return self.min.min(remaining);
        }
        let share = if remaining >= self.plenty {
            self.most.min(remaining)
        } else {
            self.guided(remaining)
        };
        share.min(done.saturating_add(self.growth))
    }

    /// The length of the next chunk of a part of `size` units of which `claimed` are claimed, for a
    /// thread that has done `done` units of the part, and for how many claimed units that length
    /// stays right. `None` if everything is claimed.
    ///
    /// Chunks of one length are claimed in a loop of few instructions.
    pub(crate) fn run(&self, size: usize, claimed: usize, done: usize) -> Option<Run> {
        let remaining = size.checked_sub(claimed).filter(|&left| left > 0)?;
        let len = self.next(remaining, done);
        // The fewest units that may be left for another chunk of this length.
        let least = if len == self.min && remaining < self.few {
            len
        } else if len == self.most {
            self.plenty.max(len)
        } else {
            remaining
        };
        Some(Run {
            len,
            until: size.saturating_sub(least).max(claimed).saturating_add(1),
        })
    }

    /// A share of what remains. Out of the way of the largest and the smallest chunks: a division
    /// takes registers that the loop around it needs.
    #[cold]
    #[inline(never)]
    fn guided(&self, remaining: usize) -> usize {
        let share = remaining.checked_div(self.shares).unwrap_or(remaining);
        round_down(share, self.min)
    }
}

/// Several chunks of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The length of each chunk in units, never 0.
    pub(crate) len: usize,
    /// Chunks have this length as long as fewer units than this are claimed.
    pub(crate) until: usize,
}

/// Rounds down to a multiple of `unit`, which is not 0.
fn round_down(value: usize, unit: usize) -> usize {
    value - value.checked_rem(unit).unwrap_or(0)
}
