// SPDX-License-Identifier: GPL-2.0
/*
 * P18a: callers of every scheduling policy. No thread of a task is preferred to
 * the caller, and a caller that is preferred to normal threads does not wait for
 * such threads.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/sched/deadline.h>
#include <linux/sched/rt.h>
#include <uapi/linux/sched/types.h>

#include "crowd.h"
#include "ktask_test.h"

/* A thread runs before those of a lower standing, and shares with those of its own. */
static int standing(struct task_struct *thread)
{
	/* The caller may give its helpers another nice value at any time. */
	int nice = data_race(task_nice(thread));

	switch (thread->policy) {
	case SCHED_DEADLINE:
		return 3000;
	case SCHED_FIFO:
	case SCHED_RR:
		return 2000 + thread->rt_priority;
	case SCHED_IDLE:
		return 0;
	default:
		return 1000 - nice;
	}
}

/* One task whose caller has a certain policy. */
struct policy_task {
	const struct sched_attr *attr;
	struct completion done;
	struct task_struct *caller;
	int callers_standing;
	bool special;
	/* How long the caller waits for a helper to be seen, and until when. */
	unsigned int seconds;
	unsigned long patience;
	bool helper_seen;
	/* Helpers that the scheduler prefers to the caller, or the caller to them. */
	atomic_t preferred;
	atomic_t neglected;
	bool ok;
};

static void compare_with_caller(struct policy_task *task)
{
	int own = standing(current);

	if (own > task->callers_standing && !atomic_fetch_inc(&task->preferred))
		pr_err("%s is preferred to its caller: standing %d, the caller's %d\n",
		       current->comm, own, task->callers_standing);
	if (own < task->callers_standing && !atomic_fetch_inc(&task->neglected))
		pr_info("%s runs after its caller: standing %d, the caller's %d\n",
			current->comm, own, task->callers_standing);
}

static int policy_chunk(void *start, void *end, void *arg)
{
	struct policy_task *task = arg;

	if (current == task->caller) {
		while (!READ_ONCE(task->helper_seen) && time_before(jiffies, task->patience))
			fsleep(5 * USEC_PER_MSEC);
		return 0;
	}
	WRITE_ONCE(task->helper_seen, true);
	compare_with_caller(task);
	/* Long enough for the caller to be waiting for this. */
	msleep(200);
	compare_with_caller(task);
	return 0;
}

static void *policy_next(void *position, size_t size)
{
	return position + size;
}

static int policy_caller(void *data)
{
	struct policy_task *task = data;
	DEFINE_KTASK_CTL(ctl, policy_chunk, task, 1);

	ktask_ctl_set_max_threads(&ctl, 4);
	ktask_ctl_set_killable(&ctl, task->special);
	if (task->special)
		ktask_ctl_set_iter_func(&ctl, policy_next);
	task->caller = current;
	task->ok = expect(!sched_setattr_nocheck(current, task->attr));
	task->callers_standing = standing(current);
	task->patience = jiffies + task->seconds * HZ;
	if (task->ok)
		task->ok = expect(!ktask_run(NULL, 32, &ctl));
	complete(&task->done);
	return 0;
}

/*
 * Runs a task in a caller of that policy, where a helper that may come does so
 * within @seconds: a plain task, or a @special one, which can be killed and has an
 * iterator.
 */
static bool run_with_policy(struct policy_task *task, const struct sched_attr *attr,
			    unsigned int seconds, bool special)
{
	memset(task, 0, sizeof(*task));
	init_completion(&task->done);
	task->attr = attr;
	task->seconds = seconds;
	task->special = special;
	if (!expect(!IS_ERR(kthread_run(policy_caller, task, "ktask_test/pol"))))
		return false;
	wait_for_completion_state(&task->done, TASK_IDLE);
	return task->ok & expect(!atomic_read(&task->preferred));
}

/* Callers that share with normal threads have helpers. */
static bool fair_caller(u32 policy, bool special)
{
	const struct sched_attr attr = { .size = sizeof(attr), .sched_policy = policy };
	struct policy_task task;
	bool ok = run_with_policy(&task, &attr, 10, special);

	return ok & expect(task.helper_seen == !!default_limit());
}

static bool p18_normal_caller(u64 unused)
{
	return fair_caller(SCHED_NORMAL, false) & fair_caller(SCHED_NORMAL, true);
}

static bool p18_batch_caller(u64 unused)
{
	return fair_caller(SCHED_BATCH, false) & fair_caller(SCHED_BATCH, true);
}

static bool p18_idle_caller(u64 unused)
{
	const struct sched_attr attr = { .size = sizeof(attr), .sched_policy = SCHED_IDLE };
	struct policy_task task;

	return run_with_policy(&task, &attr, 2, false) & run_with_policy(&task, &attr, 2, true);
}

/* Callers that alone never wait for normal threads, and so may have no such helpers. */
static bool caller_above_normal(const struct sched_attr *attr, bool special)
{
	struct policy_task task;
	bool ok = run_with_policy(&task, attr, 2, special);

	return ok & expect(!atomic_read(&task.neglected));
}

static bool p18_fifo_caller(u64 unused)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_FIFO, .sched_priority = 10,
	};

	return caller_above_normal(&attr, false) & caller_above_normal(&attr, true);
}

static bool p18_rr_caller(u64 unused)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_RR, .sched_priority = 10,
	};

	return caller_above_normal(&attr, false) & caller_above_normal(&attr, true);
}

static bool p18_deadline_caller(u64 unused)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_DEADLINE,
		.sched_runtime = 10 * NSEC_PER_MSEC,
		.sched_deadline = 100 * NSEC_PER_MSEC, .sched_period = 100 * NSEC_PER_MSEC,
	};

	return caller_above_normal(&attr, false) & caller_above_normal(&attr, true);
}

const struct test_case policy_cases[] = {
	CASE(p18_normal_caller),
	CASE(p18_batch_caller),
	CASE(p18_idle_caller),
	CASE(p18_fifo_caller),
	CASE(p18_rr_caller),
	CASE(p18_deadline_caller),
	{}
};
