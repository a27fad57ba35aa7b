// SPDX-License-Identifier: GPL-2.0
/* Peer: the calling thread does it all, by a plain call for each chunk. */
#include <linux/minmax.h>

#include "bench.h"

static int run(const struct job *job)
{
	size_t start, end;

	for (start = 0; start < job->units; start = end) {
		end = start + min(job->min_chunk, job->units - start);
		job->work->range(start, end, job->run);
	}
	return 0;
}

const struct peer plain_loop = { .name = "plain_loop", .run = run };
