// SPDX-License-Identifier: GPL-2.0

//! The nodes as helpers are placed on them: how many CPUs each has, and whose turn it is there.

use super::turns::Turns;
use crate::ktask::sync::{
    Acquire,
    Atomic,
    Full,
    Relaxed, //
};
use core::ops::DerefMut;

/// There is no such node.
const NONE: u32 = u32::MAX;

/// What is known of one node without its lock.
pub(crate) struct Facts {
    /// How many CPUs of the node helpers may use.
    cpus: Atomic<usize>,
    /// The nearest node that has such CPUs, where the node itself has none: in the lower half; and the
    /// count of rebuilds when that was found out.
    home: Atomic<u64>,
}

impl Facts {
    /// A node without CPUs.
    pub(crate) fn new() -> Self {
        Self {
            cpus: Atomic::new(0),
            home: Atomic::new(u64::from(NONE)),
        }
    }

    /// How many CPUs of the node helpers may use.
    pub(crate) fn cpus(&self) -> usize {
        self.cpus.load(Relaxed)
    }

    /// Sets [`Self::cpus`].
    pub(crate) fn set_cpus(&self, cpus: usize) {
        self.cpus.store(cpus, Relaxed);
    }
}

/// The nodes of the machine: the kernel's or the host's.
pub(crate) trait Nodes {
    /// A vector of CPU ids.
    type Cpus: DerefMut<Target = [u32]>;

    /// The number of node ids.
    fn count(&self) -> usize;

    /// What is known of a node; `None` if there is no such node.
    fn facts(&self, node: usize) -> Option<&Facts>;

    /// How often the tables were built.
    fn builds(&self) -> &Atomic<u32>;

    /// Calls `access` with the turns of a node, or with those of all CPUs, under their lock. `None` if
    /// there is no such node.
    fn with_turns<R>(
        &self,
        node: Option<usize>,
        access: impl FnOnce(&mut Turns<Self::Cpus>) -> R,
    ) -> Option<R>;

    /// Whether helpers may use any CPU of a node.
    fn has_cpus(&self, node: usize) -> bool {
        self.facts(node).is_some_and(|facts| facts.cpus() > 0)
    }

    /// All of what is known of the nodes has been set. What was found out before is out of date.
    fn built(&self) {
        self.builds().fetch_add(1, Full);
    }

    /// The node where helpers for work on `node` run: itself, or the nearest one that has a usable
    /// CPU. `None` if no CPU at all is usable. `distance` tells how far one node is from another.
    fn home(&self, node: usize, distance: impl Fn(usize, usize) -> u32) -> Option<usize> {
        let facts = self.facts(node)?;
        if facts.cpus() > 0 {
            return Some(node);
        }
        // Before the CPUs are counted: what a rebuild at the same time leaves half done is not kept.
        let builds = self.builds().load(Acquire);
        let found = facts.home.load(Relaxed);
        if found as u32 != NONE && (found >> u32::BITS) as u32 == builds {
            return Some(found as u32 as usize);
        }
        let home = (0..self.count())
            .filter(|&other| self.has_cpus(other))
            .min_by_key(|&other| distance(node, other))?;
        let found = (u64::from(builds) << u32::BITS) | u64::from(home as u32);
        facts.home.store(found, Relaxed);
        Some(home)
    }

    /// Takes the next CPU of `node`, or of the machine. The caller's own, `avoid`, comes last.
    fn pick(&self, node: Option<usize>, avoid: u32) -> Option<u32> {
        self.with_turns(node, |turns| turns.pick(avoid))?
    }
}
