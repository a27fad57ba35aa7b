// SPDX-License-Identifier: GPL-2.0
/* Takes down what each thread of a run does. */
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "bench.h"

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
	return seen;
}

/* ... and by the same thread when it ends it. */
void chunk_ends(struct run *run, struct seen *seen, size_t units, size_t local)
{
	if (seen) {
		seen->chunks++;
		seen->units += units;
		seen->local += local;
	}
	atomic_dec(&run->working);
}

/* The node that a unit belongs to. */
int nid_of_unit(const struct job *job, size_t unit)
{
	unsigned int i = job->nr_parts - 1;

	while (i && unit < job->parts[i].start)
		i--;
	return job->parts[i].nid;
}
