// SPDX-License-Identifier: GPL-2.0
/* Peer: ktask, as its clients call it. */
#include <linux/ktask.h>

#include "bench.h"

static struct ktask_node node_of(const struct part *part)
{
	return (struct ktask_node) { (void *)part->start, part->size, part->nid };
}

static noinline int run_parts(const struct job *job)
{
	DEFINE_KTASK_CTL(ctl, job->work->chunk, job->run, job->min_chunk);
	struct ktask_node nodes[PARTS_MAX];
	unsigned int i;

	for (i = 0; i < job->nr_parts; i++)
		nodes[i] = node_of(&job->parts[i]);
	ktask_ctl_set_max_threads(&ctl, job->threads);
	return ktask_run_numa(nodes, job->nr_parts, &ctl);
}

/* All that describes the task is local, so that the compiler can do without. */
static int run(const struct job *job)
{
	DEFINE_KTASK_CTL(ctl, job->work->chunk, job->run, job->min_chunk);
	struct ktask_node node = node_of(&job->parts[0]);

	if (job->nr_parts > 1)
		return run_parts(job);
	ktask_ctl_set_max_threads(&ctl, job->threads);
	return ktask_run_numa(&node, 1, &ctl);
}

const struct peer with_ktask = { .name = "ktask", .run = run };
