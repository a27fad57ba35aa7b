// SPDX-License-Identifier: GPL-2.0

//! The scheduler: where a woken worker runs, what it shares its CPU with, and for how long.

use crate::{
    machine::Machine,
    random::{
        hash,
        uniform,
        Random, //
    },
};
use core::ops::Range;

/// Weights of the nice values 0 and 19 (`sched_prio_to_weight` in kernel/sched/core.c).
pub(crate) const NICE_0: f64 = 1024.0;
pub(crate) const NICE_19: f64 = 15.0;

/// How often the scheduler looks for threads that share a CPU while others are idle.
const TICK_NS: f64 = 4e6;

/// For how many ticks a CPU is busy, once it is.
const BUSY_TICKS: u64 = 5;

/// What else goes on in the machine.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// Share of the CPUs that other threads of nice 0 keep busy, others from time to time.
    pub busy: f64,
    /// How many CPUs, the last ones, other threads of nice 0 keep busy all the time.
    pub hogs: usize,
    /// Chunks take longer or shorter by up to this share.
    pub jitter: f64,
    /// How many other threads work at the memory of node 0, each on a CPU of its own.
    pub others: f64,
    /// Other seeds are other noise, and other idle CPUs chosen.
    pub seed: u64,
}

impl Noise {
    /// Nothing.
    pub const QUIET: Self = Self {
        busy: 0.0,
        hogs: 0,
        jitter: 0.0,
        others: 0.0,
        seed: 0,
    };
}

/// Which workers may take a helper.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pool {
    /// Those of the shard of this CPU.
    ShardOf(usize),
    /// Those of a node, on kernels that have one pool for each.
    Node(usize),
}

impl Pool {
    /// The node whose workers they are.
    pub(crate) fn node(self, machine: &Machine) -> usize {
        match self {
            Self::ShardOf(cpu) => machine.node_of(cpu),
            Self::Node(node) => node,
        }
    }
}

/// The CPUs, and how much runs on each.
pub(crate) struct Cpus<'a> {
    machine: &'a Machine,
    noise: Noise,
    random: Random,
    tick: u64,
    /// Sum of the weights of the task's threads on each CPU.
    load: Vec<f64>,
}

impl<'a> Cpus<'a> {
    pub(crate) fn new(machine: &'a Machine, noise: Noise) -> Self {
        Self {
            machine,
            noise,
            random: Random::new(noise.seed),
            tick: 0,
            load: vec![0.0; machine.cpus()],
        }
    }

    /// Finds a CPU for a worker of `pool` that wakes up: an idle one of the pool, else one that
    /// shares its cache, else the one of the pool with the least to do.
    pub(crate) fn wake(&mut self, pool: Pool) -> usize {
        let (pool, beside) = match pool {
            Pool::ShardOf(cpu) => (self.machine.shard(cpu), self.machine.llc(cpu)),
            Pool::Node(node) => (self.machine.node(node), self.machine.node(node)),
        };
        self.idle(pool.clone())
            .or_else(|| self.idle(beside))
            .unwrap_or_else(|| self.least_loaded(pool))
    }

    /// A thread of this weight begins to run on `cpu`.
    pub(crate) fn enter(&mut self, cpu: usize, weight: f64) {
        self.load[cpu] += weight;
    }

    /// It no longer does.
    pub(crate) fn leave(&mut self, cpu: usize, weight: f64) {
        self.load[cpu] -= weight;
    }

    /// What share of `cpu` a thread of this weight has that runs there.
    pub(crate) fn share(&self, cpu: usize, weight: f64) -> f64 {
        weight / self.all_load(cpu)
    }

    /// When the scheduler looks next, after `now`.
    pub(crate) fn next_tick(&self) -> f64 {
        (self.tick + 1) as f64 * TICK_NS
    }

    /// The scheduler's next look: other CPUs are busy now.
    pub(crate) fn look(&mut self) {
        self.tick += 1;
    }

    /// An idle CPU for a thread that shares `cpu`: the nearer the better.
    pub(crate) fn better(&mut self, cpu: usize) -> Option<usize> {
        let machine = self.machine;
        self.idle(machine.llc(cpu))
            .or_else(|| self.idle(machine.node(machine.node_of(cpu))))
            .or_else(|| self.idle(0..machine.cpus()))
    }

    fn idle(&mut self, cpus: Range<usize>) -> Option<usize> {
        let from = cpus.start + self.random.below(cpus.len());
        (from..cpus.end)
            .chain(cpus.start..from)
            .find(|&cpu| self.all_load(cpu) == 0.0)
    }

    fn least_loaded(&mut self, cpus: Range<usize>) -> usize {
        let from = cpus.start + self.random.below(cpus.len());
        (from..cpus.end)
            .chain(cpus.start..from)
            .min_by(|&a, &b| self.all_load(a).total_cmp(&self.all_load(b)))
            .unwrap_or(from)
    }

    fn all_load(&self, cpu: usize) -> f64 {
        self.load[cpu] + if self.busy(cpu) { NICE_0 } else { 0.0 }
    }

    /// Whether another thread keeps `cpu` busy. Each CPU has its own beginnings.
    fn busy(&self, cpu: usize) -> bool {
        let Noise {
            busy, hogs, seed, ..
        } = self.noise;
        if cpu + hogs >= self.machine.cpus() {
            return true;
        }
        if busy == 0.0 {
            return false;
        }
        let shift = hash(seed, [1, cpu as u64]) % BUSY_TICKS;
        let period = (self.tick + shift) / BUSY_TICKS;
        uniform(seed, [period, 2 + cpu as u64]) < busy
    }
}
