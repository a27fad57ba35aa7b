// SPDX-License-Identifier: GPL-2.0

//! On which CPU a helper is queued.
//!
//! An unbound workqueue has a pool of workers per group of CPUs that share a cache ("shard").
//! Naming a CPU selects its pool; inside the pool the scheduler chooses. The tables here list the
//! CPUs of each node so that any few neighbours in the list lie far apart in the node, and so in
//! different pools.

use core::ops::{
    DerefMut,
    Range, //
};

/// There is no such node or CPU.
const NONE: u32 = u32::MAX;

/// Calls `visit` with each of `0..len` once, in an order whose every prefix is spread evenly: that
/// of the indices with their bits reversed.
pub(crate) fn spread(len: usize, mut visit: impl FnMut(usize)) {
    let bits = len.next_power_of_two().trailing_zeros();
    for index in 0..len.next_power_of_two() {
        let reversed = index
            .reverse_bits()
            .checked_shr(usize::BITS - bits)
            .unwrap_or(0);
        if reversed < len {
            visit(reversed);
        }
    }
}

/// The CPUs helpers may use, by node. `V` is a vector of `u32`: the kernel's or the host's.
pub(crate) struct Topology<V> {
    /// Node of each possible CPU, `NONE` for holes.
    node_of: V,
    /// The usable CPUs, grouped by node, each group in spread order.
    order: V,
    /// Where each node's group starts in `order`; one more entry than there are nodes.
    first: V,
    /// For each node the node its helpers run on: itself, or the nearest with a usable CPU.
    home: V,
    /// All usable CPUs in spread order.
    all: V,
    /// Whose turn it is in each group of `order`, and, in the last entry, in `all`.
    turn: V,
    /// How many CPUs are usable.
    usable: usize,
}

impl<V: DerefMut<Target = [u32]>> Topology<V> {
    /// Builds an empty table for `cpus` CPU ids and `nodes` node ids; `zeroed` allocates a vector
    /// of a given length.
    pub(crate) fn new<E>(
        cpus: usize,
        nodes: usize,
        zeroed: impl Fn(usize) -> Result<V, E>,
    ) -> Result<Self, E> {
        let mut topology = Self {
            node_of: zeroed(cpus)?,
            order: zeroed(cpus)?,
            first: zeroed(nodes.saturating_add(1))?,
            home: zeroed(nodes)?,
            all: zeroed(cpus)?,
            turn: zeroed(nodes.saturating_add(1))?,
            usable: 0,
        };
        topology.home.fill(NONE);
        Ok(topology)
    }

    /// Number of node ids in the table.
    pub(crate) fn nodes(&self) -> usize {
        self.home.len()
    }

    /// Number of CPUs that helpers may use.
    pub(crate) fn usable(&self) -> usize {
        self.usable
    }

    /// The usable CPUs of a node.
    pub(crate) fn cpus_of(&self, node: usize) -> &[u32] {
        self.range_of(node)
            .and_then(|range| self.order.get(range))
            .unwrap_or(&[])
    }

    /// Where the CPUs of a node are in `order`.
    fn range_of(&self, node: usize) -> Option<Range<usize>> {
        let bound = |index: usize| self.first.get(index).map(|&at| at as usize);
        Some(bound(node)?..bound(node.checked_add(1)?)?)
    }

    /// The node of a possible CPU.
    pub(crate) fn node_of(&self, cpu: u32) -> Option<usize> {
        match self.node_of.get(cpu as usize) {
            None | Some(&NONE) => None,
            Some(&node) => Some(node as usize),
        }
    }

    /// The node where helpers for work on `node` run. `None` if no CPU at all is usable.
    pub(crate) fn home(&self, node: usize) -> Option<usize> {
        match self.home.get(node) {
            None | Some(&NONE) => None,
            Some(&home) => Some(home as usize),
        }
    }

    /// Takes the next CPU of `node`'s list, or of all CPUs. The caller's own, `avoid`, comes last.
    pub(crate) fn pick(&mut self, node: Option<usize>, avoid: u32) -> Option<u32> {
        self.pick_where(node, avoid, |_| true)
    }

