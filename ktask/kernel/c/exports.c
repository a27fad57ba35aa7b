// SPDX-License-Identifier: GPL-2.0
/* Exports the C interface, whose functions are written in Rust: ktask/interface/c.rs. */
#include <linux/export.h>
#include <linux/ktask.h>

EXPORT_SYMBOL_GPL(ktask_run);
EXPORT_SYMBOL_GPL(__ktask_run);
EXPORT_SYMBOL_GPL(ktask_run_numa);
EXPORT_SYMBOL_GPL(__ktask_run_numa);
EXPORT_SYMBOL_GPL(ktask_iter_range);
