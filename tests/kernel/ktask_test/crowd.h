/* SPDX-License-Identifier: GPL-2.0 */
/* A task whose thread function notes which threads run it, and where. */
#ifndef KTASK_TEST_CROWD_H
#define KTASK_TEST_CROWD_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/spinlock.h>

struct task_struct;

/* Which threads work on a task, and how many at once. */
struct crowd {
	/* Protects the list of threads. */
	spinlock_t lock;
	struct task_struct *threads[64];
	unsigned int nr_threads;
	atomic_t helpers;
	atomic_t most_helpers;
	atomic_t calls;
	unsigned int ms;
	/* Chunks wait until so many threads are there, but not beyond this time. */
	unsigned int expected;
	unsigned long patience;
	/* Where helpers were seen. */
	struct cpumask helper_cpus;
	bool caller_seen;
	struct task_struct *caller;
	/* P7: the chunk at 0 fails, and the others end well after it has. */
	bool fail_first;
	struct completion failed;
};

/* @ms is how long each chunk sleeps. The calling thread is the task's caller. */
void crowd_init(struct crowd *crowd, unsigned int ms);
int crowd_chunk(void *start, void *end, void *arg);

/* Whether a task has so many threads: chunks wait for them, and a little longer for one more. */
bool has_threads(unsigned int threads, size_t size, size_t min, size_t max);

/* The limit on helpers that the machine has by default. */
unsigned int default_limit(void);

#endif
