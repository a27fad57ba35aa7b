// SPDX-License-Identifier: GPL-2.0

//! Where a helper goes: to a node that has room for it, and a CPU of that node.

use super::nodes::Nodes;
use crate::ktask::protocol::{
    helper::{
        Assignment,
        Origin, //
    },
    limits::{
        Grant,
        Limits,
        Rlim, //
    }, //
};
use core::ops::Deref;

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
}

impl Placed {
    /// What the helper is to do, beginning with node part `part`. `changes` were counted before the
    /// helper was placed: CPUs may change at the same time, and then the helper is to look again.
    pub(crate) fn assignment(&self, part: usize, origin: Origin, changes: u32) -> Assignment {
        Assignment {
            part,
            grant: self.grant,
            cpu: self.cpu,
            node: self.node,
            origin,
            changes,
        }
    }
}

/// What a thread wants for a helper.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// The node whose memory the helper will work on; `None` for any.
    pub(crate) nid: Option<usize>,
    /// The CPU of the calling thread, which comes last.
    pub(crate) avoid: u32,
}

/// Places helpers on the nodes of a machine, within its limits. Takes no lock but that of the node
/// where a helper goes.
///
/// `distance` tells how far one node is from another, and `node_of` the node of a CPU.
pub(crate) struct Placer<'a, N, L, D> {
    pub(crate) nodes: &'a N,
    pub(crate) limits: &'a Limits<L>,
    pub(crate) distance: D,
}

impl<N, L, D> Placer<'_, N, L, D>
where
    N: Nodes,
    L: Deref<Target = [Rlim]>,
    D: Fn(usize, usize) -> u32,
{
    /// Finds a CPU for a helper, and counts the helper. `None` if the limit of the machine is
    /// reached.
    ///
    /// If the node is full, the helper goes to the nearest one that has room, and only if none has
    /// does the helper run wherever there is a CPU.
    #[inline]
    pub(crate) fn place(
        &self,
        wish: Wish,
        node_of: impl Fn(u32) -> Option<usize>,
    ) -> Option<Placed> {
        let home = wish.nid.and_then(|nid| self.home(nid));
        // Any node will do: the one of the next CPU whose turn it is.
        let near = home.or_else(|| node_of(self.nodes.pick(None, wish.avoid)?));
        let has_cpus = |node| self.nodes.has_cpus(node);
        let grant = self.limits.acquire_near(near, has_cpus, &self.distance)?;
        let Some(cpu) = self.nodes.pick(grant.node(), wish.avoid) else {
            self.limits.release(grant);
            return None;
        };
        let node = grant.node().or_else(|| node_of(cpu));
        Some(placed(cpu, node, home, grant))
    }

    /// As [`Self::place`], on a CPU that is `allowed`.
    pub(crate) fn place_confined(
        &self,
        wish: Wish,
        node_of: impl Fn(u32) -> Option<usize>,
        allowed: impl Fn(u32) -> bool,
    ) -> Option<Placed> {
        let pick = |node| {
            self.nodes
                .with_turns(node, |turns| turns.pick_where(wish.avoid, &allowed))?
        };
        let home = wish.nid.and_then(|nid| self.home(nid));
        let cpu = home
            .and_then(|home| pick(Some(home)))
            .or_else(|| pick(None))?;
        let node = node_of(cpu);
        let grant = self.limits.acquire(node)?;
        Some(placed(cpu, node, home, grant))
    }

    /// Moves the grant of a helper that runs on `node` to where work for `nid` is done, if that is
    /// elsewhere and has room.
    pub(crate) fn migrate(
        &self,
        grant: Grant,
        node: Option<usize>,
        nid: Option<usize>,
    ) -> Option<Placed> {
        let home = self.home(nid?)?;
        if node == Some(home) {
            return None;
        }
        let cpu = self.nodes.pick(Some(home), u32::MAX)?;
        let grant = self.limits.move_to(grant, home)?;
        Some(placed(cpu, Some(home), Some(home), grant))
    }

    fn home(&self, nid: usize) -> Option<usize> {
        self.nodes.home(nid, &self.distance)
    }
}

fn placed(cpu: u32, node: Option<usize>, home: Option<usize>, grant: Grant) -> Placed {
    Placed {
        cpu,
        node,
        grant,
        spilled: home.is_some() && home != grant.node(),
    }
}
