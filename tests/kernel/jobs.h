/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs: tasks in lockstep. The threads of a job stay in their chunks until they are
 * told to go on, so that how many threads each job has is known at any time,
 * however slow the machine is.
 */
#ifndef KTASK_TEST_JOBS_H
#define KTASK_TEST_JOBS_H

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#define JOBS		3
/* Enough units for thousands of chunks: their sizes shrink as a part empties. */
#define JOB_PARTS	128
#define JOB_PART_SHIFT	48
#define JOB_UNITS	((u64)JOB_PARTS << JOB_PART_SHIFT)
#define JOB_NODES	8
#define JOB_ERROR	77

enum job_flags {
	/* The caller does not stay in its chunks; each takes some milliseconds. */
	JOB_BUSY_CALLER = 1,
	JOB_KILLABLE = 2,
	/* The parts are walked by an iterator. */
	JOB_WALK = 4,
};

struct job {
	/* What the task is like; never changes while it runs. */
	struct ktask_node parts[JOB_PARTS];
	struct task_struct *caller;
	size_t max_threads;
	unsigned int flags;
	struct completion done;
	int ret;

	/* The rest is protected by jobs_lock. Threads stay in a chunk until the next round. */
	unsigned int round;
	bool hurry;
	bool fails;
	bool killed;
	bool may_undo;
	/* Threads in chunks, the helpers among them, and those that stay in this round. */
	unsigned int inside;
	unsigned int helpers;
	unsigned int held;
	unsigned int most_inside;
	u64 chunks;
	u64 callers_chunks;
	/* Sums over what has completed, and over what was undone. */
	u64 units, edges;
	u64 undone_units, undone_edges;
};

static struct job jobs[JOBS];
static DEFINE_SPINLOCK(jobs_lock);
static DECLARE_WAIT_QUEUE_HEAD(jobs_gate);
/* Helpers of all jobs in chunks, and the most of them since that was last set. */
static unsigned int jobs_helpers;
static unsigned int jobs_most;

