// SPDX-License-Identifier: GPL-2.0

//! The CPUs that helpers may use, by node.
//!
//! An unbound workqueue has a pool of workers per group of CPUs that share a cache ("shard").
//! Naming a CPU selects its pool; inside the pool the scheduler chooses. The tables here list the
//! CPUs of each node so that any few neighbours in the list lie far apart in the node, and so in
//! different pools.

use super::nodes::Nodes;
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
    /// All usable CPUs in spread order.
    all: V,
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
        Ok(Self {
            node_of: zeroed(cpus)?,
            order: zeroed(cpus)?,
            first: zeroed(nodes.saturating_add(1))?,
            all: zeroed(cpus)?,
            usable: 0,
        })
    }

    /// Number of node ids in the table.
    pub(crate) fn nodes(&self) -> usize {
        self.first.len().saturating_sub(1)
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

    /// All usable CPUs, in spread order.
    pub(crate) fn all(&self) -> &[u32] {
        self.all.get(..self.usable).unwrap_or(&[])
    }

    /// Reads the machine again: `node_of` tells the node of a possible CPU, `usable` whether helpers
    /// may use the CPU. Takes time in proportion to the number of CPUs and nodes.
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
        self.count(&usable);
        self.group(&usable);
        for node in 0..self.nodes() {
            if let Some(range) = self.range_of(node) {
                copy_spread(&self.all, range.clone(), self.order.get_mut(range));
            }
        }
        copy_spread(&self.order, 0..self.usable, Some(&mut self.all));
    }

    /// Sets what is known of the nodes.
    pub(crate) fn tell(&self, nodes: &impl Nodes) {
        for node in 0..nodes.count() {
            let cpus = self.cpus_of(node);
            if let Some(facts) = nodes.facts(node) {
                facts.set_cpus(cpus.len());
            }
            nodes.with_turns(Some(node), |turns| turns.set(cpus));
        }
        nodes.with_turns(None, |turns| turns.set(self.all()));
        nodes.built();
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

    /// Lists the usable CPUs of each node in `all`, in the order of their ids.
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
