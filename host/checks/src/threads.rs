// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/policy/threads.rs`.

use crate::{
    ktask::policy::threads::{
        count,
        only_one, //
    },
    util::{
        config,
        number,
        positive, //
    }, //
};
use proptest::prelude::*;

#[test]
fn p12_examples() {
    assert_eq!(count(0, 0, 0, 0), 1);
    assert_eq!(count(100, 10, 64, 64), 10);
    assert_eq!(count(101, 10, 64, 64), 11);
    assert_eq!(count(101, 10, 4, 64), 4);
    assert_eq!(count(101, 10, 4, 3), 3);
    assert_eq!(count(9, 10, 64, 64), 1);
    assert_eq!(count(5, 0, 64, 64), 5);
    assert_eq!(count(usize::MAX, 1, usize::MAX, usize::MAX), usize::MAX);
    assert_eq!(count(usize::MAX, usize::MAX - 1, 64, 64), 2);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p12_count_is_the_least_of_the_three(
        size in number(), min in number(), max in number(), cpus in number(),
    ) {
        let (wide, step) = (size as u128, min.max(1) as u128);
        let chunks = wide / step + u128::from(wide % step != 0);
        let expected = chunks.min(max as u128).min(cpus as u128).max(1);
        prop_assert_eq!(count(size, min, max, cpus) as u128, expected);
    }

    #[test]
    fn p12_only_one_thread_is_a_count_of_one_with_all_cpus(
        size in positive(), min in number(), max in prop_oneof![0usize..4, number()],
    ) {
        prop_assert_eq!(only_one(size, min, max), count(size, min, max, usize::MAX) == 1);
    }
}
