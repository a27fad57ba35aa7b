// SPDX-License-Identifier: GPL-2.0

//! ktask: the module's own files decide. All that is played here is the order in which the engine
//! asks them; functions have the names of those in `ktask/engine` that they stand for.

use super::{
    chunk_rule::{
        ChunkRule,
        Shape, //
    },
    Next,
    Policy,
    Ways, //
};
use crate::{
    cpus::{
        Pool,
        NICE_19, //
    },
    ktask::{
        placement::{
            machine::Machine as Tables,
            place::{
                Placer,
                Wish, //
            }, //
        },
        policy::threads,
        protocol::{
            helper::{
                Assignment,
                Origin, //
            },
            limits::{
                Limits,
                Rlim, //
            },
            part::Part,
            parts, //
        }, //
    },
    machine::Machine,
    nodes::HostNodes,
    random::Random,
    work::{
        Place,
        Work, //
    }, //
};
use core::{
    convert::Infallible,
    ops::Range, //
};

/// What a client gives as the node of a part whose helpers may run anywhere.
const NUMA_NO_NODE: i32 = -1;

/// A thread of the task.
struct Thread {
    /// The part where the thread works, and how many units of that part it has done.
    part: usize,
    done: usize,
    /// What a helper counts against; `None` for the caller, and for a helper that has ended.
    assignment: Option<Assignment>,
}

pub(crate) struct Ktask {
    rule: ChunkRule,
    min: usize,
    /// The CPUs and the limits, which `Engine::machine` has.
    nodes: HostNodes,
    machine: Machine,
    limits: Limits<Vec<Rlim>>,
    parts: Vec<Part>,
    total: usize,
    /// How many threads are planned, the caller included.
    planned: usize,
    caller: u32,
    /// The caller, then the helpers.
    threads: Vec<Thread>,
}

impl Ktask {
    /// As `Engine::plan`.
    pub(crate) fn new(
        machine: &Machine,
        work: &Work,
        threads: usize,
        caller: usize,
        rule: ChunkRule,
    ) -> Self {
        let (tables, nodes, limits) = cpus(machine);
        let parts = parts_of(work);
        let most = threads::count(work.units(), work.min, threads, tables.usable());
        let caller = caller as u32;
        let first =
            parts::callers_part(&parts, Some(machine.node_of(caller as usize))).unwrap_or(0);
        parts[first].add_thread();
        Self {
            rule,
            min: work.min,
            planned: most.min(limits.global.room() as usize + 1),
            nodes,
            machine: machine.clone(),
            limits,
            parts,
            total: work.units(),
            caller,
            threads: vec![Thread {
                part: first,
                done: 0,
                assignment: None,
            }],
        }
    }

    /// As `Task::recruit`, until there are so many threads. The caller starts all of them here; in the
    /// module helpers start each other, which takes less time.
    pub(super) fn recruit(&mut self, threads: usize) -> Vec<Pool> {
        let mut pools = Vec::new();
        while self.threads.len() < threads.min(self.planned) {
            let (total, number) = (self.total, self.threads.len());
            let part = parts::part_for(&self.parts, total, number, self.planned);
            let Some((index, part)) = part else {
                break;
            };
            let nid = part.nid();
            let Some(cpu) = self.start_helper(index, nid) else {
                break;
            };
            self.parts[index].add_thread();
            pools.push(Pool::ShardOf(cpu));
        }
        pools
    }

    /// As `Task::start_helper`.
    fn start_helper(&mut self, part: usize, nid: Option<usize>) -> Option<usize> {
        let wish = Wish {
            nid,
            avoid: self.caller,
        };
        let placed = self
            .placer()
            .place(wish, |cpu| Some(self.machine.node_of(cpu as usize)))?;
        self.threads.push(Thread {
            part,
            done: 0,
            assignment: Some(placed.assignment(part, Origin::Start, 0)),
        });
        Some(placed.cpu as usize)
    }

    fn placer(&self) -> Placer<'_, HostNodes, Vec<Rlim>, impl Fn(usize, usize) -> u32> {
        Placer {
            nodes: &self.nodes,
            limits: &self.limits,
            distance,
        }
    }

    /// A step of `Task::drain`: a thread claims a chunk of its part.
    fn drain(&mut self, thread: usize) -> Option<Next> {
        let shape = Shape {
            min: self.min,
            threads: self.planned,
            helper: thread > 0,
        };
        let Thread { part, done, .. } = &mut self.threads[thread];
        let units: Range<usize> = self.rule.claim(&self.parts[*part], shape, *done)?;
        *done += units.len();
        Some(Next::Chunk {
            units,
            cursor: *part,
        })
    }

    /// As `Task::migrate`; the caller stays where it is.
    fn migrate(&mut self, thread: usize, next: usize) -> Option<Next> {
        let Assignment { grant, node, .. } = self.threads[thread].assignment?;
        let nid = self.parts[next].nid();
        let placed = self.placer().migrate(grant, node, nid)?;
        self.threads[thread].assignment = Some(placed.assignment(next, Origin::Move, 0));
        Some(Next::Move(Pool::ShardOf(placed.cpu as usize)))
    }

    /// A helper has ended, or its assignment was cancelled.
    pub(super) fn release(&mut self, thread: usize) {
        if let Some(assignment) = self.threads[thread].assignment.take() {
            self.limits.release(assignment.grant);
        }
    }
}

impl Policy for Ktask {
    fn helpers(&mut self) -> Vec<Pool> {
        self.recruit(self.planned)
    }

    /// As `Task::help` and, for the caller, `Task::drain_all`.
    fn next(&mut self, thread: usize, _random: &mut Random) -> Next {
        loop {
            if let Some(chunk) = self.drain(thread) {
                return chunk;
            }
            let Some(next) = parts::most_left(&self.parts, self.threads[thread].part) else {
                self.release(thread);
                return Next::Done;
            };
            let moved = self.migrate(thread, next);
            (self.threads[thread].part, self.threads[thread].done) = (next, 0);
            if let Some(moved) = moved {
                return moved;
            }
        }
    }

    fn cancelled(&mut self, thread: usize) {
        self.release(thread);
    }

    fn held(&self) -> u32 {
        let nodes = self.limits.nodes.iter().map(Rlim::cur);
        self.limits.global.cur() + nodes.sum::<u32>()
    }

    fn ways(&self) -> Ways {
        Ways {
            lines: 1.0,
            waits_for_all: false,
            weight: NICE_19,
        }
    }
}

fn parts_of(work: &Work) -> Vec<Part> {
    let part = |place: &Place| {
        let nid = place.nid.map_or(NUMA_NO_NODE, |nid| nid as i32);
        Part::new(place.start, place.size, nid)
    };
    work.places().iter().map(part).collect()
}

/// A machine all of whose CPUs helpers may use, and the limits that follow them.
fn cpus(machine: &Machine) -> (Tables<Vec<u32>>, HostNodes, Limits<Vec<Rlim>>) {
    let zeroed = |len| Ok::<_, Infallible>(vec![0; len]);
    let Ok(mut tables) = Tables::new(machine.cpus(), machine.nodes, zeroed);
    let limits = Limits::new((0..machine.nodes).map(|_| Rlim::new()).collect());
    let node_of = |cpu| Some(machine.node_of(cpu as usize));
    let nodes = HostNodes::new(machine.nodes, machine.cpus());
    tables.rebuild(&limits, &nodes, node_of, |_| true);
    (tables, nodes, limits)
}

fn distance(from: usize, to: usize) -> u32 {
    if from == to {
        10
    } else {
        20
    }
}
