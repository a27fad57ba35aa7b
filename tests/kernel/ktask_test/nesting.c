// SPDX-License-Identifier: GPL-2.0
/* Tasks in tasks, and in workers. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktask.h>
#include <linux/workqueue.h>

#include "ktask_test.h"

/* P6: a tree of tasks, and how many leaves were reached. */
struct tree {
	atomic_t *leaves;
	unsigned int depth;
};

static int tree_chunk(void *start, void *end, void *arg)
{
	struct tree *tree = arg;
	struct tree below = { tree->leaves, tree->depth - 1 };
	DEFINE_KTASK_CTL(ctl, tree_chunk, &below, 1);
	size_t i;
	int ret;

	for (i = (size_t)start; i < (size_t)end; i++) {
		if (!tree->depth) {
			usleep_range(10, 50);
			atomic_inc(tree->leaves);
			continue;
		}
		ret = ktask_run(NULL, 6, &ctl);
		if (ret)
			return ret;
	}
	return 0;
}

static bool p6_nested(u64 unused)
{
	atomic_t leaves = ATOMIC_INIT(0);
	struct tree tree = { &leaves, 3 };
	DEFINE_KTASK_CTL(ctl, tree_chunk, &tree, 1);

	return expect(!ktask_run(NULL, 6, &ctl)) &&
	       expect(atomic_read(&leaves) == 6 * 6 * 6 * 6);
}

struct tree_work {
	struct work_struct work;
	atomic_t *leaves;
	int ret;
};

static void tree_work(struct work_struct *work)
{
	struct tree_work *this = container_of(work, struct tree_work, work);
	struct tree tree = { this->leaves, 1 };
	DEFINE_KTASK_CTL(ctl, tree_chunk, &tree, 1);

	this->ret = ktask_run(NULL, 8, &ctl);
}

/* 64 callers at once, each a worker itself. */
static bool callers_in(unsigned int flags)
{
	static struct tree_work works[64];
	struct workqueue_struct *wq;
	atomic_t leaves = ATOMIC_INIT(0);
	bool ok = true;
	int i;

	wq = alloc_workqueue("ktask_test", flags, 0);
	if (!expect(wq))
		return false;
	for (i = 0; i < ARRAY_SIZE(works); i++) {
		INIT_WORK(&works[i].work, tree_work);
		works[i].leaves = &leaves;
		works[i].ret = -1;
		queue_work(wq, &works[i].work);
	}
	destroy_workqueue(wq);
	for (i = 0; i < ARRAY_SIZE(works); i++)
		ok &= expect(!works[i].ret);
	return ok & expect(atomic_read(&leaves) == 64 * 8 * 6);
}

static bool p6_many_callers(u64 unused)
{
	return callers_in(WQ_UNBOUND) & callers_in(WQ_UNBOUND | WQ_MEM_RECLAIM) &
	       callers_in(WQ_PERCPU | WQ_MEM_RECLAIM);
}

const struct test_case nesting_cases[] = {
	CASE(p6_many_callers),
	CASE(p6_nested),
	{}
};
