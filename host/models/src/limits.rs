// SPDX-License-Identifier: GPL-2.0

//! Threads that count helpers against the limits.

use super::{
    explore,
    explore_preempted, //
};
use crate::ktask::protocol::limits::{
    Grant,
    Limits,
    Rlim, //
};
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
    limits: Limits<Vec<Rlim>>,
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
        let nodes = limits.into_iter().map(limited).collect();
        let limits = Limits::new(nodes);
        limits.global.set(Some(limit));
        Arc::new(Self {
            limits,
            helpers: AtomicU32::new(0),
            on: [0, 0].map(AtomicU32::new),
        })
    }

    fn acquire(&self, node: usize) -> Option<Grant> {
        let grant = self.limits.acquire(Some(node))?;
        assert!(self.helpers.fetch_add(1, Ordering::Relaxed) < self.limits.global.max());
        self.enter(grant);
        Some(grant)
    }

    /// Moves a helper to `node`, if that has room.
    fn move_to(&self, grant: Grant, node: usize) -> Grant {
        self.leave(grant);
        let grant = self.limits.move_to(grant, node).unwrap_or(grant);
        self.enter(grant);
        grant
    }

    fn release(&self, grant: Grant) {
        self.leave(grant);
        self.helpers.fetch_sub(1, Ordering::Relaxed);
        self.limits.release(grant);
    }

    fn enter(&self, grant: Grant) {
        if let Some(node) = grant.node() {
            assert!(self.on[node].fetch_add(1, Ordering::Relaxed) < self.limits.nodes[node].max());
        }
    }

    fn leave(&self, grant: Grant) {
        if let Some(node) = grant.node() {
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
        assert_eq!(self.limits.global.cur(), 0);
        assert!(self.limits.nodes.iter().all(|node| node.cur() == 0));
        helpers
    }
}

fn use_node_0(world: &World) -> u32 {
    let grant = world.acquire(0);
    grant.map_or(0, |grant| {
        world.release(grant);
        1
    })
}

/// One thread after the other gets what another gives back.
#[test]
fn p10_three_threads_acquire_and_release() {
    explore(1000, || {
        let acquire = |world: &World| {
            let acquired = world.limits.global.acquire();
            if acquired {
                assert!(world.helpers.fetch_add(1, Ordering::Relaxed) < 2);
                world.helpers.fetch_sub(1, Ordering::Relaxed);
                world.limits.global.release();
            }
            u32::from(acquired)
        };
        let helpers = World::new(2, [0, 0]).run(&[acquire, acquire, acquire]);
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
fn p10_p11_one_moves_one_acquires() {
    explore(100, || {
        let moving = |world: &World| {
            let grant = world.acquire(1).expect("there is room for two");
            let grant = world.move_to(grant, 0);
            world.release(grant);
            1
        };
        assert_eq!(World::new(2, [1, 1]).run(&[moving, use_node_0]), 2);
    });
}

/// Two tasks whose work is on a node with room for one helper: the other helper goes to the other node,
/// and none of them anywhere.
#[test]
fn p11_two_threads_want_the_last_room_of_a_node() {
    explore(10, || {
        let world = World::new(2, [1, 1]);
        let acquire = |world: &World| {
            let distance = |from: usize, to: usize| from.abs_diff(to) as u32;
            world.limits.acquire_near(Some(0), |_| true, distance)
        };
        let other = {
            let world = world.clone();
            thread::spawn(move || acquire(&world))
        };
        let mut grants = [acquire(&world), other.join().unwrap()];
        grants.sort_by_key(|grant| grant.and_then(Grant::node));
        assert_eq!(grants, [Some(Grant::Node(0)), Some(Grant::Node(1))]);
    });
}
