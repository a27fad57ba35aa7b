// SPDX-License-Identifier: GPL-2.0

//! The worker thread that a helper runs in, and its nice value.

use crate::ktask::kernel::helpers;
use crate::ktask::protocol::boost::Lending;
use kernel::{
    bindings,
    new_spinlock,
    prelude::*,
    sync::{
        aref::ARef,
        SpinLock, //
    },
    task::Task, //
};

/// How often a caller that lends its nice value lends it again, in milliseconds. It can rise
/// meanwhile: the caller may itself be a helper, of an outer task, and be lent one by its own owner.
pub(super) const LEND_MS: u32 = 100;

/// Returns the nice value of the calling thread.
pub(crate) fn current_nice() -> c_int {
    // SAFETY: The calling thread exists while it calls.
    unsafe { helpers::ktask_helper_task_nice(current_raw()) }
}

/// The calling thread, to be looked at by others.
pub(crate) fn this_thread() -> ARef<Task> {
    ARef::from(&**current!())
}

/// Whether a thread is being killed.
pub(crate) fn killed(thread: &Task) -> bool {
    // SAFETY: The reference keeps the thread's structure, and the signals are only looked at.
    unsafe { helpers::ktask_helper_killed(thread.as_ptr()) }
}

/// Lets another thread run if the scheduler wants that. May sleep.
pub(crate) fn cond_resched() {
    // SAFETY: Called where sleeping is allowed, as documented.
    unsafe { helpers::ktask_helper_cond_resched() };
}

fn current_raw() -> *mut bindings::task_struct {
    // SAFETY: Reads the pointer to the calling thread.
    unsafe { bindings::get_current() }
}

/// A worker thread.
#[derive(Clone, Copy)]
pub(super) struct Worker(*mut bindings::task_struct);

// SAFETY: The pointer is only used while the thread it names is known to exist.
unsafe impl Send for Worker {}

impl Worker {
    /// The calling thread.
    pub(super) fn current() -> Self {
        Self(current_raw())
    }

    /// Gives the thread another nice value. Does not sleep.
    ///
    /// # Safety
    ///
    /// The thread must exist.
    pub(super) unsafe fn set_nice(self, nice: c_int) {
        // SAFETY: The function's own contract.
        unsafe { bindings::set_user_nice(self.0, nice as c_long) };
    }
}

/// Which worker is the helper at the moment. The worker runs at the lowest priority then, or at
/// what its owner lends it, and afterwards as it did before.
#[pin_data]
pub(crate) struct Seat {
    #[pin]
    lending: SpinLock<Lending<Worker>>,
}

impl Seat {
    /// An empty seat.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            lending <- new_spinlock!(Lending::new(), "ktask_worker"),
        })
    }

    /// Owner: forgets what was lent to an earlier worker.
    pub(crate) fn reset(&self) {
        self.lending.lock().reset();
    }

    /// Worker: sits down.
    pub(crate) fn enter(&self) {
        let mut lending = self.lending.lock();
        let worker = Worker::current();
        let nice = lending.enter(worker, current_nice());
        // SAFETY: The calling thread exists.
        unsafe { worker.set_nice(nice) };
    }

    /// Worker: gets up.
    pub(crate) fn leave(&self) {
        let mut lending = self.lending.lock();
        if let Some(own) = lending.leave() {
            // SAFETY: The calling thread exists.
            unsafe { Worker::current().set_nice(own) };
        }
    }

    /// Owner: lends its own nice value to the worker that sits here, or will.
    pub(crate) fn lend(&self, nice: c_int) {
        let mut lending = self.lending.lock();
        if let Some(worker) = lending.lend(nice) {
            // SAFETY: A worker gets up before it ends, and it needs the lock we hold for that, so
            // the thread exists.
            unsafe { worker.set_nice(nice) };
        }
    }
}
