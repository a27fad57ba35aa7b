// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/placement/excluded.rs`.

use crate::{
    ktask::placement::excluded::Excluded,
    util::config, //
};
use core::cell::RefCell;
use proptest::{
    collection::vec,
    prelude::*, //
};
use std::collections::BTreeSet;

type Cpus = Excluded<Vec<u32>>;

fn none(len: usize) -> Cpus {
    Excluded::none(vec![0; len], vec![0; len])
}

/// Two helpers that were displaced from `cpu`, the second one for sure.
fn exclude(excluded: &mut Cpus, cpu: u32) {
    excluded.displaced(cpu, false);
    assert!(excluded.displaced(cpu, true));
}

fn excluding(len: usize, cpus: &[u32]) -> Cpus {
    let mut excluded = none(len);
    for &cpu in cpus {
        exclude(&mut excluded, cpu);
    }
    excluded
}

#[test]
fn nothing_is_excluded_at_first() {
    let excluded = none(8);
    assert!(!excluded.any() && !excluded.any_doubt());
    assert!((0..9).all(|cpu| !excluded.has(cpu) && !excluded.suspects(cpu)));
}

/// The worker may have been late with a cancelled offer, so that it is another pool's.
#[test]
fn p15_first_displaced_helper_makes_a_suspect_only() {
    for conclusive in [false, true] {
        let mut excluded = none(8);
        assert!(!excluded.displaced(3, conclusive));
        assert!(excluded.suspects(3) && !excluded.has(3));
        assert!(excluded.any_doubt() && !excluded.any());
    }
}

#[test]
fn p15_late_work_items_teach_nothing() {
    let mut excluded = none(8);
    for _ in 0..100 {
        assert!(!excluded.displaced(3, false));
        assert!(!excluded.has(3) && !excluded.any());
    }
}

#[test]
fn p15_proof_excludes_a_suspect() {
    let mut excluded = none(8);
    excluded.displaced(3, false);
    assert!(excluded.displaced(3, true));
    assert!(excluded.has(3) && !excluded.suspects(3) && excluded.any());
    // No news.
    assert!(!excluded.displaced(3, true) && !excluded.displaced(3, false));
    assert!(excluded.has(3));
}

#[test]
fn a_worker_clears_a_suspect() {
    let mut excluded = none(8);
    excluded.displaced(3, false);
    // Nothing changes for the tables: a suspect is used.
    assert!(!excluded.served(3));
    assert!(!excluded.suspects(3) && !excluded.any_doubt());
    assert!(!excluded.displaced(3, true));
    assert!(!excluded.has(3));
}

#[test]
fn a_worker_takes_back_an_exclusion() {
    let mut excluded = excluding(8, &[3, 5]);
    assert!(excluded.served(3));
    assert!(!excluded.served(3));
    assert!(!excluded.has(3) && excluded.has(5));
    assert!(excluded.served(5));
    assert!(!excluded.any() && !excluded.any_doubt());
}

#[test]
fn p15_suspicion_ends_where_it_is_over() {
    let mut excluded = excluding(8, &[1]);
    for cpu in [2, 3, 4] {
        excluded.displaced(cpu, false);
    }
    excluded.clear_suspects(|cpu| cpu != 3);
    assert!(excluded.suspects(3) && excluded.has(1));
    assert!(!excluded.suspects(2) && !excluded.suspects(4));
    // Counted as they are.
    excluded.served(1);
    assert!(excluded.any_doubt());
    excluded.served(3);
    assert!(!excluded.any_doubt());
    excluded.clear_suspects(|_| unreachable!("nobody is suspected"));
}

#[test]
fn unknown_cpus_are_never_excluded() {
    let mut excluded = none(8);
    for cpu in [8, u32::MAX] {
        assert!(!excluded.displaced(cpu, false));
        assert!(!excluded.displaced(cpu, true));
        assert!(!excluded.has(cpu) && !excluded.suspects(cpu) && !excluded.served(cpu));
    }
    assert!(!excluded.any_doubt());
}

#[test]
fn nothing_to_try_again() {
    assert!(!none(8).try_one_again());
    assert!(!none(0).try_one_again());
}

#[test]
fn tried_cpu_is_a_suspect() {
    let mut excluded = excluding(8, &[6]);
    assert!(excluded.try_one_again());
    assert!(!excluded.has(6) && excluded.suspects(6));
    // One proof is enough to have it excluded again.
    assert!(excluded.displaced(6, true));
}