/* A position as a random number (the finalizer of splitmix64). */
static u64 job_mix(u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/*
 * Added up, the edges of chunks that follow each other leave those of all together:
 * with the right number of units, every unit was there exactly once.
 */
static u64 job_edges(void *start, void *end)
{
	return job_mix((size_t)end) - job_mix((size_t)start);
}

static unsigned int job_enter(struct job *job, bool helper)
{
	unsigned int round;

	spin_lock(&jobs_lock);
	round = job->round;
	job->chunks++;
	job->callers_chunks += !helper;
	job->inside++;
	job->most_inside = max(job->most_inside, job->inside);
	if (helper) {
		job->helpers++;
		job->held++;
		jobs_helpers++;
		jobs_most = max(jobs_most, jobs_helpers);
	}
	spin_unlock(&jobs_lock);
	return round;
}

static int job_leave(struct job *job, bool helper, unsigned int round, void *start, void *end)
{
	int ret = 0;

	spin_lock(&jobs_lock);
	job->inside--;
	if (helper) {
		job->helpers--;
		jobs_helpers--;
		if (job->round == round)
			job->held--;
	}
	if (job->fails) {
		ret = JOB_ERROR;
	} else {
		job->units += (size_t)end - (size_t)start;
		job->edges += job_edges(start, end);
	}
	spin_unlock(&jobs_lock);
	return ret;
}

static bool job_goes_on(const struct job *job, unsigned int round)
{
	return READ_ONCE(job->hurry) || READ_ONCE(job->round) != round;
}

static int job_chunk(void *start, void *end, void *arg)
{
	struct job *job = arg;
	bool helper = current != job->caller;
	unsigned int round = job_enter(job, helper);

	if (helper || !(job->flags & JOB_BUSY_CALLER))
		wait_event_idle(jobs_gate, job_goes_on(job, round));
	else if (!READ_ONCE(job->hurry))
		fsleep(5 * USEC_PER_MSEC);
	return job_leave(job, helper, round, start, end);
}

static void *job_next(void *position, size_t size)
{
	return position + size;
}

/* Stays, so that what helpers do when their task has failed can be seen. */
static void job_undo(void *start, void *end, void *arg)
{
	struct job *job = arg;

	wait_event_idle(jobs_gate, READ_ONCE(job->may_undo));
	spin_lock(&jobs_lock);
	job->undone_units += (size_t)end - (size_t)start;
	job->undone_edges += job_edges(start, end);
	spin_unlock(&jobs_lock);
}

static int job_fn(void *data)
{
	struct job *job = data;
	DEFINE_KTASK_CTL(ctl, job_chunk, job, 1);

	allow_signal(SIGKILL);
	ktask_ctl_set_undo_func(&ctl, job_undo);
	ktask_ctl_set_max_threads(&ctl, job->max_threads);
	ktask_ctl_set_killable(&ctl, job->flags & JOB_KILLABLE);
	if (job->flags & JOB_WALK)
		ktask_ctl_set_iter_func(&ctl, job_next);
	job->ret = ktask_run_numa(job->parts, JOB_PARTS, &ctl);
	complete(&job->done);
	return 0;
}

/* Starts a task with as many parts on each of the nodes of @nids, one node after the other. */
static bool job_start(struct job *job, size_t max_threads, unsigned int flags, const int *nids,
		      unsigned int nr_nids)
{
	unsigned int i;

	if (job->caller)
		return false;
	memset(job, 0, sizeof(*job));
	init_completion(&job->done);
	job->max_threads = max_threads;
	job->flags = flags;
	for (i = 0; i < JOB_PARTS; i++) {
		job->parts[i].kn_start = (void *)((size_t)i << JOB_PART_SHIFT);
		job->parts[i].kn_task_size = (size_t)1 << JOB_PART_SHIFT;
		job->parts[i].kn_nid = nids[i * nr_nids / JOB_PARTS];
	}
	job->caller = kthread_create(job_fn, job, "ktask_job/%td", job - jobs);
	if (IS_ERR(job->caller)) {
		job->caller = NULL;
		return false;
	}
	get_task_struct(job->caller);
	wake_up_process(job->caller);
	return true;
}

/* Lets all threads of a job go on to the next chunk. */
static void job_step(struct job *job)
{
	spin_lock(&jobs_lock);
	WRITE_ONCE(job->round, job->round + 1);
	job->held = 0;
	spin_unlock(&jobs_lock);
	wake_up_all(&jobs_gate);
}

/* Has a job end soon: complete, failed, or killed. */
static void job_hurry(struct job *job, bool fails, bool killed)
{
	spin_lock(&jobs_lock);
	job->fails |= fails;
	job->killed |= killed;
	if (killed)
		send_sig(SIGKILL, job->caller, 1);
	WRITE_ONCE(job->hurry, true);
	spin_unlock(&jobs_lock);
	wake_up_all(&jobs_gate);
}

/* Helpers that stay in their chunks, if those of the last round have left theirs. */
static bool job_held(const struct job *job, unsigned int *held)
{
	bool settled;

	spin_lock(&jobs_lock);
	*held = job->held;
	settled = job->helpers == job->held;
	spin_unlock(&jobs_lock);
	return settled;
}

static bool job_right(const struct job *job, bool right, const char *what)
{
	if (!right)
		pr_err("job %td: %s: result %d, units %llu, undone %llu, threads %u of %zu\n",
		       job - jobs, what, job->ret, job->units, job->undone_units,
		       job->most_inside, job->max_threads);
	return right;
}

/* What can be seen of the promises when a job has ended. */
static bool job_verdict(const struct job *job)
{
	u64 all = job_mix(JOB_UNITS) - job_mix(0);
	int ret = job->killed ? -EINTR : job->fails ? JOB_ERROR : 0;
	bool ok;

	ok = job_right(job, !job->inside, "P3: a thread function runs on");
	ok &= job_right(job, job->ret == ret, "P7: a wrong result");
	ok &= job_right(job, job->most_inside <= min(job->max_threads, num_possible_cpus()),
			"P12: too many threads");
	if (ret)
		ok &= job_right(job, job->undone_units == job->units &&
				job->undone_edges == job->edges, "P8: undone is not what ran");
	else
		ok &= job_right(job, job->units == JOB_UNITS && job->edges == all &&
				!job->undone_units, "P1: not every unit exactly once");
	return ok;
}

/* Lets a job come to its end, and looks at what it has done. */
static bool job_end(struct job *job)
{
	bool ok;

	if (!job->caller)
		return true;
	WRITE_ONCE(job->may_undo, true);
	job_hurry(job, false, false);
	wait_for_completion_state(&job->done, TASK_IDLE);
	kthread_stop_put(job->caller);
	ok = job_verdict(job);
	job->caller = NULL;
	return ok;
}

/* All of them; those who failed may undo whatever the others do. */
static bool jobs_end(void)
{
	bool ok = true;
	int i;

	for (i = 0; i < JOBS; i++)
		WRITE_ONCE(jobs[i].may_undo, true);
	for (i = 0; i < JOBS; i++)
		ok &= job_end(&jobs[i]);
	return ok;
}

#endif /* KTASK_TEST_JOBS_H */
