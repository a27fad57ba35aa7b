// SPDX-License-Identifier: GPL-2.0

//! The worker thread that a helper runs in, and its nice value.

use super::helpers;
use core::ptr::NonNull;
use kernel::{
    bindings,
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};

/// The lowest priority of a normal task.
const MAX_NICE: c_int = 19;

/// Returns the nice value of the calling thread.
pub(crate) fn current_nice() -> c_int {
    // SAFETY: The calling thread exists while it calls.
    unsafe { helpers::ktask_helper_task_nice(current_raw()) }
}

/// Whether the calling thread is being killed.
pub(crate) fn killed() -> bool {
    // SAFETY: Looks at the calling thread only.
    unsafe { helpers::ktask_helper_killed() }
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

struct State {
    /// The worker, while it is a helper.
    task: Option<NonNull<bindings::task_struct>>,
    /// Its own nice value, to be restored.
    own: c_int,
    /// The nice value that the owner lends.
    lent: Option<c_int>,
}

// SAFETY: The pointer is only used while the thread it names is known to exist.
unsafe impl Send for State {}

/// Which worker is the helper at the moment. The worker runs at the lowest priority then, or at
/// what its owner lends it, and afterwards as it did before.
#[pin_data]
pub(crate) struct Seat {
    #[pin]
    state: SpinLock<State>,
}

impl Seat {
    /// An empty seat.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_spinlock!(
                State { task: None, own: 0, lent: None },
                "ktask_worker"
            ),
        })
    }

    /// Owner: forgets what was lent to an earlier worker.
    pub(crate) fn reset(&self) {
        self.state.lock().lent = None;
    }

    /// Worker: sits down.
    pub(crate) fn enter(&self) {
        let mut state = self.state.lock();
        state.task = NonNull::new(current_raw());
        state.own = current_nice();
        state.apply(state.lent.unwrap_or(MAX_NICE));
    }

    /// Worker: gets up.
    pub(crate) fn leave(&self) {
        let mut state = self.state.lock();
        state.apply(state.own);
        state.task = None;
    }

    /// Owner: lends its own nice value to the worker that sits here, or will.
    pub(crate) fn lend(&self, nice: c_int) {
        let mut state = self.state.lock();
        state.lent = Some(nice);
        state.apply(nice);
    }
}

impl State {
    fn apply(&self, nice: c_int) {
        if let Some(task) = self.task {
            // SAFETY: A worker gets up before it ends, and it needs our lock for that, so the
            // thread exists.
            unsafe { bindings::set_user_nice(task.as_ptr(), nice as c_long) };
        }
    }
}
