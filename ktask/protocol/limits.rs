// SPDX-License-Identifier: GPL-2.0

//! Resource limits on helpers: one counter for the machine, one per node.

use crate::ktask::sync::Atomic;
use crate::ktask::sync::Relaxed;

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
/// No ordering is needed: the counter guards no data, only the number of helpers.
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
    /// the CPUs. Helpers already running are not stopped.
    pub(crate) fn set(&self, limit: Option<u32>) {
        let fixed = limit.map_or(UNSET, |limit| limit.min(LIMIT_MAX));
        self.fixed.store(fixed, Relaxed);
    }

    /// Whether one more helper could be counted now.
    pub(crate) fn has_room(&self) -> bool {
        self.cur() < self.max()
    }

    /// Whether there is no room now, and not just because the CPUs have not been looked at lately:
    /// the limit is the administrator's, or others use it up.
    pub(crate) fn is_shut(&self) -> bool {
        !self.has_room() && (self.cur() > 0 || self.fixed.load(Relaxed) != UNSET)
    }

    /// Counts one more helper, unless the limit is reached. The counter never exceeds the limit,
    /// not even for a moment.
    pub(crate) fn take(&self) -> bool {
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

    /// Counts one helper less. Pairs with a successful [`Self::take`].
    pub(crate) fn put(&self) {
        self.cur.fetch_sub(1, Relaxed);
    }
}

/// Returns the node with room for a helper that is nearest to `near`, itself first.
///
/// `distance` tells how far one node is from another; `None` is a node that has no CPU to run on,
/// whatever limit the administrator has given it.
pub(crate) fn nearest_with_room(
    nodes: &[Rlim],
    near: Option<usize>,
    distance: impl Fn(usize, usize) -> Option<u32>,
) -> Option<usize> {
    let near = near?;
    let far = |node: usize| {
        nodes.get(node).filter(|rlim: &&Rlim| rlim.has_room())?;
        distance(near, node)
    };
    if far(near).is_some() {
        return Some(near);
    }
    (0..nodes.len())
        .filter_map(|node| Some((far(node)?, node)))
        .min()
        .map(|(_, node)| node)
}

/// What a helper is counted against; gives it back with [`Charge::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    /// The machine only: the helper may run anywhere.
    Anywhere,
    /// The machine and this node.
    Node(usize),
}

impl Charge {
    /// Counts one more helper, for `node` if one is given and it has room, else for anywhere.
    /// `None` if the machine's limit is reached.
    pub(crate) fn take(global: &Rlim, nodes: &[Rlim], node: Option<usize>) -> Option<Self> {
        if !global.take() {
            return None;
        }
        match node.filter(|&nid| nodes.get(nid).is_some_and(Rlim::take)) {
            Some(nid) => Some(Self::Node(nid)),
            None => Some(Self::Anywhere),
        }
    }

    /// The node it is counted against, if any.
    pub(crate) fn node(self) -> Option<usize> {
        match self {
            Self::Anywhere => None,
            Self::Node(node) => Some(node),
        }
    }

    /// Moves a running helper's charge to `node`, if that has room. It stays counted against the
    /// machine, and against exactly one node or none, all the while.
    pub(crate) fn move_to(self, nodes: &[Rlim], node: usize) -> Option<Self> {
        if !nodes.get(node).is_some_and(Rlim::take) {
            return None;
        }
        self.put_node(nodes);
        Some(Self::Node(node))
    }

    /// Counts the helper less wherever it was counted.
    pub(crate) fn put(self, global: &Rlim, nodes: &[Rlim]) {
        self.put_node(nodes);
        global.put();
    }

    fn put_node(self, nodes: &[Rlim]) {
        if let Self::Node(nid) = self {
            if let Some(rlim) = nodes.get(nid) {
                rlim.put();
            }
        }
    }
}
