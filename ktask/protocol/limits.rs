// SPDX-License-Identifier: GPL-2.0

//! Resource limits on helpers: one counter for the machine, one per node.

use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};
use core::ops::Deref;

/// Share of the CPUs that helpers may take, in percent (as in ktask v4).
const CPU_PERCENT: usize = 80;

/// The administrator has not set a limit.
const UNSET: u32 = u32::MAX;

/// The largest limit the administrator may set.
pub(crate) const LIMIT_MAX: u32 = i32::MAX as u32;

/// Returns the default limit for a number of CPUs: 80%, rounded down.
pub(crate) fn default_limit(cpus: usize) -> u32 {
    let limit = (cpus / 100)
        .saturating_mul(CPU_PERCENT)
        .saturating_add(cpus % 100 * CPU_PERCENT / 100);
    u32::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX)
}

/// One limit and the helpers counted against it.
///
/// No ordering is needed: the counter guards no data, only the number of helpers. In a cache line of
/// its own, as each helper writes that of its node.
#[repr(align(64))]
pub(crate) struct Rlim {
    cur: Atomic<u32>,
    auto: Atomic<u32>,
    fixed: Atomic<u32>,
}

impl Rlim {
    /// A limit of 0.
    pub(crate) fn new() -> Self {
        Self {
            cur: Atomic::new(0),
            auto: Atomic::new(0),
            fixed: Atomic::new(UNSET),
        }
    }

    /// How many helpers count against this limit now.
    pub(crate) fn cur(&self) -> u32 {
        self.cur.load(Relaxed)
    }

    /// The limit in force: the administrator's, else the one that follows the CPUs.
    pub(crate) fn max(&self) -> u32 {
        match self.fixed.load(Relaxed) {
            UNSET => self.auto.load(Relaxed),
            fixed => fixed,
        }
    }

    /// Recomputes the limit that follows the CPUs.
    pub(crate) fn follow(&self, cpus: usize) {
        self.auto.store(default_limit(cpus), Relaxed);
    }

    /// Sets the administrator's limit (at most [`LIMIT_MAX`]), or returns to the one that follows
    /// the CPUs. Helpers that are too many by now leave at the end of their chunk:
    /// [`Self::release_excess`].
    pub(crate) fn set(&self, limit: Option<u32>) {
        let fixed = limit.map_or(UNSET, |limit| limit.min(LIMIT_MAX));
        self.fixed.store(fixed, Relaxed);
    }

    /// How many more helpers could be counted now.
    pub(crate) fn room(&self) -> u32 {
        self.max().saturating_sub(self.cur())
    }

    /// Counts one more helper, unless the limit is reached. The counter never exceeds the limit,
    /// not even for a moment.
    pub(crate) fn acquire(&self) -> bool {
        let mut cur = self.cur.load(Relaxed);
        loop {
            if cur >= self.max() {
                return false;
            }
            match self.cur.cmpxchg(cur, cur.wrapping_add(1), Relaxed) {
                Ok(_) => return true,
                Err(now) => cur = now,
            }
        }
    }

    /// Counts one helper less. Pairs with a successful [`Self::acquire`].
    pub(crate) fn release(&self) {
        self.cur.fetch_sub(1, Relaxed);
    }

    /// Counts one helper less if there are more than the limit. Of several helpers that do so at
    /// once, as many succeed as there are too many.
    pub(crate) fn release_excess(&self) -> bool {
        let mut cur = self.cur.load(Relaxed);
        while cur > self.max() {
            match self.cur.cmpxchg(cur, cur.wrapping_sub(1), Relaxed) {
                Ok(_) => return true,
                Err(other) => cur = other,
            }
        }
        false
    }
}

/// What a helper counts against, until [`Limits::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The machine only: the helper may run anywhere.
    Anywhere,
    /// The machine and this node.
    Node(usize),
}

impl Grant {
    /// The node that the helper counts against, if any.
    pub(crate) fn node(self) -> Option<usize> {
        match self {
            Self::Anywhere => None,
            Self::Node(node) => Some(node),
        }
    }
}

