// SPDX-License-Identifier: GPL-2.0

//! Limits that change while helpers are counted against them.

use super::{
    explore,
    Bug, //
};
use crate::ktask::protocol::limits::Charge;
use crate::ktask::protocol::limits::Rlim;
use loom::{
    sync::Mutex,
    thread, //
};
use std::sync::Arc;

/// As in `ktask/engine/mod.rs`: helpers are placed, and the CPUs followed, under one lock.
struct World {
    /// How many CPUs there are.
    machine: Mutex<usize>,
    global: Rlim,
    nodes: [Rlim; 1],
}

impl World {
    fn new(cpus: usize) -> Arc<Self> {
        let world = Self {
            machine: Mutex::new(0),
            global: Rlim::new(),
            nodes: [Rlim::new()],
        };
        world.follow(cpus);
        Arc::new(world)
    }

    fn follow(&self, cpus: usize) {
        let mut machine = self.machine.lock().unwrap();
        *machine = cpus;
        self.global.follow(cpus);
        self.nodes[0].follow(cpus);
    }

    /// Places a helper; also returns how many CPUs there are then.
    fn place(&self, bug: Bug) -> (Option<Charge>, usize) {
        let machine = self.machine.lock().unwrap();
        let cpus = *machine;
        if bug == Bug::PlacesUnlocked {
            drop(machine);
            return (Charge::take(&self.global, &self.nodes, Some(0)), cpus);
        }
        (Charge::take(&self.global, &self.nodes, Some(0)), cpus)
    }

    fn idle(&self) {
        assert_eq!((self.global.cur(), self.nodes[0].cur()), (0, 0));
    }
}

/// CPUs come or go, from `before` to `after`, while two threads place a helper each.
fn recompute(before: usize, after: usize, bug: Bug) {
    let world = World::new(before);
    let hotplug = {
        let world = world.clone();
        thread::spawn(move || world.follow(after))
    };
    let place = move |world: &World| {
        let (charge, cpus) = world.place(bug);
        // 2 CPUs make a limit of 1, as there is of each 4 of 5; 1 CPU makes none.
        assert!(charge.is_none() || cpus >= 2, "a helper with {cpus} CPUs");
        assert!(charge.is_some() || cpus < 5, "no helper with {cpus} CPUs");
        // The machine and its only node have the same limits.
        if bug == Bug::None {
            assert!(charge.is_none_or(|charge| charge.node().is_some()));
        }
        if let Some(charge) = charge {
            charge.put(&world.global, &world.nodes);
        }
    };
    let other = {
        let world = world.clone();
        thread::spawn(move || place(&world))
    };
    place(&world);
    other.join().unwrap();
    hotplug.join().unwrap();
    world.idle();
    assert_eq!(world.global.max(), after as u32 * 4 / 5);
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
        let taken = (0..3).filter(|_| rlim.take()).count();
        assert!(taken <= 2 && rlim.cur() as usize == taken);
        administrator.join().unwrap();
        assert_eq!(rlim.max(), 2);
        // Whoever comes after the change has room for the rest.
        assert_eq!((0..3).filter(|_| rlim.take()).count(), 2 - taken);
    });
}
