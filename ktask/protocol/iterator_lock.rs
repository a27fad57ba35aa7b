// SPDX-License-Identifier: GPL-2.0

//! The iterator lock: one thread of a task at a time calls a client's iterator.
//!
//! No hand-off to the next waiter, as that one may be preempted, and everybody would wait for it
//! (lock-holder preemption): a released lock is nobody's until a thread acquires it.

use core::mem::take;

/// Who holds the iterator lock.
#[derive(Clone, Copy, PartialEq)]
enum Holder<M> {
    Nobody,
    Caller,
    Helper(M),
}

/// The state of the iterator lock of one task; `M` is a member. Belongs under a lock.
pub(crate) struct IteratorLock<M> {
    holder: Holder<M>,
    caller_waits: bool,
    finished: bool,
}

impl<M: Copy + PartialEq> IteratorLock<M> {
    /// A lock that is free.
    pub(crate) fn new() -> Self {
        Self {
            holder: Holder::Nobody,
            caller_waits: false,
            finished: false,
        }
    }

    /// Caller: acquires the lock. If that fails, the caller will be woken to try again.
    pub(crate) fn acquire_for_caller(&mut self) -> bool {
        let free = self.holder == Holder::Nobody;
        if free {
            self.holder = Holder::Caller;
        }
        self.caller_waits = !free;
        free
    }

    /// Helper: acquires the lock.
    pub(crate) fn acquire_for_helper(&mut self, member: M) -> bool {
        let free = self.holder == Holder::Nobody;
        if free {
            self.holder = Holder::Helper(member);
        }
        free
    }

    /// The helper that holds the lock, which a caller that waits boosts.
    pub(crate) fn helper(&self) -> Option<M> {
        match self.holder {
            Holder::Helper(member) => Some(member),
            Holder::Nobody | Holder::Caller => None,
        }
    }

    /// The holder releases the lock. Returns whether the caller waits, and is to be woken.
    pub(crate) fn release(&mut self) -> bool {
        self.holder = Holder::Nobody;
        take(&mut self.caller_waits)
    }

    /// Caller: nothing is left to iterate over. Helpers need not wait for the lock any more.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether nothing is left to iterate over.
    pub(crate) fn finished(&self) -> bool {
        self.finished
    }
}
