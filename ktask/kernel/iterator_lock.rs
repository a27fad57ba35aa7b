// SPDX-License-Identifier: GPL-2.0

//! The iterator lock of a task: see `protocol/iterator_lock.rs`.
//!
//! No mutex, as the caller of a task would wait there for helpers that have no CPU: a caller that
//! waits boosts the helper that holds the lock.

use super::team::{
    Member,
    Team,
    BOOST_MS, //
};
use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};
use kernel::{
    new_condvar,
    prelude::*,
    processor::cpu_relax,
    sync::CondVar,
    types::NotThreadSafe, //
};

/// How often a thread looks before it sleeps: a few microseconds, about what sleeping would cost.
const SPINS: usize = 100;

/// The iterator lock of one task.
#[pin_data]
pub(crate) struct IteratorLock<'a> {
    team: &'a Team<'a>,
    /// Whether the lock is held, for those who spin.
    held: Atomic<bool>,
    #[pin]
    helpers: CondVar,
}

/// The iterator lock, held by the thread that acquired it.
pub(crate) struct Guard<'a> {
    lock: &'a IteratorLock<'a>,
    holder: Option<Member>,
    _not_send: NotThreadSafe,
}

impl<'a> IteratorLock<'a> {
    /// A lock that nobody holds, of a task whose threads are `team`.
    pub(crate) fn new(team: &'a Team<'a>) -> impl PinInit<Self> + 'a {
        pin_init!(Self {
            team,
            held: Atomic::new(false),
            helpers <- new_condvar!("ktask_iterator"),
        })
    }

    /// Acquires the lock for the caller of the task, who boosts a helper that holds it. May sleep.
    pub(crate) fn lock_for_caller(&'a self) -> Guard<'a> {
        self.spin();
        loop {
            {
                let mut members = self.team.lock();
                if members.iterator.acquire_for_caller() {
                    return self.guard(None);
                }
                if let Some(helper) = members.iterator.helper() {
                    self.team.boost(&mut members, helper);
                }
            }
            // A wakeup may come late, when another helper holds the lock: the loop looks again.
            self.team.wait(BOOST_MS);
        }
    }

    /// Acquires the lock for a helper. `None` if nothing is left to iterate over. May sleep.
    pub(crate) fn lock_for_helper(&'a self, member: Member) -> Option<Guard<'a>> {
        self.spin();
        let mut members = self.team.lock();
        while !members.iterator.finished() {
            if members.iterator.acquire_for_helper(member.id()) {
                return Some(self.guard(Some(member)));
            }
            self.helpers.wait(&mut members);
        }
        None
    }

    /// Caller: nothing is left to iterate over. Each helper that waits for the lock ends without
    /// waiting for another one that has no CPU. May sleep.
    pub(crate) fn finish(&'a self) {
        let _guard = self.lock_for_caller();
        self.team.lock().iterator.finish();
        self.helpers.notify_all();
    }

    fn guard(&'a self, holder: Option<Member>) -> Guard<'a> {
        self.held.store(true, Relaxed);
        Guard {
            lock: self,
            holder,
            _not_send: NotThreadSafe,
        }
    }

    fn spin(&self) {
        for _ in 0..SPINS {
            if !self.held.load(Relaxed) {
                return;
            }
            cpu_relax();
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let lock = self.lock;
        let mut members = lock.team.lock();
        lock.held.store(false, Relaxed);
        // The caller is woken first: a holder that was boosted may lose its CPU below.
        if members.iterator.release() {
            lock.team.wake();
        }
        lock.helpers.notify_one();
        if let Some(member) = self.holder {
            lock.team.end_boost(&mut members, member);
        }
    }
}
