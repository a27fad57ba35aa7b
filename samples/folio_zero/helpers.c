// SPDX-License-Identifier: GPL-2.0
/* One thin function for each inline function that the sample needs. */
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "helpers.h"

size_t folio_zero_nr_pages(const struct folio *folio)
{
	return folio_nr_pages(folio);
}

int folio_zero_nid(const struct folio *folio)
{
	return folio_nid(folio);
}

void folio_zero_clear(struct folio *folio, unsigned long base, size_t start,
		      size_t end)
{
	size_t count;

	/* As much at once as the kernel allows itself where nothing preempts it. */
	for (; start < end; start += count) {
		cond_resched();
		count = min_t(size_t, end - start, PROCESS_PAGES_NON_PREEMPT_BATCH);
		clear_user_highpages(folio_page(folio, start),
				     base + start * PAGE_SIZE, count);
	}
}
