// SPDX-License-Identifier: GPL-2.0

//! What is compared: who decides where helpers are queued and what a thread does next.

pub(crate) mod chunk_rule;
pub(crate) mod ktask;
pub(crate) mod padata;
pub(crate) mod ramp;
pub(crate) mod v4;

use crate::{
    cpus::{
        Pool,
        NICE_0, //
    },
    random::Random, //
};
use core::ops::Range;

/// What a thread does next.
pub(crate) enum Next {
    /// It works on these units, claimed from this cursor: others must wait their turn for that.
    Chunk { units: Range<usize>, cursor: usize },
    /// It goes on in a worker of this pool.
    Move(Pool),
    /// It ends.
    Done,
}

/// How far a task has come.
#[derive(Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) now: f64,
    /// Chunks and units that have been completed.
    pub(crate) chunks: usize,
    pub(crate) units: usize,
}

/// A policy, playing one task.
pub(crate) trait Policy {
    /// Chooses the helpers, to be queued in this order.
    fn helpers(&mut self) -> Vec<Pool>;

    /// What a thread does that has nothing to do. Thread 0 is the caller, the others are the
    /// helpers.
    fn next(&mut self, thread: usize, random: &mut Random) -> Next;

    /// Chooses more helpers, when the caller has completed a chunk.
    fn more(&mut self, _progress: &Progress) -> Vec<Pool> {
        Vec::new()
    }

    /// A helper that has not started will not, as the caller is done.
    fn cancelled(&mut self, _thread: usize) {}

    /// How many helpers are counted by each of the limits, in total: 0 once a task is over.
    fn held(&self) -> u32 {
        0
    }

    /// How it differs otherwise.
    fn ways(&self) -> Ways;
}

/// What a policy does the same way all the time.
#[derive(Clone, Copy)]
pub(crate) struct Ways {
    /// How many contended cache lines a claim moves.
    pub(crate) lines: f64,
    /// Whether the caller also waits for helpers that have not started.
    pub(crate) waits_for_all: bool,
    /// The scheduler's weight of a helper.
    pub(crate) weight: f64,
}

impl Ways {
    /// Claims under a lock: its line moves, and that of what it protects.
    const LOCKED: Self = Self {
        lines: 2.0,
        waits_for_all: true,
        weight: NICE_0,
    };
}
