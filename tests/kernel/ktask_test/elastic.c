// SPDX-License-Identifier: GPL-2.0
/*
 * P19: how many helpers each of several tasks has while limits, CPUs and other tasks
 * change. The threads of these tasks stay in their chunks until a control lets them
 * go on, so what is expected can be waited for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/moduleparam.h>
#include <linux/nodemask.h>

#include "../jobs.h"
#include "ktask_test.h"

static unsigned int patience = 60;
module_param(patience, uint, 0644);
MODULE_PARM_DESC(patience, "Seconds that tests of elastic tasks wait for what should happen");

/* The number in the digits of @value above those below @unit, and below @base. */
static unsigned int digits(u64 value, unsigned int unit, unsigned int base)
{
	return value / unit % base;
}

static struct job *job_of(u64 value)
{
	return &jobs[digits(value, 1, 10) % JOBS];
}

/* Waits until the caller of a job is in that chunk of its own, and lets it go on before. */
static bool callers_chunk(struct job *job, u64 number)
{
	if (number > 1)
		job_step(job);
	wait_until(READ_ONCE(job->callers_chunks) >= number, patience);
	return READ_ONCE(job->callers_chunks) >= number;
}

/*
 * Returns when the caller is in its first chunk. @value: the number of a job, its
 * threads times 10, its node times 10,000, with 8 for any node and 9 for as much on
 * each online node, its flags times 100,000.
 */
static bool elastic_start(u64 value)
{
	struct job *job = job_of(value);
	unsigned int node = digits(value, 10000, 10);
	int nids[JOB_NODES] = { node == 8 ? NUMA_NO_NODE : node };
	unsigned int nr = 1;
	int nid;

	if (node == 9) {
		nr = 0;
		for_each_online_node(nid)
			if (nr < ARRAY_SIZE(nids))
				nids[nr++] = nid;
	}
	if (!expect(job_start(job, digits(value, 10, 1000), digits(value, 100000, 10), nids, nr)))
		return false;
	return expect(callers_chunk(job, 1));
}

/* Lets the threads of job @value go on, and waits until they have left their chunks. */
static bool elastic_step(u64 value)
{
	struct job *job = job_of(value);
	unsigned int held;

	job_step(job);
	wait_until(job_held(job, &held), patience);
	return expect(job_held(job, &held));
}

static bool has_helpers(const struct job *job, unsigned int wanted, bool or_more,
			unsigned int *held)
{
	return job_held(job, held) && (*held == wanted || (or_more && *held > wanted));
}

/*
 * Waits until a job has so many helpers: @value is its number, and 10 times how many;
 * and 10,000 if there may be more.
 */
static bool elastic_has(u64 value)
{
	struct job *job = job_of(value);
	unsigned int wanted = digits(value, 10, 1000), held = 0;
	bool or_more = digits(value, 10000, 10);

	wait_until(has_helpers(job, wanted, or_more, &held) || completion_done(&job->done),
		   patience);
	if (has_helpers(job, wanted, or_more, &held) && !completion_done(&job->done))
		return true;
	pr_err("job %td has %u helpers instead of %u%s\n", job - jobs, held, wanted,
	       completion_done(&job->done) ? ", and has ended" : "");
	return false;
}

/* Begins to count the most helpers that are in chunks of all jobs together. */
static bool elastic_watch(u64 unused)
{
	spin_lock(&jobs_lock);
	jobs_most = jobs_helpers;
	spin_unlock(&jobs_lock);
	return true;
}

/* There were never more than @value of them since. */
static bool elastic_most(u64 value)
{
	if (READ_ONCE(jobs_most) > value)
		pr_err("there were %u helpers at once\n", READ_ONCE(jobs_most));
	return expect(READ_ONCE(jobs_most) <= value);
}

/* The caller of job @value goes on, whether there are helpers or not. */
static bool elastic_goes_on(u64 value)
{
	struct job *job = job_of(value);
	bool ok = true;
	int i;

	for (i = 0; ok && i < 5; i++)
		ok = expect(callers_chunk(job, READ_ONCE(job->callers_chunks) + 1));
	return ok;
}

/* How many helpers the first @nr jobs have, and how far that is apart. */
static unsigned int spread(unsigned int nr, unsigned int *sum)
{
	unsigned int least = UINT_MAX, most = 0, held, i;

	*sum = 0;
	for (i = 0; i < nr; i++) {
		job_held(&jobs[i], &held);
		least = min(least, held);
		most = max(most, held);
		*sum += held;
	}
	return most - least;
}

/*
 * Whether all helpers are in chunks of this round: @value is how many are counted,
 * times 10, and the number of jobs.
 */
static bool elastic_settled(u64 value)
{
	unsigned int nr = min(digits(value, 1, 10), JOBS), sum, held, i;

	for (i = 0; i < nr; i++)
		if (!job_held(&jobs[i], &held))
			return false;
	spread(nr, &sum);
	return sum == digits(value, 10, 1000);
}

/* Whether the first jobs, @value, have numbers of helpers that are at most one apart. */
static bool elastic_equal(u64 value)
{
	unsigned int sum;

	return spread(min(digits(value, 1, 10), JOBS), &sum) <= 1;
}

/* Tells how many helpers the jobs have. */
static bool elastic_print(u64 unused)
{
	unsigned int i, held;

	for (i = 0; i < JOBS; i++) {
		job_held(&jobs[i], &held);
		pr_err("job %u has %u helpers\n", i, held);
	}
	return true;
}

/* Chunks of job @value fail from now on; its caller stays in its undo function. */
static bool elastic_fail(u64 value)
{
	job_hurry(job_of(value), true, false);
	return true;
}

static bool elastic_kill(u64 value)
{
	job_hurry(job_of(value), false, true);
	return true;
}

static bool elastic_end(u64 value)
{
	return expect(job_end(job_of(value)));
}

static bool elastic_end_all(u64 unused)
{
	return expect(jobs_end());
}

void end_jobs(void)
{
	jobs_end();
}

const struct test_case elastic_controls[] = {
	CASE(elastic_start),
	CASE(elastic_step),
	CASE(elastic_has),
	CASE(elastic_watch),
	CASE(elastic_most),
	CASE(elastic_goes_on),
	CASE(elastic_settled),
	CASE(elastic_equal),
	CASE(elastic_print),
	CASE(elastic_fail),
	CASE(elastic_kill),
	CASE(elastic_end),
	CASE(elastic_end_all),
	{}
};
