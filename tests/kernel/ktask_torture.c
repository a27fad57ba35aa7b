// SPDX-License-Identifier: GPL-2.0
/*
 * Torture test: many callers run random tasks, nested, failing and killed ones
 * among them, while CPUs come and go, and an oracle checks every unit of every
 * task. Parameters, statistics and verdict are those of the kernel's own torture
 * tests (locktorture, scftorture, rcutorture).
 *
 * Begins when the module is loaded; ends after so many seconds, or when it is
 * unloaded.
 *
 * Whoever turns the limits meanwhile is asked, by the parameter "quiet", to leave
 * them alone now and then: with limits that stay as they are and room for helpers,
 * a task that can use helpers must come to have some (P19), and as many as others.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/rwsem.h>
#include <linux/sched/debug.h>
#include <linux/slab.h>
#include <linux/torture.h>
#include <linux/workqueue.h>

#include "jobs.h"
#include "oracle.h"

torture_param(int, nthreads, -1, "Number of callers, -1 for as many as CPUs");
torture_param(int, duration, 0, "Seconds until the test ends, 0 to wait for rmmod");
torture_param(int, shutdown_secs, 0, "Seconds until the machine powers off, 0 for never");
torture_param(int, onoff_holdoff, 0, "Seconds until the first CPU goes offline");
torture_param(int, onoff_interval, 0, "Seconds between CPU hotplugs, 0 for none");
torture_param(int, stat_interval, 15, "Seconds between statistics");
torture_param(int, stutter, 5, "Seconds to run before a pause of one second, 0 for no pauses");
torture_param(int, fail_rate, 200, "Chunks that fail, of 1000 in a task that may fail");
torture_param(int, nest, 2, "How deep thread functions run tasks");
torture_param(int, kill_interval, 50, "Milliseconds between kills of callers, 0 for none");
torture_param(int, max_units, 65536, "The largest task");
torture_param(int, max_helpers, -1, "The highest limit on helpers, -1 for 80% of the CPUs");
torture_param(int, stall_secs, 60, "Seconds after which a task has stalled");
torture_param(bool, elastic, true, "Check for tasks that starve, when quiet is asked for");
torture_param(uint, seed, 0, "Seed of all random numbers, 0 for a random one");
torture_param(int, verbose, 0, "1 to tell of threads, 2 to tell of CPU hotplug too");

#define MAX_CALLERS 1024
/* More threads than most machines have CPUs. */
#define MANY_THREADS 64

/* Who asks for quiet, and who answers. */
enum quiet {
	QUIET_NONE,
	/* Of user space: no task is to run, and no CPU to come or go. */
	QUIET_WANTED,
	/* It is so. */
	QUIET_NOW,
	/* Of user space: limits are those of the CPUs, and there is room. Until all is checked. */
	QUIET_CHECK,
};

static int quiet;
module_param(quiet, int, 0644);
MODULE_PARM_DESC(quiet,
		 "1: pause all callers, which makes it 2; 3: check for tasks that starve, 0 when done");

/* Readers run tasks, or change which CPUs are online. */
static DECLARE_RWSEM(quiet_sem);

