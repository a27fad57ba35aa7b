// SPDX-License-Identifier: GPL-2.0

//! Which CPUs the workqueue does not serve, learnt from where helpers run.
//!
//! The administrator can narrow the cpumask of the workqueue, or of all unbound workqueues, at any
//! time, and the kernel tells no module. But a worker may run on the CPUs that its pool serves: a
//! helper that was queued for a CPU where its worker may not run has found one that is excluded.
//! With `affinity_strict` a worker sees no more than its own pool, so nothing can be concluded about
//! CPUs that were not named.

use core::ops::DerefMut;

/// The CPUs that were found to be excluded. `V` is a vector of `bool`: the kernel's or the host's.
pub(crate) struct Excluded<V> {
    cpus: V,
    /// Where the search for the next one to try again starts.
    turn: usize,
}

impl<V: DerefMut<Target = [bool]>> Excluded<V> {
    /// No CPU of those that `cpus`, all `false`, has entries for.
    pub(crate) fn none(cpus: V) -> Self {
        Self { cpus, turn: 0 }
    }

    /// Whether `cpu` is excluded.
    pub(crate) fn has(&self, cpu: u32) -> bool {
        self.cpus.get(cpu as usize) == Some(&true)
    }

    /// Whether any CPU is.
    pub(crate) fn any(&self) -> bool {
        self.cpus.contains(&true)
    }

    /// Excludes `cpu`, or no longer. Returns whether that is a change.
    pub(crate) fn set(&mut self, cpu: u32, excluded: bool) -> bool {
        match self.cpus.get_mut(cpu as usize) {
            Some(entry) if *entry != excluded => {
                *entry = excluded;
                true
            }
            _ => false,
        }
    }

    /// Takes back what a worker disproves that may run on the CPUs that are `served`. Returns
    /// whether that is a change.
    pub(crate) fn disprove(&mut self, served: impl Fn(u32) -> bool) -> bool {
        let mut changed = false;
        for (cpu, excluded) in self.cpus.iter_mut().enumerate() {
            if *excluded && served(cpu as u32) {
                *excluded = false;
                changed = true;
            }
        }
        changed
    }

    /// Takes back one exclusion, as things may have changed; each has its turn. Returns whether
    /// there was one.
    pub(crate) fn try_one_again(&mut self) -> bool {
        let from = self.turn.checked_rem(self.cpus.len()).unwrap_or(0);
        let mut order = (from..self.cpus.len()).chain(0..from);
        let Some(cpu) = order.find(|&cpu| self.cpus.get(cpu) == Some(&true)) else {
            return false;
        };
        self.turn = cpu.wrapping_add(1);
        self.set(cpu as u32, false)
    }
}
