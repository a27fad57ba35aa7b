// SPDX-License-Identifier: GPL-2.0
/* Tasks of random shape, which an oracle watches. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "../oracle.h"
#include "ktask_test.h"

struct random_caller {
	struct task_struct *thread;
	struct completion done;
	u32 seed;
	unsigned long tasks;
	bool ok;
};

static int random_caller(void *data)
{
	struct random_caller *caller = data;
	struct rnd_state rnd;
	struct oracle *o = oracle_alloc(2048);
	unsigned long i;

	prandom_seed_state(&rnd, caller->seed);
	caller->ok = o;
	for (i = 0; caller->ok && i < caller->tasks; i++) {
		caller->ok = random_task(o, NULL, &rnd, caller->seed + i);
		cond_resched();
	}
	vfree(o);
	complete(&caller->done);
	return 0;
}

#define CALLERS 4

/* @tasks random tasks, or 500 for 0, from several callers at once. */
static bool p1_p2_p3_p7_p8_random(u64 tasks)
{
	static struct random_caller callers[CALLERS];
	bool ok = true;
	int i;

	if (!tasks)
		tasks = 500;
	for (i = 0; i < CALLERS; i++) {
		callers[i].seed = 1 + i * 10000000;
		callers[i].tasks = DIV_ROUND_UP_ULL(tasks, CALLERS);
		callers[i].ok = false;
		init_completion(&callers[i].done);
		callers[i].thread = kthread_run(random_caller, &callers[i], "ktask_test/%d", i);
	}
	for (i = 0; i < CALLERS; i++) {
		if (IS_ERR(callers[i].thread)) {
			ok = false;
			continue;
		}
		/* For as long as a slow kernel needs. It is they who must not hang. */
		wait_for_completion_state(&callers[i].done, TASK_IDLE);
		ok &= callers[i].ok;
	}
	return expect(ok);
}

const struct test_case random_cases[] = {
	CASE(p1_p2_p3_p7_p8_random),
	{}
};
