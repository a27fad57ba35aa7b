// SPDX-License-Identifier: GPL-2.0
/* Tasks whose thread functions sleep for long. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>

#include "ktask_test.h"

/*
 * A long task of a kernel thread, or of the writer itself, each of whose chunks
 * sleeps; and what became of it.
 */
#define SLEEPER_UNITS 12

static struct {
	atomic_t ran[SLEEPER_UNITS];
	atomic_t helpers;
	unsigned int ms;
	int ret;
	struct completion done;
	bool started;
} sleeper;

static int sleeper_chunk(void *start, void *end, void *arg)
{
	size_t i;

	if (current->flags & PF_WQ_WORKER)
		atomic_inc(&sleeper.helpers);
	for (i = (size_t)start; i < (size_t)end; i++) {
		msleep(sleeper.ms);
		atomic_inc(&sleeper.ran[i]);
	}
	return 0;
}

static int sleeper_fn(void *unused)
{
	DEFINE_KTASK_CTL(ctl, sleeper_chunk, NULL, 1);

	ktask_ctl_set_max_threads(&ctl, 4);
	sleeper.ret = ktask_run(NULL, SLEEPER_UNITS, &ctl);
	complete(&sleeper.done);
	return 0;
}

static void sleeper_init(u64 ms)
{
	memset(&sleeper, 0, sizeof(sleeper));
	init_completion(&sleeper.done);
	sleeper.ms = ms;
	sleeper.ret = -1;
}

/* In a kernel thread; @ms is how long each unit takes. */
static bool sleeper_start(u64 ms)
{
	sleeper_init(ms);
	sleeper.started = !IS_ERR(kthread_run(sleeper_fn, NULL, "ktask_test/sleep"));
	return expect(sleeper.started);
}

/* In the thread that writes. */
static bool sleeper_run(u64 ms)
{
	sleeper_init(ms);
	sleeper.started = true;
	sleeper_fn(NULL);
	return true;
}

/* Waits for the end; every unit must have run once, and helpers have taken part. */
static bool sleeper_verdict(u64 unused)
{
	bool ok = expect(sleeper.started);
	int i;

	if (!ok)
		return false;
	wait_for_completion(&sleeper.done);
	complete(&sleeper.done);
	ok &= expect(!sleeper.ret);
	for (i = 0; i < SLEEPER_UNITS; i++)
		ok &= expect(atomic_read(&sleeper.ran[i]) == 1);
	return ok & expect(atomic_read(&sleeper.helpers));
}

const struct test_case sleeper_controls[] = {
	CASE(sleeper_start),
	CASE(sleeper_run),
	CASE(sleeper_verdict),
	{}
};
