// SPDX-License-Identifier: GPL-2.0

//! CPUs and limits that change while helpers are placed.

use super::{
    explore,
    explore_preempted,
    Bug, //
};
use crate::ktask::{
    placement::{
        machine::Machine,
        place::{
            Placed,
            Placer,
            Wish, //
        }, //
    },
    protocol::limits::{
        Limits,
        Rlim, //
    },
    sync::{
        Acquire,
        Atomic,
        Full,
        Relaxed, //
    }, //
};
use crate::nodes::HostNodes;
use loom::thread;
use std::{
    convert::Infallible,
    sync::Arc, //
};

/// As in `ktask/engine/machine.rs`: the CPUs are followed by one thread, as under a lock, while helpers
/// are placed without that lock; then the change is counted.
struct World {
    nodes: HostNodes,
    limits: Limits<Vec<Rlim>>,
    changes: Atomic<u32>,
}

/// A helper, and the count of changes that its thread compares with between its chunks.
type Helper = (Option<Placed>, u32);

impl World {
    /// A machine of one node.
    fn new(cpus: u32) -> Arc<Self> {
        let world = Self {
            nodes: HostNodes::new(1, 5),
            limits: Limits::new(vec![Rlim::new()]),
            changes: Atomic::new(0),
        };
        world.follow(cpus);
        Arc::new(world)
    }

    fn follow(&self, cpus: u32) {
        let tables = Machine::new(5, 1, |len| Ok::<_, Infallible>(vec![0; len]));
        let mut tables = tables.unwrap_or_else(|never| match never {});
        tables.rebuild(&self.limits, &self.nodes, |_| Some(0), |cpu| cpu < cpus);
        self.changes.fetch_add(1, Full);
    }

    fn place(&self, bug: Bug) -> Helper {
        let wish = Wish {
            nid: Some(0),
            avoid: u32::MAX,
        };
        let placer = Placer {
            nodes: &self.nodes,
            limits: &self.limits,
            distance: |_, _| 10,
        };
        let before = self.changes.load(Acquire);
        let placed = placer.place(wish, |_| Some(0));
        let after = self.changes.load(Acquire);
        let counts_afterwards = bug == Bug::CountsAfterwards;
        (placed, if counts_afterwards { after } else { before })
    }
}

/// CPUs come or go, from `before` to `after`, while a thread places two helpers.
fn recompute(before: u32, after: u32, bug: Bug) {
    let world = World::new(before);
    let hotplug = {
        let world = world.clone();
        thread::spawn(move || world.follow(after))
    };
    let helpers = [world.place(bug), world.place(bug)];
    hotplug.join().unwrap();
    for (placed, seen) in helpers {
        let Some(placed) = placed else { continue };
        assert!(placed.cpu < before.max(after));
        let looks = world.changes.load(Relaxed) != seen;
        assert!(placed.cpu < after || looks, "stays on CPU {}", placed.cpu);
        world.limits.release(placed.grant);
    }
    let (global, node) = (&world.limits.global, &world.limits.nodes[0]);
    assert_eq!((global.cur(), node.cur()), (0, 0));
    // 2 CPUs make a limit of 1, as there is of each 4 of 5; 1 CPU makes none.
    assert_eq!((global.max(), node.max()), (after * 4 / 5, after * 4 / 5));
    let (placed, _) = world.place(Bug::None);
    assert_eq!(placed.is_some(), after >= 2);
    assert!(placed.is_none_or(|placed| placed.cpu < after));
}

#[test]
fn p10_p15_cpus_go_while_helpers_are_placed() {
    explore_preempted(3, 100, || recompute(5, 1, Bug::None));
}

#[test]
fn p10_p15_cpus_come_while_helpers_are_placed() {
    explore_preempted(3, 100, || recompute(1, 5, Bug::None));
}

#[test]
#[should_panic(expected = "stays on CPU")]
fn changes_counted_afterwards_are_found() {
    explore_preempted(3, 1, || recompute(5, 1, Bug::CountsAfterwards));
}

/// The administrator holds no lock. A thread that counts a helper sees the old limit or the new,
/// and never another one.
#[test]
fn p10_administrator_sets_a_limit() {
    explore(50, || {
        let rlim = Arc::new(Rlim::new());
        rlim.follow(2);
        let administrator = {
            let rlim = rlim.clone();
            thread::spawn(move || {
                // No helpers, then as many as the CPUs allow, which have become more.
                rlim.set(Some(0));
                rlim.follow(3);
                rlim.set(None);
            })
        };
        let acquired = (0..3).filter(|_| rlim.acquire()).count();
        assert!(acquired <= 2 && rlim.cur() as usize == acquired);
        administrator.join().unwrap();
        assert_eq!(rlim.max(), 2);
        // Whoever comes after the change has room for the rest.
        assert_eq!((0..3).filter(|_| rlim.acquire()).count(), 2 - acquired);
    });
}