/// Helpers look at the excluded CPUs meanwhile, as many as it may be.
#[test]
fn p15_each_has_its_turn() {
    for helpers in 0..10 {
        let cpus = [1, 4, 7, 6];
        let mut excluded = excluding(8, &cpus);
        let mut tried = BTreeSet::new();
        for _ in 0..2 * cpus.len() {
            assert!(excluded.try_one_again());
            let cpu = (0..8).find(|&cpu| excluded.suspects(cpu)).unwrap();
            tried.insert(cpu);
            assert!(excluded.displaced(cpu, true));
            for _ in 0..helpers {
                assert!(!excluded.disprove(|_| false));
            }
        }
        assert_eq!(tried, BTreeSet::from(cpus), "{helpers} helpers");
    }
}

/// Each helper looks, under the lock of the machine. All CPUs of the machine were looked at before.
#[test]
fn p15_a_helper_looks_at_one_cpu_while_nothing_is_disproved() {
    let mut excluded = excluding(8192, &(0..4096).collect::<Vec<_>>());
    let looks = RefCell::new(Vec::new());
    for helpers in 1..=4096 {
        assert!(!excluded.disprove(|cpu| {
            looks.borrow_mut().push(cpu);
            false
        }));
        assert_eq!(looks.borrow().len(), helpers);
    }
    // Another one each time.
    let seen: BTreeSet<_> = looks.into_inner().into_iter().collect();
    assert!(seen.into_iter().eq(0..4096));
}

/// What can happen.
#[derive(Clone, Debug)]
enum Step {
    Displaced(u32, bool),
    Served(u32),
    /// A worker that may run on the CPUs that are set here looks.
    Disprove(Vec<bool>),
    TryAgain,
}

const CPUS: u32 = 12;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..CPUS, any::<bool>()).prop_map(|(cpu, proof)| Step::Displaced(cpu, proof)),
        1 => (0..CPUS).prop_map(Step::Served),
        1 => vec(prop::bool::weighted(0.2), CPUS as usize).prop_map(Step::Disprove),
        1 => Just(Step::TryAgain),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p15_states_of_all_cpus(steps in vec(step(), 0..100)) {
        let mut excluded = none(CPUS as usize);
        let mut suspects = BTreeSet::new();
        let mut out = BTreeSet::new();
        for step in steps {
            match step {
                Step::Displaced(cpu, proof) => {
                    let news = proof && suspects.contains(&cpu);
                    prop_assert_eq!(excluded.displaced(cpu, proof), news);
                    if news {
                        suspects.remove(&cpu);
                        out.insert(cpu);
                    } else if !out.contains(&cpu) {
                        suspects.insert(cpu);
                    }
                }
                Step::Served(cpu) => {
                    suspects.remove(&cpu);
                    prop_assert_eq!(excluded.served(cpu), out.remove(&cpu));
                }
                Step::Disprove(served) => {
                    let wrong: BTreeSet<_> =
                        out.iter().copied().filter(|&cpu| served[cpu as usize]).collect();
                    // In as many looks as there are exclusions, if there is one to disprove.
                    let looks = out.len();
                    let found = (0..looks).any(|_| excluded.disprove(|cpu| served[cpu as usize]));
                    prop_assert_eq!(found, !wrong.is_empty());
                    out.retain(|cpu| !wrong.contains(cpu));
                }
                Step::TryAgain => {
                    prop_assert_eq!(excluded.try_one_again(), !out.is_empty());
                    let tried = out.iter().copied().find(|&cpu| !excluded.has(cpu));
                    prop_assert_eq!(tried.is_some(), !out.is_empty());
                    if let Some(cpu) = tried {
                        out.remove(&cpu);
                        suspects.insert(cpu);
                    }
                }
            }
            for cpu in 0..CPUS {
                prop_assert_eq!(excluded.has(cpu), out.contains(&cpu));
                prop_assert_eq!(excluded.suspects(cpu), suspects.contains(&cpu));
            }
            prop_assert_eq!(excluded.any(), !out.is_empty());
            prop_assert_eq!(excluded.any_doubt(), !out.is_empty() || !suspects.is_empty());
        }
    }

    /// However many are excluded, each gets its chance.
    #[test]
    fn p15_all_are_tried_again_in_the_end(before in vec(any::<bool>(), 0..64)) {
        let mut excluded = none(before.len());
        for (cpu, _) in before.iter().enumerate().filter(|(_, &was)| was) {
            exclude(&mut excluded, cpu as u32);
        }
        let mut tries = 0;
        while excluded.try_one_again() {
            tries += 1;
        }
        prop_assert_eq!(tries, before.iter().filter(|&&was| was).count());
        prop_assert!(!excluded.any());
    }
}
