// SPDX-License-Identifier: GPL-2.0

//! Version 4 of the RFC, on a kernel of its time, whose workqueues have one pool for a node:
//! chunks of one size, one lock, helpers that go on with a random part, all of them waited for.

use super::{
    Next,
    Policy,
    Ways, //
};
use crate::cpus::Pool;
use crate::cpus::NICE_19;
use crate::ktask::protocol::limits;
use crate::machine::Machine;
use crate::random::Random;
use crate::work::Work;

/// `KTASK_LOAD_BAL_SHIFT` as a factor.
const CHUNKS_PER_THREAD: usize = 4;

pub(crate) struct V4<'a> {
    work: &'a Work,
    threads: usize,
    chunk: usize,
    /// Units claimed of each part.
    claimed: Vec<usize>,
    /// The part of each thread.
    at: Vec<usize>,
}

impl<'a> V4<'a> {
    pub(crate) fn new(machine: &Machine, work: &'a Work, threads: usize) -> Self {
        let units = work.units();
        let most = limits::default_limit(machine.cpus()) as usize + 1;
        let threads = units.div_ceil(work.min).min(threads).min(most).max(1);
        let chunk = units / threads / CHUNKS_PER_THREAD / work.min * work.min;
        let parts = work.places().len();
        Self {
            work,
            threads,
            chunk: if threads == 1 {
                units
            } else {
                chunk.max(work.min)
            },
            claimed: vec![0; parts],
            at: (0..threads).map(|thread| thread % parts).collect(),
        }
    }

    fn left(&self, part: usize) -> usize {
        self.work.places()[part].size - self.claimed[part]
    }

    /// A part that is not drained, or `None`.
    fn any_left(&self, random: &mut Random) -> Option<usize> {
        let left: Vec<_> = (0..self.claimed.len())
            .filter(|&part| self.left(part) > 0)
            .collect();
        (!left.is_empty()).then(|| left[random.below(left.len())])
    }

    fn claim(&mut self, part: usize) -> Next {
        let start = self.work.places()[part].start + self.claimed[part];
        let len = self.chunk.min(self.left(part));
        self.claimed[part] += len;
        Next::Chunk {
            units: start..start + len,
            cursor: 0,
        }
    }
}

impl Policy for V4<'_> {
    fn helpers(&mut self) -> Vec<Pool> {
        let node = |&part: &usize| Pool::Node(self.work.places()[part].node);
        self.at
            .iter()
            .skip(1)
            .take(self.threads)
            .map(node)
            .collect()
    }

    fn next(&mut self, thread: usize, random: &mut Random) -> Next {
        let part = self.at[thread];
        if self.left(part) > 0 {
            return self.claim(part);
        }
        let Some(next) = self.any_left(random) else {
            return Next::Done;
        };
        self.at[thread] = next;
        let node = |part: usize| self.work.places()[part].node;
        if thread == 0 || node(part) == node(next) {
            self.claim(next)
        } else {
            Next::Move(Pool::Node(node(next)))
        }
    }

    fn ways(&self) -> Ways {
        Ways {
            weight: NICE_19,
            ..Ways::LOCKED
        }
    }
}
