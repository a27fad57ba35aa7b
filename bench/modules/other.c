// SPDX-License-Identifier: GPL-2.0
/* Another task of the same peer that runs already when the measured one begins. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "bench.h"

struct other {
	struct run run;
	/* The one that is measured. */
	struct run *measured;
	struct completion done;
	int err;
};

/* NULL while there is none. */
static struct other *other;

static int work_on(void *data)
{
	struct other *o = data;
	struct run *measured = o->measured;

	o->err = o->run.peer->run(&o->run.job);
	measured->other_ns = since_start(measured);
	measured->other_units = units_so_far(measured);
	complete(&o->done);
	return 0;
}

static int prepare(struct run *run, const struct run *measured)
{
	run->peer = measured->peer;
	run->skew = measured->skew;
	run->node = measured->node;
	run->ms = measured->first_ms;
	run->job = measured->job;
	run->job.units = measured->first_units;
	run->job.run = run;
	run->start = ktime_get();
	return divide(run) ?: run->job.work->prepare(run);
}

static void free_other(void)
{
	kvfree(other->run.cost);
	kvfree(other);
	other = NULL;
}

/* Starts it if @measured wants one, and waits as long as that wants. */
int other_start(struct run *measured)
{
	struct task_struct *task;
	int err;

	if (!measured->first_units)
		return 0;
	other = kvzalloc_obj(*other);
	if (!other)
		return -ENOMEM;
	other->measured = measured;
	init_completion(&other->done);
	err = prepare(&other->run, measured);
	if (!err) {
		task = kthread_run(work_on, other, "bench_other");
		err = PTR_ERR_OR_ZERO(task);
	}
	if (err) {
		free_other();
		return err;
	}
	msleep(measured->after_ms);
	return 0;
}

/* Waits for it, if there is one. */
int other_end(void)
{
	int err;

	if (!other)
		return 0;
	if (other->measured->cut)
		WRITE_ONCE(other->run.enough, true);
	wait_for_completion(&other->done);
	err = other->err;
	free_other();
	return err;
}
