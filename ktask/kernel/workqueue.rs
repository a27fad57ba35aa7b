// SPDX-License-Identifier: GPL-2.0

//! Our own unbound workqueue, and work items that can be queued on a named CPU and cancelled
//! without waiting. The `kernel` crate's workqueue does neither.

use super::c;
use core::{
    marker::PhantomPinned,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::LockClassKey,
    types::Opaque, //
};

/// A work item. Has the address of the kernel's work item in it.
#[pin_data]
#[repr(C)]
pub(crate) struct Work {
    #[pin]
    work: Opaque<bindings::work_struct>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The kernel's functions on work items may be called from any thread.
unsafe impl Send for Work {}
// SAFETY: As above; they synchronise among themselves.
unsafe impl Sync for Work {}

impl Work {
    /// Initialises a work item that will call `func`.
    ///
    /// # Safety
    ///
    /// `func` must be safe to call, from a worker, with a pointer to this work item, whenever it
    /// has been queued.
    pub(crate) unsafe fn new(
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
        func: unsafe extern "C" fn(*mut bindings::work_struct),
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(move |slot| {
                // SAFETY: `slot` points to memory for a work item that is pinned, the name and the
                // key are static, and the function's contract covers `func`.
                unsafe {
                    bindings::init_work_with_key(
                        slot,
                        Some(func),
                        false,
                        name.as_char_ptr(),
                        key.as_ptr(),
                    )
                }
            }),
            _pin: PhantomPinned,
        })
    }

    /// Whether no worker runs the item, and it is not queued. Somebody else's queueing may make that
    /// wrong a moment later.
    pub(crate) fn idle(&self) -> bool {
        // SAFETY: The work item was initialised by `new`.
        unsafe { bindings::work_busy(self.work.get()) == 0 }
    }

    /// Takes the item off the queue if it is there and no worker has taken it. Does not wait.
    pub(crate) fn cancel(&self) {
        // SAFETY: The work item was initialised by `new`.
        unsafe { bindings::cancel_work(self.work.get()) };
    }
}

/// The workqueue. Dropping it waits until everything queued has run.
pub(crate) struct Workqueue(Handle);

/// What is needed to queue something on a workqueue.
#[derive(Clone, Copy)]
pub(crate) struct Handle(NonNull<bindings::workqueue_struct>);

// SAFETY: The kernel's functions on workqueues may be called from any thread.
unsafe impl Send for Handle {}
// SAFETY: As above; they synchronise among themselves.
unsafe impl Sync for Handle {}

impl Workqueue {
    /// Allocates the workqueue. May sleep.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Plain allocation in process context.
        let wq = unsafe { c::ktask_c_alloc_workqueue() };
        Ok(Self(Handle(NonNull::new(wq).ok_or(ENOMEM)?)))
    }

    /// A handle of this workqueue.
    pub(crate) fn handle(&self) -> Handle {
        self.0
    }
}

impl Drop for Workqueue {
    fn drop(&mut self) {
        // SAFETY: Handles are only used as the contract of `queue_on` allows.
        unsafe { bindings::destroy_workqueue(self.0 .0.as_ptr()) };
    }
}

impl Handle {
    /// Queues `work` with the workers that serve `cpu`, unless it is queued already.
    ///
    /// # Safety
    ///
    /// The [`Workqueue`] must not have been dropped. While it is being dropped, only what runs on
    /// it may still queue. `work` must stay where it is until then, and `cpu` must be a possible
    /// CPU.
    pub(crate) unsafe fn queue_on(self, cpu: u32, work: &Work) {
        // SAFETY: The function's own contract.
        unsafe { bindings::queue_work_on(cpu as c_int, self.0.as_ptr(), work.work.get()) };
    }
}
