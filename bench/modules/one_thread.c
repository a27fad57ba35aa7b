// SPDX-License-Identifier: GPL-2.0
/* Peer: the calling thread does it all, by a plain call. */
#include "bench.h"

static int run(const struct job *job)
{
	job->work->range(0, job->units, job->run);
	return 0;
}

const struct peer one_thread = { .name = "one_thread", .run = run };
