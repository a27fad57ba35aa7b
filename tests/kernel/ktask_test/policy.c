// SPDX-License-Identifier: GPL-2.0
/*
 * P18a: callers of every scheduling policy. The threads of a task are nowhere
 * preferred to its caller, and a caller that the scheduler prefers to normal
 * threads does not wait for such threads.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/sched/deadline.h>
#include <linux/sched/rt.h>
#include <linux/slab.h>
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
	/* How long the caller waits for a helper in its first chunk. */
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

static int policy_caller(void *data)
{
	struct policy_task *task = data;
	DEFINE_KTASK_CTL(ctl, policy_chunk, task, 1);

	ktask_ctl_set_max_threads(&ctl, 4);
	task->caller = current;
	task->ok = expect(!sched_setattr_nocheck(current, task->attr));
	task->callers_standing = standing(current);
	if (task->ok)
		task->ok = expect(!ktask_run(NULL, 32, &ctl));
	complete(&task->done);
	return 0;
}

/* Runs a task in a caller of that policy; a helper that may come does within @seconds. */
static bool run_with_policy(struct policy_task *task, const struct sched_attr *attr,
			    unsigned int seconds)
{
	memset(task, 0, sizeof(*task));
	init_completion(&task->done);
	task->attr = attr;
	task->patience = jiffies + seconds * HZ;
	if (!expect(!IS_ERR(kthread_run(policy_caller, task, "ktask_test/pol"))))
		return false;
	wait_for_completion_state(&task->done, TASK_IDLE);
	return task->ok & expect(!atomic_read(&task->preferred));
}

/* Of callers at nice 0 and the policies that share with normal threads. */
static bool fair_caller(u32 policy)
{
	const struct sched_attr attr = { .size = sizeof(attr), .sched_policy = policy };
	struct policy_task task;
	bool ok = run_with_policy(&task, &attr, 10);

	return ok & expect(task.helper_seen == !!default_limit());
}

static bool p18_normal_caller(u64 unused)
{
	return fair_caller(SCHED_NORMAL);
}

static bool p18_batch_caller(u64 unused)
{
	return fair_caller(SCHED_BATCH);
}

static bool p18_idle_caller(u64 unused)
{
	const struct sched_attr attr = { .size = sizeof(attr), .sched_policy = SCHED_IDLE };
	struct policy_task task;

	return run_with_policy(&task, &attr, 2);
}

/* Callers that never wait for normal threads, and so may have no such helpers. */
static bool urgent_caller(const struct sched_attr *attr)
{
	struct policy_task task;
	bool ok = run_with_policy(&task, attr, 2);

	return ok & expect(!atomic_read(&task.neglected));
}

static bool p18_fifo_caller(u64 unused)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_FIFO, .sched_priority = 10,
	};

	return urgent_caller(&attr);
}

static bool p18_rr_caller(u64 unused)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_RR, .sched_priority = 10,
	};

	return urgent_caller(&attr);
}

static bool p18_deadline_caller(u64 unused)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_DEADLINE,
		.sched_runtime = 10 * NSEC_PER_MSEC,
		.sched_deadline = 100 * NSEC_PER_MSEC, .sched_period = 100 * NSEC_PER_MSEC,
	};

	return urgent_caller(&attr);
}

/*
 * A caller of a real-time policy, with a hog of a lower priority on every CPU. The
 * hogs leave to normal threads what the kernel reserves for these, 5% of the time.
 */
static struct {
	struct completion go;
	atomic_t running;
	unsigned int nr;
	/* They end when told, or when it has taken too long. */
	bool told;
	bool too_long;

	struct completion done;
	struct task_struct *caller;
	bool helper_seen;
	bool all_run;
	bool ok;
} hogs;

static void set_fifo(int priority)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_FIFO, .sched_priority = priority,
	};

	WARN_ON(sched_setattr_nocheck(current, &attr));
}

static int low_hog(void *unused)
{
	unsigned long limit;

	set_fifo(5);
	wait_for_completion_state(&hogs.go, TASK_IDLE);
	atomic_inc(&hogs.running);
	limit = jiffies + 10 * HZ;
	while (!READ_ONCE(hogs.told) && !READ_ONCE(hogs.too_long)) {
		if (time_after(jiffies, limit))
			WRITE_ONCE(hogs.too_long, true);
		cpu_relax();
	}
	while (!kthread_should_stop())
		schedule_timeout_idle(HZ / 10);
	return 0;
}

static void let_hogs_run(void)
{
	unsigned int patience = 400;

	/* Helpers that there may be have begun by then. */
	while (!READ_ONCE(hogs.helper_seen) && patience--)
		fsleep(5 * USEC_PER_MSEC);
	complete_all(&hogs.go);
	while (atomic_read(&hogs.running) < hogs.nr)
		fsleep(5 * USEC_PER_MSEC);
	WRITE_ONCE(hogs.all_run, true);
}

/* Needs the CPU for a second, which is far longer with all that the hogs leave. */
static void work_for_a_second(void)
{
	u64 end = READ_ONCE(current->se.sum_exec_runtime) + NSEC_PER_SEC;

	while (READ_ONCE(current->se.sum_exec_runtime) < end) {
		cpu_relax();
		cond_resched();
	}
}

static int hogged_chunk(void *start, void *end, void *arg)
{
	if (current == hogs.caller) {
		if (!hogs.all_run)
			let_hogs_run();
		return 0;
	}
	WRITE_ONCE(hogs.helper_seen, true);
	while (!READ_ONCE(hogs.all_run))
		fsleep(5 * USEC_PER_MSEC);
	work_for_a_second();
	return 0;
}

static int hogged_caller(void *unused)
{
	DEFINE_KTASK_CTL(ctl, hogged_chunk, NULL, 1);

	ktask_ctl_set_max_threads(&ctl, 4);
	set_fifo(10);
	hogs.caller = current;
	hogs.ok = expect(!ktask_run(NULL, 32, &ctl));
	hogs.ok &= expect(!READ_ONCE(hogs.too_long));
	WRITE_ONCE(hogs.told, true);
	complete(&hogs.done);
	return 0;
}

static bool p18_fifo_caller_waits_for_no_lower_priority(u64 unused)
{
	struct task_struct **threads = kcalloc(nr_cpu_ids, sizeof(*threads), GFP_KERNEL);
	unsigned int cpu;

	if (!expect(threads))
		return false;
	memset(&hogs, 0, sizeof(hogs));
	init_completion(&hogs.go);
	init_completion(&hogs.done);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		threads[cpu] = kthread_run_on_cpu(low_hog, NULL, cpu, "ktask_test/%u");
		hogs.nr += !IS_ERR(threads[cpu]);
	}
	cpus_read_unlock();
	if (expect(!IS_ERR(kthread_run(hogged_caller, NULL, "ktask_test/fifo"))))
		wait_for_completion_state(&hogs.done, TASK_IDLE);
	hogs.told = true;
	complete_all(&hogs.go);
	for_each_possible_cpu(cpu)
		if (!IS_ERR_OR_NULL(threads[cpu]))
			kthread_stop(threads[cpu]);
	kfree(threads);
	return hogs.ok;
}

const struct test_case policy_cases[] = {
	CASE(p18_normal_caller),
	CASE(p18_batch_caller),
	CASE(p18_idle_caller),
	CASE(p18_fifo_caller),
	CASE(p18_rr_caller),
	CASE(p18_deadline_caller),
	CASE(p18_fifo_caller_waits_for_no_lower_priority),
	{}
};
