// SPDX-License-Identifier: GPL-2.0

//! The memory and the work items of one helper: what `protocol/helper.rs` needs of the workqueue.

use super::{
    pool::Free,
    scope::RawScope,
    workqueue::{
        self,
        Work, //
    }, //
};
use crate::ktask::{
    protocol::{
        helper::{
            Helper,
            Item,
            Workers, //
        },
        members::Link, //
    },
    sync::Atomic, //
};
use core::ptr;
use kernel::{
    bindings,
    container_of,
    prelude::*,
    static_lock_class,
    sync::Arc, //
};

/// The memory of one helper.
#[pin_data]
pub(super) struct Slot {
    #[pin]
    even: Work,
    #[pin]
    odd: Work,
    pub(super) helper: Helper<RawScope>,
    /// Under the lock of the helper's team.
    pub(super) link: Link,
    /// The thread that runs the helper, or null; under the lock of the helper's team.
    pub(super) worker: Atomic<*mut bindings::task_struct>,
    index: u32,
    free: Arc<Free>,
    wq: workqueue::Handle,
}

// SAFETY: The pointer to the worker is used only as `Team` allows; everything else may be shared.
unsafe impl Sync for Slot {}
// SAFETY: As above.
unsafe impl Send for Slot {}

impl Slot {
    /// Initialises a slot whose work items are queued on `wq`.
    ///
    /// # Safety
    ///
    /// The slot must stay valid until `wq` has been dropped, and `wq` until the last use of the
    /// slot.
    pub(super) unsafe fn new(
        index: u32,
        free: Arc<Free>,
        wq: workqueue::Handle,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot outlives everything queued on `wq`, so the function may run
            // whenever the item has been queued.
            even <- unsafe { Work::new(c"ktask_even", static_lock_class!(), work_even) },
            // SAFETY: As above.
            odd <- unsafe { Work::new(c"ktask_odd", static_lock_class!(), work_odd) },
            helper: Helper::new(index),
            link: Link::new(),
            worker: Atomic::new(ptr::null_mut()),
            index,
            free,
            wq,
        })
    }

    /// Runs in a worker, in the work item `item`.
    fn work(&self, item: Item) {
        self.helper.run(self, item);
    }
}

impl Workers for Slot {
    fn queue(&self, cpu: u32, item: Item) {
        let work = match item {
            Item::Even => &self.even,
            Item::Odd => &self.odd,
        };
        // SAFETY: The slot stays where it is until the workqueue has been destroyed. Only scopes
        // queue, which keep the pool alive, and a worker that moves on: destroying the workqueue
        // waits for that worker, and then for what it queued. CPUs come from the table of possible
        // CPUs.
        unsafe { self.wq.queue_on(cpu, work) };
    }

    fn cancel(&self) {
        self.even.cancel();
        self.odd.cancel();
    }

    fn idle(&self) -> bool {
        self.even.idle() && self.odd.idle()
    }

    fn free(&self) {
        self.free.ring.lock().push(self.index);
    }
}

/// # Safety
///
/// `work` must be the `even` item of a valid slot.
unsafe extern "C" fn work_even(work: *mut bindings::work_struct) {
    // CAST: `Work` has the address of the work item in it.
    let work = work.cast::<Work>();
    // SAFETY: The function's own contract; a slot is only ever used through shared references.
    let slot = unsafe { &*container_of!(work, Slot, even) };
    slot.work(Item::Even);
}

/// # Safety
///
/// `work` must be the `odd` item of a valid slot.
unsafe extern "C" fn work_odd(work: *mut bindings::work_struct) {
    // CAST: As in `work_even`.
    let work = work.cast::<Work>();
    // SAFETY: As in `work_even`.
    let slot = unsafe { &*container_of!(work, Slot, odd) };
    slot.work(Item::Odd);
}
