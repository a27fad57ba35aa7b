// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/placement/machine.rs` and `place.rs`: where helpers go, and what is learnt from where they run.

use crate::{
    ktask::{
        placement::{
            machine::Machine,
            place::{
                Placed,
                Placer,
                Wish, //
            }, //
        },
        protocol::{
            helper::Origin,
            limits::{
                default_limit, //
                Grant,
                Limits,
                Rlim,
            }, //
        }, //
    },
    nodes::HostNodes,
    util::config, //
};
use core::{
    cell::Cell,
    convert::Infallible, //
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::Index, //
};
use std::collections::BTreeSet;

/// A CPU id that no machine here has.
const NO_CPU: u32 = u32::MAX;

/// A machine with the CPUs that the workqueue serves and those that are available.
struct World {
    machine: Machine<Vec<u32>>,
    host: HostNodes,
    limits: Limits<Vec<Rlim>>,
    /// The node of each CPU.
    nodes: Vec<usize>,
    available: Vec<bool>,
    /// How often a distance was asked for.
    distances: Cell<usize>,
}

/// Nodes in a row.
fn distance(from: usize, to: usize) -> u32 {
    10 * (1 + from.abs_diff(to) as u32)
}

impl World {
    /// Nodes with as many CPUs each, whose limits are those of the CPUs.
    fn new(cpus: &[usize]) -> Self {
        let nodes: Vec<_> = (0..cpus.len())
            .flat_map(|node| vec![node; cpus[node]])
            .collect();
        let machine = Machine::new(nodes.len(), cpus.len(), |len| {
            Ok::<_, Infallible>(vec![0; len])
        });
        let mut world = Self {
            machine: machine.unwrap_or_else(|never| match never {}),
            limits: Limits::new(cpus.iter().map(|_| Rlim::new()).collect()),
            host: HostNodes::new(cpus.len(), nodes.len()),
            available: vec![true; nodes.len()],
            nodes,
            distances: Cell::new(0),
        };
        world.rebuild();
        world
    }

    /// As [`Self::new`], with limits set by the administrator.
    fn limited(cpus: &[usize], global: u32, limits: &[u32]) -> Self {
        let world = Self::new(cpus);
        world.limits.global.set(Some(global));
        for (rlim, &limit) in world.limits.nodes.iter().zip(limits) {
            rlim.set(Some(limit));
        }
        world
    }

    fn rebuild(&mut self) {
        self.machine.rebuild(
            &self.limits,
            &self.host,
            |cpu| self.nodes.get(cpu as usize).copied(),
            |cpu| self.available[cpu as usize],
        );
    }

    fn node_of(&self, cpu: u32) -> Option<usize> {
        self.nodes.get(cpu as usize).copied()
    }

    fn placer(&self) -> Placer<'_, HostNodes, Vec<Rlim>, impl Fn(usize, usize) -> u32 + '_> {
        Placer {
            nodes: &self.host,
            limits: &self.limits,
            distance: |from, to| {
                self.distances.set(self.distances.get() + 1);
                distance(from, to)
            },
        }
    }

    fn place(&self, nid: Option<usize>) -> Option<Placed> {
        self.place_avoiding(nid, NO_CPU)
    }

    fn place_avoiding(&self, nid: Option<usize>, avoid: u32) -> Option<Placed> {
        self.placer()
            .place(Wish { nid, avoid }, |cpu| self.node_of(cpu))
    }

    fn place_where(
        &self,
        nid: Option<usize>,
        avoid: u32,
        allowed: impl Fn(u32) -> bool,
    ) -> Option<Placed> {
        self.placer()
            .place_confined(Wish { nid, avoid }, |cpu| self.node_of(cpu), allowed)
    }

    fn place_on(&self, nid: Option<usize>, allowed: &[u32]) -> Option<Placed> {
        self.place_where(nid, NO_CPU, |cpu| allowed.contains(&cpu))
    }

    fn migrate(&self, placed: Placed, nid: Option<usize>) -> Option<Placed> {
        self.placer().migrate(placed.grant, placed.node, nid)
    }

