// SPDX-License-Identifier: GPL-2.0

//! ktask: the module's policy files decide. What its engine adds to them (the order of
//! `Engine::recruit`, `Engine::place` and `Task::run`) is played here.

use super::{
    Next,
    Policy,
    Ways, //
};
use crate::cpus::Pool;
use crate::cpus::NICE_19;
use crate::ktask::placement::topology::Topology;
use crate::ktask::policy::chunk::Sizes;
use crate::ktask::policy::threads;
use crate::ktask::protocol::limits;
use crate::ktask::protocol::limits::Charge;
use crate::ktask::protocol::limits::Rlim;
use crate::ktask::protocol::part::Part;
use crate::machine::Machine;
use crate::random::Random;
use crate::work::Work;
use core::ops::Range;

/// How the length of the next chunk is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkRule {
    /// As the module does.
    Module,
    /// What remains by `shares` times the threads, but at most the part by `cap` times the
    /// threads, if that is not 0.
    Guided {
        /// The larger, the smaller the chunks.
        shares: usize,
        /// The larger, the smaller the first chunks.
        cap: usize,
        /// Whether helpers claim no more than they have done so far and one minimum chunk.
        slow_start: bool,
    },
}

impl ChunkRule {
    /// Its name in tables.
    pub fn name(self) -> String {
        match self {
            Self::Module => "module".into(),
            Self::Guided {
                shares,
                cap,
                slow_start,
            } => {
                let slow = if slow_start { "" } else { ", at once" };
                match cap {
                    0 => format!("r/{shares}n{slow}"),
                    _ => format!("min(r/{shares}n, s/{cap}n){slow}"),
                }
            }
        }
    }

    /// Claims a chunk of `part` for a thread that has done `done` units of it.
    fn claim(self, part: &Part, shape: Shape, done: usize) -> Option<Range<usize>> {
        let Shape {
            min,
            threads,
            helper,
        } = shape;
        let chunk = match self {
            Self::Module => {
                let sizes = Sizes::new(part.size(), min, threads);
                let sizes = if helper {
                    sizes.with_slow_start()
                } else {
                    sizes
                };
                part.claims(sizes).next(done)?
            }
            Self::Guided {
                shares,
                cap,
                slow_start,
            } => {
                let guided = part.remaining() / (shares * threads);
                let most = part.size().checked_div(cap * threads);
                let mut len = (guided.min(most.unwrap_or(guided)) / min * min).max(min);
                if slow_start && helper {
                    len = len.min(done + min);
                }
                // For so many threads a chunk is the minimum, whatever the module's rule is.
                let sizes = Sizes::new(part.size(), len, usize::MAX);
                part.claims(sizes).next(0)?
            }
        };
        Some(chunk.start..chunk.end)
    }
}

/// What chunks depend on besides the part.
#[derive(Clone, Copy)]
struct Shape {
    min: usize,
    threads: usize,
    helper: bool,
}

/// What a helper does until it moves to another node.
struct Leg {
    part: usize,
    charge: Charge,
    node: Option<usize>,
}

pub(crate) struct Ktask {
    rule: ChunkRule,
    min: usize,
    /// The most threads, then how many there are.
    threads: usize,
    caller: usize,
    parts: Vec<Part>,
    global: Rlim,
    nodes: Vec<Rlim>,
    topology: Topology<Vec<u32>>,
    callers_part: usize,
    legs: Vec<Leg>,
    /// How many units of the part where it is each thread has done.
    done: Vec<usize>,
}

impl Ktask {
    pub(crate) fn new(
        machine: &Machine,
        work: &Work,
        threads: usize,
        caller: usize,
        rule: ChunkRule,
    ) -> Self {
        let parts: Vec<_> = work
            .places()
            .iter()
            .map(|place| Part::new(place.start, place.size, place.node as i32))
            .collect();
        let (global, nodes) = limits(machine);
        Self {
            rule,
            min: work.min,
            threads: threads::count(work.units(), work.min, threads, machine.cpus()),
            caller,
            callers_part: threads::callers_part(&parts, Some(machine.node_of(caller))).unwrap_or(0),
            parts,
            global,
            nodes,
            topology: topology(machine),
            legs: Vec::new(),
            done: Vec::new(),
        }
    }

