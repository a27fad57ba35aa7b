// SPDX-License-Identifier: GPL-2.0

//! A proposal: ktask that starts with few helpers, and adds more as long as that helps.
//!
//! Memory that is saturated is not served faster by more threads, but everybody else on the node
//! is served worse. So the caller looks at the throughput from time to time: has it grown by a
//! fair share of what the last helpers were worth, it adds more, else it lets those go again.

use super::{
    ktask::Ktask,
    Next,
    Policy,
    Progress,
    Ways, //
};
use crate::{
    cpus::Pool,
    random::Random, //
};

/// How many threads a task begins with.
const FIRST: usize = 4;

/// What is added: this share of the threads that there are.
const GROWTH: usize = 2;

/// New helpers are worth it if they bring this share of what they would if nothing were saturated.
const WORTH: f64 = 0.5;

/// The throughput is that of so many chunks of each thread.
const CHUNKS: usize = 4;

pub(crate) struct Ramp {
    ktask: Ktask,
    /// Threads that are to work now, and did before the last ones were added.
    threads: usize,
    fewer: usize,
    /// Throughput that the fewer had.
    before: Option<f64>,
    since: Progress,
    ended: bool,
}

impl Ramp {
    /// The proposal in place of the fixed number of threads that `ktask` has been told.
    pub(crate) fn new(ktask: Ktask) -> Self {
        Self {
            threads: FIRST,
            fewer: FIRST,
            ktask,
            before: None,
            since: Progress::default(),
            ended: false,
        }
    }

    /// Whether the last helpers were worth it, now that there is this throughput.
    fn worth_it(&self, throughput: f64) -> bool {
        self.before.is_none_or(|before| {
            let hoped = self.threads as f64 / self.fewer as f64 - 1.0;
            throughput / before - 1.0 >= WORTH * hoped
        })
    }
}

impl Policy for Ramp {
    fn helpers(&mut self) -> Vec<Pool> {
        self.ktask.recruit(FIRST)
    }

    fn next(&mut self, thread: usize, random: &mut Random) -> Next {
        if thread < self.threads {
            return self.ktask.next(thread, random);
        }
        self.ktask.release(thread);
        Next::Done
    }

    fn more(&mut self, progress: &Progress) -> Vec<Pool> {
        let chunks = progress.chunks - self.since.chunks;
        if self.ended || chunks < CHUNKS * self.threads {
            return Vec::new();
        }
        let units = (progress.units - self.since.units) as f64;
        let throughput = units / (progress.now - self.since.now);
        self.since = *progress;
        if !self.worth_it(throughput) {
            (self.threads, self.ended) = (self.fewer, true);
            return Vec::new();
        }
        let pools = self
            .ktask
            .recruit(self.threads + self.threads.div_ceil(GROWTH));
        self.before = Some(throughput);
        self.fewer = self.threads;
        self.threads += pools.len();
        self.ended = pools.is_empty();
        pools
    }

    fn cancelled(&mut self, thread: usize) {
        self.ktask.cancelled(thread);
    }

    fn held(&self) -> u32 {
        self.ktask.held()
    }

    fn ways(&self) -> Ways {
        self.ktask.ways()
    }
}
