// SPDX-License-Identifier: GPL-2.0

//! Which CPUs the workqueue does not serve, learnt from where helpers run.
//!
//! The administrator can narrow the cpumask of the workqueue, or of all unbound workqueues, at any
//! time, and the kernel tells no module. But a worker may run on the CPUs that its pool serves: a
//! helper that was queued for a CPU where its worker may not run has found one that is excluded.
//! With `affinity_strict` a worker sees no more than its own pool, so nothing can be concluded about
//! CPUs that were not named.
//!
//! One such helper makes the CPU a suspect only: a worker that was late with a cancelled offer may
//! have begun an offer that was made for another pool. The next helper for a suspect proves the
//! matter, if the work item that was queued for it is known to have been idle.

use core::ops::DerefMut;

/// The workqueue serves the CPU, for all that is known.
const SERVED: u32 = 0;
/// The workqueue may not serve the CPU.
const SUSPECT: u32 = 1;
/// The workqueue does not serve the CPU. More than this: so much less is its place in the list.
const EXCLUDED: u32 = 2;

/// The CPUs that were found to be excluded. `V` is a vector of `u32`: the kernel's or the host's.
pub(crate) struct Excluded<V> {
    state: V,
    /// The excluded CPUs, in no order.
    list: V,
    len: usize,
    suspects: usize,
    /// Whose turn it is in the list to be looked at, and to be tried again. Two turns: with one, the
    /// looks of as many helpers as there are in the list would have the same CPU tried for ever.
    looked_at: usize,
    tried: usize,
}

impl<V: DerefMut<Target = [u32]>> Excluded<V> {
    /// No CPU of those that the vectors, of zeros, have entries for.
    pub(crate) fn none(state: V, list: V) -> Self {
        Self {
            state,
            list,
            len: 0,
            suspects: 0,
            looked_at: 0,
            tried: 0,
        }
    }

    /// Whether `cpu` is excluded.
    pub(crate) fn has(&self, cpu: u32) -> bool {
        self.state_of(cpu) >= EXCLUDED
    }

    /// Whether `cpu` is a suspect.
    pub(crate) fn suspects(&self, cpu: u32) -> bool {
        self.state_of(cpu) == SUSPECT
    }

    /// Whether any CPU is excluded.
    pub(crate) fn any(&self) -> bool {
        self.len > 0
    }

    /// Whether any CPU is excluded or a suspect, so that all helpers are to be learnt from.
    pub(crate) fn any_doubt(&self) -> bool {
        self.len > 0 || self.suspects > 0
    }

    /// A helper that was queued for `cpu` runs in a worker that may not run there; `conclusive` if
    /// the work item was idle when it was queued. Returns whether `cpu` is excluded from now on.
    pub(crate) fn displaced(&mut self, cpu: u32, conclusive: bool) -> bool {
        match self.state_of(cpu) {
            SERVED => {
                self.suspects += usize::from(self.set(cpu, SUSPECT));
                false
            }
            SUSPECT if conclusive => {
                self.suspects -= 1;
                self.exclude(cpu);
                true
            }
            _ => false,
        }
    }

    /// Ends the suspicion of each CPU that `is_over` for.
    pub(crate) fn clear_suspects(&mut self, is_over: impl Fn(u32) -> bool) {
        if self.suspects == 0 {
            return;
        }
        for (cpu, state) in self.state.iter_mut().enumerate() {
            if *state == SUSPECT && is_over(cpu as u32) {
                *state = SERVED;
                self.suspects = self.suspects.saturating_sub(1);
            }
        }
    }

    /// The workqueue serves `cpu`: a worker was seen that may run there. Returns whether `cpu` is no
    /// longer excluded.
    pub(crate) fn served(&mut self, cpu: u32) -> bool {
        match self.state_of(cpu) {
            SERVED => false,
            SUSPECT => {
                self.suspects -= 1;
                self.set(cpu, SERVED);
                false
            }
            excluded => {
                self.include(cpu, (excluded - EXCLUDED) as usize);
                true
            }
        }
    }

    /// Looks whether the calling worker, which may run where `served` says so, disproves an
    /// exclusion: at one excluded CPU for each call, and at all of them once one is disproved.
    /// Returns whether any was.
    pub(crate) fn disprove(&mut self, served: impl Fn(u32) -> bool) -> bool {
        let next = next(&self.list, self.len, &mut self.looked_at);
        if !next.is_some_and(&served) {
            return false;
        }
        for index in (0..self.len).rev() {
            if let Some(&cpu) = self.list.get(index) {
                if served(cpu) {
                    self.served(cpu);
                }
            }
        }
        true
    }

    /// Makes an excluded CPU a suspect, as things may have changed; each has its turn. Returns
    /// whether there was one.
    pub(crate) fn try_one_again(&mut self) -> bool {
        let Some(cpu) = next(&self.list, self.len, &mut self.tried) else {
            return false;
        };
        self.served(cpu);
        self.displaced(cpu, false);
        true
    }

    fn state_of(&self, cpu: u32) -> u32 {
        self.state.get(cpu as usize).copied().unwrap_or(SERVED)
    }

    /// Returns whether there is such a CPU.
    fn set(&mut self, cpu: u32, state: u32) -> bool {
        match self.state.get_mut(cpu as usize) {
            Some(entry) => {
                *entry = state;
                true
            }
            None => false,
        }
    }

    fn exclude(&mut self, cpu: u32) {
        let index = self.len;
        if let Some(entry) = self.list.get_mut(index) {
            *entry = cpu;
            self.len += 1;
            self.set(cpu, EXCLUDED.saturating_add(index as u32));
        }
    }

    /// Removes `cpu`, at `index`, from the list; the last one takes its place.
    fn include(&mut self, cpu: u32, index: usize) {
        self.set(cpu, SERVED);
        self.len = self.len.saturating_sub(1);
        let Some(last) = self.list.get(self.len).copied() else {
            return;
        };
        if last != cpu {
            if let Some(entry) = self.list.get_mut(index) {
                *entry = last;
            }
            self.set(last, EXCLUDED.saturating_add(index as u32));
        }
    }
}

/// The CPU whose turn it is, of the first `len` of a list.
fn next(list: &[u32], len: usize, turn: &mut usize) -> Option<u32> {
    let index = turn.checked_rem(len)?;
    *turn = index + 1;
    list.get(index).copied()
}
