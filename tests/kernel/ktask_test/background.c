// SPDX-License-Identifier: GPL-2.0
/* Tasks of a kernel thread, one after the other. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/ktask.h>

#include "crowd.h"
#include "ktask_test.h"

/* One task after the other in the background, until the module is unloaded. */
static struct task_struct *background;

static int background_fn(void *data)
{
	while (!kthread_should_stop()) {
		struct crowd crowd;
		DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

		crowd_init(&crowd, 2);
		ktask_run(NULL, 32, &ctl);
	}
	return 0;
}

static bool start_background(u64 unused)
{
	if (background)
		return true;
	background = kthread_run(background_fn, NULL, "ktask_test/bg");
	if (!IS_ERR(background))
		return true;
	background = NULL;
	return expect(false);
}

void stop_background(void)
{
	if (background)
		kthread_stop(background);
}

const struct test_case background_controls[] = {
	CASE(start_background),
	{}
};
