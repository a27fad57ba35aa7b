// SPDX-License-Identifier: GPL-2.0

//! What the administrator can turn, apart from the limits.

use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};

/// The largest value of `max_threads`.
pub(crate) const MAX_THREADS_MAX: u32 = i32::MAX as u32;

/// The knobs.
pub(crate) struct Knobs {
    max_threads: Atomic<u32>,
    power_aware: Atomic<bool>,
    respect_affinity: Atomic<bool>,
}

impl Knobs {
    /// Knobs with the given number of threads for tasks that do not set their own.
    pub(crate) fn new(max_threads: u32) -> Self {
        Self {
            max_threads: Atomic::new(max_threads),
            power_aware: Atomic::new(true),
            respect_affinity: Atomic::new(false),
        }
    }

    /// The most threads of a task that does not set its own limit.
    pub(crate) fn max_threads(&self) -> u32 {
        self.max_threads.load(Relaxed)
    }

    /// Sets [`Self::max_threads`].
    pub(crate) fn set_max_threads(&self, value: u32) {
        self.max_threads.store(value, Relaxed);
    }

    /// Whether tasks keep to the CPUs that their caller may run on.
    pub(crate) fn respect_affinity(&self) -> bool {
        self.respect_affinity.load(Relaxed)
    }

    /// Sets [`Self::respect_affinity`].
    pub(crate) fn set_respect_affinity(&self, value: bool) {
        self.respect_affinity.store(value, Relaxed);
    }

    /// Whether tasks run on the caller alone while the machine is told to save energy.
    pub(crate) fn power_aware(&self) -> bool {
        self.power_aware.load(Relaxed)
    }

    /// Sets [`Self::power_aware`].
    pub(crate) fn set_power_aware(&self, value: bool) {
        self.power_aware.store(value, Relaxed);
    }
}