    /// As the engine: a helper that was queued for `cpu` runs where the CPUs are `served`.
    fn learn(&mut self, now: i64, cpu: u32, conclusive: bool, served: &[u32]) {
        let available = self.available[cpu as usize];
        let changed = self
            .machine
            .learn(now, cpu, available, conclusive, |cpu| served.contains(&cpu));
        if changed {
            self.rebuild();
        }
    }

    /// As the engine, when a task starts.
    fn look(&mut self, now: i64) {
        if self.machine.try_again(now) {
            self.rebuild();
        }
    }

    /// The CPUs that helpers are placed on, and those that are to be verified.
    fn used(&self) -> (BTreeSet<u32>, BTreeSet<u32>) {
        let mut used = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..2 * self.machine.usable() {
            let placed = self.place(None).unwrap();
            used.0.insert(placed.cpu);
            if self.machine.suspects(placed.cpu) {
                used.1.insert(placed.cpu);
            }
            self.limits.release(placed.grant);
        }
        used
    }

    /// How many helpers count against the machine, and against each node.
    fn counts(&self) -> (u32, Vec<u32>) {
        (
            self.limits.global.cur(),
            self.limits.nodes.iter().map(Rlim::cur).collect(),
        )
    }
}

fn set(cpus: &[u32]) -> BTreeSet<u32> {
    cpus.iter().copied().collect()
}

#[test]
fn p10_limits_follow_the_cpus() {
    let mut world = World::new(&[10, 5, 0]);
    let limits = |world: &World| {
        let nodes: Vec<_> = world.limits.nodes.iter().map(Rlim::max).collect();
        (world.limits.global.max(), nodes)
    };
    assert_eq!(limits(&world), (12, vec![8, 4, 0]));
    world.available[..5].fill(false);
    world.rebuild();
    assert_eq!(limits(&world), (8, vec![4, 4, 0]));
    assert_eq!(world.machine.usable(), 10);
}

#[test]
fn p11_helper_goes_where_its_memory_is() {
    let world = World::new(&[4, 4, 4]);
    for nid in [2, 0, 1] {
        let placed = world.place(Some(nid)).unwrap();
        assert_eq!(placed.node, Some(nid));
        assert_eq!(placed.cpu as usize / 4, nid);
        assert_eq!(placed.grant, Grant::Node(nid));
        assert!(!placed.spilled && !world.machine.suspects(placed.cpu));
    }
    assert_eq!(world.counts(), (3, vec![1, 1, 1]));
}

