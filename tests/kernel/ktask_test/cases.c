// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <trace/events/kmem.h>

#include "../oracle.h"
#include "crowd.h"
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

/* Counts calls, and the units of the last one. */
struct count {
	atomic_t calls;
	atomic_t undos;
	size_t start;
	size_t end;
	int result;
};

static int count_chunk(void *start, void *end, void *arg)
{
	struct count *count = arg;

	atomic_inc(&count->calls);
	count->start = (size_t)start;
	count->end = (size_t)end;
	return count->result;
}

static void count_undo(void *start, void *end, void *arg)
{
	struct count *count = arg;

	atomic_inc(&count->undos);
}

static bool p2_smaller_than_min_is_one_chunk(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1000);

	return expect(!ktask_run((void *)5, 999, &ctl)) &&
	       expect(atomic_read(&count.calls) == 1) &&
	       expect(count.start == 5 && count.end == 1004);
}

static bool p9_bad_arguments(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1);
	DEFINE_KTASK_CTL(no_func, NULL, &count, 1);
	struct ktask_node good = { NULL, 8, NUMA_NO_NODE };
	struct ktask_node huge[] = { { NULL, SIZE_MAX, NUMA_NO_NODE }, { NULL, 1, NUMA_NO_NODE } };
	int bad_nids[] = { -2, INT_MIN, INT_MAX, MAX_NUMNODES, nr_node_ids };
	bool ok;
	int i;

	ok = expect(ktask_run(NULL, 8, NULL) == -EINVAL);
	ok &= expect(ktask_run(NULL, 8, &no_func) == -EINVAL);
	ok &= expect(ktask_run(NULL, 0, &no_func) == -EINVAL);
	ok &= expect(ktask_run((void *)2, SIZE_MAX, &ctl) == -EINVAL);
	ok &= expect(ktask_run_numa(&good, 1, NULL) == -EINVAL);
	ok &= expect(ktask_run_numa(&good, 1, &no_func) == -EINVAL);
	ok &= expect(ktask_run_numa(NULL, 1, &ctl) == -EINVAL);
	ok &= expect(ktask_run_numa(NULL, SIZE_MAX, &ctl) == -EINVAL);
	ok &= expect(ktask_run_numa(huge, 2, &ctl) == -EINVAL);
	for (i = 0; i < ARRAY_SIZE(bad_nids); i++) {
		struct ktask_node nodes[] = { good, { NULL, 8, bad_nids[i] } };

		ok &= expect(ktask_run_numa(nodes, 2, &ctl) == -EINVAL);
	}
	return ok & expect(!atomic_read(&count.calls));
}

static bool p9_nothing_to_do(u64 unused)
{
	struct count count = { .result = 1 };
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1);
	struct ktask_node empty[] = { { NULL, 0, NUMA_NO_NODE }, { NULL, 0, 0 } };
	bool ok;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	ok = expect(!ktask_run(NULL, 0, &ctl));
	ok &= expect(!ktask_run_numa(NULL, 0, &ctl));
	ok &= expect(!ktask_run_numa(empty, 2, &ctl));
	ok &= expect(!atomic_read(&count.calls));
	return ok & expect(!atomic_read(&count.undos));
}

static bool p9_min_chunk_of_0_counts_as_1(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 0);

	ctl.kc_iter_func = NULL;
	return expect(!ktask_run(NULL, 3, &ctl)) &&
	       expect(atomic_read(&count.calls) >= 1);
}

static bool p8_error_of_a_single_chunk(u64 unused)
{
	struct count count = { .result = -ENOSPC };
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 100);
	bool ok;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	ok = expect(ktask_run(NULL, 100, &ctl) == -ENOSPC);
	count.result = 42;
	ok &= expect(ktask_run(NULL, 100, &ctl) == 42);
	ok &= expect(atomic_read(&count.calls) == 2);
	return ok & expect(!atomic_read(&count.undos));
}

static atomic64_t huge_sum;

static int huge_chunk(void *start, void *end, void *arg)
{
	atomic64_add((size_t)end - (size_t)start, &huge_sum);
	return 0;
}