#define verbose_pr(level, fmt, ...)					\
do {									\
	if (verbose >= (level))						\
		pr_alert(fmt "\n", ##__VA_ARGS__);			\
} while (0)

/* One caller, which works in a thread of its own or as an item of a workqueue. */
struct caller {
	struct task_struct *thread;
	struct work_struct work;
	struct oracle *oracle;
	struct rnd_state rnd;
	/* When the task now running began, in jiffies; 0 while there is none. */
	unsigned long since;
	bool stalled;
};

static struct caller *callers;
static struct task_struct *control_task;
static struct task_struct *onoff_task;
static struct task_struct *elastic_task;
static unsigned long began;

/* Times that tasks were seen to get helpers, and to share them. */
static atomic_long_t fed, shared;
/* Tasks of one range that are too long to keep book of each unit. */
static atomic_long_t long_tasks;

/* Workers of these are callers too. */
static struct workqueue_struct *queues[3];

static struct {
	long online, online_tried;
	long offline, offline_tried;
} onoff;

static void print_params(const char *tag)
{
	pr_alert("%s: nthreads=%d duration=%d shutdown_secs=%d onoff_holdoff=%d onoff_interval=%d stat_interval=%d stutter=%d fail_rate=%d nest=%d kill_interval=%d max_units=%d max_helpers=%d stall_secs=%d elastic=%d seed=%u verbose=%d\n",
		 tag, nthreads, duration, shutdown_secs, onoff_holdoff, onoff_interval,
		 stat_interval, stutter, fail_rate, nest, kill_interval, max_units, max_helpers,
		 stall_secs, elastic, seed, verbose);
}

static void print_stats(void)
{
	/* They may be those of a moment ago. */
	const typeof(onoff) cpus = data_race(onoff);

	pr_alert("%lu s: tasks: %lld nested: %lld chunks: %lld helpers: %lld units: %lld failed: %lld killed: %lld undone: %lld long: %ld fed: %ld shared: %ld onoff: online %ld/%ld offline %ld/%ld errors: %lld\n",
		 (jiffies - began) / HZ, atomic64_read(&oracle_totals.tasks),
		 atomic64_read(&oracle_totals.nested), atomic64_read(&oracle_totals.chunks),
		 atomic64_read(&oracle_totals.helper_chunks), atomic64_read(&oracle_totals.units),
		 atomic64_read(&oracle_totals.failed), atomic64_read(&oracle_totals.killed),
		 atomic64_read(&oracle_totals.undone), atomic_long_read(&long_tasks),
		 atomic_long_read(&fed), atomic_long_read(&shared), cpus.online,
		 cpus.online_tried, cpus.offline, cpus.offline_tried,
		 atomic64_read(&oracle_totals.errors));
}

/* What has run of a long task: see job_edges(). */
struct sums {
	atomic64_t units;
	atomic64_t edges;
};

static int long_chunk(void *start, void *end, void *arg)
{
	struct sums *sums = arg;

	atomic64_add((size_t)end - (size_t)start, &sums->units);
	atomic64_add(job_edges(start, end), &sums->edges);
	return 0;
}

/* One unit, or millions, for many threads. */
static void long_task(struct rnd_state *rnd)
{
	size_t units = 1 + (prandom_u32_state(rnd) >> pick(rnd, 32));
	struct sums sums = { ATOMIC64_INIT(0), ATOMIC64_INIT(0) };
	DEFINE_KTASK_CTL(ctl, long_chunk, &sums, 1 + pick(rnd, 3));

	ktask_ctl_set_max_threads(&ctl, MANY_THREADS);
	if (ktask_run(NULL, units, &ctl) || atomic64_read(&sums.units) != units ||
	    (u64)atomic64_read(&sums.edges) != job_edges(NULL, (void *)units)) {
		atomic64_inc(&oracle_totals.errors);
		pr_err("!!! P1: of %zu units %lld ran, or not the right ones\n", units,
		       atomic64_read(&sums.units));
	}
	atomic_long_inc(&long_tasks);
}

/* One task, with the calling thread as the caller. */
static void caller_run(struct caller *caller)
{
	WRITE_ONCE(caller->since, jiffies ?: 1);
	if (pick(&caller->rnd, 16))
		random_task(caller->oracle, NULL, &caller->rnd, prandom_u32_state(&caller->rnd));
	else
		long_task(&caller->rnd);
	WRITE_ONCE(caller->since, 0);
	WRITE_ONCE(caller->stalled, false);
}

static void caller_work(struct work_struct *work)
{
	int nice = my_nice();

	/* P13: what ktask's helpers leave behind, as they share workers with these queues. */
	if (nice && nice != MIN_NICE) {
		atomic64_inc(&oracle_totals.errors);
		pr_err_ratelimited("!!! P13: a worker was left at nice %d\n", nice);
	}
	caller_run(container_of(work, struct caller, work));
}

/* The calling thread as it may be: of any priority, and bound to anything or nothing. */
static void change_myself(struct rnd_state *rnd)
{
	unsigned int cpu = cpumask_nth(pick(rnd, num_online_cpus()), cpu_online_mask);

	set_user_nice(current, (int)pick(rnd, MAX_NICE - MIN_NICE + 1) + MIN_NICE);
	/* A CPU that has gone meanwhile is an error that does not matter. */
	switch (pick(rnd, 4)) {
	case 0:
		set_cpus_allowed_ptr(current, cpumask_of(min(cpu, nr_cpu_ids - 1)));
		break;
	case 1:
		set_cpus_allowed_ptr(current, cpumask_of_node(numa_node_id()));
		break;
	default:
		set_cpus_allowed_ptr(current, cpu_possible_mask);
	}
}

static bool pausing(void)
{
	return stutter > 0 && (jiffies - began) / HZ % (stutter + 1) == stutter;
}

static int caller_thread(void *data)
{
	struct caller *caller = data;
	struct rnd_state *rnd = &caller->rnd;

	verbose_pr(1, "caller task started");
	allow_signal(SIGKILL);
	while (!kthread_should_stop()) {
		flush_signals(current);
		if (pausing() || READ_ONCE(quiet)) {
			schedule_timeout_interruptible(HZ / 10);
			continue;
		}
		if (!pick(rnd, 16))
			change_myself(rnd);
		down_read(&quiet_sem);
		if (pick(rnd, 3)) {
			caller_run(caller);
		} else {
			queue_work(queues[pick(rnd, ARRAY_SIZE(queues))], &caller->work);
			flush_work(&caller->work);
		}
		up_read(&quiet_sem);
		cond_resched();
	}
	verbose_pr(1, "caller task is stopping");
	return 0;
}

/* Tells of tasks that take too long. */
static void watch(void)
{
	int i;

	for (i = 0; i < nthreads; i++) {
		struct caller *caller = &callers[i];
		unsigned long since = READ_ONCE(caller->since);

		if (!since || READ_ONCE(caller->stalled) ||
		    time_before(jiffies, since + stall_secs * HZ))
			continue;
		WRITE_ONCE(caller->stalled, true);
		broken(caller->oracle, "has stalled: seconds, threads inside", stall_secs,
		       atomic_read(&caller->oracle->inside));
		sched_show_task(caller->thread);
	}
}

/* Kills, watches and reports. */
static int control_thread(void *unused)
{
	unsigned int step = kill_interval > 0 ? clamp(kill_interval, 1, 1000) : 1000;
	unsigned long next_kill = jiffies, next_stats = jiffies + stat_interval * HZ;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	while (!kthread_should_stop()) {
		if (kill_interval > 0 && time_after_eq(jiffies, next_kill)) {
			send_sig(SIGKILL, callers[pick(&rnd, nthreads)].thread, 1);
			next_kill = jiffies + msecs_to_jiffies(kill_interval);
		}
		if (stat_interval > 0 && time_after_eq(jiffies, next_stats)) {
			print_stats();
			next_stats += stat_interval * HZ;
		}
		watch();
		schedule_timeout_interruptible(msecs_to_jiffies(step));
	}
	return 0;
}

static void onoff_cpu(unsigned int cpu)
{
	int err;

	if (!cpu_is_hotpluggable(cpu))
		return;
	if (!cpu_online(cpu)) {
		onoff.online_tried++;
		err = add_cpu(cpu);
		onoff.online += !err;
		verbose_pr(err ? 1 : 2, "online %u: errno %d", cpu, err);
	} else if (num_online_cpus() > 1) {
		onoff.offline_tried++;
		err = remove_cpu(cpu);
		onoff.offline += !err;
		verbose_pr(err ? 1 : 2, "offline %u: errno %d", cpu, err);
	}
}

static int onoff_thread(void *unused)
{
	struct rnd_state rnd;
	unsigned int cpu;

	prandom_seed_state(&rnd, seed);
	schedule_timeout_interruptible(onoff_holdoff * HZ);
	while (!kthread_should_stop()) {
		cpu = pick(&rnd, nr_cpu_ids);
		down_read(&quiet_sem);
		if (cpu_possible(cpu))
			onoff_cpu(cpu);
		up_read(&quiet_sem);
		schedule_timeout_interruptible(onoff_interval * HZ);
	}
	for_each_possible_cpu(cpu)
		if (!cpu_online(cpu))
			onoff_cpu(cpu);
	return 0;
}

/* Waits for @condition: long enough for any machine, or until the test ends. */
#define wait_for(condition)						\
({									\
	unsigned long __end = jiffies + stall_secs * HZ;		\
	bool __ok;							\
									\
	for (;;) {							\
		__ok = (condition) || kthread_should_stop();		\
		if (__ok || time_after_eq(jiffies, __end))		\
			break;						\
		schedule_timeout_interruptible(HZ / 100 ?: 1);		\
	}								\
	__ok;								\
})

/* Counts what is not right with the errors of the oracle. */
static bool right(bool right, const char *what)
{
	unsigned int a, b;

	job_held(&jobs[0], &a);
	job_held(&jobs[1], &b);
	if (right)
		return true;
	atomic64_inc(&oracle_totals.errors);
	pr_err("!!! P19: %s: helpers %u and %u, %u CPUs\n", what, a, b, num_online_cpus());
	return false;
}

static bool has_helper(const struct job *job)
{
	unsigned int held;

	job_held(job, &held);
	return held;
}

/* A task that could use very many helpers, and stays until it is ended. */
static bool start_hungry(struct job *job, struct rnd_state *rnd)
{
	static const unsigned int flags[] = { 0, JOB_BUSY_CALLER, JOB_KILLABLE, JOB_WALK };
	int nids[JOB_NODES] = { NUMA_NO_NODE };
	unsigned int nr = 1;
	int nid;

	if (pick(rnd, 2)) {
		nr = 0;
		for_each_online_node(nid)
			if (nr < ARRAY_SIZE(nids))
				nids[nr++] = nid;
	}
	return job_start(job, MANY_THREADS, flags[pick(rnd, ARRAY_SIZE(flags))], nids, nr);
}

/* Whether the jobs are at most one helper apart, and are so for a moment. */
static bool jobs_are_equal(void)
{
	unsigned int a, b, i;

	for (i = 0; i < 3; i++) {
		if (!job_held(&jobs[0], &a) || !job_held(&jobs[1], &b))
			return false;
		if (!(a + b) || max(a, b) - min(a, b) > 1)
			return false;
		schedule_timeout_interruptible(HZ / 50 ?: 1);
	}
	return true;
}

/* Lets both jobs go on by a chunk. */
static bool equal_after_a_chunk(void)
{
	unsigned int held, i;

	if (jobs_are_equal())
		return true;
	job_step(&jobs[0]);
	job_step(&jobs[1]);
	/* Threads of the last round end their chunks. */
	for (i = 0; i < 100 && !(job_held(&jobs[0], &held) && job_held(&jobs[1], &held)); i++)
		schedule_timeout_interruptible(HZ / 100 ?: 1);
	return jobs_are_equal();
}

/*
 * P19: a task gets helpers when there is room, others get a share of them, and what
 * one leaves at its end goes to the other. Nothing else runs, limits stay as they
 * are, and there is room for one helper at least.
 *
 * Threads stay in their chunks meanwhile, so that work is left however slow the
 * machine is.
 */
static void check_elastic(struct rnd_state *rnd)
{
	if (!start_hungry(&jobs[0], rnd))
		return;
	if (right(wait_for(has_helper(&jobs[0])), "a task alone has no helper") &&
	    start_hungry(&jobs[1], rnd)) {
		atomic_long_inc(&fed);
		if (right(wait_for(equal_after_a_chunk()), "tasks do not share"))
			atomic_long_inc(&shared);
		if (!job_end(&jobs[0]))
			atomic64_inc(&oracle_totals.errors);
		if (right(wait_for(has_helper(&jobs[1])), "a task alone is left without helpers"))
			atomic_long_inc(&fed);
	}
	if (!jobs_end())
		atomic64_inc(&oracle_totals.errors);
}

/* Between these, tasks run and CPUs come and go. */
static int elastic_thread(void *unused)
{
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	while (!kthread_should_stop()) {
		if (READ_ONCE(quiet) == QUIET_WANTED) {
			down_write(&quiet_sem);
			WRITE_ONCE(quiet, QUIET_NOW);
			while (READ_ONCE(quiet) == QUIET_NOW && !kthread_should_stop())
				schedule_timeout_interruptible(HZ / 100 ?: 1);
			if (READ_ONCE(quiet) == QUIET_CHECK && elastic)
				check_elastic(&rnd);
			up_write(&quiet_sem);
			WRITE_ONCE(quiet, QUIET_NONE);
		}
		schedule_timeout_interruptible(HZ / 20 ?: 1);
	}
	return 0;
}

/* Keeps what kthread_run() returned, unless that is an error. */
static int keep_thread(struct task_struct **thread, struct task_struct *new)
{
	if (IS_ERR(new))
		return PTR_ERR(new);
	*thread = new;
	return 0;
}

static void end_thread(struct task_struct **thread)
{
	if (*thread)
		kthread_stop(*thread);
	*thread = NULL;
}

static void stop_all(void)
{
	int i;

	/* The control thread and the watch use callers, so they go first. */
	end_thread(&control_task);
	/* Whom callers may wait for. */
	end_thread(&elastic_task);
	end_thread(&onoff_task);
	for (i = 0; callers && i < nthreads; i++)
		end_thread(&callers[i].thread);
	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		if (queues[i])
			destroy_workqueue(queues[i]);
		queues[i] = NULL;
	}
}

