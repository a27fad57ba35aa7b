// SPDX-License-Identifier: GPL-2.0

//! The walk lock: held by the thread of a task that calls its client's iterator.
//!
//! No mutex, as the caller of a task would wait there for helpers that have no CPU: see
//! `policy/walk.rs`.

use crate::ktask::kernel::completion::Completion;
use crate::ktask::kernel::sched;
use crate::ktask::kernel::sched::Worker;
use crate::ktask::kernel::sched::LEND_MS;
use crate::ktask::protocol::boost::MAX_NICE;
use crate::ktask::protocol::iterator_lock::Turns;
use crate::ktask::sync::Atomic;
use crate::ktask::sync::Relaxed;
use kernel::{
    new_condvar,
    new_spinlock,
    prelude::*,
    processor::cpu_relax,
    sync::{
        CondVar,
        SpinLock, //
    },
    types::NotThreadSafe, //
};

/// How often a thread looks before it sleeps: a few microseconds, about what sleeping would cost.
const SPINS: usize = 100;

/// The walk lock of one task.
#[pin_data]
pub(crate) struct WalkLock {
    #[pin]
    turns: SpinLock<Turns<Worker>>,
    /// Whether anybody walks, for those who do not hold the lock.
    taken: Atomic<bool>,
    #[pin]
    helpers: CondVar,
    /// Completed when a caller that waits is to try again.
    #[pin]
    caller: Completion,
}

/// The walk lock, held by the thread that took it.
pub(crate) struct Walking<'a>(&'a WalkLock, NotThreadSafe);

impl WalkLock {
    /// A lock that nobody holds.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            turns <- new_spinlock!(Turns::new(), "ktask_turns"),
            taken: Atomic::new(false),
            helpers <- new_condvar!("ktask_walk"),
            caller <- Completion::new(),
        })
    }

    /// Takes the lock for the caller of the task, lending its nice value to a helper that holds it.
    /// May sleep.
    pub(crate) fn lock_for_caller(&self) -> Walking<'_> {
        self.spin();
        loop {
            let mut turns = self.turns.lock();
            if turns.begin_caller() {
                return self.taken();
            }
            if let Some(worker) = turns.lend() {
                // SAFETY: It walks, and ends that under the lock we hold, so the thread exists.
                unsafe { worker.set_nice(sched::current_nice()) };
            }
            drop(turns);
            // Told or not: it may be another's turn already.
            self.caller.wait(LEND_MS);
        }
    }

    /// Takes the lock for a helper, or returns `None` if there is nothing left to walk for. May
    /// sleep.
    pub(crate) fn lock_for_helper(&self) -> Option<Walking<'_>> {
        self.spin();
        let mut turns = self.turns.lock();
        while !turns.over() {
            if turns.begin_helper(Worker::current()) {
                return Some(self.taken());
            }
            self.helpers.wait(&mut turns);
        }
        None
    }

    /// Tells helpers that there is nothing left to walk for, so that each can end without waiting
    /// for another that has no CPU. For the caller, who lends its nice value as above. May sleep.
    pub(crate) fn finish(&self) {
        let _walking = self.lock_for_caller();
        self.turns.lock().finish();
        self.helpers.notify_all();
    }

    fn taken(&self) -> Walking<'_> {
        self.taken.store(true, Relaxed);
        Walking(self, NotThreadSafe)
    }

    fn spin(&self) {
        for _ in 0..SPINS {
            if !self.taken.load(Relaxed) {
                return;
            }
            cpu_relax();
        }
    }
}

impl Drop for Walking<'_> {
    fn drop(&mut self) {
        let lock = self.0;
        let mut turns = lock.turns.lock();
        let walked = turns.end();
        lock.taken.store(false, Relaxed);
        // Before this thread may lose its CPU.
        if walked.caller_waits {
            lock.caller.complete();
        }
        lock.helpers.notify_one();
        if walked.was_lent {
            // SAFETY: The calling thread exists.
            unsafe { Worker::current().set_nice(MAX_NICE) };
        }
    }
}
