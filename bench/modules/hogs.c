// SPDX-License-Identifier: GPL-2.0
/* Other work that a job competes with: threads of nice 0 that only spin. */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "bench.h"

/* Loops between two looks at the scheduler; well below a tick. */
#define SPIN	20000

struct hog {
	struct task_struct *task;
	u64 done;
};

static struct hog hogs[THREADS_MAX];

static int spin(void *data)
{
	struct hog *hog = data;

	while (!kthread_should_stop()) {
		burn(SPIN);
		WRITE_ONCE(hog->done, hog->done + SPIN);
		cond_resched();
	}
	return 0;
}

/* Starts one on each of the last @count CPUs. */
int hogs_start(unsigned int count)
{
	unsigned int i, cpu = nr_cpu_ids;

	for (i = 0; i < min(count, nr_cpu_ids); i++) {
		struct task_struct *task;

		cpu--;
		hogs[i].done = 0;
		task = kthread_create_on_cpu(spin, &hogs[i], cpu, "bench_hog/%u");
		if (IS_ERR(task))
			return PTR_ERR(task);
		hogs[i].task = task;
		wake_up_process(task);
	}
	return 0;
}

/* How many loops all of them have done. */
u64 hogs_done(void)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < THREADS_MAX; i++)
		sum += READ_ONCE(hogs[i].done);
	return sum;
}

void hogs_stop(void)
{
	unsigned int i;

	for (i = 0; i < THREADS_MAX; i++) {
		if (hogs[i].task)
			kthread_stop(hogs[i].task);
		hogs[i].task = NULL;
		hogs[i].done = 0;
	}
}
