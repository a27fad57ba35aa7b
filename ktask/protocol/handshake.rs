// SPDX-License-Identifier: GPL-2.0

//! The handshake between the owner of a helper (the caller of a task) and its worker.
//!
//! ```text
//!                 offer                begin
//!        IDLE ------------> OFFERED ------------> RUNNING
//!          ^                 |   ^                 |   |
//!          |   close         |   |     move_on     |   | close
//!          +-----------------+   +-----------------+   v
//!          ^                                         CLOSING
//!          |                  end                      |
//!          +-------------------------------------------+   (end: also from RUNNING)
//! ```
//!
//! Whoever wins the step out of `OFFERED` decides: the worker runs the task, or the owner takes
//! the offer back and need not wait for a worker that the scheduler has not got round to. One word
//! holds all of it, so there is no order of two flags to get wrong.

use crate::ktask::sync::Atomic;
use crate::ktask::sync::Full;
use crate::ktask::sync::Relaxed;
use crate::ktask::sync::Release;

const IDLE: u32 = 0;
const OFFERED: u32 = 1;
const RUNNING: u32 = 2;
const CLOSING: u32 = 3;

/// What the owner found when it closed the helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The helper had not started and never will: nothing to wait for.
    Withdrawn,
    /// The helper has started: it will end, or has ended, exactly once.
    Started,
}

/// The state of one helper.
pub(crate) struct Handshake(Atomic<u32>);

impl Handshake {
    /// An idle helper.
    pub(crate) fn new() -> Self {
        Self(Atomic::new(IDLE))
    }

    /// Owner: allows a worker to begin. What the owner wrote before is visible to that worker.
    pub(crate) fn offer(&self) {
        self.0.store(OFFERED, Release);
    }

    /// Worker: takes up the offer. If this fails there is no offer, and the worker must not touch
    /// anything of the task.
    pub(crate) fn begin(&self) -> bool {
        self.0.cmpxchg(OFFERED, RUNNING, Full).is_ok()
    }

    /// Worker: turns its running helper into a new offer, for another worker to take up. Fails if
    /// the owner is already waiting; then the worker must [`Self::end`] instead.
    pub(crate) fn move_on(&self) -> bool {
        self.0.cmpxchg(RUNNING, OFFERED, Full).is_ok()
    }

    /// Worker: has stopped using the task.
    pub(crate) fn end(&self) {
        self.0.store(IDLE, Release);
    }

    /// Owner: ends the offer, or tells a running worker that it is waited for.
    pub(crate) fn close(&self) -> Closed {
        loop {
            match self.0.load(Relaxed) {
                OFFERED => {
                    if self.0.cmpxchg(OFFERED, IDLE, Full).is_ok() {
                        return Closed::Withdrawn;
                    }
                }
                RUNNING => {
                    if self.0.cmpxchg(RUNNING, CLOSING, Full).is_ok() {
                        return Closed::Started;
                    }
                }
                // Ended already, or closed before.
                _ => return Closed::Started,
            }
        }
    }
}
