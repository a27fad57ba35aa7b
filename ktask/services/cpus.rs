// SPDX-License-Identifier: GPL-2.0

//! CPUs and NUMA nodes of the machine.

use super::helpers;

/// Number of CPU ids; every CPU id is below it.
pub(crate) fn nr_ids() -> usize {
    kernel::cpu::nr_cpu_ids() as usize
}

/// Number of node ids; every node id is below it.
pub(crate) fn nr_node_ids() -> usize {
    // SAFETY: Reads a variable that does not change after boot.
    unsafe { helpers::ktask_helper_nr_node_ids() as usize }
}

/// Whether `nid` is a node this machine may have.
pub(crate) fn node_possible(nid: i32) -> bool {
    // SAFETY: The helper checks the range of `nid`.
    unsafe { helpers::ktask_helper_node_possible(nid) }
}

/// The node of a possible CPU.
pub(crate) fn node_of(cpu: u32) -> Option<usize> {
    // SAFETY: `cpu_possible()` is defined for CPU ids, which are below `nr_cpu_ids`.
    if (cpu as usize) >= nr_ids() || !unsafe { helpers::ktask_helper_cpu_possible(cpu) } {
        return None;
    }
    // SAFETY: The CPU is possible, as was just checked.
    usize::try_from(unsafe { helpers::ktask_helper_cpu_to_node(cpu) }).ok()
}

/// Whether general kernel work may run on `cpu` now: online and not isolated.
pub(crate) fn usable(cpu: u32) -> bool {
    // SAFETY: The CPU id is below `nr_cpu_ids`, as was just checked.
    (cpu as usize) < nr_ids() && unsafe { helpers::ktask_helper_cpu_usable(cpu) }
}

/// NUMA distance between two nodes.
pub(crate) fn distance(from: usize, to: usize) -> u32 {
    match (i32::try_from(from), i32::try_from(to)) {
        // SAFETY: `node_distance()` is defined for node ids, which are below `nr_node_ids`.
        (Ok(a), Ok(b)) if from.max(to) < nr_node_ids() => unsafe {
            helpers::ktask_helper_node_distance(a, b) as u32
        },
        _ => u32::MAX,
    }
}

/// The CPU this runs on; it may be another one a moment later.
pub(crate) fn current() -> u32 {
    // SAFETY: Reads the CPU id and nothing else.
    unsafe { helpers::ktask_helper_this_cpu() }
}
