// SPDX-License-Identifier: GPL-2.0

//! The kernel's `struct completion`. The kernel crate's has neither `complete()` nor a wait with a
//! limit.

use kernel::{
    bindings,
    prelude::*,
    time::msecs_to_jiffies,
    types::Opaque, //
};

/// Something that one thread waits for and another completes, time and again.
#[pin_data]
pub(crate) struct Completion {
    #[pin]
    inner: Opaque<bindings::completion>,
}

// SAFETY: A completion may be used from any thread; it has a lock of its own.
unsafe impl Sync for Completion {}
// SAFETY: As above.
unsafe impl Send for Completion {}

impl Completion {
    /// Nothing is complete.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` points to memory for a completion that is pinned.
                unsafe { bindings::init_completion(slot) }
            }),
        })
    }

    /// Wakes the thread that waits, or lets the next wait return at once. Any context.
    pub(crate) fn complete(&self) {
        // SAFETY: The completion was initialised by `new`.
        unsafe { bindings::complete(self.inner.get()) };
    }

    /// Waits for one call of [`Self::complete`], no longer than `ms` milliseconds. Returns whether
    /// there was one. May sleep.
    pub(crate) fn wait(&self, ms: u32) -> bool {
        // SAFETY: The completion was initialised by `new`.
        let left = unsafe {
            bindings::wait_for_completion_timeout(self.inner.get(), msecs_to_jiffies(ms))
        };
        left != 0
    }
}
