// SPDX-License-Identifier: GPL-2.0

//! The tables of the CPUs: what there is for helpers, by node, and what is learnt from where helpers
//! run.

use super::{
    excluded::Excluded,
    nodes::Nodes,
    topology::Topology, //
};
use crate::ktask::protocol::limits::{
    Limits,
    Rlim, //
};
use core::ops::{
    Deref,
    DerefMut, //
};

/// How often an excluded CPU is tried again, in milliseconds.
const TRY_AGAIN_MS: i64 = 1000;

/// How long after a change of the CPUs nothing is concluded from where helpers run, in milliseconds:
/// the kernel has workqueues follow the end of an isolation a moment later.
const SETTLE_MS: i64 = 1000;

/// The CPUs of the machine. `V` is a vector of `u32`, the kernel's or the host's. Times are in
/// milliseconds since any one moment.
pub(crate) struct Machine<V> {
    topology: Topology<V>,
    excluded: Excluded<V>,
    /// When an excluded CPU was last tried again.
    tried_at: i64,
    /// When the CPUs were last seen to have changed.
    changed_at: Option<i64>,
}

impl<V: DerefMut<Target = [u32]>> Machine<V> {
    /// Builds empty tables for `cpus` CPU ids and `nodes` node ids; `zeroed` allocates a vector of a
    /// given length.
    pub(crate) fn new<E>(
        cpus: usize,
        nodes: usize,
        zeroed: impl Fn(usize) -> Result<V, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            topology: Topology::new(cpus, nodes, &zeroed)?,
            excluded: Excluded::none(zeroed(cpus)?, zeroed(cpus)?),
            tried_at: 0,
            changed_at: None,
        })
    }

    /// How many CPUs helpers may use.
    pub(crate) fn usable(&self) -> usize {
        self.topology.usable()
    }

    /// Reads the CPUs again, and sets what follows them, the limits and the nodes: `node_of` tells the
    /// node of a possible CPU, `available` whether helpers may use the CPU if the workqueue serves it.
    ///
    /// A helper that is placed meanwhile may go to a CPU that is not there any more, and is to look
    /// again once the rebuild is over.
    pub(crate) fn rebuild<L: Deref<Target = [Rlim]>>(
        &mut self,
        limits: &Limits<L>,
        nodes: &impl Nodes,
        node_of: impl Fn(u32) -> Option<usize>,
        available: impl Fn(u32) -> bool,
    ) {
        // No helper is sent to such a CPU, so there would be no end of the doubt.
        self.excluded.clear_suspects(|cpu| !available(cpu));
        let excluded = &self.excluded;
        self.topology
            .rebuild(node_of, |cpu| available(cpu) && !excluded.has(cpu));
        // The machine's limit last: a helper that finds room in the machine before a new node has any,
        // or is known to have CPUs, would count against no node.
        for (node, rlim) in limits.nodes.iter().enumerate() {
            rlim.follow(self.topology.cpus_of(node).len());
        }
        self.topology.tell(nodes);
        limits.global.follow(self.topology.usable());
    }

    /// The CPUs that the kernel says are there for helpers have changed.
    pub(crate) fn cpus_changed(&mut self, now: i64) {
        self.changed_at = Some(now);
    }

    /// Whether the workqueue may not serve `cpu`: where a helper for it runs is to be conclusive.
    pub(crate) fn suspects(&self, cpu: u32) -> bool {
        self.excluded.suspects(cpu)
    }

    /// Whether all helpers are to be learnt from.
    pub(crate) fn any_doubt(&self) -> bool {
        self.excluded.any_doubt()
    }

    /// Learns from the worker of a helper that was queued for `cpu`, which is `available`, and of
    /// which `may_run` tells where it may run. `conclusive`: the worker is one that serves `cpu`, if
    /// any does. Returns whether the tables are to be built again.
    pub(crate) fn learn(
        &mut self,
        now: i64,
        cpu: u32,
        available: bool,
        conclusive: bool,
        may_run: impl Fn(u32) -> bool,
    ) -> bool {
        let disproved = self.excluded.disprove(&may_run);
        let changed = if may_run(cpu) {
            self.excluded.served(cpu)
        } else {
            // A CPU that is offline or isolated by now says nothing about the workqueue.
            available && self.settled(now) && self.excluded.displaced(cpu, conclusive)
        };
        disproved || changed
    }

    /// Whether the workqueue has followed the last change of the CPUs by now.
    fn settled(&self, now: i64) -> bool {
        self.changed_at
            .is_none_or(|then| now.saturating_sub(then) >= SETTLE_MS)
    }

    /// Has an excluded CPU tried again if it is time for that. Returns whether the tables are to be
    /// built again.
    pub(crate) fn try_again(&mut self, now: i64) -> bool {
        if !self.excluded.any() || now.saturating_sub(self.tried_at) < TRY_AGAIN_MS {
            return false;
        }
        self.tried_at = now;
        self.excluded.try_one_again()
    }
}
