// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/limits.rs`.

use crate::{
    ktask::protocol::limits::{
        default_limit, //
        Grant,
        Limits,
        Rlim,
        LIMIT_MAX,
    },
    preempt,
    util::{
        config,
        fewer_cases,
        number, //
        Random,
    }, //
};
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

fn limits(global: u32, nodes: &[u32]) -> Limits<Vec<Rlim>> {
    let limits = Limits::new(nodes.iter().copied().map(limited).collect());
    limits.global.set(Some(global));
    limits
}

/// How many helpers count against the machine, and against each node.
fn counts(limits: &Limits<Vec<Rlim>>) -> (u32, Vec<u32>) {
    (
        limits.global.cur(),
        limits.nodes.iter().map(Rlim::cur).collect(),
    )
}

/// Acquires as often as the limit allows, `most` times at most; returns how often.
fn acquire_all(rlim: &Rlim, most: u32) -> u32 {
    (0..most).take_while(|_| rlim.acquire()).count() as u32
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
    assert!(!rlim.acquire());
    assert_eq!(rlim.cur(), 0);
}

#[test]
fn p10_limit_of_zero_turns_helpers_off() {
    let rlim = Rlim::new();
    rlim.follow(100);
    rlim.set(Some(0));
    assert!(!rlim.acquire());
    rlim.set(None);
    assert!(rlim.acquire());
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

#[test]
fn p19_as_many_leave_as_are_too_many() {
    let rlim = limited(5);
    assert_eq!(acquire_all(&rlim, 5), 5);
    assert!(!rlim.release_excess());
    rlim.set(Some(2));
    for left in [true, true, true, false] {
        assert_eq!(rlim.release_excess(), left);
    }
    assert_eq!(rlim.cur(), 2);
    rlim.set(Some(0));
    assert!(rlim.release_excess() && rlim.release_excess() && !rlim.release_excess());
    assert_eq!(rlim.cur(), 0);
}

#[test]
fn p19_helper_that_leaves_gives_up_both_limits() {
    let limits = Limits::new(vec![limited(3), limited(3)]);
    limits.global.set(Some(4));
    let grants = [0, 0, 1].map(|node| limits.acquire(Some(node)).unwrap());
    let cur = || {
        let nodes: Vec<_> = limits.nodes.iter().map(Rlim::cur).collect();
        (limits.global.cur(), nodes)
    };
    assert!(grants.iter().all(|&grant| !limits.release_excess(grant)));
    limits.nodes[0].set(Some(1));
    assert!(!limits.release_excess(grants[2]));
    assert!(limits.release_excess(grants[0]));
    assert!(!limits.release_excess(grants[1]));
    assert_eq!(cur(), (2, vec![1, 1]));
    limits.global.set(Some(1));
    assert!(limits.release_excess(grants[2]));
    assert_eq!(cur(), (1, vec![1, 0]));
    assert!(!limits.release_excess(Grant::Anywhere));
}

#[test]
fn lowered_limit_stops_new_helpers_only() {
    let rlim = limited(5);
    assert_eq!(acquire_all(&rlim, 9), 5);
    rlim.set(Some(2));
    assert_eq!(rlim.cur(), 5);
    for cur in [4, 3, 2] {
        rlim.release();
        assert_eq!(rlim.cur(), cur);
        assert!(!rlim.acquire());
    }
    rlim.release();
    assert!(rlim.acquire());
    assert!(!rlim.acquire());
}

#[test]
fn p11_full_node_lets_its_helper_run_anywhere() {
    let limits = limits(3, &[1, 0]);
    assert_eq!(limits.acquire(Some(0)), Some(Grant::Node(0)));
    assert_eq!(limits.acquire(Some(0)), Some(Grant::Anywhere));
    assert_eq!(limits.acquire(Some(1)), Some(Grant::Anywhere));
    assert_eq!(limits.acquire(Some(1)), None);
    assert_eq!(counts(&limits), (3, vec![1, 0]));
}

#[test]
fn p11_full_machine_takes_no_helper() {
    let limits = limits(0, &[9]);
    for node in [None, Some(0), Some(7)] {
        assert_eq!(limits.acquire(node), None);
    }
    assert_eq!(counts(&limits), (0, vec![0]));
}

#[test]
fn grant_tells_its_node() {
    assert_eq!(Grant::Anywhere.node(), None);
    assert_eq!(Grant::Node(0).node(), Some(0));
    assert_eq!(Grant::Node(7).node(), Some(7));
}

#[test]
fn p11_no_node_is_near_to_anywhere() {
    let limits = limits(1, &[1]);
    assert_eq!(limits.nearest_with_room(None, |_| true, |_, _| 0), None);
}

#[test]
fn unknown_node_is_anywhere() {
    let limits = limits(9, &[9]);
    let grant = limits.acquire(Some(usize::MAX)).unwrap();
    assert_eq!(grant, Grant::Anywhere);
    assert_eq!(limits.move_to(grant, usize::MAX), None);
    limits.release(grant);
    assert_eq!(counts(&limits), (0, vec![0]));
}

/// Runs `workers` threads that acquire and release; returns the most that was ever counted at once.
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
                        if rlim.acquire() {
                            // Less than the limit's own counter, never more: counted after it,
                            // and given back before it.
                            let held_now = held.fetch_add(1, Ordering::SeqCst) + 1;
                            most = most.max(held_now).max(rlim.cur());
                            held.fetch_sub(1, Ordering::SeqCst);
                            rlim.release();
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
fn p10_grants_of_threads_add_up() {
    const LIMIT: u32 = 3;
    let limits = limits(LIMIT, &[1, 2, 0]);
    thread::scope(|scope| {
        for seed in 0..4 {
            let limits = &limits;
            scope.spawn(move || {
                preempt::enable(seed);
                let mut random = Random::new(seed);
                let mut held: Vec<Grant> = Vec::new();
                for _ in 0..50_000 {
                    match random.below(4) {
                        0 | 1 => {
                            let node = [None, Some(0), Some(1), Some(2)][random.below(4)];
                            held.extend(limits.acquire(node));
                        }
                        2 if !held.is_empty() => {
                            let at = random.below(held.len());
                            if let Some(moved) = limits.move_to(held[at], random.below(3)) {
                                held[at] = moved;
                            }
                        }
                        _ => {
                            if let Some(grant) = held.pop() {
                                limits.release(grant);
                            }
                        }
                    }
                    assert!(limits.global.cur() <= LIMIT);
                    for node in &limits.nodes {
                        assert!(node.cur() <= node.max());
                    }
                }
                for grant in held {
                    limits.release(grant);
                }
            });
        }
    });
    assert_eq!(counts(&limits), (0, vec![0; 3]));
}

/// What can happen to grants.
#[derive(Clone, Debug)]
enum Step {
    Acquire(Option<usize>),
    Move(Index, usize),
    Release(Index),
    SetGlobal(u32),
    SetNode(usize, u32),
}

const NODES: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    // One node id too many, now and then.
    prop_oneof![
        6 => option::of(0..=NODES).prop_map(Step::Acquire),
        3 => (any::<Index>(), 0..=NODES).prop_map(|(grant, node)| Step::Move(grant, node)),
        3 => any::<Index>().prop_map(Step::Release),
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
        for taken in 0..expected {
            prop_assert_eq!(rlim.room(), expected - taken);
            prop_assert!(rlim.acquire());
        }
        prop_assert_eq!(rlim.room(), 0);
        prop_assert_eq!(acquire_all(&rlim, 200), 0);
        for left in (0..expected).rev() {
            rlim.release();
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
        let nodes = shapes
            .iter()
            .map(|&(limit, taken, _, _)| {
                let rlim = limited(taken);
                acquire_all(&rlim, taken);
                rlim.set(Some(limit));
                rlim
            })
            .collect::<Vec<_>>();
        let limits = Limits::new(nodes);
        let has_cpus = |node: usize| shapes[node].3;
        let found = limits.nearest_with_room(Some(near), has_cpus, |from, to| {
            assert_eq!(from, near);
            distance(to)
        });
        let nearest = (0..shapes.len()).filter(|&node| rooms(&shapes[node])).map(distance).min();
        prop_assert_eq!(found.map(distance), nearest);
        prop_assert!(found.is_none_or(|node| rooms(&shapes[node])));
        // Itself first, even if another claims to be as near.
        if shapes.get(near).is_some_and(rooms) {
            prop_assert_eq!(found, Some(near));
        }
        // To ask acquires nothing.
        for (rlim, &(_, taken, _, _)) in limits.nodes.iter().zip(&shapes) {
            prop_assert_eq!(rlim.cur(), taken);
        }
    }
}

proptest! {
    // Each case is a long sequence.
    #![proptest_config(fewer_cases(2))]

    #[test]
    fn p10_p11_grants_are_counted_where_they_are(steps in vec(step(), 0..300)) {
        let (mut most, mut most_on) = (5, [2, 1, 0]);
        let limits = limits(most, &most_on);
        let mut held: Vec<Grant> = Vec::new();
        let on = |held: &[Grant], node| {
            held.iter().filter(|&&grant| grant == Grant::Node(node)).count() as u32
        };
        for step in steps {
            let room = |held: &[Grant], node| node < NODES && on(held, node) < most_on[node];
            match step {
                Step::Acquire(node) => {
                    let expected = match node {
                        _ if held.len() as u32 >= most => None,
                        Some(node) if room(&held, node) => Some(Grant::Node(node)),
                        _ => Some(Grant::Anywhere),
                    };
                    prop_assert_eq!(limits.acquire(node), expected);
                    held.extend(expected);
                }
                Step::Move(index, node) if !held.is_empty() => {
                    let grant = *index.get(&held);
                    let expected = room(&held, node).then_some(Grant::Node(node));
                    prop_assert_eq!(limits.move_to(grant, node), expected);
                    if let Some(grant) = expected {
                        let at = index.index(held.len());
                        held[at] = grant;
                    }
                }
                Step::Release(index) if !held.is_empty() => {
                    limits.release(held.swap_remove(index.index(held.len())));
                }
                Step::SetGlobal(limit) => {
                    most = limit;
                    limits.global.set(Some(limit));
                }
                Step::SetNode(node, limit) => {
                    most_on[node] = limit;
                    limits.nodes[node].set(Some(limit));
                }
                Step::Move(..) | Step::Release(_) => {}
            }
            prop_assert_eq!(limits.global.cur() as usize, held.len());
            for (node, rlim) in limits.nodes.iter().enumerate() {
                prop_assert_eq!(rlim.cur(), on(&held, node));
            }
        }
        for grant in held {
            limits.release(grant);
        }
        prop_assert_eq!(counts(&limits), (0, vec![0; NODES]));
    }
}
