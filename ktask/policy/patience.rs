// SPDX-License-Identifier: GPL-2.0

//! How long the caller of a task leaves its place to a helper that no worker has taken up.
//!
//! Workers that wake up where something of a higher priority runs may wait for long, and meanwhile the
//! helper counts against the limits as those do that work. The patience doubles each time, so that the
//! number of helpers that are taken back grows with the logarithm of the time: where all CPUs are busy
//! the next one will have to wait, too.

/// The patience of one caller. Times are in ticks, and wrap around.
pub(crate) struct Patience {
    since: Option<usize>,
    ticks: usize,
}

impl Patience {
    /// Nobody is waited for yet. The first helper is taken back after so many `ticks`.
    pub(crate) fn new(ticks: usize) -> Self {
        Self { since: None, ticks }
    }

    /// Some helper has not begun. Returns whether one is to be taken back.
    pub(crate) fn is_over(&mut self, now: usize) -> bool {
        let since = *self.since.get_or_insert(now);
        if now.wrapping_sub(since) < self.ticks {
            return false;
        }
        self.since = Some(now);
        self.ticks = self.ticks.saturating_mul(2);
        true
    }

    /// Whether some helper had not begun the last time.
    pub(crate) fn waits(&self) -> bool {
        self.since.is_some()
    }

    /// All helpers have begun.
    pub(crate) fn all_have_begun(&mut self) {
        self.since = None;
    }
}
