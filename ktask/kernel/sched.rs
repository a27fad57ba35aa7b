// SPDX-License-Identifier: GPL-2.0

//! Threads as the scheduler sees them: priority, signals, giving way.

use super::c;
use kernel::{
    bindings,
    prelude::*,
    sync::aref::ARef,
    task::Task, //
};

/// Returns the nice value of the calling thread.
pub(crate) fn current_nice() -> c_int {
    // SAFETY: The calling thread exists while it calls.
    unsafe { c::ktask_c_nice(current_raw()) }
}

/// Whether the nice value tells the priority of the calling thread. Not so for SCHED_IDLE, for
/// real-time and deadline classes, and while an rt_mutex boosts the thread to one of these.
pub(crate) fn current_has_weight() -> bool {
    // SAFETY: Looks at the calling thread only.
    unsafe { c::ktask_c_has_weight() }
}

/// Whether the calling thread is of SCHED_IDLE.
pub(crate) fn current_is_idle() -> bool {
    // SAFETY: Looks at the calling thread only.
    unsafe { c::ktask_c_is_idle() }
}

/// The calling thread, to be looked at by others.
pub(crate) fn this_thread() -> ARef<Task> {
    ARef::from(&**current!())
}

/// Whether a thread is being killed.
pub(crate) fn killed(thread: &Task) -> bool {
    // SAFETY: The reference keeps the thread's structure, and the signals are only looked at.
    unsafe { c::ktask_c_killed(thread.as_ptr()) }
}

/// Whether `cond_resched()` and `might_sleep()` do anything.
///
/// A kernel with lazy preemption preempts its threads where that is wanted. Then the two do nothing
/// but check that sleeping is allowed, if the kernel is to check that.
const CHECKS_OR_YIELDS: bool = cfg!(CONFIG_DEBUG_ATOMIC_SLEEP)
    || !cfg!(CONFIG_PREEMPTION)
    || !cfg!(CONFIG_ARCH_HAS_PREEMPT_LAZY);

/// Lets another thread run if the scheduler wants that. May sleep.
#[inline(always)]
pub(crate) fn cond_resched() {
    if CHECKS_OR_YIELDS {
        // SAFETY: Called where sleeping is allowed, as documented.
        unsafe { c::ktask_c_cond_resched() };
    }
}

/// Has the kernel warn where sleeping is not allowed, if the kernel is to check that.
#[inline(always)]
#[track_caller]
pub(crate) fn might_sleep() {
    if CHECKS_OR_YIELDS {
        kernel::task::might_sleep();
    }
}

/// Gives the calling thread another nice value. Does not sleep.
pub(crate) fn set_current_nice(nice: c_int) {
    // SAFETY: The calling thread exists while it calls.
    unsafe { bindings::set_user_nice(current_raw(), nice as c_long) };
}

/// Gives another thread another nice value. Does not sleep.
///
/// # Safety
///
/// `thread` must be a thread that exists.
pub(super) unsafe fn set_nice(thread: *mut bindings::task_struct, nice: c_int) {
    // SAFETY: The function's own contract.
    unsafe { bindings::set_user_nice(thread, nice as c_long) };
}

/// The calling thread.
pub(super) fn current_raw() -> *mut bindings::task_struct {
    // SAFETY: Reads the pointer to the calling thread.
    unsafe { bindings::get_current() }
}
