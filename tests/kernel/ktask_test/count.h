/* SPDX-License-Identifier: GPL-2.0 */
/* A task whose functions count how often they are called. */
#ifndef KTASK_TEST_COUNT_H
#define KTASK_TEST_COUNT_H

#include <linux/atomic.h>
#include <linux/types.h>

/* Counts calls, and the units of the last one. */
struct count {
	atomic_t calls;
	atomic_t undos;
	size_t start;
	size_t end;
	int result;
};

static int count_chunk(void *start, void *end, void *arg)
{
	struct count *count = arg;

	atomic_inc(&count->calls);
	count->start = (size_t)start;
	count->end = (size_t)end;
	return count->result;
}

static void count_undo(void *start, void *end, void *arg)
{
	struct count *count = arg;

	atomic_inc(&count->undos);
}

#endif
