// SPDX-License-Identifier: GPL-2.0
/* The workqueue. */
#include <linux/workqueue.h>

#include "glue.h"

struct workqueue_struct *ktask_c_alloc_workqueue(void)
{
	/*
	 * The limits are the engine's, so the workqueue's own must never be the
	 * tighter one; WQ_SYSFS gives the administrator the usual workqueue
	 * knobs. Not WQ_FREEZABLE: helpers exist only while their caller is in
	 * the call, and a caller that may go on during a suspend needs them.
	 */
	return alloc_workqueue("ktask", WQ_UNBOUND | WQ_SYSFS, WQ_MAX_ACTIVE);
}

void ktask_c_init_delayed_work(struct delayed_work *work, work_func_t func)
{
	INIT_DELAYED_WORK(work, func);
}

void ktask_c_queue_delayed_work(struct delayed_work *work, unsigned long delay)
{
	queue_delayed_work(system_dfl_wq, work, delay);
}
