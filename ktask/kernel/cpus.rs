// SPDX-License-Identifier: GPL-2.0

//! CPUs and NUMA nodes of the machine.

use super::c;
use kernel::{
    cpu::CpuId,
    cpumask::CpumaskVar,
    prelude::*,
    task::Task, //
};

/// Number of CPU ids; every CPU id is below it.
pub(crate) fn nr_ids() -> usize {
    kernel::cpu::nr_cpu_ids() as usize
}

/// Number of node ids; every node id is below it.
pub(crate) fn nr_node_ids() -> usize {
    // SAFETY: Reads a variable that does not change after boot.
    unsafe { c::ktask_c_nr_node_ids() as usize }
}

/// Whether `nid` is a node this machine may have.
pub(crate) fn node_possible(nid: i32) -> bool {
    // SAFETY: The helper checks the range of `nid`.
    unsafe { c::ktask_c_node_possible(nid) }
}

/// Whether this machine may have more than one node.
pub(crate) fn has_several_nodes() -> bool {
    let possible = (0..nr_node_ids()).filter(|&nid| node_possible(nid as i32));
    possible.take(2).count() == 2
}

/// The node of a possible CPU.
pub(crate) fn node_of(cpu: u32) -> Option<usize> {
    // SAFETY: `cpu_possible()` is defined for CPU ids, which are below `nr_cpu_ids`.
    if (cpu as usize) >= nr_ids() || !unsafe { c::ktask_c_cpu_possible(cpu) } {
        return None;
    }
    // SAFETY: The CPU is possible, as was just checked.
    usize::try_from(unsafe { c::ktask_c_cpu_to_node(cpu) }).ok()
}

/// The CPUs that general kernel work may run on: online and not isolated.
///
/// In a box of its own: without `CONFIG_CPUMASK_OFFSTACK` the mask itself is in `CpumaskVar`, which
/// then is not `Unpin`, as what a lock guard lends out mutably must be.
pub(crate) struct UsableCpus(KBox<CpumaskVar>);

// SAFETY: The mask is ours alone, and its memory may be freed by any thread.
unsafe impl Send for UsableCpus {}

impl UsableCpus {
    /// No CPU, until the mask is read. May sleep.
    pub(crate) fn none() -> Result<Self> {
        Ok(Self(KBox::new(
            CpumaskVar::new_zero(GFP_KERNEL)?,
            GFP_KERNEL,
        )?))
    }

    /// Reads the CPUs that are usable now.
    pub(crate) fn read(&mut self) {
        // SAFETY: The mask is ours to write.
        unsafe { c::ktask_c_usable_cpus(self.0.as_raw()) };
    }

    /// Whether those are still the CPUs that are usable now.
    pub(crate) fn is_current(&self) -> bool {
        // SAFETY: The mask is valid.
        unsafe { c::ktask_c_usable_cpus_are(self.0.as_raw()) }
    }

    /// How many of them the calling thread may run on.
    pub(crate) fn allowed(&self) -> usize {
        // SAFETY: The mask is valid; a thread may read its own affinity.
        unsafe { c::ktask_c_may_use_of(self.0.as_raw()) as usize }
    }

    /// Whether `cpu` was among them.
    pub(crate) fn has(&self, cpu: u32) -> bool {
        CpuId::from_u32(cpu).is_some_and(|cpu| self.0.test(cpu))
    }
}

/// NUMA distance between two nodes.
pub(crate) fn distance(from: usize, to: usize) -> u32 {
    match (i32::try_from(from), i32::try_from(to)) {
        // SAFETY: `node_distance()` is defined for node ids, which are below `nr_node_ids`.
        (Ok(a), Ok(b)) if from.max(to) < nr_node_ids() => unsafe {
            c::ktask_c_node_distance(a, b) as u32
        },
        _ => u32::MAX,
    }
}

/// Whether the calling thread may run on `cpu`.
pub(crate) fn allowed(cpu: u32) -> bool {
    // SAFETY: The CPU id is in range, as is checked first; a thread may read its own affinity.
    (cpu as usize) < nr_ids() && unsafe { c::ktask_c_may_use(cpu) }
}

/// Whether `thread` may run on `cpu`; an administrator may change that at any time.
pub(crate) fn allowed_for(thread: &Task, cpu: u32) -> bool {
    // SAFETY: The CPU id is in range, as is checked first; the reference keeps the thread's structure.
    (cpu as usize) < nr_ids() && unsafe { c::ktask_c_may_use_by(thread.as_ptr(), cpu) }
}

/// The CPU this runs on; it may be another one a moment later.
pub(crate) fn current() -> u32 {
    // SAFETY: Reads the CPU id and nothing else.
    unsafe { c::ktask_c_this_cpu() }
}

/// The node of the CPU this runs on, as clients name nodes.
pub(crate) fn current_nid() -> i32 {
    // SAFETY: Reads the CPU id and looks its node up; the CPU that this runs on is possible.
    unsafe { c::ktask_c_this_node() }
}
