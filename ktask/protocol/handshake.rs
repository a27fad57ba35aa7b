// SPDX-License-Identifier: GPL-2.0

//! The handshake between the owner of a helper (the scope of a task) and the helper's workers.
//!
//! ```text
//!         hold              offer               begin
//!  IDLE --------> HELD ------------> OFFERED ----------> RUNNING
//!   ^ ^            | ^                | ^                 |  |
//!   | |  release   | |     cancel     | |     move_on     |  |
//!   | +------------+ +----------------+ +-----------------+  |
//!   +--------------------------------------------------------+
//!                              end
//! ```
//!
//! The step out of `OFFERED` decides: the worker runs the assignment, or the owner
//! cancels the offer and need not wait for a worker that the scheduler has not got round to. One
//! word holds the whole state, so that there is no order of two flags to get wrong.
//!
//! The word is also the lock of the data that owner and worker pass to each other: the thread that
//! made the step to `HELD` or `RUNNING` has exclusive access until its next step, as the guards
//! [`Held`] and [`Running`] show.

use crate::ktask::sync::{
    Atomic,
    Full,
    Relaxed,
    Release,
    UnsafeCell, //
};

const IDLE: u32 = 0;
const HELD: u32 = 1;
const OFFERED: u32 = 2;
const RUNNING: u32 = 3;

/// The state of one helper, and the data that goes with it.
///
/// # Invariants
///
/// `data` is accessed only by the thread that moved `state` to `HELD` or to `RUNNING`, and only
/// until that thread moves `state` on.
pub(crate) struct Handshake<T> {
    state: Atomic<u32>,
    data: UnsafeCell<T>,
}

// SAFETY: By the type invariant one thread at a time accesses the data, and each step to or from
// exclusive access orders the accesses before it and after it; `T` may be sent.
unsafe impl<T: Send> Sync for Handshake<T> {}

impl<T> Handshake<T> {
    /// An idle helper.
    pub(crate) fn new(data: T) -> Self {
        Self {
            state: Atomic::new(IDLE),
            data: UnsafeCell::new(data),
        }
    }

    /// Owner: takes hold of an idle helper. `None` if the helper is not idle.
    pub(crate) fn hold(&self) -> Option<Held<'_, T>> {
        // INVARIANT: The step to `HELD` gives exclusive access.
        self.state
            .cmpxchg(IDLE, HELD, Full)
            .is_ok()
            .then_some(Held(self))
    }

    /// Owner: cancels the offer and takes hold of the helper. `None` if a worker has begun; that
    /// worker ends or moves on exactly once.
    pub(crate) fn cancel(&self) -> Option<Held<'_, T>> {
        // INVARIANT: The step to `HELD` gives exclusive access.
        self.state
            .cmpxchg(OFFERED, HELD, Full)
            .is_ok()
            .then_some(Held(self))
    }

    /// Owner: whether there is an offer, which a worker may take up a moment later.
    pub(crate) fn is_offered(&self) -> bool {
        self.state.load(Relaxed) == OFFERED
    }

    /// Worker: takes up the offer. `None` if there is no offer; then the worker must not touch
    /// anything of a task.
    pub(crate) fn begin(&self) -> Option<Running<'_, T>> {
        // INVARIANT: The step to `RUNNING` gives exclusive access.
        self.state
            .cmpxchg(OFFERED, RUNNING, Full)
            .is_ok()
            .then_some(Running(self))
    }

    fn access<R>(&self, access: impl FnOnce(&mut T) -> R) -> R {
        self.data.with_mut(|data| {
            // SAFETY: Only the guards call this, and by the type invariant a guard exists only as
            // long as its thread has exclusive access.
            access(unsafe { &mut *data })
        })
    }
}

/// The owner's hold of a helper. Not dropped but given up by one of its functions.
#[must_use = "the helper stays held"]
pub(crate) struct Held<'a, T>(&'a Handshake<T>);

impl<T> Held<'_, T> {
    /// Accesses the data.
    pub(crate) fn with<R>(&mut self, access: impl FnOnce(&mut T) -> R) -> R {
        self.0.access(access)
    }

    /// Allows a worker to begin, to which the data is visible.
    pub(crate) fn offer(self) {
        self.0.state.store(OFFERED, Release);
    }

    /// Releases the helper; the next owner takes hold of the helper anew.
    pub(crate) fn release(self) {
        self.0.state.store(IDLE, Release);
    }
}

/// A worker's run. Not dropped but ended by one of its functions.
#[must_use = "the helper runs for ever"]
pub(crate) struct Running<'a, T>(&'a Handshake<T>);

impl<T> Running<'_, T> {
    /// Accesses the data.
    pub(crate) fn with<R>(&mut self, access: impl FnOnce(&mut T) -> R) -> R {
        self.0.access(access)
    }

    /// Turns the helper into a new offer, for another worker to take up. The owner must not have
    /// stopped looking for offers.
    pub(crate) fn move_on(self) {
        self.0.state.store(OFFERED, Release);
    }

    /// Ends the run; what the worker wrote is visible to the next that holds the helper.
    pub(crate) fn end(self) {
        self.0.state.store(IDLE, Release);
    }
}
