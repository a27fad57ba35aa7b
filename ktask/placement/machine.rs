// SPDX-License-Identifier: GPL-2.0

//! The CPUs as helpers are placed on them: where the next one goes, and what is learnt from where it
//! ran.

use super::{
    excluded::Excluded,
    topology::Topology, //
};
use crate::ktask::protocol::limits::{
    Grant,
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

/// Where a helper goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The CPU to queue the helper for.
    pub(crate) cpu: u32,
    /// The node of that CPU.
    pub(crate) node: Option<usize>,
    /// The limits that the helper counts against.
    pub(crate) grant: Grant,
    /// The node that was asked for was full.
    pub(crate) spilled: bool,
    /// The workqueue may not serve the CPU: where the helper runs is to be conclusive.
    pub(crate) verify: bool,
}

/// What a thread wants for a helper.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// The node whose memory the helper will work on; `None` for any.
    pub(crate) nid: Option<usize>,
    /// The CPU of the calling thread, which comes last.
    pub(crate) avoid: u32,
}

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

    /// Reads the CPUs again, and sets the limits that follow them: `node_of` tells the node of a
    /// possible CPU, `available` whether helpers may use the CPU if the workqueue serves it.
    pub(crate) fn rebuild<N: Deref<Target = [Rlim]>>(
        &mut self,
        limits: &Limits<N>,
        node_of: impl Fn(u32) -> Option<usize>,
        available: impl Fn(u32) -> bool,
    ) {
        // No helper is sent to such a CPU, so there would be no end of the doubt.
        self.excluded.clear_suspects(|cpu| !available(cpu));
        let excluded = &self.excluded;
        self.topology
            .rebuild(node_of, |cpu| available(cpu) && !excluded.has(cpu));
        limits.global.follow(self.topology.usable());
        for (node, rlim) in limits.nodes.iter().enumerate() {
            rlim.follow(self.topology.cpus_of(node).len());
        }
    }

    /// The CPUs that the kernel says are there for helpers have changed.
    pub(crate) fn cpus_changed(&mut self, now: i64) {
        self.changed_at = Some(now);
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

    /// Finds a CPU for a helper, and counts the helper. `None` if the limit of the machine is
    /// reached.
    ///
    /// If the node is full, the helper goes to the nearest one that has room, and only if none has
    /// does the helper run wherever there is a CPU. `distance` tells how far one node is from another.
    pub(crate) fn place<N: Deref<Target = [Rlim]>>(
        &mut self,
        limits: &Limits<N>,
        wish: Wish,
        distance: impl Fn(usize, usize) -> u32,
    ) -> Option<Placed> {
        let topology = &mut self.topology;
        let home = wish.nid.and_then(|nid| topology.home(nid, &distance));
        // Any node will do: the one of the next CPU whose turn it is.
        let near = home.or_else(|| {
            let cpu = topology.pick(None, wish.avoid)?;
            topology.node_of(cpu)
        });
        let node = limits.nearest_with_room(near, |from, to| {
            (!topology.cpus_of(to).is_empty()).then(|| distance(from, to))
        });
        let grant = limits.acquire(node)?;
        let Some(cpu) = topology.pick(grant.node(), wish.avoid) else {
            limits.release(grant);
            return None;
        };
        Some(self.placed(cpu, home, grant))
    }

    /// As [`Self::place`], on a CPU that is `allowed`.
    pub(crate) fn place_confined<N: Deref<Target = [Rlim]>>(
        &mut self,
        limits: &Limits<N>,
        wish: Wish,
        distance: impl Fn(usize, usize) -> u32,
        allowed: impl Fn(u32) -> bool,
    ) -> Option<Placed> {
        let topology = &mut self.topology;
        let home = wish.nid.and_then(|nid| topology.home(nid, &distance));
        let cpu = home
            .and_then(|home| topology.pick_where(Some(home), wish.avoid, &allowed))
            .or_else(|| topology.pick_where(None, wish.avoid, &allowed))?;
        let grant = limits.acquire(topology.node_of(cpu))?;
        Some(self.placed(cpu, home, grant))
    }

    fn placed(&self, cpu: u32, home: Option<usize>, grant: Grant) -> Placed {
        Placed {
            cpu,
            node: self.topology.node_of(cpu),
            grant,
            spilled: home.is_some() && home != grant.node(),
            verify: self.excluded.suspects(cpu),
        }
    }

    /// Moves the grant of a helper that runs on `node` to where work for `nid` is done, if that is
    /// elsewhere and has room.
    pub(crate) fn migrate<N: Deref<Target = [Rlim]>>(
        &mut self,
        limits: &Limits<N>,
        grant: Grant,
        node: Option<usize>,
        nid: Option<usize>,
        distance: impl Fn(usize, usize) -> u32,
    ) -> Option<Placed> {
        let home = self.topology.home(nid?, distance)?;
        if node == Some(home) {
            return None;
        }
        let cpu = self.topology.pick(Some(home), u32::MAX)?;
        let grant = limits.move_to(grant, home)?;
        Some(self.placed(cpu, Some(home), grant))
    }
}
