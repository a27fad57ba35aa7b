// SPDX-License-Identifier: GPL-2.0

//! Threads that count helpers against the limits.

use super::{
    explore,
    explore_preempted, //
};
use crate::ktask::protocol::limits::Charge;
use crate::ktask::protocol::limits::Rlim;
use loom::thread;
use std::sync::{
    atomic::{
        AtomicU32,
        Ordering, //
    },
    Arc, //
};

/// Limits, and how many helpers there really are: they are counted right after they are counted
/// against a limit, and no more right before, where no other thread can come in between.
struct World {
    global: Rlim,
    nodes: [Rlim; 2],
    helpers: AtomicU32,
    on: [AtomicU32; 2],
}

impl World {
    fn new(limit: u32, limits: [u32; 2]) -> Arc<Self> {
        let limited = |limit| {
            let rlim = Rlim::new();
            rlim.set(Some(limit));
            rlim
        };
        Arc::new(Self {
            global: limited(limit),
            nodes: limits.map(limited),
            helpers: AtomicU32::new(0),
            on: [0, 0].map(AtomicU32::new),
        })
    }

    fn take(&self, node: usize) -> Option<Charge> {
        let charge = Charge::take(&self.global, &self.nodes, Some(node))?;
        assert!(self.helpers.fetch_add(1, Ordering::Relaxed) < self.global.max());
        self.enter(charge);
        Some(charge)
    }

    /// Moves a helper to `node`, if that has room.
    fn move_to(&self, charge: Charge, node: usize) -> Charge {
        self.leave(charge);
        let charge = charge.move_to(&self.nodes, node).unwrap_or(charge);
        self.enter(charge);
        charge
    }

    fn put(&self, charge: Charge) {
        self.leave(charge);
        self.helpers.fetch_sub(1, Ordering::Relaxed);
        charge.put(&self.global, &self.nodes);
    }

    fn enter(&self, charge: Charge) {
        if let Some(node) = charge.node() {
            assert!(self.on[node].fetch_add(1, Ordering::Relaxed) < self.nodes[node].max());
        }
    }

    fn leave(&self, charge: Charge) {
        if let Some(node) = charge.node() {
            self.on[node].fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Runs `bodies` in as many threads, this one included; returns how often they had a helper.
    fn run(self: Arc<Self>, bodies: &[fn(&Self) -> u32]) -> u32 {
        let (first, others) = bodies.split_first().unwrap();
        let others: Vec<_> = others
            .iter()
            .map(|&body| {
                let world = self.clone();
                thread::spawn(move || body(&world))
            })
            .collect();
        let mut helpers = first(&self);
        for other in others {
            helpers += other.join().unwrap();
        }
        assert_eq!(self.global.cur(), 0);
        assert!(self.nodes.iter().all(|node| node.cur() == 0));
        helpers
    }
}

fn use_node_0(world: &World) -> u32 {
    let charge = world.take(0);
    charge.map_or(0, |charge| {
        world.put(charge);
        1
    })
}

/// One thread after the other gets what another gives back.
#[test]
fn p10_three_threads_take_and_put() {
    explore(1000, || {
        let take = |world: &World| {
            let took = world.global.take();
            if took {
                assert!(world.helpers.fetch_add(1, Ordering::Relaxed) < 2);
                world.helpers.fetch_sub(1, Ordering::Relaxed);
                world.global.put();
            }
            u32::from(took)
        };
        let helpers = World::new(2, [0, 0]).run(&[take, take, take]);
        // Two fit at any time.
        assert!(helpers >= 2);
    });
}

#[test]
fn p10_p11_two_threads_spill() {
    explore(100, || {
        // Room for both, on the node for one at a time.
        assert_eq!(World::new(2, [1, 0]).run(&[use_node_0, use_node_0]), 2);
    });
}

#[test]
fn p10_p11_three_threads_spill() {
    explore_preempted(3, 100, || {
        let helpers = World::new(2, [1, 0]).run(&[use_node_0, use_node_0, use_node_0]);
        assert!(helpers >= 2);
    });
}

#[test]
fn p10_p11_one_moves_one_takes() {
    explore(100, || {
        let moving = |world: &World| {
            let charge = world.take(1).expect("there is room for two");
            let charge = world.move_to(charge, 0);
            world.put(charge);
            1
        };
        assert_eq!(World::new(2, [1, 1]).run(&[moving, use_node_0]), 2);
    });
}
