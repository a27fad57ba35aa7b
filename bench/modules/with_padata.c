// SPDX-License-Identifier: GPL-2.0
/* Peer: the kernel's own padata, compiled into this module. */
#include <linux/padata.h>

#include "bench.h"

/* padata.c, which scripts/bench makes from the kernel's. */
int bench_padata_start(void);
void bench_padata_do_multithreaded(struct padata_mt_job *job);

static int run(const struct job *job)
{
	struct padata_mt_job padata = {
		.thread_fn = job->work->range,
		.fn_arg = job->run,
		.start = 0,
		.size = job->units,
		.align = 1,
		.min_chunk = job->min_chunk,
		.max_threads = job->threads,
		.numa_aware = job->nr_parts > 1,
	};

	bench_padata_do_multithreaded(&padata);
	return 0;
}

const struct peer with_padata = {
	.name = "padata", .init = bench_padata_start, .run = run,
};
