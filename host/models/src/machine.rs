// SPDX-License-Identifier: GPL-2.0

//! CPUs and limits that change while helpers are placed.

use super::{
    explore,
    Bug, //
};
use crate::ktask::{
    placement::machine::{
        Machine,
        Wish, //
    },
    protocol::limits::{
        Grant,
        Limits,
        Rlim, //
    }, //
};
use loom::{
    sync::Mutex,
    thread, //
};
use std::{
    convert::Infallible,
    sync::Arc, //
};

/// As in `ktask/engine/machine.rs`: helpers are placed, and the CPUs followed, under one lock.
struct World {
    tables: Mutex<Machine<Vec<u32>>>,
    limits: Limits<Vec<Rlim>>,
}

impl World {
    /// A machine of one node.
    fn new(cpus: u32) -> Arc<Self> {
        let tables = Machine::new(5, 1, |len| Ok::<_, Infallible>(vec![0; len]));
        let world = Self {
            tables: Mutex::new(tables.unwrap_or_else(|never| match never {})),
            limits: Limits::new(vec![Rlim::new()]),
        };
        world.follow(cpus);
        Arc::new(world)
    }

    fn follow(&self, cpus: u32) {
        let mut tables = self.tables.lock().unwrap();
        tables.rebuild(&self.limits, |_| Some(0), |cpu| cpu < cpus);
    }

    /// Places a helper; also returns how many CPUs there are then.
    fn place(&self, bug: Bug) -> (Option<Grant>, usize) {
        let wish = Wish {
            nid: Some(0),
            avoid: u32::MAX,
        };
        let mut tables = self.tables.lock().unwrap();
        let cpus = tables.usable();
        if bug == Bug::PlacesUnlocked {
            drop(tables);
            return (self.limits.acquire(Some(0)), cpus);
        }
        let placed = tables.place(&self.limits, wish, |_, _| 10);
        assert!(placed.is_none_or(|placed| (placed.cpu as usize) < cpus));
        (placed.map(|placed| placed.grant), cpus)
    }
}

/// CPUs come or go, from `before` to `after`, while two threads place a helper each.
fn recompute(before: u32, after: u32, bug: Bug) {
    let world = World::new(before);
    let hotplug = {
        let world = world.clone();
        thread::spawn(move || world.follow(after))
    };
    let place = move |world: &World| {
        let (grant, cpus) = world.place(bug);
        // 2 CPUs make a limit of 1, as there is of each 4 of 5; 1 CPU makes none.
        assert!(grant.is_none() || cpus >= 2, "a helper with {cpus} CPUs");
        assert!(grant.is_some() || cpus < 5, "no helper with {cpus} CPUs");
        // The machine and its only node have the same limits.
        if bug == Bug::None {
            assert_ne!(grant, Some(Grant::Anywhere));
        }
        if let Some(grant) = grant {
            world.limits.release(grant);
        }
    };
    let other = {
        let world = world.clone();
        thread::spawn(move || place(&world))
    };
    place(&world);
    other.join().unwrap();
    hotplug.join().unwrap();
    let (global, node) = (&world.limits.global, &world.limits.nodes[0]);
    assert_eq!((global.cur(), node.cur()), (0, 0));
    assert_eq!((global.max(), node.max()), (after * 4 / 5, after * 4 / 5));
}

#[test]
fn p10_p15_cpus_go_while_helpers_are_placed() {
    explore(100, || recompute(5, 1, Bug::None));
}

#[test]
fn p10_p15_cpus_come_while_helpers_are_placed() {
    explore(100, || recompute(1, 5, Bug::None));
}

#[test]
#[should_panic(expected = "helper with")]
fn placing_unlocked_is_found() {
    explore(1, || recompute(5, 1, Bug::PlacesUnlocked));
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
