// SPDX-License-Identifier: GPL-2.0
/* What stops a task: a failure, or a signal that kills its caller. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktask.h>
#include <linux/sched/signal.h>

#include "crowd.h"
#include "ktask_test.h"

static bool p7_nothing_starts_after_a_failure(u64 unused)
{
	struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

	crowd_init(&crowd, 10);
	crowd.fail_first = true;
	/* Without the stop there would be dozens. */
	ktask_ctl_set_max_threads(&ctl, 4);
	if (num_online_cpus() < 2)
		return true;
	return expect(ktask_run(NULL, 400, &ctl) == 77) &&
	       expect(atomic_read(&crowd.calls) <= 4 * 4);
}

/* What became of a task whose caller may have been killed. */
static struct {
	struct task_struct *caller;
	/* Whether the caller stays in a chunk when killed, or a thread in its walk. */
	bool stays;
	bool walks;
	atomic_t done;
	atomic_t undone;
	int ret;
} killed;

#define KILLED_UNITS 400

/* Waits for the signal, and then until helpers do nothing any more. */
static void stay_in_a_chunk(void)
{
	int done;

	while (!fatal_signal_pending(current))
		msleep(20);
	do {
		done = atomic_read(&killed.done);
		msleep(1000);
	} while (atomic_read(&killed.done) != done);
}

static int killed_chunk(void *start, void *end, void *arg)
{
	if (killed.stays && current == killed.caller)
		stay_in_a_chunk();
	msleep(10 * (end - start));
	atomic_add(end - start, &killed.done);
	return 0;
}

static void killed_undo(void *start, void *end, void *arg)
{
	atomic_add(end - start, &killed.undone);
}

/* The first walk lasts until the signal comes. One thread walks at a time. */
static void *killed_next(void *position, size_t size)
{
	/* It is sent meanwhile, and looked at again. */
	while (killed.walks && !data_race(fatal_signal_pending(killed.caller)))
		msleep(20);
	killed.walks = false;
	return position + size;
}

/*
 * A long task; @value is whether it can be stopped, or 2 if its caller is also
 * not to end a chunk before its helpers have stopped, or 3 if no chunk is to
 * start at all. To be killed meanwhile.
 */
static bool killed_caller(u64 value)
{
	DEFINE_KTASK_CTL(ctl, killed_chunk, NULL, 1);

	memset(&killed, 0, sizeof(killed));
	killed.caller = current;
	killed.stays = value == 2;
	killed.walks = value == 3;
	if (killed.walks)
		ktask_ctl_set_iter_func(&ctl, killed_next);
	ktask_ctl_set_undo_func(&ctl, killed_undo);
	ktask_ctl_set_killable(&ctl, value);
	killed.ret = ktask_run(NULL, KILLED_UNITS, &ctl);
	return true;
}

/* Looks at that task afterwards; @value as before. */
static bool killed_verdict(u64 value)
{
	if (!value)
		return expect(!killed.ret) &&
		       expect(atomic_read(&killed.done) == KILLED_UNITS) &&
		       expect(!atomic_read(&killed.undone));
	return expect(killed.ret == -EINTR) &&
	       expect(!atomic_read(&killed.done) == (value == 3)) &&
	       expect(atomic_read(&killed.done) < KILLED_UNITS) &&
	       expect(atomic_read(&killed.undone) == atomic_read(&killed.done));
}

const struct test_case stop_cases[] = {
	CASE(p7_nothing_starts_after_a_failure),
	{}
};

const struct test_case stop_controls[] = {
	CASE(killed_caller),
	CASE(killed_verdict),
	{}
};
