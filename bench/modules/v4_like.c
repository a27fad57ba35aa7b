// SPDX-License-Identifier: GPL-2.0
/*
 * Peer: a small model of what ktask v4 decided, written from its description.
 *
 * Chunks have one size, a quarter of a thread's even share but at least the
 * minimum, and are claimed under one lock. The caller queues the helpers one
 * after the other, each on the node of the part it starts with, and waits for
 * every one of them, also if it has not started when the work is gone.
 */
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "bench.h"

struct task;

struct helper {
	struct work_struct work;
	struct task *task;
	unsigned int part;
};

struct task {
	const struct job *job;
	/* Protects what is claimed. */
	spinlock_t lock;
	size_t chunk;
	/* Units of each part that have been claimed. */
	size_t claimed[PARTS_MAX];
};

static struct workqueue_struct *wq;

/* Claims a chunk of @part, or of another if that one is empty. */
static bool claim(struct task *task, unsigned int *part, size_t *start, size_t *end)
{
	const struct job *job = task->job;
	unsigned int tried;

	guard(spinlock)(&task->lock);
	for (tried = 0; tried < job->nr_parts; tried++) {
		const struct part *p = &job->parts[*part];
		size_t *claimed = &task->claimed[*part];

		if (*claimed < p->size) {
			size_t size = min(task->chunk, p->size - *claimed);

			*start = p->start + *claimed;
			*end = *start + size;
			*claimed += size;
			return true;
		}
		*part = (*part + 1) % job->nr_parts;
	}
	return false;
}

static void work_on(struct task *task, unsigned int part)
{
	size_t start, end;

	while (claim(task, &part, &start, &end))
		task->job->work->range(start, end, task->job->run);
}

static void run_helper(struct work_struct *work)
{
	struct helper *helper = container_of(work, struct helper, work);

	work_on(helper->task, helper->part);
}

static int run(const struct job *job)
{
	size_t n = min_t(size_t, job->threads, DIV_ROUND_UP(job->units, job->min_chunk));
	struct task task = { .job = job };
	struct helper *helpers;
	unsigned int i;

	if (n <= 1) {
		job->work->range(0, job->units, job->run);
		return 0;
	}
	helpers = kcalloc(n, sizeof(*helpers), GFP_KERNEL);
	if (!helpers)
		return -ENOMEM;
	spin_lock_init(&task.lock);
	task.chunk = max3(job->units / n / 4, job->min_chunk, 1ul);
	for (i = 1; i < n; i++) {
		helpers[i].task = &task;
		helpers[i].part = i % job->nr_parts;
		INIT_WORK(&helpers[i].work, run_helper);
		queue_work_node(job->parts[helpers[i].part].nid, wq, &helpers[i].work);
	}
	work_on(&task, 0);
	for (i = 1; i < n; i++)
		flush_work(&helpers[i].work);
	kfree(helpers);
	return 0;
}

static int init(void)
{
	wq = alloc_workqueue("bench_v4_like", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return wq ? 0 : -ENOMEM;
}

const struct peer v4_like = { .name = "v4_like", .init = init, .run = run };
