// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/parts.rs`.

use crate::{
    ktask::{
        policy::chunk::Sizes,
        protocol::{
            part::Part,
            parts::{
                callers_part,
                most_left,
                most_left_on,
                next_part,
                part_for, //
            }, //
        }, //
    },
    util::{
        config,
        fewer_cases,
        number, //
    }, //
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index, //
};

fn parts_of(sizes: &[usize]) -> Vec<Part> {
    sizes.iter().map(|&size| Part::new(0, size, -1)).collect()
}

/// Sends up to `threads` threads to the parts; returns how many each got.
fn distribute(parts: &[Part], threads: usize) -> Vec<usize> {
    for _ in 0..threads {
        let Some((index, part)) = next_part(parts) else {
            break;
        };
        assert!(core::ptr::eq(part, &parts[index]));
        part.add_thread();
    }
    parts.iter().map(|part| part.threads() as usize).collect()
}

/// The first part with the largest weight, found the slow way.
fn heaviest(weights: &[usize]) -> Option<usize> {
    let most = *weights.iter().max()?;
    if most == 0 {
        return None;
    }
    weights.iter().position(|&weight| weight == most)
}

#[test]
fn no_parts_no_part() {
    assert!(next_part(&[]).is_none());
    assert_eq!(most_left(&[], 0), None);
    assert_eq!(most_left(&[], 1), None);
    assert_eq!(callers_part(&[], Some(0)), None);
    let empty = parts_of(&[0, 0, 0]);
    assert!(next_part(&empty).is_none());
    assert_eq!(most_left(&empty, 1), None);
    assert_eq!(callers_part(&empty, None), None);
}

/// Parts that are listed node after node: each node gets helpers in proportion to its parts.
#[test]
fn helpers_of_many_parts_are_spread_over_all_nodes() {
    let parts: Vec<_> = (0..800).map(|part| Part::new(0, 64, part / 100)).collect();
    for threads in [9, 64, 799] {
        let mut helpers = [0usize; 8];
        for number in 1..threads {
            let (index, part) = part_for(&parts, 800 * 64, number, threads).unwrap();
            assert!(core::ptr::eq(part, &parts[index]));
            helpers[part.nid().unwrap()] += 1;
            part.add_thread();
        }
        let most = threads.div_ceil(8);
        assert!(
            helpers.iter().all(|&here| here.abs_diff(most) <= 1),
            "{helpers:?}"
        );
    }
}

/// Whatever the sizes of parts, empty ones among them, a helper is sent to one with units.
#[test]
fn no_helper_is_sent_to_an_empty_part() {
    let parts = parts_of(&[0, 3, 0, 0, 9, 1, 0]);
    for number in 1..6 {
        let (_, part) = part_for(&parts, 13, number, 6).unwrap();
        assert!(part.size() > 0);
    }
    assert!(part_for(&parts_of(&[0, 0, 0]), 0, 1, 2).is_none());
    assert!(part_for(&[], 0, 1, 2).is_none());
}

/// A thread that looks for work must not take longer, the more parts there are.
#[test]
fn p19_helper_that_comes_finds_the_most_work_of_its_node() {
    let parts: Vec<_> = [(5, 0), (9, 1), (7, -1), (6, 0)]
        .map(|(size, nid)| Part::new(0, size, nid))
        .into();
    assert_eq!(most_left_on(&parts, Some(0)), Some(2));
    assert_eq!(most_left_on(&parts, Some(1)), Some(1));
    assert_eq!(most_left_on(&parts, None), Some(2));
    // Of what is left, whoever claimed it.
    assert_eq!(parts[2].claim(0, 2), Ok(()));
    assert_eq!(most_left_on(&parts, Some(0)), Some(3));
    assert_eq!(parts[1].claim(0, 9), Ok(()));
    assert_eq!(most_left_on(&parts, Some(1)), Some(2));
    assert_eq!(most_left_on(&parts[..2], Some(1)), None);
    // It is done under a lock.
    let many: Vec<_> = (0..5000).map(|nid| Part::new(0, 1, nid / 4999)).collect();
    assert_eq!(most_left_on(&many, Some(1)), None);
}

/// Those that were sent somewhere and have left are replaced there.
#[test]
fn p19_helpers_are_sent_where_others_have_left() {
    let parts = parts_of(&[8, 8]);
    assert_eq!(distribute(&parts, 4), [2, 2]);
    parts[1].remove_thread();
    assert_eq!(distribute(&parts, 1), [2, 2]);
}

/// Helpers that come late have higher numbers, and find what is left.
#[test]
fn p19_late_helpers_find_the_work_that_is_left() {
    let parts = parts_of(&[4, 4, 4, 4]);
    for part in &parts[..3] {
        assert_eq!(part.claim(0, 4), Ok(()));
    }
    for number in 1..20 {
        let (index, _) = part_for(&parts, 16, number, 3).unwrap();
        assert_eq!(index, 3);
    }
    assert_eq!(parts[3].claim(0, 4), Ok(()));
    assert!(part_for(&parts, 16, 1, 3).is_none());
}

#[test]
fn most_left_looks_at_the_next_parts_only() {
    let parts = parts_of(&(1..=10_000).collect::<Vec<_>>());
    for after in [0, 1, 5000, 9000] {
        let found = most_left(&parts, after).unwrap();
        assert!((after..after + 500).contains(&found), "{after}: {found}");
    }
    // Parts behind the last one are before the first.
    assert!(most_left(&parts, 9_999).is_some_and(|found| found == 9_999 || found < 500));
    // Every node of a large machine is compared.
    assert!(most_left(&parts, 0).is_some_and(|found| found >= 15));
}

