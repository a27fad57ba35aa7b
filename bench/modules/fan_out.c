// SPDX-License-Identifier: GPL-2.0
/* Peer: an even share for each of n work items, as drivers do it themselves. */
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "bench.h"

struct share {
	struct work_struct work;
	const struct job *job;
	size_t start;
	size_t end;
};

static struct workqueue_struct *wq;

static void run_share(struct work_struct *work)
{
	struct share *share = container_of(work, struct share, work);

	share->job->work->range(share->start, share->end, share->job->run);
}

static int run(const struct job *job)
{
	unsigned int i, n = min_t(size_t, job->threads, job->units);
	struct share *shares;

	shares = kcalloc(n, sizeof(*shares), GFP_KERNEL);
	if (!shares)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		shares[i].job = job;
		shares[i].start = job->units * i / n;
		shares[i].end = job->units * (i + 1) / n;
		INIT_WORK(&shares[i].work, run_share);
		queue_work(wq, &shares[i].work);
	}
	for (i = 0; i < n; i++)
		flush_work(&shares[i].work);
	kfree(shares);
	return 0;
}

static int init(void)
{
	wq = alloc_workqueue("bench_fan_out", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return wq ? 0 : -ENOMEM;
}

const struct peer fan_out = { .name = "fan_out", .init = init, .run = run };
