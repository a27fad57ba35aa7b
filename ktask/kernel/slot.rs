// SPDX-License-Identifier: GPL-2.0

//! The memory and the work items of one helper: what `protocol/helper.rs` needs of the workqueue.

use super::{
    affinity::Affinity,
    cpus,
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
    sync::{
        Atomic,
        Relaxed, //
    }, //
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
    /// For the workers of the even and of the odd item; `None` where nobody is bound.
    affinity: Option<[Affinity; 2]>,
    /// Whether the worker that runs the helper does that in the odd item; that worker's.
    in_odd: Atomic<bool>,
    index: u32,
    free: Arc<Free>,
    wq: workqueue::Handle,
}

// SAFETY: The pointer to the worker is used only as `Team` allows, and each of the affinities by the
// worker that runs its item; everything else may be shared.
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
        affinity: Option<[Affinity; 2]>,
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
            affinity,
            in_odd: Atomic::new(false),
            index,
            free,
            wq,
        })
    }

    /// Runs in a worker, in the work item `item`.
    ///
    /// # Safety
    ///
    /// The calling thread must be the worker that runs that item.
    unsafe fn work(&self, item: Item) {
        self.helper.run(self, item);
        if let Some(affinity) = self.affinity(item) {
            // SAFETY: The function's own contract.
            unsafe { affinity.end() };
        }
    }

    fn affinity(&self, item: Item) -> Option<&Affinity> {
        let [even, odd] = self.affinity.as_ref()?;
        Some(match item {
            Item::Even => even,
            Item::Odd => odd,
        })
    }

    /// Whether the workqueue has the worker that runs the helper run on `cpu`.
    ///
    /// # Safety
    ///
    /// The calling thread must be that worker.
    pub(super) unsafe fn allowed(&self, cpu: u32) -> bool {
        let item = if self.in_odd.load(Relaxed) {
            Item::Odd
        } else {
            Item::Even
        };
        match self.affinity(item) {
            None => cpus::allowed(cpu),
            // SAFETY: The function's own contract; `bind` was called by the same worker.
            Some(affinity) => unsafe { affinity.allowed(cpu) },
        }
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

    fn bind(&self, item: Item, cpu: u32, node: impl FnOnce() -> Option<usize>) {
        let Some(affinity) = self.affinity(item) else {
            return;
        };
        self.in_odd.store(item == Item::Odd, Relaxed);
        if let Some(node) = node() {
            // SAFETY: Called by `Helper::run`, which `work` calls in the worker that runs the item.
            unsafe { affinity.bind(node, cpu) };
        }
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
    // SAFETY: The workqueue calls this function in the worker that runs the item.
    unsafe { slot.work(Item::Even) };
}

/// # Safety
///
/// `work` must be the `odd` item of a valid slot.
unsafe extern "C" fn work_odd(work: *mut bindings::work_struct) {
    // CAST: As in `work_even`.
    let work = work.cast::<Work>();
    // SAFETY: As in `work_even`.
    let slot = unsafe { &*container_of!(work, Slot, odd) };
    // SAFETY: As in `work_even`.
    unsafe { slot.work(Item::Odd) };
}
