// SPDX-License-Identifier: GPL-2.0
/* Threads: priority, signals, giving way. */
#include <linux/sched.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>

#include "glue.h"

int ktask_c_nice(const struct task_struct *task)
{
	return task_nice(task);
}

bool ktask_c_is_idle(void)
{
	return current->policy == SCHED_IDLE;
}

bool ktask_c_has_weight(void)
{
	/* The policy, and the class that an rt_mutex may boost the thread to. */
	return !ktask_c_is_idle() &&
	       !rt_or_dl_task_policy(current) && !rt_or_dl_task(current);
}

bool ktask_c_killed(struct task_struct *task)
{
	/* A signal that is sent at this moment counts the next time. */
	return data_race(fatal_signal_pending(task));
}

void ktask_c_cond_resched(void)
{
	cond_resched();
}
