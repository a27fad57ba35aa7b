// SPDX-License-Identifier: GPL-2.0

//! Whether the machine is told to save energy.

use super::{
    c,
    jiffies, //
};
use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};
use kernel::time::{
    msecs_to_jiffies,
    Instant,
    Jiffies,
    Monotonic,
    NSEC_PER_MSEC, //
};

/// How long an answer is good at least, in milliseconds. The kernel tells nobody of a change of
/// governor.
const VALID_MS: i64 = 10;

/// How long an answer is good at most, in milliseconds: an administrator who changes a governor sees
/// the next tasks follow.
const VALID_MOST_MS: i64 = 50;

/// In between, an answer is good for so many times the time that it took to find: looking at the
/// policy of every CPU takes one percent of one CPU's time, however many CPUs there are.
const VALID_TIMES: i64 = 100;

/// What was last seen.
pub(crate) struct Governors {
    /// Until when the answer is good.
    valid_until: Atomic<Jiffies>,
    /// Whether a thread looks at the moment.
    looking: Atomic<bool>,
    saving: Atomic<bool>,
}

impl Governors {
    /// Looks for the first time. May sleep.
    pub(crate) fn new() -> Self {
        let governors = Self {
            valid_until: Atomic::new(jiffies::now()),
            looking: Atomic::new(false),
            saving: Atomic::new(false),
        };
        governors.look();
        governors
    }

    /// Whether an energy-conscious governor was in use on any CPU at the last look.
    pub(crate) fn saving(&self) -> bool {
        self.saving.load(Relaxed)
    }

    /// Looks again, if the last answer is old. Returns whether the answer is another one. Only where
    /// sleeping is allowed.
    #[inline]
    pub(crate) fn look(&self) -> bool {
        jiffies::is_over(self.valid_until.load(Relaxed)) && self.look_now()
    }

    /// One thread at a time looks; the others take the last answer, and wait for nobody.
    #[inline(never)]
    fn look_now(&self) -> bool {
        // SAFETY: Reads a pointer.
        let governors = unsafe { c::ktask_c_has_cpufreq() };
        if !governors && !self.saving() {
            let until = jiffies::now().wrapping_add(msecs_to_jiffies(VALID_MS as u32));
            self.valid_until.store(until, Relaxed);
            return false;
        }
        if self.looking.xchg(true, Relaxed) {
            return false;
        }
        let start = Instant::<Monotonic>::now();
        // SAFETY: The caller may sleep.
        let saving = unsafe { c::ktask_c_saving_power() };
        let differs = self.saving.xchg(saving, Relaxed) != saving;
        let valid = start.elapsed().as_nanos().saturating_mul(VALID_TIMES) / NSEC_PER_MSEC;
        let valid = valid.clamp(VALID_MS, VALID_MOST_MS) as u32;
        let until = jiffies::now().wrapping_add(msecs_to_jiffies(valid));
        self.valid_until.store(until, Relaxed);
        self.looking.store(false, Relaxed);
        differs
    }
}
