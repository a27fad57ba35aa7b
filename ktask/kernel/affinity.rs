// SPDX-License-Identifier: GPL-2.0

//! The CPUs that a worker may run on while it is a helper: those of one node.
//!
//! An unbound workqueue chooses the CPUs where a worker wakes up, no more. The scheduler would move
//! helpers to other nodes, away from the memory that they work on.

use super::{
    c,
    cpus, //
};
use core::{
    cell::UnsafeCell,
    ptr, //
};
use kernel::prelude::*;

/// Room for the mask of the worker that runs one work item, so that nothing is allocated then.
///
/// Used by that worker only: a work item is run by one worker at a time.
pub(super) struct Affinity(UnsafeCell<c::ktask_affinity>);

// SAFETY: The masks are ours alone, and their memory may be freed by any thread.
unsafe impl Send for Affinity {}

impl Affinity {
    /// Allocates room for the mask of a worker; `None` on a machine of one node, where there is
    /// nothing to be done. May sleep.
    pub(super) fn new() -> Result<Option<Self>> {
        if !cpus::has_several_nodes() {
            return Ok(None);
        }
        let mut affinity = c::ktask_affinity {
            found: ptr::null_mut(),
            set: ptr::null_mut(),
            outside: ptr::null_mut(),
            bound: false,
        };
        // SAFETY: The function initialises what it is given.
        if unsafe { c::ktask_c_affinity_init(&mut affinity) } {
            Ok(Some(Self(UnsafeCell::new(affinity))))
        } else {
            Err(ENOMEM)
        }
    }

    /// Binds the calling worker, which was queued for `cpu`, to those CPUs of `node` that the
    /// workqueue lets it have, if any. Before the worker is lowered in priority: no CPU can come or go
    /// while the worker is on the way to the node. May sleep.
    ///
    /// # Safety
    ///
    /// The calling thread must be the worker that runs the work item.
    pub(super) unsafe fn bind(&self, node: usize, cpu: u32) {
        // SAFETY: The function's own contract; the masks were allocated by `new`.
        unsafe { c::ktask_c_bind(self.0.get(), node as c_int, cpu) };
    }

    /// Leaves the calling worker as it was found, if it is bound. After the helper has left its
    /// team: a CPU that comes or goes is waited for, and the caller may be part of that.
    ///
    /// # Safety
    ///
    /// As for [`Self::bind`].
    pub(super) unsafe fn end(&self) {
        // SAFETY: As in `bind`.
        if unsafe { (*self.0.get()).bound } {
            // SAFETY: As in `bind`.
            unsafe { c::ktask_c_unbind(self.0.get()) };
        }
    }

    /// Whether the workqueue has the calling worker run on `cpu`.
    ///
    /// # Safety
    ///
    /// As for [`Self::bind`].
    pub(super) unsafe fn allowed(&self, cpu: u32) -> bool {
        // SAFETY: As in `bind`; the CPU id is in range, as is checked first.
        (cpu as usize) < cpus::nr_ids() && unsafe { c::ktask_c_affinity_has(self.0.get(), cpu) }
    }
}

impl Drop for Affinity {
    fn drop(&mut self) {
        // SAFETY: The masks were allocated by `new`, and nobody uses them any more.
        unsafe { c::ktask_c_affinity_destroy(self.0.get_mut()) };
    }
}