static bool p9_huge_sizes(u64 unused)
{
	struct ktask_node halves[] = {
		{ NULL, SIZE_MAX / 2, NUMA_NO_NODE },
		{ (void *)(SIZE_MAX / 2), SIZE_MAX / 2 + 1, 0 },
	};
	size_t mins[] = { 0, 1, 3, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX };
	DEFINE_KTASK_CTL(ctl, huge_chunk, NULL, 1);
	bool ok = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(mins); i++) {
		ctl.kc_min_chunk_size = mins[i];
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run(NULL, SIZE_MAX, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run_numa(halves, 2, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
	}
	return ok;
}

/* As many units, by an iterator whose positions wrap around on the way. */
static void *wrapping_iter(void *position, size_t size)
{
	return position + size;
}

static bool p9_huge_walks(u64 unused)
{
	struct ktask_node halves[] = {
		{ (void *)SIZE_MAX, SIZE_MAX / 2, NUMA_NO_NODE },
		{ (void *)5, SIZE_MAX / 2 + 1, 0 },
	};
	size_t mins[] = { 0, 1, 3, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX };
	DEFINE_KTASK_CTL(ctl, huge_chunk, NULL, 1);
	bool ok = true;
	int i;

	ktask_ctl_set_iter_func(&ctl, wrapping_iter);
	for (i = 0; i < ARRAY_SIZE(mins); i++) {
		ctl.kc_min_chunk_size = mins[i];
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run((void *)(SIZE_MAX / 2), SIZE_MAX, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run_numa(halves, 2, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
	}
	return ok;
}

/* What iterators were asked for: the units, by how many threads at once, and the last answer. */
static struct {
	atomic64_t units;
	atomic_t threads;
	bool crowded;
	void *last;
} walked;

static void *walk(void *to, size_t size, unsigned int ms)
{
	if (atomic_inc_return(&walked.threads) > 1)
		walked.crowded = true;
	atomic64_add(size, &walked.units);
	walked.last = to;
	if (ms)
		msleep(ms);
	atomic_dec(&walked.threads);
	return to;
}

static void *stuck_iter(void *position, size_t size)
{
	return walk(position, size, 0);
}

static void *null_iter(void *position, size_t size)
{
	return walk(NULL, size, 0);
}

static void *backward_iter(void *position, size_t size)
{
	return walk(position - size, size, 0);
}

static void *error_iter(void *position, size_t size)
{
	return walk((void *)-EIO, size, 0);
}

static void *sleepy_iter(void *position, size_t size)
{
	return walk(position + size, size, 20);
}

/*
 * An iterator may return anything: it is asked for every unit once, by one thread
 * at a time, and only the client has to make sense of what it returns.
 */
static bool p9_iterators_that_make_no_sense(u64 unused)
{
	static const struct {
		ktask_iter_func iter;
		size_t end;
	} walks[] = {
		{ stuck_iter, 7 }, { null_iter, 0 }, { backward_iter, 7 - 1000 },
		{ error_iter, -EIO }, { sleepy_iter, 7 + 1000 },
	};
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 10);
	bool ok = true;
	int i;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	memset(&walked, 0, sizeof(walked));
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		ktask_ctl_set_iter_func(&ctl, walks[i].iter);
		atomic64_set(&walked.units, 0);
		count.result = 0;
		ok &= expect(!ktask_run((void *)7, 1000, &ctl));
		ok &= expect(atomic64_read(&walked.units) == 1000);
		ok &= expect((size_t)walked.last == walks[i].end);
		/* What fails everywhere leaves nothing to undo. */
		count.result = 5;
		ok &= expect(ktask_run((void *)7, 1000, &ctl) == 5);
	}
	ok &= expect(!walked.crowded);
	return ok & expect(!atomic_read(&count.undos));
}

/* Every value but 0 is an error of the client's own. */
static bool p9_errors_that_are_no_errno(u64 unused)
{
	static const int values[] = { 1, -1, INT_MIN, INT_MAX, -MAX_ERRNO - 1, -EINVAL, -EINTR };
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1);
	bool ok = true;
	int i;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		count.result = values[i];
		ok &= expect(ktask_run(NULL, 1, &ctl) == values[i]);
		ok &= expect(ktask_run(NULL, 1000, &ctl) == values[i]);
	}
	return ok & expect(!atomic_read(&count.undos));
}

