// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/limits.rs`.

use crate::ktask::protocol::limits::default_limit;
use crate::ktask::protocol::limits::nearest_with_room;
use crate::ktask::protocol::limits::Charge;
use crate::ktask::protocol::limits::Rlim;
use crate::ktask::protocol::limits::LIMIT_MAX;
use crate::ktask::sync::preempt;
use crate::util::config;
use crate::util::fewer_cases;
use crate::util::number;
use crate::util::Random;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::Index, //
};
use std::{
    sync::{
        atomic::{
            AtomicBool,
            AtomicU32,
            Ordering, //
        },
        Barrier, //
    },
    thread, //
};

/// `mult_frac()` of `linux/math.h`.
fn mult_frac(x: usize, n: usize, d: usize) -> usize {
    x / d * n + x % d * n / d
}

fn limited(limit: u32) -> Rlim {
    let rlim = Rlim::new();
    rlim.set(Some(limit));
    rlim
}

/// Takes as often as the limit allows, `most` times at most; returns how often.
fn take_all(rlim: &Rlim, most: u32) -> u32 {
    (0..most).take_while(|_| rlim.take()).count() as u32
}

#[test]
fn p10_default_is_80_percent_rounded_down() {
    for cpus in 0..5000 {
        assert_eq!(default_limit(cpus) as usize, cpus * 80 / 100);
        assert_eq!(default_limit(cpus) as usize, mult_frac(cpus, 80, 100));
    }
}

#[test]
fn new_limit_is_zero() {
    let rlim = Rlim::new();
    assert_eq!((rlim.cur(), rlim.max()), (0, 0));
    assert!(!rlim.take());
    assert_eq!(rlim.cur(), 0);
}

#[test]
fn p10_limit_of_zero_turns_helpers_off() {
    let rlim = Rlim::new();
    rlim.follow(100);
    rlim.set(Some(0));
    assert!(!rlim.take());
    rlim.set(None);
    assert!(rlim.take());
}

#[test]
fn administrators_limit_comes_first() {
    let rlim = Rlim::new();
    rlim.follow(10);
    assert_eq!(rlim.max(), 8);
    rlim.set(Some(3));
    assert_eq!(rlim.max(), 3);
    // CPUs that come and go do not override it, but are not forgotten.
    rlim.follow(20);
    assert_eq!(rlim.max(), 3);
    rlim.set(None);
    assert_eq!(rlim.max(), 16);
}

#[test]
fn administrators_limit_has_an_upper_bound() {
    for limit in [LIMIT_MAX, LIMIT_MAX + 1, u32::MAX - 1, u32::MAX] {
        assert_eq!(limited(limit).max(), LIMIT_MAX);
    }
    assert_eq!(limited(LIMIT_MAX - 1).max(), LIMIT_MAX - 1);
}

/// What follows the CPUs may be out of date, so that alone shuts nothing.
#[test]
fn p15_only_a_set_limit_or_other_helpers_shut() {
    let rlim = Rlim::new();
    assert!(!rlim.has_room() && !rlim.is_shut());
    rlim.follow(2);
    assert!(rlim.take() && rlim.is_shut());
    rlim.put();
    assert!(!rlim.is_shut());
    rlim.set(Some(0));
    assert!(rlim.is_shut());
    rlim.set(None);
    assert!(!rlim.is_shut());
}

#[test]
fn lowered_limit_stops_new_helpers_only() {
    let rlim = limited(5);
    assert_eq!(take_all(&rlim, 9), 5);
    rlim.set(Some(2));
    assert_eq!(rlim.cur(), 5);
    for cur in [4, 3, 2] {
        rlim.put();
        assert_eq!(rlim.cur(), cur);
        assert!(!rlim.take());
    }
    rlim.put();
    assert!(rlim.take());
    assert!(!rlim.take());
}

#[test]
fn p11_full_node_lets_its_helper_run_anywhere() {
    let (global, nodes) = (limited(3), [limited(1), limited(0)]);
    let take = |node| Charge::take(&global, &nodes, node);
    assert_eq!(take(Some(0)), Some(Charge::Node(0)));
    assert_eq!(take(Some(0)), Some(Charge::Anywhere));
    assert_eq!(take(Some(1)), Some(Charge::Anywhere));
    assert_eq!(take(Some(1)), None);
    assert_eq!((global.cur(), nodes[0].cur(), nodes[1].cur()), (3, 1, 0));
}

#[test]
fn p11_full_machine_takes_no_helper() {
    let (global, nodes) = (limited(0), [limited(9)]);
    for node in [None, Some(0), Some(7)] {
        assert_eq!(Charge::take(&global, &nodes, node), None);
    }
    assert_eq!((global.cur(), nodes[0].cur()), (0, 0));
}