static void free_all(void)
{
	int i;

	for (i = 0; callers && i < nthreads; i++)
		vfree(callers[i].oracle);
	kvfree(callers);
	callers = NULL;
}

/* Ends the test, once. */
static void torture_end(void)
{
	if (!callers)
		return;
	stop_all();
	print_stats();
	print_params(atomic64_read(&oracle_totals.errors) ? "End of test: FAILURE" :
							    "End of test: SUCCESS");
	free_all();
}

/* Time is up. */
static void end_of_time(struct work_struct *unused)
{
	torture_end();
	if (shutdown_secs > 0)
		kernel_power_off();
}

static DECLARE_DELAYED_WORK(end_work, end_of_time);

static int start_callers(void)
{
	int i, err = 0;

	callers = kvcalloc(nthreads, sizeof(*callers), GFP_KERNEL);
	if (!callers)
		return -ENOMEM;
	for (i = 0; i < nthreads && !err; i++) {
		struct caller *caller = &callers[i];

		INIT_WORK(&caller->work, caller_work);
		prandom_seed_state(&caller->rnd, seed + i);
		caller->oracle = oracle_alloc(max_units);
		if (!caller->oracle)
			return -ENOMEM;
		err = keep_thread(&caller->thread,
				  kthread_run(caller_thread, caller, "ktask_torture/%d", i));
	}
	return err;
}

