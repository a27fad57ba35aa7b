// SPDX-License-Identifier: GPL-2.0
/* Exports the C interface, whose functions are written in Rust: ktask/interface/c.rs. */
#include <linux/export.h>
#include <linux/ktask.h>

EXPORT_SYMBOL_GPL(ktask_run);
EXPORT_SYMBOL_GPL(__ktask_run);
EXPORT_SYMBOL_GPL(ktask_run_numa);
EXPORT_SYMBOL_GPL(__ktask_run_numa);
EXPORT_SYMBOL_GPL(ktask_iter_range);

#ifndef CONFIG_LOCKDEP
int __ktask_run_copy(void *start, size_t size, struct ktask_ctl ctl)
{
	return (ktask_run)(start, size, &ctl);
}
EXPORT_SYMBOL_GPL(__ktask_run_copy);

int __ktask_run_numa_copy(void *start, size_t size, int nid, struct ktask_ctl ctl)
{
	struct ktask_node node = { start, size, nid };

	return (ktask_run_numa)(&node, 1, &ctl);
}
EXPORT_SYMBOL_GPL(__ktask_run_numa_copy);
#endif