#[test]
fn charge_tells_its_node() {
    assert_eq!(Charge::Anywhere.node(), None);
    assert_eq!(Charge::Node(0).node(), Some(0));
    assert_eq!(Charge::Node(7).node(), Some(7));
}

#[test]
fn p11_no_node_is_near_to_anywhere() {
    assert_eq!(nearest_with_room(&[limited(1)], None, |_, _| Some(0)), None);
}

#[test]
fn unknown_node_is_anywhere() {
    let (global, nodes) = (limited(9), [limited(9)]);
    let charge = Charge::take(&global, &nodes, Some(usize::MAX)).unwrap();
    assert_eq!(charge, Charge::Anywhere);
    assert_eq!(charge.move_to(&nodes, usize::MAX), None);
    charge.put(&global, &nodes);
    assert_eq!((global.cur(), nodes[0].cur()), (0, 0));
}

/// Runs `workers` threads that take and put; returns the most that was ever counted at once.
fn hammer(rlim: &Rlim, workers: u64, rounds: usize, start: &Barrier) -> u32 {
    let held = AtomicU32::new(0);
    thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|seed| {
                let (held, start) = (&held, &start);
                scope.spawn(move || {
                    preempt::enable(seed);
                    let mut most = 0;
                    start.wait();
                    for _ in 0..rounds {
                        if rlim.take() {
                            // Less than the limit's own counter, never more: counted after it,
                            // and given back before it.
                            let held_now = held.fetch_add(1, Ordering::SeqCst) + 1;
                            most = most.max(held_now).max(rlim.cur());
                            held.fetch_sub(1, Ordering::SeqCst);
                            rlim.put();
                        } else {
                            most = most.max(rlim.cur());
                        }
                    }
                    most
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .max()
            .unwrap()
    })
}

#[test]
fn p10_threads_never_exceed_the_limit() {
    for limit in [1, 2, 3] {
        let rlim = limited(limit);
        let most = hammer(&rlim, 4, 50_000, &Barrier::new(4));
        assert!(most <= limit, "{most} helpers, limit {limit}");
        assert!(most > 0);
        assert_eq!(rlim.cur(), 0);
    }
}

#[test]
fn p10_threads_never_exceed_a_changing_limit() {
    let rlim = Rlim::new();
    rlim.follow(4);
    let stop = AtomicBool::new(false);
    let start = Barrier::new(4);
    let most = thread::scope(|scope| {
        // Only the largest limit holds throughout: a thread may have seen any of them just now.
        scope.spawn(|| {
            start.wait();
            for cpus in (0..=4).cycle() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                rlim.follow(cpus);
                rlim.set(Some(cpus as u32 / 2));
                thread::yield_now();
                rlim.set(None);
            }
        });
        let most = hammer(&rlim, 3, 100_000, &start);
        stop.store(true, Ordering::Relaxed);
        most
    });
    assert!(most <= default_limit(4), "{most}");
    assert_eq!(rlim.cur(), 0);
}

#[test]
fn p10_charges_of_threads_add_up() {
    const LIMIT: u32 = 3;
    let (global, nodes) = (limited(LIMIT), [limited(1), limited(2), limited(0)]);
    thread::scope(|scope| {
        for seed in 0..4 {
            let (global, nodes) = (&global, &nodes);
            scope.spawn(move || {
                preempt::enable(seed);
                let mut random = Random::new(seed);
                let mut held: Vec<Charge> = Vec::new();
                for _ in 0..50_000 {
                    match random.below(4) {
                        0 | 1 => {
                            let node = [None, Some(0), Some(1), Some(2)][random.below(4)];
                            held.extend(Charge::take(global, nodes, node));
                        }
                        2 if !held.is_empty() => {
                            let at = random.below(held.len());
                            if let Some(moved) = held[at].move_to(nodes, random.below(3)) {
                                held[at] = moved;
                            }
                        }
                        _ => {
                            if let Some(charge) = held.pop() {
                                charge.put(global, nodes);
                            }
                        }
                    }
                    assert!(global.cur() <= LIMIT);
                    for node in nodes {
                        assert!(node.cur() <= node.max());
                    }
                }
                for charge in held {
                    charge.put(global, nodes);
                }
            });
        }
    });
    assert_eq!(global.cur(), 0);
    assert!(nodes.iter().all(|node| node.cur() == 0));
}

/// What can happen to charges.
#[derive(Clone, Debug)]
enum Step {
    Take(Option<usize>),
    Move(Index, usize),
    Put(Index),
    SetGlobal(u32),
    SetNode(usize, u32),
}

