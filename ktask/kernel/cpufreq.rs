// SPDX-License-Identifier: GPL-2.0

//! Whether the machine is told to save energy.

use super::c;
use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};
use kernel::time::{
    Instant,
    Monotonic, //
};

/// How long an answer is good at least, in nanoseconds. The kernel tells nobody of a change of
/// governor.
const VALID_NS: i64 = 10_000_000;

/// How long an answer is good at most, in nanoseconds: an administrator who changes a governor sees
/// the next tasks follow. The time that looking took has the time in it that others had the CPU.
const VALID_MOST_NS: i64 = 50_000_000;

/// In between, an answer is good for so many times the time that it took to find: looking at the
/// policy of every CPU takes one percent of one CPU's time, however many CPUs there are.
const VALID_TIMES: i64 = 100;

/// A caller looks at the moment.
const LOOKING: i64 = i64::MAX;

/// What was last seen.
pub(crate) struct Governors {
    start: Instant<Monotonic>,
    /// Until when the answer is good, in nanoseconds since `start`, or `LOOKING`.
    valid_until: Atomic<i64>,
    saving: Atomic<bool>,
}

impl Governors {
    /// Looks for the first time. May sleep.
    pub(crate) fn new() -> Self {
        let governors = Self {
            start: Instant::now(),
            valid_until: Atomic::new(0),
            saving: Atomic::new(false),
        };
        governors.saving();
        governors
    }

    /// Whether an energy-conscious governor is in use on any CPU, or was so a short time ago. Only
    /// where sleeping is allowed.
    ///
    /// One caller at a time looks; the others take the last answer, and wait for nobody.
    pub(crate) fn saving(&self) -> bool {
        let now = self.start.elapsed().as_nanos();
        let valid_until = self.valid_until.load(Relaxed);
        let looks = now >= valid_until
            && self
                .valid_until
                .cmpxchg(valid_until, LOOKING, Relaxed)
                .is_ok();
        if looks {
            // SAFETY: The caller may sleep.
            let saving = unsafe { c::ktask_c_saving_power() };
            self.saving.store(saving, Relaxed);
            let end = self.start.elapsed().as_nanos();
            let valid = end.saturating_sub(now).saturating_mul(VALID_TIMES);
            let valid = valid.clamp(VALID_NS, VALID_MOST_NS);
            self.valid_until.store(end.saturating_add(valid), Relaxed);
        }
        self.saving.load(Relaxed)
    }
}