#[test]
fn caller_starts_on_its_own_node() {
    let parts = [
        Part::new(0, 1000, -1),
        Part::new(0, 10, 1),
        Part::new(0, 20, 1),
        Part::new(0, 0, 2),
        Part::new(0, 30, 3),
    ];
    assert_eq!(callers_part(&parts, Some(1)), Some(2));
    assert_eq!(callers_part(&parts, Some(3)), Some(4));
    // Nothing to do on its own node, no such node, and a node that is not known.
    assert_eq!(callers_part(&parts, Some(2)), Some(0));
    assert_eq!(callers_part(&parts, Some(9)), Some(0));
    assert_eq!(callers_part(&parts, None), Some(0));
}

proptest! {
    #![proptest_config(config())]

    /// Sizes in whole shares, as many threads as shares: nothing to round.
    #[test]
    fn threads_are_sent_in_proportion_to_size(shares in vec(0usize..=5, 1..6)) {
        // Divisible by every number of threads that can come up.
        const SHARE: usize = 26_771_144_400;
        let sizes: Vec<_> = shares.iter().map(|share| share * SHARE).collect();
        let parts = parts_of(&sizes);
        let threads = distribute(&parts, shares.iter().sum());
        prop_assert_eq!(threads, shares);
    }

    /// No thread would have had more to do on another part.
    #[test]
    fn no_thread_is_better_off_elsewhere(sizes in vec(number(), 1..10), threads in 1usize..200) {
        let parts = parts_of(&sizes);
        let sent = distribute(&parts, threads);
        for (here, &at) in sent.iter().enumerate() {
            if at == 0 {
                continue;
            }
            for (there, &others) in sent.iter().enumerate() {
                prop_assert!(sizes[there] / (others + 1) <= sizes[here] / at);
            }
        }
    }

    #[test]
    fn equal_parts_get_equally_many_threads(
        size in 1000usize.., parts in 1usize..10, threads in 1usize..200,
    ) {
        let sent = distribute(&parts_of(&vec![size; parts]), threads);
        let (least, most) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
        prop_assert!(most - least <= 1, "{sent:?}");
        prop_assert_eq!(sent.iter().sum::<usize>(), threads);
    }

    /// A task never has more threads than units, and then all of them find a part.
    #[test]
    fn every_thread_of_a_task_is_sent_somewhere(sizes in vec(0usize..20, 1..10)) {
        let total = sizes.iter().sum();
        let sent = distribute(&parts_of(&sizes), total);
        prop_assert_eq!(sent, sizes);
    }

    #[test]
    fn most_left_is_the_part_with_most_unclaimed(
        sizes in vec(0usize..1000, 1..8),
        claims in vec((any::<Index>(), 1usize..50, number()), 0..40),
    ) {
        let parts = parts_of(&sizes);
        let mut left = sizes;
        for (index, min, after) in claims {
            let index = index.index(parts.len());
            left[index] -= parts[index].claims(Sizes::new(parts[index].size(), min, 8)).next(0).map_or(0, |chunk| chunk.len);
            // Of equals, the next one: threads from different parts go different ways.
            let turn = if after < left.len() { after } else { 0 };
            let mut turned = left.clone();
            turned.rotate_left(turn);
            let expected = heaviest(&turned).map(|index| (index + turn) % left.len());
            prop_assert_eq!(most_left(&parts, after), expected);
        }
    }

    /// Also where one part in thousands has something left.
    #[test]
    fn p1_most_left_finds_the_last_unit(
        parts in 1usize..2000, at in any::<Index>(), after in number(),
    ) {
        let mut sizes = vec![0; parts];
        sizes[at.index(parts)] = 1;
        let expected = Some(at.index(parts));
        prop_assert_eq!(most_left(&parts_of(&sizes), after), expected);
    }

    #[test]
    fn callers_part_is_its_nodes_largest_or_the_largest(
        shapes in vec((0usize..4, -1i32..4), 0..8), node in proptest::option::of(0usize..5),
    ) {
        let parts: Vec<_> = shapes.iter().map(|&(size, nid)| Part::new(0, size, nid)).collect();
        let on_node = |&(size, nid): &(usize, i32)| match node {
            Some(node) if nid >= 0 && nid as usize == node => size,
            _ => 0,
        };
        let near: Vec<_> = shapes.iter().map(on_node).collect();
        let all: Vec<_> = shapes.iter().map(|&(size, _)| size).collect();
        let expected = heaviest(&near).or(heaviest(&all));
        prop_assert_eq!(callers_part(&parts, node), expected);
    }
}

proptest! {
    #![proptest_config(fewer_cases(8))]

    /// Going where most is left until nothing is left gets everything done.
    #[test]
    fn p1_most_left_leads_to_every_unit(sizes in vec(number(), 0..100), min in number()) {
        let parts = parts_of(&sizes);
        let mut last = 0;
        while let Some(part) = most_left(&parts, last) {
            prop_assert!(parts[part].claims(Sizes::new(parts[part].size(), min, 4)).next(0).is_some());
            last = part;
        }
        prop_assert!(parts.iter().all(|part| part.remaining() == 0));
    }
}
