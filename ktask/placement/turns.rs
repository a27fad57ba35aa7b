// SPDX-License-Identifier: GPL-2.0

//! Whose turn it is among the CPUs of one node, or of the machine.

use core::ops::DerefMut;

/// CPUs in the order in which they get helpers, and whose turn it is. `V` is a vector of `u32`: the
/// kernel's or the host's. Belongs under a lock: one of its own, so that tasks that begin on different
/// nodes do not wait for each other.
pub(crate) struct Turns<V> {
    cpus: V,
    len: usize,
    turn: usize,
}

impl<V: DerefMut<Target = [u32]>> Turns<V> {
    /// No CPU, and room for as many as the vector has entries.
    pub(crate) fn new(cpus: V) -> Self {
        Self {
            cpus,
            len: 0,
            turn: 0,
        }
    }

    /// Replaces the CPUs. The turns go on where they were: if they began anew with each change, the
    /// last CPUs of a list might never have one.
    pub(crate) fn set(&mut self, cpus: &[u32]) {
        self.len = cpus.len().min(self.cpus.len());
        for (entry, &cpu) in self.cpus.iter_mut().zip(cpus) {
            *entry = cpu;
        }
    }

    /// Takes the next CPU. The caller's own, `avoid`, comes last.
    pub(crate) fn pick(&mut self, avoid: u32) -> Option<u32> {
        self.pick_where(avoid, |_| true)
    }

    /// As [`Self::pick`], of the CPUs that are `allowed`.
    pub(crate) fn pick_where(&mut self, avoid: u32, allowed: impl Fn(u32) -> bool) -> Option<u32> {
        let list = self.cpus.get_mut(..self.len)?;
        let mut last = None;
        for _ in 0..list.len() {
            let index = wrap(self.turn, list.len());
            self.turn = wrap(index.wrapping_add(1), list.len());
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
}

/// The index itself, nearly always: a division takes as long as all the rest.
fn wrap(index: usize, len: usize) -> usize {
    if index < len {
        index
    } else {
        index.checked_rem(len).unwrap_or(0)
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