static bool p9_min_chunk_above_every_part(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, SIZE_MAX);
	struct ktask_node nodes[] = {
		{ NULL, 3, 0 }, { NULL, 0, 0 }, { (void *)3, 5, 0 }, { (void *)8, 1, NUMA_NO_NODE },
	};

	return expect(!ktask_run_numa(nodes, ARRAY_SIZE(nodes), &ctl)) &&
	       expect(atomic_read(&count.calls) == 3);
}

static int tally_chunk(void *start, void *end, void *arg)
{
	atomic_t *tally = arg;
	size_t i;

	for (i = (size_t)start; i < (size_t)end; i++)
		atomic_inc(&tally[i]);
	return 0;
}

#define TALLY 1000

/* Many parts, all of one node, with empty ones between, and each range in two. */
static bool p9_one_node_named_many_times(u64 unused)
{
	size_t nr = 2 * TALLY, i;
	struct ktask_node *nodes = kvcalloc(nr, sizeof(*nodes), GFP_KERNEL);
	atomic_t *tally = kvcalloc(TALLY, sizeof(*tally), GFP_KERNEL);
	DEFINE_KTASK_CTL(ctl, tally_chunk, tally, 1);
	bool ok = expect(nodes && tally);

	for (i = 0; ok && i < nr; i++) {
		nodes[i].kn_start = (void *)(i % TALLY / 4 * 4);
		nodes[i].kn_task_size = i % 4 ? 0 : 4;
		nodes[i].kn_nid = 0;
	}
	if (ok) {
		ktask_ctl_set_max_threads(&ctl, 4);
		ok = expect(!ktask_run_numa(nodes, nr, &ctl));
	}
	for (i = 0; ok && i < TALLY; i++)
		ok = expect(atomic_read(&tally[i]) == 2);
	kvfree(tally);
	kvfree(nodes);
	return ok;
}

/* The array can be used again, and only its private members have changed. */
static bool nodes_can_be_used_again(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 10);
	struct ktask_node node = { (void *)100, 10, 0 };
	int i;

	for (i = 1; i <= 3; i++) {
		if (!expect(!ktask_run_numa(&node, 1, &ctl)) ||
		    !expect(atomic_read(&count.calls) == i) ||
		    !expect(count.start == 100 && count.end == 110) ||
		    !expect(node.kn_start == (void *)100) ||
		    !expect(node.kn_task_size == 10 && node.kn_nid == 0))
			return false;
	}
	return true;
}

#ifndef KTASK_DISABLED

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

