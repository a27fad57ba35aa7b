// SPDX-License-Identifier: GPL-2.0
/* One thin function for each macro or inline function that the sample needs. */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "helpers.h"

void *free_list_alloc(void)
{
	return (void *)__get_free_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
}

void free_list_free(void *page)
{
	clear_page(page);
	free_page((unsigned long)page);
}

bool free_list_killed(void)
{
	cond_resched();
	return fatal_signal_pending(current);
}