const NODES: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    // One node id too many, now and then.
    prop_oneof![
        6 => option::of(0..=NODES).prop_map(Step::Take),
        3 => (any::<Index>(), 0..=NODES).prop_map(|(charge, node)| Step::Move(charge, node)),
        3 => any::<Index>().prop_map(Step::Put),
        1 => (0u32..8).prop_map(Step::SetGlobal),
        1 => (0..NODES, 0u32..4).prop_map(|(node, limit)| Step::SetNode(node, limit)),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p10_default_never_overflows(cpus in number()) {
        let expected = (cpus as u128 * 80 / 100).min(LIMIT_MAX.into());
        prop_assert_eq!(u128::from(default_limit(cpus)), expected);
    }

    #[test]
    fn p10_counts_up_to_the_limit_and_back(limit in 0u32..100, cpus in 0usize..100, set: bool) {
        let rlim = Rlim::new();
        rlim.follow(cpus);
        let expected = if set {
            rlim.set(Some(limit));
            limit
        } else {
            default_limit(cpus)
        };
        prop_assert_eq!(rlim.max(), expected);
        for _ in 0..expected {
            prop_assert!(rlim.has_room());
            prop_assert!(rlim.take());
        }
        prop_assert!(!rlim.has_room());
        prop_assert_eq!(take_all(&rlim, 200), 0);
        for left in (0..expected).rev() {
            rlim.put();
            prop_assert_eq!(rlim.cur(), left);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p11_spilled_helper_goes_to_the_nearest_node_with_room(
        shapes in vec((0u32..3, 0u32..3, 10u32..15, any::<bool>()), 1..8), near in 0usize..9,
    ) {
        // How far the node is that is near, and how far the others.
        let distance = |to: usize| if to == near { 10 } else { shapes[to].2 };
        // The last says whether the node has CPUs; room without them is none.
        let rooms =
            |&(limit, taken, _, cpus): &(u32, u32, u32, bool)| taken < limit && cpus;
        let nodes: Vec<_> = shapes
            .iter()
            .map(|&(limit, taken, _, _)| {
                let rlim = limited(taken);
                take_all(&rlim, taken);
                rlim.set(Some(limit));
                rlim
            })
            .collect();
        let found = nearest_with_room(&nodes, Some(near), |from, to| {
            assert_eq!(from, near);
            shapes[to].3.then(|| distance(to))
        });
        let nearest = (0..nodes.len()).filter(|&node| rooms(&shapes[node])).map(distance).min();
        prop_assert_eq!(found.map(distance), nearest);
        prop_assert!(found.is_none_or(|node| rooms(&shapes[node])));
        // Itself first, even if another claims to be as near.
        if shapes.get(near).is_some_and(rooms) {
            prop_assert_eq!(found, Some(near));
        }
        // To ask is not to take.
        for (rlim, &(_, taken, _, _)) in nodes.iter().zip(&shapes) {
            prop_assert_eq!(rlim.cur(), taken);
        }
    }
}

proptest! {
    // Each case is a long sequence.
    #![proptest_config(fewer_cases(2))]

    #[test]
    fn p10_p11_charges_are_counted_where_they_are(steps in vec(step(), 0..300)) {
        let (mut most, mut most_on) = (5, [2, 1, 0]);
        let global = limited(most);
        let nodes = most_on.map(limited);
        let mut held: Vec<Charge> = Vec::new();
        let on = |held: &[Charge], node| {
            held.iter().filter(|&&charge| charge == Charge::Node(node)).count() as u32
        };
        for step in steps {
            let room = |held: &[Charge], node| node < NODES && on(held, node) < most_on[node];
            match step {
                Step::Take(node) => {
                    let expected = match node {
                        _ if held.len() as u32 >= most => None,
                        Some(node) if room(&held, node) => Some(Charge::Node(node)),
                        _ => Some(Charge::Anywhere),
                    };
                    prop_assert_eq!(Charge::take(&global, &nodes, node), expected);
                    held.extend(expected);
                }
                Step::Move(index, node) if !held.is_empty() => {
                    let charge = index.get(&held);
                    let expected = room(&held, node).then_some(Charge::Node(node));
                    prop_assert_eq!(charge.move_to(&nodes, node), expected);
                    if let Some(charge) = expected {
                        let at = index.index(held.len());
                        held[at] = charge;
                    }
                }
                Step::Put(index) if !held.is_empty() => {
                    held.swap_remove(index.index(held.len())).put(&global, &nodes);
                }
                Step::SetGlobal(limit) => {
                    most = limit;
                    global.set(Some(limit));
                }
                Step::SetNode(node, limit) => {
                    most_on[node] = limit;
                    nodes[node].set(Some(limit));
                }
                Step::Move(..) | Step::Put(_) => {}
            }
            prop_assert_eq!(global.cur() as usize, held.len());
            for (node, rlim) in nodes.iter().enumerate() {
                prop_assert_eq!(rlim.cur(), on(&held, node));
            }
        }
        for charge in held {
            charge.put(&global, &nodes);
        }
        prop_assert_eq!(global.cur(), 0);
        prop_assert!(nodes.iter().all(|rlim| rlim.cur() == 0));
    }
}