#[test]
fn p11_helper_without_a_wish_goes_to_the_next_cpu() {
    let world = World::new(&[2, 2, 2]);
    let cpus: BTreeSet<_> = (0..3)
        .map(|_| {
            let placed = world.place(None).unwrap();
            assert_eq!(placed.grant.node(), placed.node);
            assert!(!placed.spilled);
            placed.cpu
        })
        .collect();
    // The limit of each node is 1, that of the machine 4.
    assert_eq!(
        cpus.iter().map(|cpu| cpu / 2).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(world.place(None).unwrap().grant, Grant::Anywhere);
    assert_eq!(world.place(None), None);
}

/// A negative node id and one that does not exist both mean that any will do.
#[test]
fn unknown_node_is_any_node() {
    let world = World::new(&[4, 4]);
    let placed = world.place(Some(99)).unwrap();
    assert!(!placed.spilled);
    assert_eq!(placed.grant.node(), placed.node);
}

#[test]
fn p11_full_node_spills_to_the_nearest_with_room() {
    let world = World::limited(&[2, 2, 2, 2], 9, &[1, 1, 1, 1]);
    // Node 2, then its neighbours, then what is left.
    let mut nodes = Vec::new();
    for place in 0..4 {
        let placed = world.place(Some(2)).unwrap();
        assert_eq!(placed.spilled, place > 0);
        assert_eq!(placed.grant.node(), placed.node);
        nodes.extend(placed.node);
    }
    assert_eq!(nodes, [2, 1, 3, 0]);
    // All are full: anywhere.
    let placed = world.place(Some(2)).unwrap();
    assert_eq!(placed.grant, Grant::Anywhere);
    assert!(placed.spilled);
    assert_eq!(world.counts(), (5, vec![1; 4]));
}

#[test]
fn p11_helpers_anywhere_are_on_all_nodes() {
    let world = World::limited(&[1, 1, 1], 9, &[0, 0, 0]);
    let cpus: BTreeSet<_> = (0..3).map(|_| world.place(Some(0)).unwrap().cpu).collect();
    assert_eq!(cpus, set(&[0, 1, 2]));
    assert_eq!(world.counts(), (3, vec![0; 3]));
}

#[test]
fn p11_full_machine_takes_no_helper() {
    let world = World::limited(&[4, 4], 1, &[4, 4]);
    assert!(world.place(Some(0)).is_some());
    for nid in [None, Some(0), Some(1)] {
        assert_eq!(world.place(nid), None);
        assert_eq!(world.place_on(nid, &[0, 1, 4]), None);
    }
    assert_eq!(world.counts(), (1, vec![1, 0]));
}

#[test]
fn p15_memory_only_node_uses_the_nearest_with_cpus() {
    let world = World::new(&[4, 0, 0, 4]);
    for (nid, node) in [(1, 0), (2, 3)] {
        let placed = world.place(Some(nid)).unwrap();
        assert_eq!(placed.node, Some(node));
        // That is where the node's helpers belong.
        assert!(!placed.spilled);
    }
}

/// A limit that the administrator has given to a node without CPUs is no room.
#[test]
fn p15_helper_does_not_spill_to_a_node_without_cpus() {
    let world = World::limited(&[2, 0, 2], 9, &[0, 5, 5]);
    let placed = world.place(Some(0)).unwrap();
    assert_eq!((placed.node, placed.spilled), (Some(2), true));
    assert_eq!(world.counts(), (1, vec![0, 0, 1]));
}

#[test]
fn p15_no_usable_cpu_takes_no_helper() {
    let mut world = World::limited(&[2, 2], 9, &[9, 9]);
    world.available.fill(false);
    world.rebuild();
    for nid in [None, Some(0)] {
        assert_eq!(world.place(nid), None);
        assert_eq!(world.place_on(nid, &[0, 1, 2, 3]), None);
    }
    assert_eq!(world.counts(), (0, vec![0, 0]));
}

#[test]
fn callers_cpu_comes_last() {
    let world = World::limited(&[2], 9, &[9]);
    for _ in 0..4 {
        let placed = world.place_avoiding(Some(0), 1);
        assert_eq!(placed.map(|placed| placed.cpu), Some(0));
        let placed = world.place_where(Some(0), 1, |_| true);
        assert_eq!(placed.map(|placed| placed.cpu), Some(0));
    }
}

#[test]
fn p12_confined_helper_stays_on_the_allowed_cpus() {
    let world = World::limited(&[4, 4], 9, &[9, 9]);
    // On its own node if one is allowed there, else elsewhere.
    for (allowed, cpu, spilled) in [([1, 6], 6, false), ([1, 1], 1, true)] {
        let placed = world.place_on(Some(1), &allowed).unwrap();
        assert_eq!((placed.cpu, placed.spilled), (cpu, spilled));
        assert_eq!(placed.grant, Grant::Node(cpu as usize / 4));
        assert_eq!(placed.node, Some(cpu as usize / 4));
    }
    assert_eq!(world.place_on(Some(1), &[]), None);
    assert_eq!(world.counts(), (2, vec![1, 1]));
}

/// The allowed CPUs are all there is, so the helper stays, but does not count against the node.
#[test]
fn p11_confined_helper_of_a_full_node_is_counted_anywhere() {
    let world = World::limited(&[4, 4], 9, &[9, 0]);
    let placed = world.place_on(Some(1), &[5]).unwrap();
    assert_eq!((placed.cpu, placed.node), (5, Some(1)));
    assert_eq!(placed.grant, Grant::Anywhere);
    assert!(placed.spilled);
    assert_eq!(world.counts(), (1, vec![0, 0]));
}

#[test]
fn p11_place_becomes_an_assignment() {
    let world = World::limited(&[2, 2], 9, &[9, 9]);
    let placed = world.place(Some(1)).unwrap();
    let assignment = placed.assignment(7, Origin::Move, 3);
    assert_eq!((assignment.part, assignment.changes), (7, 3));
    assert_eq!((assignment.cpu, assignment.node), (placed.cpu, Some(1)));
    assert_eq!(assignment.grant, Grant::Node(1));
    assert_eq!(assignment.origin, Origin::Move);
}

#[test]
fn p11_helper_migrates_to_where_work_is_left() {
    let world = World::limited(&[4, 4], 9, &[1, 1]);
    let first = world.place(Some(0)).unwrap();
    let moved = world.migrate(first, Some(1)).unwrap();
    assert_eq!((moved.node, moved.grant), (Some(1), Grant::Node(1)));
    assert!(!moved.spilled);
    assert_eq!(world.counts(), (1, vec![0, 1]));
    // The node is full now.
    let second = world.place(Some(0)).unwrap();
    assert_eq!(world.migrate(second, Some(1)), None);
    assert_eq!(world.counts(), (2, vec![1, 1]));
    world.limits.release(moved.grant);
    world.limits.release(second.grant);
    assert_eq!(world.counts(), (0, vec![0, 0]));
}

#[test]
fn p11_helper_stays_if_there_is_nowhere_better() {
    let world = World::limited(&[4, 4, 0], 9, &[9, 9, 9]);
    let placed = world.place(Some(1)).unwrap();
    // Any node will do; it is there; the nearest CPUs are there; there is no such node.
    for nid in [None, Some(1), Some(2), Some(99)] {
        assert_eq!(world.migrate(placed, nid), None);
    }
    assert_eq!(world.counts(), (1, vec![0, 1, 0]));
}

/// A helper that spilled counts against no node; it does once it moves to where it belongs.
#[test]
fn p11_helper_from_anywhere_migrates() {
    let world = World::limited(&[4, 4], 9, &[0, 0]);
    let placed = world.place_on(Some(0), &[1]).unwrap();
    assert_eq!(placed.grant, Grant::Anywhere);
    world.limits.nodes[1].set(Some(1));
    let moved = world.migrate(placed, Some(1)).unwrap();
    assert_eq!(world.counts(), (1, vec![0, 1]));
    world.limits.release(moved.grant);
    assert_eq!(world.counts(), (0, vec![0, 0]));
}

/// The node of CPU 3, with the CPUs that its workers may run on.
const REST: &[u32] = &[0, 1, 2];

/// A machine of 4 CPUs of which the workqueue does not serve the last, as was learnt at 0.
fn excluding() -> World {
    let mut world = World::new(&[4]);
    world.learn(0, 3, false, REST);
    world.learn(0, 3, true, REST);
    assert_eq!(world.machine.usable(), 3);
    world
}

#[test]
fn p15_late_work_item_teaches_nothing() {
    let mut world = World::new(&[4]);
    for now in 0..100 {
        world.learn(now, 3, false, REST);
        assert_eq!(world.machine.usable(), 4);
    }
    // What is learnt is that the next helper for this CPU is to be conclusive.
    assert!(world.machine.any_doubt());
    assert_eq!(world.used(), (set(&[0, 1, 2, 3]), set(&[3])));
}

#[test]
fn p15_proof_excludes_a_cpu() {
    let world = excluding();
    assert!(world.machine.any_doubt());
    assert_eq!(world.used(), (set(REST), set(&[])));
    assert_eq!(world.limits.global.max(), default_limit(3));
}

#[test]
fn p15_helper_in_its_place_clears_a_suspect() {
    let mut world = World::new(&[4]);
    world.learn(0, 3, false, REST);
    world.learn(1, 3, true, &[3]);
    assert!(!world.machine.any_doubt());
    assert_eq!(world.used().1, set(&[]));
    // The next one is a suspect at first, again.
    world.learn(2, 3, true, REST);
    assert_eq!(world.machine.usable(), 4);
}

#[test]
fn p15_any_helper_takes_back_an_exclusion() {
    let mut world = excluding();
    world.learn(1, 0, false, &[0, 1, 2, 3]);
    assert_eq!(world.machine.usable(), 4);
    assert!(!world.machine.any_doubt());
}

/// It was offline or isolated by the time the helper ran, which is no fault of the workqueue.
#[test]
fn p15_unavailable_cpu_teaches_nothing() {
    let mut world = World::new(&[4]);
    world.available[3] = false;
    world.rebuild();
    world.learn(0, 3, true, REST);
    world.learn(0, 3, true, REST);
    assert!(!world.machine.any_doubt());
    world.available[3] = true;
    world.rebuild();
    assert_eq!(world.used(), (set(&[0, 1, 2, 3]), set(&[])));
}

/// No helper is sent there any more, so nothing would end the doubt.
#[test]
fn p15_suspect_that_goes_away_is_forgotten() {
    let mut world = World::new(&[4]);
    world.learn(0, 2, false, &[0, 1]);
    world.learn(0, 3, false, REST);
    world.available[3] = false;
    world.rebuild();
    assert_eq!(world.used(), (set(REST), set(&[2])));
    world.available[2] = false;
    world.rebuild();
    assert!(!world.machine.any_doubt());
    world.available.fill(true);
    world.rebuild();
    assert_eq!(world.used(), (set(&[0, 1, 2, 3]), set(&[])));
}

/// The kernel has workqueues follow a moment after it has changed the isolated CPUs.
#[test]
fn p15_nothing_is_concluded_for_a_second_after_cpus_changed() {
    let mut world = World::new(&[4]);
    world.machine.cpus_changed(5000);
    for now in [5000, 5001, 5999] {
        world.learn(now, 3, true, REST);
        assert!(!world.machine.any_doubt(), "concluded at {now}");
    }
    world.learn(6000, 3, true, REST);
    assert!(world.machine.any_doubt());
    // Once more, in between: not excluded yet.
    world.machine.cpus_changed(6001);
    world.learn(7000, 3, true, REST);
    assert_eq!(world.machine.usable(), 4);
    world.learn(7001, 3, true, REST);
    assert_eq!(world.machine.usable(), 3);
}

/// What disproves an exclusion does so at any time.
#[test]
fn p15_exclusion_is_taken_back_right_after_cpus_changed() {
    let mut world = excluding();
    world.machine.cpus_changed(10);
    world.learn(11, 3, false, &[3]);
    assert_eq!(world.machine.usable(), 4);
}

#[test]
fn p15_excluded_cpu_is_tried_again_every_second() {
    let mut world = excluding();
    for now in [0, 1, 999] {
        world.look(now);
        assert_eq!(world.machine.usable(), 3, "tried at {now}");
    }
    world.look(1000);
    assert_eq!(world.used(), (set(&[0, 1, 2, 3]), set(&[3])));
    // Still excluded: one proof, and another second.
    world.learn(1001, 3, true, REST);
    for now in [1001, 1999] {
        world.look(now);
        assert_eq!(world.machine.usable(), 3, "tried at {now}");
    }
    world.look(2000);
    assert_eq!(world.machine.usable(), 4);
}

#[test]
fn p15_there_is_nothing_to_try_again_without_exclusions() {
    let mut world = World::new(&[4]);
    assert!(!world.machine.try_again(10_000));
    // A suspect is used anyway.
    world.learn(10_000, 3, false, REST);
    assert!(!world.machine.try_again(20_000));
}

/// CPUs that come and go meanwhile change nothing about what the workqueue serves.
#[test]
fn p15_exclusion_outlives_a_rebuild() {
    let mut world = excluding();
    world.available[0] = false;
    world.rebuild();
    assert_eq!(world.used().0, set(&[1, 2]));
    world.available[0] = true;
    world.rebuild();
    assert_eq!(world.used().0, set(REST));
}

#[test]
fn failed_allocation_is_passed_on() {
    for fails in 0..6 {
        let count = Cell::new(0);
        let machine = Machine::new(4, 2, |len| {
            count.set(count.get() + 1);
            (count.get() <= fails)
                .then(|| vec![0; len])
                .ok_or("no memory")
        });
        assert_eq!(machine.err(), Some("no memory"));
    }
}

/// All tasks wait for the lock under which this is done. It was nodes times nodes, or times CPUs.
#[test]
fn p15_work_is_in_proportion_to_cpus_and_nodes() {
    const NODES: usize = 32;
    const CPUS: usize = 8192;
    let mut world = World::new(&[CPUS / NODES; NODES]);
    let asked = Cell::new(0);
    let count = || asked.set(asked.get() + 1);
    world.machine.rebuild(
        &world.limits,
        &world.host,
        |cpu| {
            count();
            Some(world.nodes[cpu as usize])
        },
        |_| {
            count();
            true
        },
    );
    assert!(asked.get() <= 3 * CPUS, "{}", asked.get());
    // All nodes are full but one.
    for rlim in &world.limits.nodes[1..] {
        rlim.set(Some(0));
    }
    world.distances.set(0);
    assert_eq!(world.place(Some(NODES - 1)).unwrap().node, Some(0));
    assert!(
        world.distances.get() <= 2 * NODES,
        "{}",
        world.distances.get()
    );
    // A helper that is where it was sent looks at one CPU of those that are excluded.
    for cpu in 0..1000 {
        world.machine.learn(0, cpu, true, true, |_| false);
        world.machine.learn(0, cpu, true, true, |_| false);
    }
    asked.set(0);
    world.machine.learn(0, 8000, true, true, |cpu| {
        count();
        cpu == 8000
    });
    assert!(asked.get() <= 2, "{}", asked.get());
}

/// What can happen to the helpers of a machine.
#[derive(Clone, Debug)]
enum Step {
    Place(Option<usize>, u32),
    PlaceOn(Option<usize>, Vec<bool>),
    Migrate(Index, Option<usize>),
    Release(Index),
    Available(u32, bool),
    Limit(usize, u32),
}

const NODES: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let nid = || option::of(0..NODES + 1);
    prop_oneof![
        6 => (nid(), 0u32..12).prop_map(|(nid, avoid)| Step::Place(nid, avoid)),
        3 => (nid(), vec(any::<bool>(), 12)).prop_map(|(nid, cpus)| Step::PlaceOn(nid, cpus)),
        3 => (any::<Index>(), nid()).prop_map(|(who, nid)| Step::Migrate(who, nid)),
        4 => any::<Index>().prop_map(Step::Release),
        1 => (0u32..12, any::<bool>()).prop_map(|(cpu, on)| Step::Available(cpu, on)),
        1 => (0..NODES, 0u32..4).prop_map(|(node, limit)| Step::Limit(node, limit)),
    ]
}

