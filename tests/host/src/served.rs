// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/placement/excluded.rs`.

use crate::ktask::placement::excluded::Excluded;
use crate::util::config;
use proptest::{
    collection::vec,
    prelude::*, //
};

fn excluding(len: usize, cpus: &[u32]) -> Excluded<Vec<bool>> {
    let mut excluded = Excluded::none(vec![false; len]);
    for &cpu in cpus {
        excluded.set(cpu, true);
    }
    excluded
}

fn all(excluded: &Excluded<Vec<bool>>) -> Vec<u32> {
    (0..64).filter(|&cpu| excluded.has(cpu)).collect()
}

#[test]
fn nothing_is_excluded_at_first() {
    let excluded = excluding(8, &[]);
    assert!(!excluded.any());
    assert!(all(&excluded).is_empty());
}

#[test]
fn setting_tells_of_changes() {
    let mut excluded = excluding(8, &[]);
    assert!(excluded.set(3, true));
    assert!(!excluded.set(3, true));
    assert!(excluded.any());
    assert!(excluded.set(3, false));
    assert!(!excluded.set(3, false));
    assert!(!excluded.any());
}

#[test]
fn unknown_cpus_are_never_excluded() {
    let mut excluded = excluding(8, &[]);
    assert!(!excluded.set(8, true));
    assert!(!excluded.set(u32::MAX, true));
    assert!(!excluded.any() && !excluded.has(u32::MAX));
}

#[test]
fn each_is_tried_again_in_turn() {
    let mut excluded = excluding(8, &[1, 4, 7]);
    for cpu in [1, 4, 7, 1, 4] {
        assert!(excluded.try_one_again());
        assert!(!excluded.has(cpu), "CPU {cpu} should have had its turn");
        excluded.set(cpu, true);
    }
}

#[test]
fn nothing_to_try_again() {
    assert!(!excluding(8, &[]).try_one_again());
    assert!(!excluding(0, &[]).try_one_again());
}

proptest! {
    #![proptest_config(config())]

    /// A worker disproves what it may run on, and says nothing of the rest.
    #[test]
    fn worker_disproves_its_own_cpus_only(
        before in vec(any::<bool>(), 0..64),
        served in vec(any::<bool>(), 64),
    ) {
        let mut excluded = Excluded::none(before.clone());
        let changed = excluded.disprove(|cpu| served[cpu as usize]);
        let left: Vec<bool> = before.iter().zip(&served).map(|(&was, &on)| was && !on).collect();
        prop_assert_eq!(changed, left != before);
        for (cpu, &expected) in left.iter().enumerate() {
            prop_assert_eq!(excluded.has(cpu as u32), expected);
        }
    }

    /// However many are excluded, each gets its chance.
    #[test]
    fn all_are_tried_again_in_the_end(before in vec(any::<bool>(), 0..64)) {
        let mut excluded = Excluded::none(before.clone());
        let mut tries = 0;
        while excluded.try_one_again() {
            tries += 1;
        }
        prop_assert_eq!(tries, before.iter().filter(|&&was| was).count());
        prop_assert!(!excluded.any());
    }
}
