// SPDX-License-Identifier: GPL-2.0
/* Iterators that return anything. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/ktask.h>

#include "count.h"
#include "ktask_test.h"

/* What iterators were asked for: the units, by how many threads at once, and the last answer. */
static struct {
	atomic64_t units;
	atomic_t threads;
	bool crowded;
	void *last;
} walked;

static void *walk(void *to, size_t size, unsigned int ms)
{
	if (atomic_inc_return(&walked.threads) > 1)
		walked.crowded = true;
	atomic64_add(size, &walked.units);
	walked.last = to;
	if (ms)
		msleep(ms);
	atomic_dec(&walked.threads);
	return to;
}

static void *stuck_iter(void *position, size_t size)
{
	return walk(position, size, 0);
}

static void *null_iter(void *position, size_t size)
{
	return walk(NULL, size, 0);
}

static void *backward_iter(void *position, size_t size)
{
	return walk(position - size, size, 0);
}

static void *error_iter(void *position, size_t size)
{
	return walk((void *)-EIO, size, 0);
}

static void *sleepy_iter(void *position, size_t size)
{
	return walk(position + size, size, 20);
}

/*
 * An iterator may return anything: it is asked for every unit once, by one thread
 * at a time, and only the client has to make sense of what it returns.
 */
static bool p9_iterators_that_make_no_sense(u64 unused)
{
	static const struct {
		ktask_iter_func iter;
		size_t end;
	} walks[] = {
		{ stuck_iter, 7 }, { null_iter, 0 }, { backward_iter, 7 - 1000 },
		{ error_iter, -EIO }, { sleepy_iter, 7 + 1000 },
	};
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 10);
	bool ok = true;
	int i;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	memset(&walked, 0, sizeof(walked));
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		ktask_ctl_set_iter_func(&ctl, walks[i].iter);
		atomic64_set(&walked.units, 0);
		count.result = 0;
		ok &= expect(!ktask_run((void *)7, 1000, &ctl));
		ok &= expect(atomic64_read(&walked.units) == 1000);
		ok &= expect((size_t)walked.last == walks[i].end);
		/* What fails everywhere leaves nothing to undo. */
		count.result = 5;
		ok &= expect(ktask_run((void *)7, 1000, &ctl) == 5);
	}
	ok &= expect(!walked.crowded);
	return ok & expect(!atomic_read(&count.undos));
}

const struct test_case iterators_cases[] = {
	CASE(p9_iterators_that_make_no_sense),
	{}
};