proptest! {
    #![proptest_config(config())]

    /// Found the slow way: where a helper may go, and what it counts against.
    #[test]
    fn p11_p12_p15_helpers_are_where_they_may_be(
        cpus in vec(0usize..4, NODES), steps in vec(step(), 0..80),
    ) {
        let mut world = World::new(&cpus);
        world.limits.global.set(Some(6));
        for rlim in &world.limits.nodes {
            rlim.set(Some(2));
        }
        let mut held: Vec<Placed> = Vec::new();
        for step in steps {
            let usable = |node: Option<usize>| -> BTreeSet<u32> {
                (0..world.nodes.len() as u32)
                    .filter(|&cpu| world.available[cpu as usize])
                    .filter(|&cpu| node.is_none_or(|node| world.nodes[cpu as usize] == node))
                    .collect()
            };
            let has_cpus = |&node: &usize| !usable(Some(node)).is_empty();
            let home = |nid: usize| {
                let nodes = (0..NODES).filter(has_cpus);
                (nid < NODES).then(|| nodes.min_by_key(|&node| distance(nid, node)))?
            };
            let room = |&node: &usize| world.limits.nodes[node].room() > 0;
            match step {
                Step::Place(nid, avoid) => {
                    let home = nid.and_then(home);
                    let full = world.limits.global.room() == 0 || usable(None).is_empty();
                    let near = home.map(|home| {
                        let nodes = (0..NODES).filter(has_cpus).filter(room);
                        nodes.map(|node| distance(home, node)).min()
                    });
                    let any_room = (0..NODES).filter(has_cpus).any(|node| room(&node));
                    let everywhere = usable(None);
                    let placed = world.place_avoiding(nid, avoid);
                    prop_assert_eq!(placed.is_none(), full);
                    let Some(placed) = placed else { continue };
                    prop_assert!(everywhere.contains(&placed.cpu));
                    prop_assert_eq!(placed.node, Some(world.nodes[placed.cpu as usize]));
                    prop_assert_eq!(placed.grant.node().is_some(), any_room);
                    if let (Some(home), Some(near)) = (home, near) {
                        prop_assert_eq!(placed.grant.node().map(|to| distance(home, to)), near);
                        prop_assert_eq!(placed.spilled, placed.grant.node() != Some(home));
                    } else {
                        prop_assert!(!placed.spilled);
                    }
                    prop_assert!(placed.grant.node().is_none_or(|to| placed.node == Some(to)));
                    held.push(placed);
                }
                Step::PlaceOn(nid, allowed) => {
                    let allowed = |cpu: u32| allowed[cpu as usize];
                    let at_home = |&cpu: &u32| {
                        nid.and_then(home).is_none_or(|home| world.nodes[cpu as usize] == home)
                    };
                    let mut may = usable(None);
                    may.retain(|&cpu| allowed(cpu));
                    if may.iter().any(at_home) {
                        may.retain(at_home);
                    }
                    let full = world.limits.global.room() == 0 || may.is_empty();
                    let rooms: Vec<_> = (0..NODES).map(|node| room(&node)).collect();
                    let placed = world.place_where(nid, NO_CPU, allowed);
                    prop_assert_eq!(placed.is_none(), full);
                    let Some(placed) = placed else { continue };
                    prop_assert!(may.contains(&placed.cpu));
                    let node = world.nodes[placed.cpu as usize];
                    prop_assert_eq!(placed.node, Some(node));
                    prop_assert_eq!(placed.grant.node(), rooms[node].then_some(node));
                    held.push(placed);
                }
                Step::Migrate(who, nid) if !held.is_empty() => {
                    let at = who.index(held.len());
                    let to = nid.and_then(home).filter(|&home| held[at].node != Some(home));
                    let to = to.filter(room);
                    let everywhere = usable(None);
                    let moved = world.migrate(held[at], nid);
                    prop_assert_eq!(moved.and_then(|moved| moved.node), to);
                    if let Some(moved) = moved {
                        prop_assert!(everywhere.contains(&moved.cpu));
                        prop_assert_eq!(moved.grant.node(), to);
                        held[at] = moved;
                    }
                }
                Step::Release(who) if !held.is_empty() => {
                    let placed = held.swap_remove(who.index(held.len()));
                    world.limits.release(placed.grant);
                }
                Step::Available(cpu, on) => {
                    if let Some(available) = world.available.get_mut(cpu as usize) {
                        *available = on;
                        world.rebuild();
                    }
                }
                Step::Limit(node, limit) => world.limits.nodes[node].set(Some(limit)),
                Step::Migrate(..) | Step::Release(_) => {}
            }
            let on = |node| held.iter().filter(|placed| placed.grant == Grant::Node(node)).count();
            let nodes = (0..NODES).map(|node| on(node) as u32).collect();
            prop_assert_eq!(world.counts(), (held.len() as u32, nodes));
        }
    }
}
