// SPDX-License-Identifier: GPL-2.0
/*
 * How long the path of a call is, in cycles of the time stamp counter. QEMU
 * with -icount makes these instructions of all CPUs together.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/timex.h>

#include "bench.h"

static int by_value(const void *a, const void *b)
{
	return cmp_int(*(const u64 *)a, *(const u64 *)b);
}

/* Runs the job @calls times, one call at a time. */
int measure_path(struct run *run)
{
	u64 *cycles = kvcalloc(run->calls, sizeof(*cycles), GFP_KERNEL);
	unsigned long i;
	int err = 0;

	if (!cycles)
		return -ENOMEM;
	for (i = 0; i < run->calls && !err; i++) {
		u64 start;

		/* Until workers of the last call are idle again. */
		if (run->job.threads > 1)
			fsleep(2000);
		start = get_cycles();
		err = run->peer->run(&run->job);
		cycles[i] = get_cycles() - start;
	}
	sort(cycles, run->calls, sizeof(*cycles), by_value, NULL);
	run->path_min = cycles[0];
	run->path_median = cycles[run->calls / 2];
	kvfree(cycles);
	return err;
}
