// SPDX-License-Identifier: GPL-2.0

//! What lockdep is to know of a task: that its caller waits for the helpers.
//!
//! A caller that holds a lock which the task's functions take would wait for a helper that waits
//! for the caller. A dummy lockdep map stands for the wait, as `wq->lockdep_map` does in
//! `kernel/workqueue.c`: each thread holds the map while it calls the task's functions, the caller
//! among others, so that lockdep sees both orders. The map's class is the place of the call. On a kernel without
//! lockdep there is nothing of all this.

use super::c;
use kernel::{
    bindings,
    types::{
        NotThreadSafe,
        Opaque, //
    }, //
};

/// The class of a task's map: the place in the client where tasks are started.
#[derive(Clone, Copy)]
pub(crate) struct Class(*mut bindings::lock_class_key);

// SAFETY: Only lockdep looks behind the pointer, in any thread.
unsafe impl Send for Class {}
// SAFETY: As above.
unsafe impl Sync for Class {}

impl Class {
    /// The class of a key. Tasks whose key is null are not shown to lockdep.
    ///
    /// # Safety
    ///
    /// A key must be static, in the kernel or in a module, and of no other use.
    pub(crate) unsafe fn new(key: *mut bindings::lock_class_key) -> Self {
        Self(key)
    }
}

/// The dummy map of one task. Must not be moved while it is held.
pub(crate) struct Wait(Opaque<c::ktask_wait>);

// SAFETY: After `new` only lockdep writes to it, which allows for that from several threads.
unsafe impl Sync for Wait {}

impl Wait {
    /// Makes the map of a task that the calling thread starts, and that calls `function`, which
    /// is what lockdep will name.
    #[inline]
    pub(crate) fn new(class: Class, function: usize) -> Self {
        let wait = Opaque::uninit();
        if cfg!(CONFIG_LOCKDEP) {
            // SAFETY: There is room for it at the pointer; the key is as `Class::new` demands.
            unsafe { c::ktask_c_wait_init(wait.get(), class.0, function) };
        }
        Self(wait)
    }

    /// Holds the map in the calling thread.
    #[inline]
    pub(crate) fn hold(&self) -> Held<'_> {
        if cfg!(CONFIG_LOCKDEP) {
            // SAFETY: It was initialised by `new`.
            unsafe { c::ktask_c_wait_acquire(self.0.get()) };
        }
        Held(self, NotThreadSafe)
    }
}

/// The map of a task, held by the thread that acquired it.
pub(crate) struct Held<'a>(&'a Wait, NotThreadSafe);

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if cfg!(CONFIG_LOCKDEP) {
            // SAFETY: `hold` has acquired it in this thread, which the guard cannot leave.
            unsafe { c::ktask_c_wait_release(self.0 .0.get()) };
        }
    }
}
