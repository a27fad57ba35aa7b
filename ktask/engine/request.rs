// SPDX-License-Identifier: GPL-2.0

//! What a client asks for: the one value that describes a task, from the edge to the end.

use super::Client;
use crate::ktask::{
    kernel::{
        cpus,
        lockdep, //
    },
    policy::threads,
    protocol::part::Part, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// How a task is to be run.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// Minimum chunk size in units; 0 counts as 1.
    pub(crate) min_chunk: usize,
    /// The most threads, or 0 for the knob's.
    pub(crate) max_threads: usize,
    /// Whether a fatal signal to the caller fails the task.
    pub(crate) killable: bool,
    /// Where the task is started.
    pub(crate) class: lockdep::Class,
}

/// A task that can be run.
///
/// # Invariants
///
/// Each part's node is possible on this machine, or none; the sizes of the parts add up to `total`,
/// which fits; and the positions of a range fit.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a, C> {
    pub(super) client: C,
    pub(super) parts: &'a [Part],
    /// The size of all parts in units.
    pub(super) total: usize,
    pub(super) options: Options,
}

impl<'a, C: Client> Request<'a, C> {
    /// Checks what a client asks for. The parts are the task's alone until the task is done.
    ///
    /// Fails with `EINVAL` for a node id that is neither possible nor `NUMA_NO_NODE`, and for sizes
    /// that do not fit: in total, or, in a range, behind the part's start.
    #[inline]
    pub(crate) fn new(client: C, parts: &'a [Part], options: Options) -> Result<Self> {
        let walks = client.walks();
        let mut total = 0usize;
        for part in parts {
            let nid = part.raw_nid();
            if nid != bindings::NUMA_NO_NODE && !cpus::node_possible(nid) {
                return Err(EINVAL);
            }
            total = total.checked_add(part.size()).ok_or(EINVAL)?;
            if !walks {
                part.start().checked_add(part.size()).ok_or(EINVAL)?;
            }
        }
        // INVARIANT: All of it has just been checked.
        Ok(Self {
            client,
            parts,
            total,
            options,
        })
    }

    /// The most threads of the task, where `knob` is the number for tasks that do not say.
    pub(super) fn max_threads(&self, knob: u32) -> usize {
        match self.options.max_threads {
            0 => knob as usize,
            max => max,
        }
    }

    /// Whether the task has one thread on any machine.
    pub(super) fn is_for_one_thread(&self, knob: u32) -> bool {
        threads::only_one(self.total, self.options.min_chunk, self.max_threads(knob))
    }

    /// How many threads the task may have with so many CPUs.
    pub(super) fn threads(&self, knob: u32, cpus: usize) -> usize {
        let max = self.max_threads(knob);
        threads::count(self.total, self.options.min_chunk, max, cpus)
    }
}
