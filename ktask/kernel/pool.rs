// SPDX-License-Identifier: GPL-2.0

//! All helpers. They exist from the start, so that a task allocates nothing.

use super::{
    affinity::Affinity,
    cpus,
    slot::Slot,
    team::Member,
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

/// The slots of one node that no scope uses: tasks that begin on different nodes take them under
/// different locks.
#[pin_data]
pub(super) struct Free {
    #[pin]
    pub(super) ring: SpinLock<Ring<KVec<u32>>>,
}

impl Free {
    /// A ring for each node, where `nodes_of` has the node of each slot. May sleep.
    fn rings(nodes_of: &[usize]) -> Result<KVec<Arc<Self>>> {
        let nodes = cpus::nr_node_ids();
        let mut slots = KVec::with_capacity(nodes, GFP_KERNEL)?;
        for _ in 0..nodes {
            slots.push(KVec::new(), GFP_KERNEL)?;
        }
        for (index, &node) in nodes_of.iter().enumerate() {
            let slots: &mut KVec<u32> = slots.get_mut(node).ok_or(EINVAL)?;
            slots.push(index as u32, GFP_KERNEL)?;
        }
        let mut rings = KVec::with_capacity(nodes, GFP_KERNEL)?;
        for slots in slots {
            let ring = Ring::full(slots);
            let free = pin_init!(Self {
                ring <- new_spinlock!(ring, "ktask_free"),
            });
            rings.push(Arc::pin_init(free, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(rings)
    }
}

/// The node of each slot, if each CPU id has `per_cpu`. Asked for once, as the node of a CPU that is
/// not there yet may change. May sleep.
fn nodes_of_slots(per_cpu: usize) -> Result<KVec<usize>> {
    let mut nodes = KVec::new();
    for cpu in 0..cpus::nr_ids() {
        let node = cpus::node_of(cpu as u32).unwrap_or(0);
        for _ in 0..per_cpu {
            nodes.push(node, GFP_KERNEL)?;
        }
    }
    Ok(nodes)
}

/// A fixed number of helpers.
#[pin_data(PinnedDrop)]
pub(crate) struct Pool {
    wq: Option<Workqueue>,
    slots: KVec<Pin<KBox<Slot>>>,
    /// One for each node.
    free: KVec<Arc<Free>>,
}

impl Pool {
    /// Allocates `per_cpu` helpers for each CPU id. May sleep.
    pub(crate) fn new(per_cpu: usize) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            let nodes_of = nodes_of_slots(per_cpu)?;
            let free = Free::rings(&nodes_of)?;
            let mut slots = KVec::with_capacity(nodes_of.len(), GFP_KERNEL)?;
            // After the slots, so that an error drops the workqueue before them.
            let wq = Workqueue::new()?;
            for (index, &node) in nodes_of.iter().enumerate() {
                let ring = free.get(node).ok_or(EINVAL)?.clone();
                let affinity = match (Affinity::new()?, Affinity::new()?) {
                    (Some(even), Some(odd)) => Some([even, odd]),
                    _ => None,
                };
                // SAFETY: `Pool` drops the workqueue before the slots, and uses slots only while
                // it lives.
                let slot = unsafe { Slot::new(index as u32, ring, wq.handle(), affinity) };
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

    /// Takes a free helper out of the pool: one of `node`, or, if that has none, of any.
    #[inline]
    pub(super) fn take(&self, node: Option<usize>) -> Option<u32> {
        let home = node.and_then(|node| self.free.get(node));
        home.and_then(|free| free.ring.lock().pop())
            .or_else(|| self.take_any())
    }

    #[cold]
    fn take_any(&self) -> Option<u32> {
        self.free.iter().find_map(|free| free.ring.lock().pop())
    }

    /// The worker of a member, null if there is none. Under the lock of the member's team.
    pub(super) fn worker(&self, member: u32) -> *mut bindings::task_struct {
        self.slot(member)
            .map_or(ptr::null_mut(), |slot| slot.worker.load(Relaxed))
    }

    /// Whether the workqueue has the calling worker run on `cpu`, which is that of `member`.
    pub(crate) fn allowed(&self, member: Member, cpu: u32) -> bool {
        self.slot(member.id()).is_some_and(|slot| {
            // SAFETY: A `Member` proves that the calling thread is the member's worker.
            unsafe { slot.allowed(cpu) }
        })
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
