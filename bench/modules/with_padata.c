// SPDX-License-Identifier: GPL-2.0
/*
 * Peers: the kernel's own padata, compiled into this module. For work of several
 * nodes it is told so, and spreads its helpers over all nodes in turn; its other
 * way, to leave them near the caller, is a peer of its own.
 */
#include <linux/padata.h>

#include "bench.h"

static int run_padata(const struct job *job, bool numa_aware)
{
	struct padata_mt_job padata = {
		.thread_fn = job->work->range,
		.fn_arg = job->run,
		.start = 0,
		.size = job->units,
		.align = 1,
		.min_chunk = job->min_chunk,
		.max_threads = job->threads,
		.numa_aware = numa_aware,
	};

	bench_padata_do_multithreaded(&padata);
	return 0;
}

static int run(const struct job *job)
{
	return run_padata(job, job->nr_parts > 1);
}

static int run_near(const struct job *job)
{
	return run_padata(job, false);
}

/* It is initialised as the other one is. */
const struct peer with_padata_near = { .name = "padata_near", .run = run_near };

const struct peer with_padata = {
	.name = "padata", .init = bench_padata_start, .run = run,
};
