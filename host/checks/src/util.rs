// SPDX-License-Identifier: GPL-2.0

//! What several tests need.

use proptest::prelude::*;

/// Settings for property tests: the usual ones, PROPTEST_CASES included, but nothing is written
/// into the source tree.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// As [`config`], for tests that take long.
pub(crate) fn fewer_cases(divisor: u32) -> ProptestConfig {
    let config = config();
    ProptestConfig {
        cases: (config.cases / divisor).max(1),
        ..config
    }
}

/// Any number, with those where arithmetic goes wrong more often.
pub(crate) fn number() -> impl Strategy<Value = usize> {
    prop_oneof![
        2 => 0usize..=4,
        2 => 0usize..10_000,
        1 => (0u32..usize::BITS, 0usize..3).prop_map(|(bit, off)| (1usize << bit)
            .wrapping_add(off)
            .wrapping_sub(1)),
        1 => (0usize..=4).prop_map(|less| usize::MAX - less),
        2 => any::<usize>(),
    ]
}

/// As [`number`], but never 0.
pub(crate) fn positive() -> impl Strategy<Value = usize> {
    number().prop_map(|number| number.max(1))
}

/// A small generator for threads that need their own random numbers (Marsaglia's xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number in `0..bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}
