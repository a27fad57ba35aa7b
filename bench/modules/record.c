// SPDX-License-Identifier: GPL-2.0
/* Takes down what each thread of a run does. */
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "bench.h"

/* Nanoseconds since the run began, or 0 if it has not. */
u64 since_start(const struct run *run)
{
	ktime_t start = READ_ONCE(run->start);

	return start ? ktime_to_ns(ktime_sub(ktime_get(), start)) : 0;
}

/* The entry of the calling thread, or NULL if there are too many threads. */
struct seen *seen_here(struct run *run)
{
	int pid = task_pid_nr(current), found;
	unsigned int i, at;

	for (i = 0; i < THREADS_MAX; i++) {
		at = (pid + i) % THREADS_MAX;
		found = atomic_read(&run->seen[at].pid);
		if (!found)
			found = atomic_cmpxchg(&run->seen[at].pid, 0, pid);
		if (!found || found == pid)
			return &run->seen[at];
	}
	return NULL;
}

/* To be called by a thread that begins a chunk. */
struct seen *chunk_begins(struct run *run)
{
	int working = atomic_inc_return(&run->working);
	int peak = atomic_read(&run->peak);
	struct seen *seen = seen_here(run);

	while (working > peak &&
	       !atomic_try_cmpxchg(&run->peak, &peak, working))
		;
	if (seen && !seen->chunks) {
		seen->cpu = raw_smp_processor_id();
		seen->first_ns = ktime_to_ns(ktime_sub(ktime_get(), run->start));
	}
	if (seen && run->chunks)
		seen->begun_ns = since_start(run);
	return seen;
}

/* ... when it has done @units of it, @local of them on the node that they belong to, */
void units_done(struct seen *seen, size_t units, size_t local)
{
	if (!seen)
		return;
	WRITE_ONCE(seen->units, seen->units + units);
	seen->local += local;
}

static void log_chunk(struct run *run, const struct seen *seen)
{
	int at = atomic_inc_return(&run->nr_chunks) - 1;

	if (at < LOG_MAX)
		run->chunks[at] = (struct chunk) {
			task_pid_nr(current), seen->begun_ns, since_start(run)
		};
}

/* ... and when it ends the chunk. */
void chunk_ends(struct run *run, struct seen *seen)
{
	if (seen)
		seen->chunks++;
	if (seen && run->chunks)
		log_chunk(run, seen);
	atomic_dec(&run->working);
}

/* Of all threads, while the run goes on. */
size_t units_so_far(struct run *run)
{
	size_t sum = 0;
	unsigned int i;

	for (i = 0; i < THREADS_MAX; i++)
		sum += READ_ONCE(run->seen[i].units);
	return sum;
}

/* The node that a unit belongs to. */
int nid_of_unit(const struct job *job, size_t unit)
{
	unsigned int i = job->nr_parts - 1;

	while (i && unit < job->parts[i].start)
		i--;
	return job->parts[i].nid;
}
