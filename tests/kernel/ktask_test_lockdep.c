// SPDX-License-Identifier: GPL-2.0
/*
 * What lockdep says of locks around tasks (P18). Loading the module runs the
 * case named by its parameter; nothing here ever deadlocks, since lockdep learns
 * the two orders of locks one after the other.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktask.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#define UNITS	64

static char *order = "correct";
module_param(order, charp, 0);
MODULE_PARM_DESC(order, "correct (default), thread, iterator or nested");

static DEFINE_MUTEX(lock);
static DEFINE_MUTEX(other_lock);

/* What the functions of a task do besides sleeping, so that helpers come. */
struct work {
	/* Taken and released again by every chunk. */
	struct mutex *in_thread;
	/* The same for the iterator. */
	struct mutex *in_iterator;
	/* Called by every chunk, with the number of tasks that remain to nest. */
	int (*inner)(struct work *work, int depth);
	int depth;
};

static void take_and_release(struct mutex *mutex)
{
	if (mutex) {
		mutex_lock(mutex);
		mutex_unlock(mutex);
	}
}

static int chunk(void *start, void *end, void *arg)
{
	struct work *work = arg;

	take_and_release(work->in_thread);
	usleep_range(50, 100);
	return work->inner ? work->inner(work, work->depth - 1) : 0;
}

static void *advance(void *position, size_t size)
{
	return position + size;
}

static void *advance_locked(void *position, size_t size)
{
	take_and_release(&lock);
	return position + size;
}

/* Two places where tasks are started, which are two classes. */
static int site_a(struct work *work)
{
	DEFINE_KTASK_CTL(ctl, chunk, work, 1);

	if (work->in_iterator)
		ktask_ctl_set_iter_func(&ctl, advance_locked);
	return ktask_run(NULL, work->inner ? 4 : UNITS, &ctl);
}

static int site_b(struct work *work)
{
	struct ktask_node nodes[] = { { NULL, 4, 0 }, { NULL, 4, NUMA_NO_NODE } };
	DEFINE_KTASK_CTL(ctl, chunk, work, 1);

	ktask_ctl_set_iter_func(&ctl, advance);
	return ktask_run_numa(nodes, ARRAY_SIZE(nodes), &ctl);
}

/* A task in a task in a task..., of one site or of both in turn. */
static int nest_same(struct work *outer, int depth)
{
	struct work work = {
		.in_thread = outer->in_thread,
		.inner = depth ? nest_same : NULL,
		.depth = depth,
	};

	return site_a(&work);
}

static int nest_mixed(struct work *outer, int depth)
{
	struct work work = {
		.in_thread = outer->in_thread,
		.inner = depth ? nest_mixed : NULL,
		.depth = depth,
	};

	return depth % 2 ? site_a(&work) : site_b(&work);
}

/* All that is right, which lockdep must not mention. */
static int correct(void)
{
	struct work plain = {};
	struct work locks = { .in_thread = &lock };
	struct work locks_other = { .in_thread = &other_lock };
	int ret, depth;

	/* A lock that only helpers and the caller take, in turn. */
	ret = site_a(&locks);
	/* A lock held across a call, which no function of that site takes. */
	mutex_lock(&other_lock);
	ret = ret ?: site_a(&plain);
	mutex_unlock(&other_lock);
	/* It may be taken by the functions of another site. */
	ret = ret ?: site_b(&locks_other);

	/* Nesting: of one site, deeper than lockdep has subclasses, and of both. */
	for (depth = 0; depth <= 3 && !ret; depth++)
		ret = nest_same(&locks, depth) ?: nest_mixed(&plain, depth);
	return ret;
}

static int thread_inversion(void)
{
	struct mutex *mutex = kmalloc(sizeof(*mutex), GFP_KERNEL);
	struct work locks = { .in_thread = mutex };
	struct work plain = {};
	int ret;

	if (!mutex)
		return -ENOMEM;
	mutex_init(mutex);
	ret = site_b(&locks);
	mutex_lock(mutex);
	ret = ret ?: site_b(&plain);
	mutex_unlock(mutex);
	kfree(mutex);
	/*
	 * Lockdep, which is off now, was not told of the unlocking: for this
	 * thread it still names a lock that is gone.
	 */
	return ret ?: site_b(&plain);
}

static int iterator_inversion(void)
{
	struct work locks = { .in_iterator = &lock };
	struct work plain = {};
	int ret;

	ret = site_a(&locks);
	mutex_lock(&lock);
	ret = ret ?: site_a(&plain);
	mutex_unlock(&lock);
	return ret;
}

/* The lock is taken two tasks further in than it is held. */
static int nested_inversion(void)
{
	struct work locks = { .in_thread = &lock };
	struct work plain = {};
	int ret;

	ret = nest_same(&locks, 2);
	mutex_lock(&lock);
	ret = ret ?: nest_same(&plain, 0);
	mutex_unlock(&lock);
	return ret;
}

static int __init ktask_test_lockdep_init(void)
{
	if (!strcmp(order, "correct"))
		return correct();
	if (!strcmp(order, "thread"))
		return thread_inversion();
	if (!strcmp(order, "iterator"))
		return iterator_inversion();
	if (!strcmp(order, "nested"))
		return nested_inversion();
	pr_err("there is no order '%s'\n", order);
	return -EINVAL;
}

static void __exit ktask_test_lockdep_exit(void)
{
}

module_init(ktask_test_lockdep_init);
module_exit(ktask_test_lockdep_exit);

MODULE_DESCRIPTION("What lockdep says of locks around ktask's tasks");
MODULE_LICENSE("GPL");