static bool p7_nothing_starts_after_a_failure(u64 unused)
{
	struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

	crowd_init(&crowd, 10);
	crowd.fail_first = true;
	/* Without the stop there would be dozens. */
	ktask_ctl_set_max_threads(&ctl, 4);
	if (num_online_cpus() < 2)
		return true;
	return expect(ktask_run(NULL, 400, &ctl) == 77) &&
	       expect(atomic_read(&crowd.calls) <= 4 * 4);
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

static atomic_t allocations;
static struct task_struct *watched;

static void probe_kmalloc(void *data, unsigned long call_site, const void *ptr,
			  size_t bytes_req, size_t bytes_alloc, gfp_t flags, int node)
{
	if (READ_ONCE(watched) == current)
		atomic_inc(&allocations);
}

static void probe_cache(void *data, unsigned long call_site, const void *ptr,
			struct kmem_cache *s, gfp_t flags, int node)
{
	if (READ_ONCE(watched) == current)
		atomic_inc(&allocations);
}

static int empty_chunk(void *start, void *end, void *arg)
{
	return 0;
}

static bool p5_no_memory_is_allocated(u64 unused)
{
	DEFINE_KTASK_CTL(ctl, empty_chunk, NULL, 1);
	bool ok;
	int i;

	if (register_trace_kmalloc(probe_kmalloc, NULL))
		return expect(false);
	if (register_trace_kmem_cache_alloc(probe_cache, NULL)) {
		unregister_trace_kmalloc(probe_kmalloc, NULL);
		return expect(false);
	}
	atomic_set(&allocations, 0);
	WRITE_ONCE(watched, current);
	for (i = 0; i < 100; i++)
		ktask_run(NULL, 100, &ctl);
	ok = !atomic_read(&allocations);
	/* The probes work, or this would prove nothing. */
	kfree(kmalloc(32, GFP_KERNEL));
	WRITE_ONCE(watched, NULL);
	ok = expect(ok) && expect(atomic_read(&allocations) > 0);
	unregister_trace_kmem_cache_alloc(probe_cache, NULL);
	unregister_trace_kmalloc(probe_kmalloc, NULL);
	tracepoint_synchronize_unregister();
	return ok;
}

/*
 * Tasks for every node, by many helpers; none may ever be seen on a CPU that is
 * isolated or reserved for nohz_full.
 */
static bool p15_no_helper_on_isolated_cpus(u64 unused)
{
	static struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);
	bool ok = true;
	int nid;

	crowd_init(&crowd, 1);
	ktask_ctl_set_max_threads(&ctl, 16);
	for_each_online_node(nid) {
		struct ktask_node node = { NULL, 200, nid };

		ok &= expect(!ktask_run_numa(&node, 1, &ctl));
	}
	/* Or this would prove nothing. */
	if (default_limit())
		ok &= expect(!cpumask_empty(&crowd.helper_cpus));
	rcu_read_lock();
	ok &= expect(cpumask_subset(&crowd.helper_cpus, housekeeping_cpumask(HK_TYPE_DOMAIN)));
	ok &= expect(cpumask_subset(&crowd.helper_cpus, housekeeping_cpumask(HK_TYPE_WQ)));
	rcu_read_unlock();
	return ok;
}

/*
 * A task for one node, whose helpers must be seen only on the CPUs of a mask, and
 * on one at least: @value is the mask, and above its 32 bits the node.
 */
static bool helpers_only_on(u64 value)
{
	static struct crowd crowd;
	struct ktask_node node = { NULL, 100, (int)(value >> 32) };
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);
	unsigned int cpu;
	bool ok;

	crowd_init(&crowd, 1);
	ktask_ctl_set_max_threads(&ctl, 4);
	ok = expect(!ktask_run_numa(&node, 1, &ctl));
	ok &= expect(!cpumask_empty(&crowd.helper_cpus));
	for_each_cpu(cpu, &crowd.helper_cpus)
		if (cpu >= 32 || !(value & BIT(cpu))) {
			pr_err("a helper was seen on CPU %u\n", cpu);
			ok = false;
		}
	return ok;
}

/*
 * A long task of a kernel thread, or of the writer itself, each of whose chunks
 * sleeps; and what became of it.
 */
#define SLEEPER_UNITS 12

static struct {
	atomic_t ran[SLEEPER_UNITS];
	atomic_t helpers;
	unsigned int ms;
	int ret;
	struct completion done;
	bool started;
} sleeper;

static int sleeper_chunk(void *start, void *end, void *arg)
{
	size_t i;

	if (current->flags & PF_WQ_WORKER)
		atomic_inc(&sleeper.helpers);
	for (i = (size_t)start; i < (size_t)end; i++) {
		msleep(sleeper.ms);
		atomic_inc(&sleeper.ran[i]);
	}
	return 0;
}

static int sleeper_fn(void *unused)
{
	DEFINE_KTASK_CTL(ctl, sleeper_chunk, NULL, 1);

	ktask_ctl_set_max_threads(&ctl, 4);
	sleeper.ret = ktask_run(NULL, SLEEPER_UNITS, &ctl);
	complete(&sleeper.done);
	return 0;
}

static void sleeper_init(u64 ms)
{
	memset(&sleeper, 0, sizeof(sleeper));
	init_completion(&sleeper.done);
	sleeper.ms = ms;
	sleeper.ret = -1;
}

/* In a kernel thread; @ms is how long each unit takes. */
static bool sleeper_start(u64 ms)
{
	sleeper_init(ms);
	sleeper.started = !IS_ERR(kthread_run(sleeper_fn, NULL, "ktask_test/sleep"));
	return expect(sleeper.started);
}

/* In the thread that writes. */
static bool sleeper_run(u64 ms)
{
	sleeper_init(ms);
	sleeper.started = true;
	sleeper_fn(NULL);
	return true;
}

