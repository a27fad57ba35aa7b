// SPDX-License-Identifier: GPL-2.0

//! Machines: their CPUs, what the memory of a node can do, and what starting helpers costs.

use core::ops::Range;

/// A machine. CPU ids count through shards, caches and nodes, in this order.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What it is called in tables.
    pub name: &'static str,
    /// Number of nodes.
    pub nodes: usize,
    /// CPUs of a node.
    pub node_cpus: usize,
    /// CPUs that share a last-level cache.
    pub llc_cpus: usize,
    /// CPUs of a shard, which a workqueue has a pool of workers for.
    pub shard_cpus: usize,
    /// How many threads at full speed the memory of one node can serve.
    pub ceiling: f64,
    /// How suddenly that ceiling comes: with infinity all of a sudden, with less the sooner.
    pub knee: f64,
    /// Speed of a thread whose memory is on another node, by that of one whose is on its own.
    pub remote: f64,
    /// What queueing a helper costs the thread that does it.
    pub queue_ns: f64,
    /// From there until the helper runs.
    pub wake_ns: f64,
    /// Workers that a pool has to spare. It has one when it is new, and keeps what it made for some
    /// minutes.
    pub idle_workers: usize,
    /// What making another one takes.
    pub create_ns: f64,
    /// What moving a contended cache line from one CPU to another costs.
    pub line_ns: f64,
}

impl Machine {
    /// A machine of so many nodes, each of so many CPUs, which share caches in groups of
    /// `llc_cpus`. Memory is no limit.
    pub fn new(name: &'static str, nodes: usize, node_cpus: usize, llc_cpus: usize) -> Self {
        Self {
            name,
            nodes,
            node_cpus,
            llc_cpus,
            shard_cpus: shard_of(llc_cpus),
            ceiling: f64::INFINITY,
            knee: f64::INFINITY,
            remote: 1.0,
            queue_ns: 1_500.0,
            wake_ns: 20_000.0,
            idle_workers: usize::MAX,
            create_ns: 40_000.0,
            line_ns: 100.0,
        }
    }

    /// The same with memory of which a node serves `ceiling` threads at full speed, and which is
    /// slower for threads of other nodes.
    pub fn with_memory(self, ceiling: f64, remote: f64) -> Self {
        Self {
            ceiling,
            remote,
            ..self
        }
    }

    /// The same for work that does not depend on memory.
    pub fn computing(self) -> Self {
        self.with_memory(f64::INFINITY, 1.0)
    }

    /// What share of their speed threads keep that want so much of the memory of one node.
    pub(crate) fn served(&self, wanted: f64) -> f64 {
        let load = wanted / self.ceiling;
        if self.knee.is_infinite() {
            load.max(1.0).recip()
        } else {
            (1.0 + load.powf(self.knee)).powf(-self.knee.recip())
        }
    }

    /// Number of CPUs.
    pub fn cpus(&self) -> usize {
        self.nodes * self.node_cpus
    }

    /// The node of a CPU.
    pub fn node_of(&self, cpu: usize) -> usize {
        cpu / self.node_cpus
    }

    /// The CPUs of a node.
    pub fn node(&self, node: usize) -> Range<usize> {
        node * self.node_cpus..(node + 1) * self.node_cpus
    }

    /// The CPUs that share a cache with `cpu`.
    pub fn llc(&self, cpu: usize) -> Range<usize> {
        self.group(cpu, self.llc_cpus, self.node(self.node_of(cpu)))
    }

    /// The CPUs of the shard of `cpu`.
    pub fn shard(&self, cpu: usize) -> Range<usize> {
        self.group(cpu, self.shard_cpus, self.llc(cpu))
    }

    fn group(&self, cpu: usize, len: usize, of: Range<usize>) -> Range<usize> {
        let first = of.start + (cpu - of.start) / len * len;
        first..(first + len).min(of.end)
    }
}

/// CPUs of a shard: those of about 8 cores with 2 threads each, all of the same size
/// (`llc_populate_cpu_shard_id()` in kernel/workqueue.c).
fn shard_of(llc_cpus: usize) -> usize {
    let shards = (llc_cpus as f64 / 16.0).round().max(1.0) as usize;
    llc_cpus.div_ceil(shards)
}