    /// As `Engine::recruit`: takes helpers until there are so many threads.
    pub(super) fn recruit(&mut self, threads: usize) -> Vec<Pool> {
        let mut pools = Vec::new();
        while self.legs.len() + 1 < threads {
            let Some(part) = threads::next_part(&self.parts) else {
                break;
            };
            let Some((cpu, charge, node)) = self.place(self.parts[part].nid()) else {
                break;
            };
            self.parts[part].add_thread();
            self.legs.push(Leg { part, charge, node });
            pools.push(Pool::ShardOf(cpu));
        }
        pools
    }

    /// Sends the caller to its part, and chooses the first helpers of so many threads.
    pub(super) fn start_with(&mut self, threads: usize) -> Vec<Pool> {
        self.parts[self.callers_part].add_thread();
        self.recruit(threads.min(self.threads))
    }

    /// A helper ends.
    pub(super) fn put(&mut self, helper: usize) {
        self.legs[helper].charge.put(&self.global, &self.nodes);
    }

    /// As `Engine::place`.
    fn place(&mut self, nid: Option<usize>) -> Option<(usize, Charge, Option<usize>)> {
        let avoid = self.caller as u32;
        let topology = &mut self.topology;
        let near = nid.and_then(|nid| topology.home(nid));
        let node = limits::nearest_with_room(&self.nodes, near, |from, to| {
            (!topology.cpus_of(to).is_empty()).then(|| distance(from, to))
        });
        let charge = Charge::take(&self.global, &self.nodes, node)?;
        let cpu = topology.pick(charge.node(), avoid)?;
        Some((cpu as usize, charge, topology.node_of(cpu)))
    }

    /// A thread claims a chunk of a part, or leaves it.
    fn claim(&mut self, thread: usize, part: usize) -> Option<Range<usize>> {
        let shape = Shape {
            min: self.min,
            threads: self.threads,
            helper: thread > 0,
        };
        if self.done.len() <= thread {
            self.done.resize(thread + 1, 0);
        }
        let units = self.rule.claim(&self.parts[part], shape, self.done[thread]);
        match &units {
            Some(units) => self.done[thread] += units.len(),
            None => self.done[thread] = 0,
        }
        units
    }

    /// As `Engine::migrate`.
    fn migrate(&mut self, helper: usize, to: usize) -> Option<usize> {
        let leg = &mut self.legs[helper];
        leg.part = to;
        let home = self.topology.home(self.parts[to].nid()?)?;
        if leg.node == Some(home) {
            return None;
        }
        let cpu = self.topology.pick(Some(home), u32::MAX)?;
        leg.charge = leg.charge.move_to(&self.nodes, home)?;
        leg.node = Some(home);
        Some(cpu as usize)
    }
}

impl Policy for Ktask {
    fn helpers(&mut self) -> Vec<Pool> {
        let pools = self.start_with(self.threads);
        self.threads = pools.len() + 1;
        pools
    }

    /// As `Task::run` and `Task::work`.
    fn next(&mut self, thread: usize, _random: &mut Random) -> Next {
        loop {
            let index = match thread.checked_sub(1) {
                None => self.callers_part,
                Some(helper) => self.legs[helper].part,
            };
            if let Some(units) = self.claim(thread, index) {
                return Next::Chunk {
                    units,
                    cursor: index,
                };
            }
            let next = threads::most_left(&self.parts, index);
            match (thread.checked_sub(1), next) {
                (None, None) => return Next::Done,
                (None, Some(next)) => self.callers_part = next,
                (Some(helper), None) => {
                    self.put(helper);
                    return Next::Done;
                }
                (Some(helper), Some(next)) => {
                    if let Some(cpu) = self.migrate(helper, next) {
                        return Next::Move(Pool::ShardOf(cpu));
                    }
                }
            }
        }
    }

    fn ways(&self) -> Ways {
        Ways {
            lines: 1.0,
            waits_for_all: false,
            weight: NICE_19,
        }
    }
}

fn limits(machine: &Machine) -> (Rlim, Vec<Rlim>) {
    let limit = |cpus| {
        let rlim = Rlim::new();
        rlim.follow(cpus);
        rlim
    };
    let nodes = (0..machine.nodes).map(|_| limit(machine.node_cpus));
    (limit(machine.cpus()), nodes.collect())
}

fn topology(machine: &Machine) -> Topology<Vec<u32>> {
    let zeroed = |len| Ok::<_, core::convert::Infallible>(vec![0; len]);
    let Ok(mut topology) = Topology::new(machine.cpus(), machine.nodes, zeroed);
    topology.rebuild(
        |cpu| Some(machine.node_of(cpu as usize)),
        |_| true,
        distance,
    );
    topology
}

fn distance(from: usize, to: usize) -> u32 {
    if from == to {
        10
    } else {
        20
    }
}
