// SPDX-License-Identifier: GPL-2.0
/* P18b: callers that stay in their task for long, and what they leave to others. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "ktask_test.h"

enum stay {
	/* The caller stays in a chunk of its own; its helpers end theirs, and then have no work. */
	STAY_IN_CHUNK,
	/* The task fails, and the caller stays in its undo function. */
	STAY_IN_UNDO,
	/* All threads stay in their chunks. */
	STAY_WITH_HELPERS,
	NR_STAYS
};

struct neighbour {
	struct list_head list;
	enum stay stay;
	struct task_struct *caller;
	unsigned int callers_chunks;
	bool helper_seen;
	/* The caller is where helpers may end, and where it stays. */
	struct completion ready;
	struct completion stays;
	struct completion done;
	int ret;
};

static LIST_HEAD(neighbours);
static DECLARE_COMPLETION(release);

static void stay(struct neighbour *this)
{
	complete_all(&this->ready);
	complete_all(&this->stays);
	wait_for_completion_state(&release, TASK_IDLE);
}

/* Fails in its second chunk, so that there is something to undo, and a helper to have ended. */
static int callers_chunk(struct neighbour *this)
{
	if (this->stay != STAY_IN_UNDO) {
		stay(this);
		return 0;
	}
	if (!this->callers_chunks++)
		return 0;
	wait_until(READ_ONCE(this->helper_seen), 2);
	complete_all(&this->ready);
	return -EIO;
}

static int neighbour_chunk(void *start, void *end, void *arg)
{
	struct neighbour *this = arg;

	if (current == this->caller)
		return callers_chunk(this);
	WRITE_ONCE(this->helper_seen, true);
	wait_for_completion_state(&this->ready, TASK_IDLE);
	if (this->stay == STAY_WITH_HELPERS)
		wait_for_completion_state(&release, TASK_IDLE);
	return 0;
}

static void neighbour_undo(void *start, void *end, void *arg)
{
	stay(arg);
}

static int neighbour_fn(void *data)
{
	struct neighbour *this = data;
	/* A caller without helpers may run each part as one chunk, and needs two. */
	struct ktask_node parts[] = {
		{ NULL, 32, NUMA_NO_NODE }, { (void *)32, 32, NUMA_NO_NODE },
	};
	DEFINE_KTASK_CTL(ctl, neighbour_chunk, this, 1);

	this->caller = current;
	ktask_ctl_set_max_threads(&ctl, 4);
	ktask_ctl_set_undo_func(&ctl, neighbour_undo);
	this->ret = ktask_run_numa(parts, ARRAY_SIZE(parts), &ctl);
	complete(&this->done);
	return 0;
}

/* Starts another caller, and waits until it stays. */
static bool neighbour_start(u64 kind)
{
	struct neighbour *this;

	if (!expect(kind < NR_STAYS))
		return false;
	this = kzalloc_obj(*this);
	if (!expect(this))
		return false;
	this->stay = kind;
	init_completion(&this->ready);
	init_completion(&this->stays);
	init_completion(&this->done);
	if (!expect(!IS_ERR(kthread_run(neighbour_fn, this, "ktask_test/stay")))) {
		kfree(this);
		return false;
	}
	list_add(&this->list, &neighbours);
	return expect(wait_for_completion_timeout(&this->stays, 60 * HZ));
}

/* Lets all of them go on to their end. */
static bool neighbours_release(u64 unused)
{
	struct neighbour *this, *next;
	bool ok = true;

	complete_all(&release);
	list_for_each_entry_safe(this, next, &neighbours, list) {
		wait_for_completion_state(&this->done, TASK_IDLE);
		ok &= expect(this->ret == (this->stay == STAY_IN_UNDO ? -EIO : 0));
		list_del(&this->list);
		kfree(this);
	}
	reinit_completion(&release);
	return ok;
}

void release_neighbours(void)
{
	neighbours_release(0);
}

const struct test_case neighbour_controls[] = {
	CASE(neighbour_start),
	CASE(neighbours_release),
	{}
};