/* Waits for the end; every unit must have run once, and helpers have taken part. */
static bool sleeper_verdict(u64 unused)
{
	bool ok = expect(sleeper.started);
	int i;

	if (!ok)
		return false;
	wait_for_completion(&sleeper.done);
	complete(&sleeper.done);
	ok &= expect(!sleeper.ret);
	for (i = 0; i < SLEEPER_UNITS; i++)
		ok &= expect(atomic_read(&sleeper.ran[i]) == 1);
	return ok & expect(atomic_read(&sleeper.helpers));
}

/* What became of a task whose caller may have been killed. */
static struct {
	struct task_struct *caller;
	/* Whether the caller stays in a chunk when killed, or a thread in its walk. */
	bool stays;
	bool walks;
	atomic_t done;
	atomic_t undone;
	int ret;
} killed;

#define KILLED_UNITS 400

/* Waits for the signal, and then until helpers do nothing any more. */
static void stay_in_a_chunk(void)
{
	int done;

	while (!fatal_signal_pending(current))
		msleep(20);
	do {
		done = atomic_read(&killed.done);
		msleep(1000);
	} while (atomic_read(&killed.done) != done);
}

static int killed_chunk(void *start, void *end, void *arg)
{
	if (killed.stays && current == killed.caller)
		stay_in_a_chunk();
	msleep(10 * (end - start));
	atomic_add(end - start, &killed.done);
	return 0;
}

static void killed_undo(void *start, void *end, void *arg)
{
	atomic_add(end - start, &killed.undone);
}

/* The first walk lasts until the signal comes. One thread walks at a time. */
static void *killed_next(void *position, size_t size)
{
	/* It is sent meanwhile, and looked at again. */
	while (killed.walks && !data_race(fatal_signal_pending(killed.caller)))
		msleep(20);
	killed.walks = false;
	return position + size;
}

/*
 * A long task; @value is whether it can be stopped, or 2 if its caller is also
 * not to end a chunk before its helpers have stopped, or 3 if no chunk is to
 * start at all. To be killed meanwhile.
 */
static bool killed_caller(u64 value)
{
	DEFINE_KTASK_CTL(ctl, killed_chunk, NULL, 1);

	memset(&killed, 0, sizeof(killed));
	killed.caller = current;
	killed.stays = value == 2;
	killed.walks = value == 3;
	if (killed.walks)
		ktask_ctl_set_iter_func(&ctl, killed_next);
	ktask_ctl_set_undo_func(&ctl, killed_undo);
	ktask_ctl_set_killable(&ctl, value);
	killed.ret = ktask_run(NULL, KILLED_UNITS, &ctl);
	return true;
}

/* Looks at that task afterwards; @value as before. */
static bool killed_verdict(u64 value)
{
	if (!value)
		return expect(!killed.ret) &&
		       expect(atomic_read(&killed.done) == KILLED_UNITS) &&
		       expect(!atomic_read(&killed.undone));
	return expect(killed.ret == -EINTR) &&
	       expect(!atomic_read(&killed.done) == (value == 3)) &&
	       expect(atomic_read(&killed.done) < KILLED_UNITS) &&
	       expect(atomic_read(&killed.undone) == atomic_read(&killed.done));
}

/* A thread that leaves its CPU to nobody of normal priority. */
static int hog(void *unused)
{
	sched_set_fifo(current);
	while (!kthread_should_stop())
		cpu_relax();
	return 0;
}

/*
 * P4: with every other CPU taken, helpers cannot start, and a task must not
 * wait for them. The shell looks at how many were withdrawn.
 */
static bool p4_helpers_that_cannot_start(u64 unused)
{
	DEFINE_KTASK_CTL(ctl, empty_chunk, NULL, 1);
	struct task_struct **hogs;
	unsigned int cpu, here;
	bool ok = true;
	int i;

	hogs = kcalloc(nr_cpu_ids, sizeof(*hogs), GFP_KERNEL);
	if (!expect(hogs))
		return false;
	migrate_disable();
	here = raw_smp_processor_id();
	for_each_online_cpu(cpu) {
		struct task_struct *thread;

		if (cpu == here)
			continue;
		thread = kthread_run_on_cpu(hog, NULL, cpu, "ktask_test/%u");
		if (!IS_ERR(thread))
			hogs[cpu] = thread;
	}
	msleep(20);
	for (i = 0; i < 50; i++)
		ok &= expect(!ktask_run(NULL, 100, &ctl));
	migrate_enable();
	for_each_possible_cpu(cpu)
		if (hogs[cpu])
			kthread_stop(hogs[cpu]);
	kfree(hogs);
	return ok;
}