static int start_all(void)
{
	static const unsigned int flags[] = {
		WQ_UNBOUND, WQ_UNBOUND | WQ_MEM_RECLAIM, WQ_PERCPU | WQ_MEM_RECLAIM,
	};
	int i, err;

	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		queues[i] = alloc_workqueue("ktask_torture/%d", flags[i], 0, i);
		if (!queues[i])
			return -ENOMEM;
	}
	err = start_callers();
	if (!err)
		err = keep_thread(&control_task,
				  kthread_run(control_thread, NULL, "ktask_torture"));
	if (!err)
		err = keep_thread(&elastic_task,
				  kthread_run(elastic_thread, NULL, "ktask_elastic"));
	if (!err && onoff_interval > 0)
		err = keep_thread(&onoff_task, kthread_run(onoff_thread, NULL, "ktask_onoff"));
	return err;
}

static int __init ktask_torture_init(void)
{
	int secs = shutdown_secs > 0 ? shutdown_secs : duration;
	int err;

	if (nthreads < 0)
		nthreads = num_online_cpus();
	if (max_helpers < 0)
		max_helpers = mult_frac(num_online_cpus(), 80, 100);
	if (!seed)
		seed = get_random_u32();
	if (!nthreads || nthreads > MAX_CALLERS || max_units < ORACLE_PARTS ||
	    fail_rate < 0 || fail_rate > 1000 || nest < 0 || nest > 4) {
		pr_err("a parameter makes no sense\n");
		return -EINVAL;
	}
	oracle_bounds.max_threads = 2 * num_possible_cpus();
	oracle_bounds.fail_permille = fail_rate;
	oracle_bounds.depth = nest;
	oracle_bounds.helpers = max_helpers;
	began = jiffies;
	print_params("Start of test");
	err = start_all();
	if (err) {
		stop_all();
		free_all();
		return err;
	}
	if (secs > 0)
		queue_delayed_work(system_dfl_wq, &end_work, secs * HZ);
	return 0;
}

static void __exit ktask_torture_exit(void)
{
	cancel_delayed_work_sync(&end_work);
	torture_end();
}

module_init(ktask_torture_init);
module_exit(ktask_torture_exit);
MODULE_DESCRIPTION("Torture test of ktask");
MODULE_LICENSE("GPL");