/// The limits of the machine and of its nodes. `N` is a vector of [`Rlim`]: the kernel's or the
/// host's.
pub(crate) struct Limits<N> {
    /// The limit on all helpers.
    pub(crate) global: Rlim,
    /// The limit on the helpers of each node, by node id.
    pub(crate) nodes: N,
}

impl<N: Deref<Target = [Rlim]>> Limits<N> {
    /// Limits of 0.
    pub(crate) fn new(nodes: N) -> Self {
        Self {
            global: Rlim::new(),
            nodes,
        }
    }

    /// The node with room for a helper that is nearest to `near`, itself first.
    ///
    /// `has_cpus` tells whether a node has any CPU to run on, whatever limit the administrator has given
    /// it, and `distance` how far one node is from another.
    #[inline]
    pub(crate) fn nearest_with_room(
        &self,
        near: Option<usize>,
        has_cpus: impl Fn(usize) -> bool,
        distance: impl Fn(usize, usize) -> u32,
    ) -> Option<usize> {
        let near = near?;
        let fits = |node: usize| {
            let room = self.nodes.get(node).is_some_and(|rlim| rlim.room() > 0);
            room && has_cpus(node)
        };
        if fits(near) {
            return Some(near);
        }
        (0..self.nodes.len())
            .filter(|&node| fits(node))
            .min_by_key(|&node| distance(near, node))
    }

    /// Counts one more helper, for `node` if one is given and has room, else for anywhere. `None` if
    /// the machine's limit is reached.
    pub(crate) fn acquire(&self, node: Option<usize>) -> Option<Grant> {
        if !self.global.acquire() {
            return None;
        }
        match node.filter(|&nid| self.acquire_node(nid)) {
            Some(nid) => Some(Grant::Node(nid)),
            None => Some(Grant::Anywhere),
        }
    }

    /// Counts one more helper, for the node with room that is nearest to `near`, or, if there is none,
    /// for anywhere. `None` if the machine's limit is reached. What is told of nodes is as for
    /// [`Self::nearest_with_room`].
    #[inline]
    pub(crate) fn acquire_near(
        &self,
        near: Option<usize>,
        has_cpus: impl Fn(usize) -> bool,
        distance: impl Fn(usize, usize) -> u32,
    ) -> Option<Grant> {
        // A node that others have filled since is full at the next look; others may release helpers
        // meanwhile, so there is an end of looks.
        for _ in 0..=self.nodes.len() {
            let Some(node) = self.nearest_with_room(near, &has_cpus, &distance) else {
                break;
            };
            if self.acquire_node(node) {
                let grant = Grant::Node(node);
                if self.global.acquire() {
                    return Some(grant);
                }
                self.release_node(grant);
                return None;
            }
        }
        self.global.acquire().then_some(Grant::Anywhere)
    }

    /// Moves a running helper's grant to `node`, if that has room. The helper stays counted against
    /// the machine, and against one node or none, all the while.
    pub(crate) fn move_to(&self, grant: Grant, node: usize) -> Option<Grant> {
        if !self.acquire_node(node) {
            return None;
        }
        self.release_node(grant);
        Some(Grant::Node(node))
    }

    /// Counts the helper less wherever it was counted.
    pub(crate) fn release(&self, grant: Grant) {
        self.release_node(grant);
        self.global.release();
    }

    /// Releases the grant of a helper if a limit that it counts against has been lowered below the
    /// number of helpers. Returns whether it did: the helper is to leave.
    pub(crate) fn release_excess(&self, grant: Grant) -> bool {
        let node = grant.node().and_then(|node| self.nodes.get(node));
        if node.is_some_and(Rlim::release_excess) {
            self.global.release();
            return true;
        }
        let excess = self.global.release_excess();
        if excess {
            self.release_node(grant);
        }
        excess
    }

    fn acquire_node(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(Rlim::acquire)
    }

    fn release_node(&self, grant: Grant) {
        if let Some(rlim) = grant.node().and_then(|node| self.nodes.get(node)) {
            rlim.release();
        }
    }
}