/* The threads of one task that meet in their first chunk. */
struct meeting {
	/* Protects everything else in here. */
	spinlock_t lock;
	struct task_struct *caller;
	struct task_struct *helpers[2];
	int nice_at_start[2];
	unsigned int nr_helpers;
	unsigned int nr_threads;
	/* While the caller waits: helpers at its nice value, and others. */
	unsigned int lent;
	unsigned int not_lent;
};

static int meeting_chunk(void *start, void *end, void *arg)
{
	struct meeting *m = arg;
	unsigned int i, patience = 400;

	spin_lock(&m->lock);
	m->nr_threads++;
	if (current != m->caller && m->nr_helpers < ARRAY_SIZE(m->helpers)) {
		m->nice_at_start[m->nr_helpers] = task_nice(current);
		get_task_struct(current);
		m->helpers[m->nr_helpers++] = current;
	}
	spin_unlock(&m->lock);
	while (READ_ONCE(m->nr_threads) < 3 && patience--)
		fsleep(5 * USEC_PER_MSEC);
	if (current == m->caller)
		return 0;

	/* The caller has no work left and waits by the end of this. */
	msleep(300);
	spin_lock(&m->lock);
	if (!m->lent && !m->not_lent)
		for (i = 0; i < m->nr_helpers; i++) {
			if (task_nice(m->helpers[i]) == task_nice(m->caller))
				m->lent++;
			else if (task_nice(m->helpers[i]) == MAX_NICE)
				m->not_lent++;
		}
	spin_unlock(&m->lock);
	/* Both helpers have to be there while they are looked at. */
	msleep(300);
	return 0;
}

/* @own_nice is the nice value that workers have when they are no helpers. */
static bool nice_values(int nice, int own_nice)
{
	struct meeting m = { .caller = current };
	DEFINE_KTASK_CTL(ctl, meeting_chunk, &m, 1);
	int own = task_nice(current);
	bool ok = true;
	unsigned int i;

	spin_lock_init(&m.lock);
	ktask_ctl_set_max_threads(&ctl, 3);
	set_user_nice(current, nice);
	ok &= expect(!ktask_run(NULL, 3, &ctl));
	ok &= expect(task_nice(current) == nice);
	set_user_nice(current, own);

	ok &= expect(m.nr_helpers == 2);
	for (i = 0; i < m.nr_helpers; i++) {
		ok &= expect(m.nice_at_start[i] == MAX_NICE);
		/* The worker is as it was, whether it was lent anything or not. */
		ok &= expect(task_nice(m.helpers[i]) == own_nice);
		put_task_struct(m.helpers[i]);
	}
	if (nice != MAX_NICE)
		ok &= expect(m.lent == 1 && m.not_lent == 1);
	return ok;
}

static bool p13_p14_nice(u64 own_nice)
{
	bool ok = true;

	if (default_limit() < 2)
		return true;
	ok &= nice_values(0, own_nice);
	ok &= nice_values(-20, own_nice);
	ok &= nice_values(MAX_NICE, own_nice);
	return ok & nice_values(0, own_nice);
}

/*
 * P14: the first helper that walks does so until it is lent the caller's nice
 * value, while another one may wait for its turn as the caller does.
 */
static struct stroll {
	struct task_struct *caller;
	struct task_struct *walker;
	bool waited;
	bool lent;
	/* Whether it has looked, after its walk, and runs at the lowest priority. */
	bool looked;
	bool lowest;
} stroll;

/* No longer than 10 s. */
#define wait_until(condition)						\
	do {								\
		unsigned int patience = 2000;				\
									\
		while (!(condition) && patience--)			\
			fsleep(5 * USEC_PER_MSEC);			\
	} while (0)

