// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktask.h>
#include <linux/sched.h>

#include "crowd.h"
#include "ktask_test.h"

void crowd_init(struct crowd *crowd, unsigned int ms)
{
	memset(crowd, 0, sizeof(*crowd));
	spin_lock_init(&crowd->lock);
	init_completion(&crowd->failed);
	crowd->ms = ms;
	crowd->caller = current;
}

int crowd_chunk(void *start, void *end, void *arg)
{
	struct crowd *crowd = arg;
	unsigned int i;
	int now;

	atomic_inc(&crowd->calls);
	spin_lock(&crowd->lock);
	for (i = 0; i < crowd->nr_threads && crowd->threads[i] != current; i++)
		;
	if (i == crowd->nr_threads && i < ARRAY_SIZE(crowd->threads))
		crowd->threads[crowd->nr_threads++] = current;
	crowd->caller_seen |= current == crowd->caller;
	spin_unlock(&crowd->lock);

	if (current != crowd->caller) {
		now = atomic_inc_return(&crowd->helpers);
		if (now > atomic_read(&crowd->most_helpers))
			atomic_set(&crowd->most_helpers, now);
		cpumask_set_cpu(raw_smp_processor_id(), &crowd->helper_cpus);
	}
	while (READ_ONCE(crowd->nr_threads) < crowd->expected &&
	       time_before(jiffies, crowd->patience))
		msleep(20);
	msleep(crowd->ms);
	if (current != crowd->caller) {
		cpumask_set_cpu(raw_smp_processor_id(), &crowd->helper_cpus);
		atomic_dec(&crowd->helpers);
	}
	if (!crowd->fail_first)
		return 0;
	if (!start) {
		complete_all(&crowd->failed);
		return 77;
	}
	wait_for_completion(&crowd->failed);
	msleep(50);
	return 0;
}

unsigned int default_limit(void)
{
	return mult_frac(num_online_cpus(), 80, 100);
}

bool has_threads(unsigned int threads, size_t size, size_t min, size_t max)
{
	struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, min);

	crowd_init(&crowd, 30);
	crowd.expected = threads;
	crowd.patience = jiffies + 10 * HZ;
	ktask_ctl_set_max_threads(&ctl, max);
	return expect(!ktask_run(NULL, size, &ctl)) && expect(crowd.nr_threads == threads);
}
