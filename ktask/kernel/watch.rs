// SPDX-License-Identifier: GPL-2.0

//! A look at the machine from time to time, as long as there is need: the kernel tells nobody of a
//! change of governor or of isolated CPUs.

use super::{
    c,
    hotplug::Follow, //
};
use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*,
    time::msecs_to_jiffies,
    types::Opaque, //
};

/// How often to look, in milliseconds.
const PERIOD_MS: u32 = 20;

/// Looks at the machine for the published `F`. Dropping it waits for a look that goes on.
#[pin_data(PinnedDrop)]
pub(crate) struct Watch<F: Follow> {
    #[pin]
    work: Opaque<bindings::delayed_work>,
    /// Whether there is need, for all that is known.
    armed: Atomic<bool>,
    _follower: PhantomData<fn() -> F>,
}

// SAFETY: The kernel's functions on work items may be called from any thread.
unsafe impl<F: Follow> Sync for Watch<F> {}
// SAFETY: As above.
unsafe impl<F: Follow> Send for Watch<F> {}

impl<F: Follow> Watch<F> {
    /// Nobody looks.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` points to memory for a work item that is pinned, and `look` may be
                // called with it: what is published outlives the use of the engine.
                unsafe { c::ktask_c_init_delayed_work(slot, Some(look::<F>)) }
            }),
            armed: Atomic::new(false),
            _follower: PhantomData,
        })
    }

    /// Whether somebody looks. Who then shows a need will be seen.
    #[inline]
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Relaxed)
    }

    /// There is need to look from now on. Does not sleep.
    #[inline]
    pub(crate) fn arm(&self) {
        if !self.is_armed() {
            self.armed.store(true, Relaxed);
            self.queue();
        }
    }

    #[inline(never)]
    fn queue(&self) {
        // SAFETY: The work item was initialised by `new`.
        unsafe {
            c::ktask_c_queue_delayed_work(self.work.get(), msecs_to_jiffies(PERIOD_MS) as c_ulong)
        };
    }

    /// Looks on if there is `need`, else once more: a thread that has found the watch armed a moment
    /// before may not have shown its need yet.
    pub(crate) fn look_again(&self, need: bool) {
        if need || self.armed.load(Relaxed) {
            self.armed.store(need, Relaxed);
            self.queue();
        }
    }
}

#[pinned_drop]
impl<F: Follow> PinnedDrop for Watch<F> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The work item was initialised by `new`. Nobody arms what is dropped, and a look that
        // goes on finds nothing published, or queues itself once more, which is cancelled, too.
        unsafe { bindings::cancel_delayed_work_sync(self.work.get()) };
    }
}

/// # Safety
///
/// Only to be called by a worker, for the work item of a watch.
unsafe extern "C" fn look<F: Follow>(_work: *mut bindings::work_struct) {
    // SAFETY: The watch is part of what is published, and waits for this function before it goes.
    if let Some(follower) = unsafe { F::published().get() } {
        follower.look();
    }
}
