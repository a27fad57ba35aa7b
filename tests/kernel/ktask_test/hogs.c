// SPDX-License-Identifier: GPL-2.0
/* Helpers that have no CPU, as threads of a higher priority hog the CPUs. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>

#include "ktask_test.h"

/*
 * One hog a CPU. Hogs leave to normal threads what the kernel reserves for these,
 * which is 5% of the time.
 */
static struct {
	struct task_struct **threads;
	unsigned int nr;
	atomic_t running;
	int priority;
	/* Hogs run when told to, and until told to stop, or until that has taken too long. */
	struct completion go;
	bool stop;
	bool too_long;
} hogs;

static void set_fifo(int priority)
{
	const struct sched_attr attr = {
		.size = sizeof(attr), .sched_policy = SCHED_FIFO, .sched_priority = priority,
	};

	WARN_ON(sched_setattr_nocheck(current, &attr));
}

static int hog(void *unused)
{
	unsigned long limit;

	set_fifo(hogs.priority);
	wait_for_completion_state(&hogs.go, TASK_IDLE);
	atomic_inc(&hogs.running);
	limit = jiffies + 10 * HZ;
	while (!READ_ONCE(hogs.stop) && !READ_ONCE(hogs.too_long)) {
		if (time_after(jiffies, limit))
			WRITE_ONCE(hogs.too_long, true);
		cpu_relax();
	}
	while (!kthread_should_stop())
		schedule_timeout_idle(HZ / 10);
	return 0;
}

/* Hogs of that SCHED_FIFO priority, on all CPUs for which @mask has @in. */
static bool create_hogs(int priority, const struct cpumask *mask, bool in)
{
	unsigned int cpu;

	memset(&hogs, 0, sizeof(hogs));
	hogs.priority = priority;
	init_completion(&hogs.go);
	hogs.threads = kcalloc(nr_cpu_ids, sizeof(*hogs.threads), GFP_KERNEL);
	if (!hogs.threads)
		return false;
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		if (cpumask_test_cpu(cpu, mask) != in)
			continue;
		hogs.threads[cpu] = kthread_run_on_cpu(hog, NULL, cpu, "ktask_test/%u");
		hogs.nr += !IS_ERR(hogs.threads[cpu]);
	}
	cpus_read_unlock();
	return true;
}

/* Returns when all of them run. */
static void let_hogs_run(void)
{
	complete_all(&hogs.go);
	wait_until(atomic_read(&hogs.running) >= hogs.nr, 60);
}

static void stop_hogs(void)
{
	WRITE_ONCE(hogs.stop, true);
}

static void remove_hogs(void)
{
	unsigned int cpu;

	stop_hogs();
	complete_all(&hogs.go);
	for_each_possible_cpu(cpu)
		if (!IS_ERR_OR_NULL(hogs.threads[cpu]))
			kthread_stop(hogs.threads[cpu]);
	kfree(hogs.threads);
}

static int empty_chunk(void *start, void *end, void *arg)
{
	return 0;
}

/*
 * P4: with every other CPU taken, helpers cannot start, and a task must not
 * wait for them. The shell looks at how many were cancelled.
 */
static bool p4_helpers_that_cannot_start(u64 unused)
{
	DEFINE_KTASK_CTL(ctl, empty_chunk, NULL, 1);
	bool ok;
	int i;

	migrate_disable();
	ok = expect(create_hogs(MAX_RT_PRIO / 2, cpumask_of(raw_smp_processor_id()), false));
	if (ok) {
		let_hogs_run();
		for (i = 0; i < 50; i++)
			ok &= expect(!ktask_run(NULL, 100, &ctl));
		remove_hogs();
	}
	migrate_enable();
	return ok;
}

/* P18a: a caller that the hogs yield to, of a task whose helpers have begun before them. */
static struct {
	struct completion done;
	struct task_struct *caller;
	bool helper_seen;
	bool hogs_run;
	bool ok;
} urgent;

/*
 * Needs a CPU for so long that the little time which hogs leave, be it on one CPU
 * after the other, is not enough before they end by themselves.
 */
static void work_for_long(void)
{
	u64 end = READ_ONCE(current->se.sum_exec_runtime) + 5 * NSEC_PER_SEC;

	while (READ_ONCE(current->se.sum_exec_runtime) < end) {
		cpu_relax();
		cond_resched();
	}
}

static int urgent_chunk(void *start, void *end, void *arg)
{
	if (current == urgent.caller) {
		if (urgent.hogs_run)
			return 0;
		/* Helpers that there may be have begun by then. */
		wait_until(READ_ONCE(urgent.helper_seen), 5);
		let_hogs_run();
		WRITE_ONCE(urgent.hogs_run, true);
		return 0;
	}
	WRITE_ONCE(urgent.helper_seen, true);
	wait_until(READ_ONCE(urgent.hogs_run), 60);
	work_for_long();
	return 0;
}

static int urgent_caller(void *unused)
{
	DEFINE_KTASK_CTL(ctl, urgent_chunk, NULL, 1);

	ktask_ctl_set_max_threads(&ctl, 4);
	set_fifo(10);
	urgent.caller = current;
	urgent.ok = expect(!ktask_run(NULL, 32, &ctl));
	urgent.ok &= expect(!READ_ONCE(hogs.too_long));
	stop_hogs();
	complete(&urgent.done);
	return 0;
}

static bool p18_fifo_caller_waits_for_no_lower_priority(u64 unused)
{
	memset(&urgent, 0, sizeof(urgent));
	init_completion(&urgent.done);
	if (!expect(create_hogs(5, cpu_possible_mask, true)))
		return false;
	if (expect(!IS_ERR(kthread_run(urgent_caller, NULL, "ktask_test/fifo"))))
		wait_for_completion_state(&urgent.done, TASK_IDLE);
	remove_hogs();
	return urgent.ok;
}

/* Between controls: one CPU is taken until somebody ends that, or for 10 seconds. */
static bool lone_hog;

static bool hog_start(u64 cpu)
{
	if (!expect(cpu < nr_cpu_ids && !lone_hog))
		return false;
	lone_hog = expect(create_hogs(5, cpumask_of(cpu), true));
	if (lone_hog)
		let_hogs_run();
	return lone_hog;
}

/* Whether the hog has run until now. */
static bool hog_stop(u64 unused)
{
	bool ok = expect(lone_hog) && expect(!READ_ONCE(hogs.too_long));

	end_lone_hog();
	return ok;
}

void end_lone_hog(void)
{
	if (lone_hog)
		remove_hogs();
	lone_hog = false;
}

const struct test_case hogs_cases[] = {
	CASE(p4_helpers_that_cannot_start),
	CASE(p18_fifo_caller_waits_for_no_lower_priority),
	{}
};

const struct test_case hogs_controls[] = {
	CASE(hog_start),
	CASE(hog_stop),
	{}
};
