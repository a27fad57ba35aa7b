// SPDX-License-Identifier: GPL-2.0
/* How many threads work on a task. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/sched.h>

#include "crowd.h"
#include "ktask_test.h"

static bool p3_caller_takes_part(u64 unused)
{
	struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

	crowd_init(&crowd, 5);
	return expect(!ktask_run(NULL, 40, &ctl)) &&
	       expect(crowd.caller_seen) &&
	       expect(!atomic_read(&crowd.helpers));
}

static bool p12_thread_count(u64 unused)
{
	unsigned int most = min(1 + default_limit(), num_online_cpus());
	bool ok;

	ok = has_threads(1, 1000, 1000, 8);
	ok &= has_threads(min(2u, most), 1001, 1000, 8);
	ok &= has_threads(1, 100, 1, 1);
	ok &= has_threads(min(2u, most), 100, 1, 2);
	ok &= has_threads(min(3u, most), 30, 10, 100);
	ok &= has_threads(most, 100, 1, 1000);
	ok &= has_threads(most, 100, 1, SIZE_MAX);
	return ok;
}

struct limited_caller {
	struct completion done;
	struct crowd *crowd;
};

static int helpers_chunk(void *start, void *end, void *arg)
{
	struct crowd *crowd = arg;
	int now;

	if (current->flags & PF_WQ_WORKER) {
		now = atomic_inc_return(&crowd->helpers);
		spin_lock(&crowd->lock);
		if (now > atomic_read(&crowd->most_helpers))
			atomic_set(&crowd->most_helpers, now);
		spin_unlock(&crowd->lock);
		usleep_range(500, 1000);
		atomic_dec(&crowd->helpers);
	} else {
		usleep_range(500, 1000);
	}
	return 0;
}

static int many_callers(void *data)
{
	struct limited_caller *caller = data;
	DEFINE_KTASK_CTL(ctl, helpers_chunk, caller->crowd, 1);
	int i;

	ktask_ctl_set_max_threads(&ctl, 16);
	for (i = 0; i < 20; i++)
		ktask_run(NULL, 64, &ctl);
	complete(&caller->done);
	return 0;
}

/* @limit is the limit in force, or 0 for the default. */
static bool p10_global_limit_is_never_exceeded(u64 limit)
{
	static struct limited_caller callers[8];
	static struct crowd crowd;
	int i;

	if (!limit)
		limit = default_limit();
	crowd_init(&crowd, 0);
	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		init_completion(&callers[i].done);
		callers[i].crowd = &crowd;
		if (IS_ERR(kthread_run(many_callers, &callers[i], "ktask_test/%d", i)))
			complete(&callers[i].done);
	}
	for (i = 0; i < ARRAY_SIZE(callers); i++)
		wait_for_completion_state(&callers[i].done, TASK_IDLE);
	return expect(atomic_read(&crowd.most_helpers) <= limit);
}

/* A task that may have 8 threads has @threads. */
static bool threads_are(u64 threads)
{
	return has_threads(threads, 64, 1, 8);
}

const struct test_case threads_cases[] = {
	CASE(p3_caller_takes_part),
	CASE(p10_global_limit_is_never_exceeded),
	CASE(p12_thread_count),
	{}
};

const struct test_case threads_controls[] = {
	CASE(threads_are),
	{}
};
