// SPDX-License-Identifier: GPL-2.0

//! The CPUs that helpers may use, and whose turn it is.
//!
//! An unbound workqueue has a pool of workers per group of CPUs that share a cache ("shard").
//! Naming a CPU selects its pool; inside the pool the scheduler chooses. The tables here list the
//! CPUs of each node so that any few neighbours in the list lie far apart in the node, and so in
//! different pools.

use core::{
    mem::replace,
    ops::{
        DerefMut,
        Range, //
    }, //
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
    /// For each node without usable CPUs the nearest node that has some, `NONE` until it is asked
    /// for: to look for all of them would take time in proportion to the square of the nodes.
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

    /// The node where helpers for work on `node` run: itself, or the nearest one that has a usable
    /// CPU. `None` if no CPU at all is usable. `distance` tells how far one node is from another.
    pub(crate) fn home(
        &mut self,
        node: usize,
        distance: impl Fn(usize, usize) -> u32,
    ) -> Option<usize> {
        if !self.cpus_of(node).is_empty() {
            return Some(node);
        }
        match self.home.get(node) {
            None => return None,
            Some(&NONE) => {}
            Some(&home) => return Some(home as usize),
        }
        let home = (0..self.nodes())
            .filter(|&other| !self.cpus_of(other).is_empty())
            .min_by_key(|&other| distance(node, other))?;
        if let Some(entry) = self.home.get_mut(node) {
            *entry = home as u32;
        }
        Some(home)
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

    /// Reads the machine again: `node_of` tells the node of a possible CPU, `usable` whether helpers
    /// may use the CPU. Takes time in proportion to the number of CPUs and nodes, as helpers are
    /// placed under the same lock.
    pub(crate) fn rebuild(
        &mut self,
        node_of: impl Fn(u32) -> Option<usize>,
        usable: impl Fn(u32) -> bool,
    ) {
        let nodes = self.nodes();
        for (cpu, node) in self.node_of.iter_mut().enumerate() {
            *node = node_of(cpu as u32)
                .filter(|&node| node < nodes)
                .map_or(NONE, |node| node as u32);
        }
        self.home.fill(NONE);
        self.count(&usable);
        self.group(&usable);
        for node in 0..self.nodes() {
            if let Some(range) = self.range_of(node) {
                copy_spread(&self.all, range.clone(), self.order.get_mut(range));
            }
        }
        copy_spread(&self.order, 0..self.usable, Some(&mut self.all));
    }

    /// Fills `first` and `usable`: a counting sort of the usable CPUs by node.
    fn count(&mut self, usable: impl Fn(u32) -> bool) {
        self.first.fill(0);
        for (cpu, &node) in self.node_of.iter().enumerate() {
            if usable(cpu as u32) {
                if let Some(count) = self.first.get_mut(node as usize) {
                    *count = count.wrapping_add(1);
                }
            }
        }
        let mut start = 0u32;
        for first in self.first.iter_mut() {
            let count = *first;
            *first = start;
            start = start.wrapping_add(count);
        }
        self.usable = start as usize;
    }

    /// Lists the usable CPUs of each node in `all`, in the order of their ids. The turns go on where
    /// they were: if they began anew with each rebuild, the last CPUs of a list might never have one.
    fn group(&mut self, usable: impl Fn(u32) -> bool) {
        for (cpu, &node) in self.node_of.iter().enumerate() {
            if !usable(cpu as u32) {
                continue;
            }
            let Some(next) = self.first.get_mut(node as usize) else {
                continue;
            };
            if let Some(entry) = self.all.get_mut(*next as usize) {
                *entry = cpu as u32;
            }
            *next = next.wrapping_add(1);
        }
        // Each start has become the end, which is the next start.
        let mut start = 0;
        for first in self.first.iter_mut() {
            start = replace(first, start);
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

/// Copies the entries of `range` in `from` to `to` in spread order.
fn copy_spread(from: &[u32], range: Range<usize>, to: Option<&mut [u32]>) {
    let (Some(from), Some(to)) = (from.get(range), to) else {
        return;
    };
    let mut to = to.iter_mut();
    spread(from.len(), |index| {
        if let (Some(&cpu), Some(entry)) = (from.get(index), to.next()) {
            *entry = cpu;
        }
    });
}
