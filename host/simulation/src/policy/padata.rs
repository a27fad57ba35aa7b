// SPDX-License-Identifier: GPL-2.0

//! `padata_do_multithreaded()` of kernel/padata.c: chunks of one size, one lock, helpers in few
//! pools, all of them waited for.

use super::{
    Next,
    Policy,
    Ways, //
};
use crate::{
    cpus::Pool,
    machine::Machine,
    random::Random,
    work::Work, //
};

/// `load_balance_factor`.
const CHUNKS_PER_THREAD: usize = 4;

pub(crate) struct Padata<'a> {
    machine: &'a Machine,
    numa_aware: bool,
    caller: usize,
    threads: usize,
    chunk: usize,
    claimed: usize,
    units: usize,
}

impl<'a> Padata<'a> {
    pub(crate) fn new(
        machine: &'a Machine,
        work: &Work,
        threads: usize,
        caller: usize,
        numa_aware: bool,
    ) -> Self {
        let units = work.units();
        let threads = (units / work.min).max(1).min(threads);
        let chunk = (units / (threads * CHUNKS_PER_THREAD))
            .max(work.min)
            .next_multiple_of(work.min);
        Self {
            machine,
            numa_aware,
            caller,
            threads,
            chunk: if threads == 1 { units } else { chunk },
            claimed: 0,
            units,
        }
    }

    /// Where `queue_work_node()` queues: on the caller's CPU if it is of that node, else on the
    /// first of the node (`select_numa_node_cpu()` in kernel/workqueue.c).
    fn near(&self, node: usize) -> usize {
        if self.machine.node_of(self.caller) == node {
            self.caller
        } else {
            self.machine.node(node).start
        }
    }
}

impl Policy for Padata<'_> {
    fn helpers(&mut self) -> Vec<Pool> {
        let queue = |helper| {
            Pool::ShardOf(if self.numa_aware {
                self.near((helper + 1) % self.machine.nodes)
            } else {
                self.caller
            })
        };
        (0..self.threads - 1).map(queue).collect()
    }

    fn next(&mut self, _thread: usize, _random: &mut Random) -> Next {
        let start = self.claimed;
        if start == self.units {
            return Next::Done;
        }
        self.claimed = (start + self.chunk).min(self.units);
        Next::Chunk {
            units: start..self.claimed,
            cursor: 0,
        }
    }

    fn ways(&self) -> Ways {
        Ways::LOCKED
    }
}