    /// As [`Self::pick`], of the CPUs that are `allowed`.
    pub(crate) fn pick_where(
        &mut self,
        node: Option<usize>,
        avoid: u32,
        allowed: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let list = match node {
            Some(node) => self.range_of(node)?,
            None => 0..self.usable,
        };
        let turn = self.turn.get_mut(node.unwrap_or(self.home.len()))?;
        let list = match node {
            Some(_) => self.order.get_mut(list)?,
            None => self.all.get_mut(list)?,
        };
        let mut last = None;
        for _ in 0..list.len() {
            let index = (*turn as usize).checked_rem(list.len())?;
            *turn = (index + 1).checked_rem(list.len())? as u32;
            if list.get(index) == Some(&avoid) {
                put_off(list, index);
                last = Some(avoid).filter(|&cpu| allowed(cpu));
            }
            let cpu = *list.get(index)?;
            if cpu != avoid && allowed(cpu) {
                return Some(cpu);
            }
        }
        last
    }

    /// Reads the machine again: `node_of` tells the node of a possible CPU, `usable` whether
    /// helpers may use it, `distance` how far one node is from another.
    pub(crate) fn rebuild(
        &mut self,
        node_of: impl Fn(u32) -> Option<usize>,
        usable: impl Fn(u32) -> bool,
        distance: impl Fn(usize, usize) -> u32,
    ) {
        for (cpu, node) in self.node_of.iter_mut().enumerate() {
            *node = node_of(cpu as u32).map_or(NONE, |node| node as u32);
        }
        self.group(usable);
        self.settle(distance);
    }

    /// Fills `order`, `first` and `all`.
    fn group(&mut self, usable: impl Fn(u32) -> bool) {
        let mut filled = 0;
        for node in 0..self.nodes() {
            if let Some(first) = self.first.get_mut(node) {
                *first = filled as u32;
            }
            // `all` holds the node's CPUs in the order of their ids for the moment.
            let mut count = 0;
            for (cpu, &of) in self.node_of.iter().enumerate() {
                if of as usize == node && usable(cpu as u32) {
                    if let Some(entry) = self.all.get_mut(count) {
                        *entry = cpu as u32;
                        count += 1;
                    }
                }
            }
            filled += copy_spread(&self.all, count, self.order.get_mut(filled..));
        }
        if let Some(end) = self.first.last_mut() {
            *end = filled as u32;
        }
        self.usable = copy_spread(&self.order, filled, Some(&mut self.all));
    }

    /// Fills `home`.
    fn settle(&mut self, distance: impl Fn(usize, usize) -> u32) {
        for node in 0..self.nodes() {
            let home = if self.cpus_of(node).is_empty() {
                (0..self.nodes())
                    .filter(|&other| !self.cpus_of(other).is_empty())
                    .min_by_key(|&other| distance(node, other))
            } else {
                Some(node)
            };
            if let Some(entry) = self.home.get_mut(node) {
                *entry = home.map_or(NONE, |home| home as u32);
            }
        }
    }
}

/// No fewer CPUs than this share a pool of workers, unless the administrator wants that or the node
/// has no more.
const POOL: usize = 8;

/// Puts the CPU at `index` of a list in spread order further back, in exchange for one that is
/// likely served by the same pool, so that the pools still take turns.
fn put_off(list: &mut [u32], index: usize) {
    let pools = list.len().div_ceil(POOL).next_power_of_two();
    if let Some(later) = index.saturating_add(pools).checked_rem(list.len()) {
        list.swap(index, later);
    }
}

/// Copies the first `count` entries of `from` to `to` in spread order; returns how many.
fn copy_spread(from: &[u32], count: usize, to: Option<&mut [u32]>) -> usize {
    let mut copied = 0;
    if let Some(to) = to {
        spread(count, |index| {
            if let (Some(&cpu), Some(entry)) = (from.get(index), to.get_mut(copied)) {
                *entry = cpu;
                copied += 1;
            }
        });
    }
    copied
}
