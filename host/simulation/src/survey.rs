// SPDX-License-Identifier: GPL-2.0

//! Many tasks on many machines, with several policies each.

use crate::{
    least_ns,
    machines,
    run,
    Machine,
    Noise,
    Outcome,
    Peer,
    Profile,
    Work, //
};
use std::{
    iter::once,
    panic::resume_unwind,
    thread, //
};

/// Thread counts that tasks may have.
pub const THREADS: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// A busy machine: a tenth of the CPUs have other work, and no chunk is like another.
const BUSY: Noise = Noise {
    busy: 0.1,
    jitter: 0.1,
    ..Noise::QUIET
};
/// How often a task is repeated there.
const SEEDS: u64 = 3;

/// Units, minimum chunk, and cost in nanoseconds of a small and of a large task.
const SIZES: [(usize, usize, f64); 2] = [(4096, 8, 30e6), (65536, 8, 1e9)];

/// A task, as all policies get it.
pub struct Case {
    /// The machine.
    pub machine: Machine,
    /// What the units cost.
    pub profile: Profile,
    /// The most threads.
    pub threads: usize,
    /// Whether each node has a part, or only that of the caller.
    pub spread: bool,
    /// Whether the machine is quiet.
    pub quiet: bool,
    /// Least time that it takes with so many threads.
    pub least_ns: f64,
    /// How it went with each of the policies.
    pub outcomes: Vec<Outcome>,
}

impl Case {
    /// The least time it can take by that which a policy took, in percent.
    pub fn efficiency(&self, peer: usize) -> f64 {
        100.0 * self.least_ns / self.outcomes[peer].makespan_ns
    }

    /// How many chunks a policy had.
    pub fn chunks(&self, peer: usize) -> f64 {
        self.outcomes[peer].chunks as f64
    }

    /// A policy's time by another's.
    pub fn ratio(&self, peer: usize, other: usize) -> f64 {
        self.outcomes[peer].makespan_ns / self.outcomes[other].makespan_ns
    }

    /// Whether limits left the first policy fewer threads than it asked for.
    pub fn limited(&self) -> bool {
        self.outcomes[0].helpers + 1 < self.threads
    }
}

/// Runs all cases with each of the policies.
pub fn survey(peers: &[Peer]) -> Vec<Case> {
    let machines = machines::all();
    thread::scope(|scope| {
        let threads: Vec<_> = machines
            .iter()
            .map(|machine| scope.spawn(|| on_machine(machine, peers)))
            .collect();
        let cases = threads.into_iter().map(|thread| thread.join());
        cases
            .flat_map(|cases| cases.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

fn on_machine(machine: &Machine, peers: &[Peer]) -> Vec<Case> {
    let mut cases = Vec::new();
    for profile in Profile::ALL {
        with_profile(machine, profile, peers, &mut cases);
    }
    cases
}

/// Small and large tasks of one node and of all, limited by CPUs and by memory.
fn with_profile(machine: &Machine, profile: Profile, peers: &[Peer], cases: &mut Vec<Case>) {
    let all_nodes: Vec<_> = (0..machine.nodes).collect();
    let nodes = once(&all_nodes[..1]).chain((machine.nodes > 1).then_some(&all_nodes[..]));
    for nodes in nodes {
        for (units, min, ns) in SIZES {
            let work = Work::new(profile, units, min, ns, nodes);
            for machine in [machine.clone().computing(), machine.clone()] {
                for threads in THREADS.into_iter().filter(|&n| n <= machine.cpus()) {
                    for noise in noises() {
                        cases.push(case(&machine, profile, &work, threads, noise, peers));
                    }
                }
            }
        }
    }
}

fn noises() -> impl Iterator<Item = Noise> {
    let busy = (1..=SEEDS).map(|seed| Noise { seed, ..BUSY });
    once(Noise::QUIET).chain(busy)
}

fn case(
    machine: &Machine,
    profile: Profile,
    work: &Work,
    threads: usize,
    noise: Noise,
    peers: &[Peer],
) -> Case {
    let caller = machine.node_cpus / 2;
    let outcome = |&peer: &Peer| run(peer, machine, work, threads, noise, caller);
    let outcomes: Vec<_> = peers.iter().map(outcome).collect();
    let got = outcomes.iter().map(|o| o.helpers + 1).max().unwrap_or(1);
    Case {
        machine: machine.clone(),
        profile,
        threads,
        spread: work.parts() > 1,
        quiet: noise.busy == 0.0,
        least_ns: least_ns(machine, work, got, caller),
        outcomes,
    }
}
