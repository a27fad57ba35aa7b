// SPDX-License-Identifier: GPL-2.0
/* One thin function for each macro or inline function that the sample needs. */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>

#include "helpers.h"

int clear_gigantic_first_node(void)
{
	return first_memory_node;
}

bool clear_gigantic_node_has_memory(int nid)
{
	return nid >= 0 && nid < MAX_NUMNODES && node_state(nid, N_MEMORY);
}

int clear_gigantic_this_node(void)
{
	return numa_node_id();
}

void *clear_gigantic_alloc(int nid, size_t size)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN;
	struct page *page;

	page = alloc_contig_pages(size / PAGE_SIZE, gfp, nid, NULL);
	return page ? page_address(page) : NULL;
}

void clear_gigantic_free(void *memory, size_t size)
{
	free_contig_range(page_to_pfn(virt_to_page(memory)), size / PAGE_SIZE);
}

void clear_gigantic_clear(void *memory, size_t size)
{
	clear_pages(memory, size / PAGE_SIZE);
}

bool clear_gigantic_killed(void)
{
	cond_resched();
	return fatal_signal_pending(current);
}
