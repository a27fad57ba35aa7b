// SPDX-License-Identifier: GPL-2.0

//! The workers that pools have to spare, and those that have to be made first.

use crate::{
    cpus::Pool,
    machine::Machine, //
};
use std::collections::BTreeMap;

/// What a pool has given out.
#[derive(Default)]
struct Given {
    workers: usize,
    /// When the last one that had to be made was ready.
    ready: f64,
}

/// The pools, by their first CPU.
#[derive(Default)]
pub(crate) struct Workers(BTreeMap<usize, Given>);

impl Workers {
    /// Takes a worker of `pool` that would begin at this time, and returns when it really does. A
    /// pool makes one worker at a time.
    pub(crate) fn take(&mut self, machine: &Machine, pool: Pool, at: f64) -> f64 {
        let first = match pool {
            Pool::ShardOf(cpu) => machine.shard(cpu).start,
            Pool::Node(node) => machine.node(node).start,
        };
        let given = self.0.entry(first).or_default();
        given.workers += 1;
        if given.workers <= machine.idle_workers {
            return at;
        }
        given.ready = given.ready.max(at) + machine.create_ns;
        given.ready
    }
}
