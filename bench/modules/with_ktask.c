// SPDX-License-Identifier: GPL-2.0
/* Peer: ktask, as its clients call it. */
#include <linux/ktask.h>

#include "bench.h"

static int run(const struct job *job)
{
	DEFINE_KTASK_CTL(ctl, job->work->chunk, job->run, job->min_chunk);
	struct ktask_node nodes[PARTS_MAX] = {};
	unsigned int i;

	ktask_ctl_set_max_threads(&ctl, job->threads);
	for (i = 0; i < job->nr_parts; i++) {
		nodes[i].kn_start = (void *)job->parts[i].start;
		nodes[i].kn_task_size = job->parts[i].size;
		nodes[i].kn_nid = job->parts[i].nid;
	}
	return ktask_run_numa(nodes, job->nr_parts, &ctl);
}

const struct peer with_ktask = { .name = "ktask", .run = run };