static void *stroll_next(void *position, size_t size)
{
	if (!stroll.walker && current != stroll.caller) {
		get_task_struct(current);
		WRITE_ONCE(stroll.walker, current);
		/* The caller sets it meanwhile, and it is looked at again. */
		wait_until(data_race(task_nice(current)) == task_nice(stroll.caller));
		stroll.lent = task_nice(current) == task_nice(stroll.caller);
	}
	return position + size;
}

static int stroll_chunk(void *start, void *end, void *arg)
{
	if (current == READ_ONCE(stroll.walker) && !stroll.looked) {
		stroll.lowest = task_nice(current) == MAX_NICE;
		WRITE_ONCE(stroll.looked, true);
	} else if (current == stroll.caller && !stroll.waited) {
		stroll.waited = true;
		wait_until(READ_ONCE(stroll.walker));
		/* Time for the other helper to be waiting for its turn. */
		msleep(100);
	} else if (current == stroll.caller && READ_ONCE(stroll.walker)) {
		/* While there is work left, nothing is lent for its end. */
		wait_until(READ_ONCE(stroll.looked));
	}
	return 0;
}

static bool lent_for_a_walk(int nice, int own_nice)
{
	DEFINE_KTASK_CTL(ctl, stroll_chunk, NULL, 1);
	int own = task_nice(current);
	bool ok = true;

	stroll = (struct stroll) { .caller = current };
	ktask_ctl_set_iter_func(&ctl, stroll_next);
	ktask_ctl_set_max_threads(&ctl, 3);
	set_user_nice(current, nice);
	ok &= expect(!ktask_run(NULL, 64, &ctl));
	set_user_nice(current, own);
	if (!expect(stroll.walker))
		return false;
	ok &= expect(stroll.lent);
	ok &= expect(stroll.looked && stroll.lowest);
	ok &= expect(task_nice(stroll.walker) == own_nice);
	put_task_struct(stroll.walker);
	return ok;
}

static bool p14_nice_of_a_walking_helper(u64 own_nice)
{
	if (!default_limit())
		return true;
	return lent_for_a_walk(0, own_nice) & lent_for_a_walk(-20, own_nice);
}

/* P6: a tree of tasks, and how many leaves were reached. */
struct tree {
	atomic_t *leaves;
	unsigned int depth;
};

static int tree_chunk(void *start, void *end, void *arg)
{
	struct tree *tree = arg;
	struct tree below = { tree->leaves, tree->depth - 1 };
	DEFINE_KTASK_CTL(ctl, tree_chunk, &below, 1);
	size_t i;
	int ret;

	for (i = (size_t)start; i < (size_t)end; i++) {
		if (!tree->depth) {
			usleep_range(10, 50);
			atomic_inc(tree->leaves);
			continue;
		}
		ret = ktask_run(NULL, 6, &ctl);
		if (ret)
			return ret;
	}
	return 0;
}

static bool p6_nested(u64 unused)
{
	atomic_t leaves = ATOMIC_INIT(0);
	struct tree tree = { &leaves, 3 };
	DEFINE_KTASK_CTL(ctl, tree_chunk, &tree, 1);

	return expect(!ktask_run(NULL, 6, &ctl)) &&
	       expect(atomic_read(&leaves) == 6 * 6 * 6 * 6);
}

struct tree_work {
	struct work_struct work;
	atomic_t *leaves;
	int ret;
};

static void tree_work(struct work_struct *work)
{
	struct tree_work *this = container_of(work, struct tree_work, work);
	struct tree tree = { this->leaves, 1 };
	DEFINE_KTASK_CTL(ctl, tree_chunk, &tree, 1);

	this->ret = ktask_run(NULL, 8, &ctl);
}

/* 64 callers at once, each a worker itself. */
static bool callers_in(unsigned int flags)
{
	static struct tree_work works[64];
	struct workqueue_struct *wq;
	atomic_t leaves = ATOMIC_INIT(0);
	bool ok = true;
	int i;

	wq = alloc_workqueue("ktask_test", flags, 0);
	if (!expect(wq))
		return false;
	for (i = 0; i < ARRAY_SIZE(works); i++) {
		INIT_WORK(&works[i].work, tree_work);
		works[i].leaves = &leaves;
		works[i].ret = -1;
		queue_work(wq, &works[i].work);
	}
	destroy_workqueue(wq);
	for (i = 0; i < ARRAY_SIZE(works); i++)
		ok &= expect(!works[i].ret);
	return ok & expect(atomic_read(&leaves) == 64 * 8 * 6);
}

