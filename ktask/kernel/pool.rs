// SPDX-License-Identifier: GPL-2.0

//! All helpers. They exist from the start, so that a task allocates nothing.

use super::{
    slot::Slot,
    workqueue::Workqueue, //
};
use crate::ktask::{
    protocol::{
        members::{
            Link,
            Links,
            List, //
        },
        ring::Ring, //
    },
    sync::Relaxed, //
};
use core::ptr;
use kernel::{
    bindings,
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    }, //
};

/// The slots that no scope uses.
#[pin_data]
pub(super) struct Free {
    #[pin]
    pub(super) ring: SpinLock<Ring<KVec<u32>>>,
}

/// A fixed number of helpers.
#[pin_data(PinnedDrop)]
pub(crate) struct Pool {
    wq: Option<Workqueue>,
    slots: KVec<Pin<KBox<Slot>>>,
    free: Arc<Free>,
}

impl Pool {
    /// Allocates `count` helpers. May sleep.
    pub(crate) fn new(count: usize) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            let mut ring = KVec::with_capacity(count, GFP_KERNEL)?;
            for index in 0..count {
                ring.push(index as u32, GFP_KERNEL)?;
            }
            let ring = Ring::full(ring);
            let free = pin_init!(Free {
                ring <- new_spinlock!(ring, "ktask_free"),
            });
            let free = Arc::pin_init(free, GFP_KERNEL)?;
            let mut slots = KVec::with_capacity(count, GFP_KERNEL)?;
            // After the slots, so that an error drops the workqueue before them.
            let wq = Workqueue::new()?;
            for index in 0..count {
                // SAFETY: `Pool` drops the workqueue before the slots, and uses slots only while
                // it lives.
                let slot = unsafe { Slot::new(index as u32, free.clone(), wq.handle()) };
                slots.push(KBox::pin_init(slot, GFP_KERNEL)?, GFP_KERNEL)?;
            }
            Ok(try_pin_init!(Self {
                wq: Some(wq),
                slots,
                free,
            }))
        })
    }

    pub(super) fn slot(&self, index: u32) -> Option<&Slot> {
        self.slots
            .get(index as usize)
            .map(|slot| slot.as_ref().get_ref())
    }

    /// Takes a free helper out of the pool.
    pub(super) fn take(&self) -> Option<u32> {
        self.free.ring.lock().pop()
    }

    /// The worker of a member, null if there is none. Under the lock of the member's team.
    pub(super) fn worker(&self, member: u32) -> *mut bindings::task_struct {
        self.slot(member)
            .map_or(ptr::null_mut(), |slot| slot.worker.load(Relaxed))
    }

    /// Sets the worker of a member. Under the lock of the member's team.
    pub(super) fn set_worker(&self, member: u32, worker: *mut bindings::task_struct) {
        if let Some(slot) = self.slot(member) {
            slot.worker.store(worker, Relaxed);
        }
    }

    /// The slots of a list that nobody changes meanwhile.
    pub(super) fn list(&self, list: &List) -> impl Iterator<Item = &Slot> + Clone {
        let mut next = list.first();
        core::iter::from_fn(move || {
            let member = next?;
            // Found first, as the slot may be freed before the next call.
            next = List::after(self, member);
            self.slot(member)
        })
    }
}

impl Links for Pool {
    fn link(&self, member: u32) -> Option<&Link> {
        self.slot(member).map(|slot| &slot.link)
    }
}

#[pinned_drop]
impl PinnedDrop for Pool {
    fn drop(self: Pin<&mut Self>) {
        // Waits until no worker runs a slot's item any more; the slots are freed after that.
        *self.project().wq = None;
    }
}
