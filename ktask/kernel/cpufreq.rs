// SPDX-License-Identifier: GPL-2.0

//! Whether the machine is told to save energy.

use crate::ktask::kernel::helpers;
use crate::ktask::sync::Atomic;
use crate::ktask::sync::Relaxed;
use kernel::time::{
    Instant,
    Monotonic, //
};

/// How long an answer is good, in milliseconds. The kernel tells nobody of a change of governor, and
/// looking at every CPU's policy for every task would cost too much.
const VALID_MS: i64 = 10;

/// What was last seen.
pub(crate) struct Power {
    /// When, in nanoseconds since some time in the past; 0 is never.
    seen_at: Atomic<i64>,
    saving: Atomic<bool>,
    start: Instant<Monotonic>,
}

impl Power {
    /// Nothing has been seen yet.
    pub(crate) fn new() -> Self {
        Self {
            seen_at: Atomic::new(0),
            saving: Atomic::new(false),
            start: Instant::now(),
        }
    }

    /// Whether an energy-conscious governor is in use on any CPU, or was a few milliseconds ago.
    /// Only where sleeping is allowed.
    pub(crate) fn saving(&self) -> bool {
        let now = self.start.elapsed().as_nanos();
        let seen_at = self.seen_at.load(Relaxed);
        if seen_at == 0 || now.saturating_sub(seen_at) >= VALID_MS * 1_000_000 {
            // SAFETY: The caller may sleep.
            let saving = unsafe { helpers::ktask_helper_saving_power() };
            self.saving.store(saving, Relaxed);
            self.seen_at.store(now, Relaxed);
        }
        self.saving.load(Relaxed)
    }
}