static bool p6_many_callers(u64 unused)
{
	return callers_in(WQ_UNBOUND) & callers_in(WQ_UNBOUND | WQ_MEM_RECLAIM) &
	       callers_in(WQ_PERCPU | WQ_MEM_RECLAIM);
}

/* @value: a node id times 1000 plus the threads of a task on that node. */
static bool run_on_node(u64 value)
{
	struct crowd crowd;
	struct ktask_node node = { NULL, 64, (int)(value / 1000) };
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

	crowd_init(&crowd, 10);
	ktask_ctl_set_max_threads(&ctl, value % 1000);
	return expect(!ktask_run_numa(&node, 1, &ctl));
}

/*
 * One part per node, the one on the caller's node far larger. All threads begin
 * there, and move on to the others.
 */
static bool run_on_all_nodes(u64 threads)
{
	struct ktask_node nodes[8];
	struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);
	int here = cpu_to_node(raw_smp_processor_id());
	size_t nr = 0;
	int nid;

	for_each_online_node(nid) {
		if (nr == ARRAY_SIZE(nodes))
			break;
		nodes[nr].kn_start = NULL;
		nodes[nr].kn_task_size = nid == here ? 100 : 12;
		nodes[nr++].kn_nid = nid;
	}
	crowd_init(&crowd, 5);
	ktask_ctl_set_max_threads(&ctl, threads);
	return expect(!ktask_run_numa(nodes, nr, &ctl));
}

/* One task after the other in the background, until the module is unloaded. */
static struct task_struct *background;

static int background_fn(void *data)
{
	while (!kthread_should_stop()) {
		struct crowd crowd;
		DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

		crowd_init(&crowd, 2);
		ktask_run(NULL, 32, &ctl);
	}
	return 0;
}

static bool start_background(u64 unused)
{
	if (background)
		return true;
	background = kthread_run(background_fn, NULL, "ktask_test/bg");
	if (!IS_ERR(background))
		return true;
	background = NULL;
	return expect(false);
}

void stop_background(void)
{
	if (background)
		kthread_stop(background);
}

const struct test_case mixed_controls[] = {
	CASE(helpers_only_on),
	CASE(killed_caller),
	CASE(killed_verdict),
	CASE(run_on_all_nodes),
	CASE(run_on_node),
	CASE(sleeper_run),
	CASE(sleeper_start),
	CASE(sleeper_verdict),
	CASE(start_background),
	CASE(threads_are),
	{}
};

#endif /* !KTASK_DISABLED */

const struct test_case mixed_cases[] = {
	CASE(p1_p2_p3_p7_p8_random),
	CASE(p2_smaller_than_min_is_one_chunk),
	CASE(p8_error_of_a_single_chunk),
	CASE(p9_bad_arguments),
	CASE(p9_nothing_to_do),
	CASE(p9_min_chunk_of_0_counts_as_1),
	CASE(p9_huge_sizes),
	CASE(p9_huge_walks),
	CASE(p9_iterators_that_make_no_sense),
	CASE(p9_errors_that_are_no_errno),
	CASE(p9_min_chunk_above_every_part),
	CASE(p9_one_node_named_many_times),
	CASE(nodes_can_be_used_again),
#ifndef KTASK_DISABLED
	CASE(p3_caller_takes_part),
	CASE(p4_helpers_that_cannot_start),
	CASE(p5_no_memory_is_allocated),
	CASE(p6_many_callers),
	CASE(p6_nested),
	CASE(p7_nothing_starts_after_a_failure),
	CASE(p10_global_limit_is_never_exceeded),
	CASE(p12_thread_count),
	CASE(p13_p14_nice),
	CASE(p14_nice_of_a_walking_helper),
	CASE(p15_no_helper_on_isolated_cpus),
#endif
	{}
};
