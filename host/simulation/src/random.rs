// SPDX-License-Identifier: GPL-2.0

//! Numbers that look random and are the same in every run.

/// A number from a seed and what it is for (splitmix64).
pub(crate) fn hash(seed: u64, what: [u64; 2]) -> u64 {
    let mut mixed = seed;
    for word in what {
        mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_add(word);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
    }
    mixed
}

/// As [`hash`], evenly from `0.0..1.0`.
pub(crate) fn uniform(seed: u64, what: [u64; 2]) -> f64 {
    (hash(seed, what) >> 11) as f64 / (1u64 << 53) as f64
}

/// A stream of numbers.
pub(crate) struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next number, evenly from `0.0..1.0`.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.drawn += 1;
        uniform(self.seed, [0x5eed, self.drawn])
    }

    /// The next number, evenly from `0..limit` (not 0).
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.uniform() * limit as f64) as usize
    }
}
