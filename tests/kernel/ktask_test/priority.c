// SPDX-License-Identifier: GPL-2.0
/* P13, P14: the priority of helpers, and when their caller boosts it. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/sched/task.h>

#include "crowd.h"
#include "ktask_test.h"

/* The threads of one task that meet in their first chunk. */
struct meeting {
	/* Protects everything else in here. */
	spinlock_t lock;
	struct task_struct *caller;
	struct task_struct *helpers[2];
	int nice_at_start[2];
	unsigned int nr_helpers;
	unsigned int nr_threads;
	/* While the caller waits: helpers at its nice value, and others. */
	unsigned int boosted;
	unsigned int not_boosted;
};

static int meeting_chunk(void *start, void *end, void *arg)
{
	struct meeting *m = arg;
	unsigned int i;

	spin_lock(&m->lock);
	m->nr_threads++;
	if (current != m->caller && m->nr_helpers < ARRAY_SIZE(m->helpers)) {
		m->nice_at_start[m->nr_helpers] = task_nice(current);
		get_task_struct(current);
		m->helpers[m->nr_helpers++] = current;
	}
	spin_unlock(&m->lock);
	wait_until(READ_ONCE(m->nr_threads) >= 3, 10);
	if (current == m->caller)
		return 0;

	/* The caller has no work left and waits by the end of this. */
	msleep(300);
	spin_lock(&m->lock);
	if (!m->boosted && !m->not_boosted)
		for (i = 0; i < m->nr_helpers; i++) {
			if (task_nice(m->helpers[i]) == task_nice(m->caller))
				m->boosted++;
			else if (task_nice(m->helpers[i]) == MAX_NICE)
				m->not_boosted++;
		}
	spin_unlock(&m->lock);
	/* Both helpers have to be there while they are looked at. */
	msleep(300);
	return 0;
}

/* @own_nice is the nice value that workers have when they are no helpers. */
static bool nice_values(int nice, int own_nice)
{
	struct meeting m = { .caller = current };
	DEFINE_KTASK_CTL(ctl, meeting_chunk, &m, 1);
	int own = task_nice(current);
	bool ok = true;
	unsigned int i;

	spin_lock_init(&m.lock);
	ktask_ctl_set_max_threads(&ctl, 3);
	set_user_nice(current, nice);
	ok &= expect(!ktask_run(NULL, 3, &ctl));
	ok &= expect(task_nice(current) == nice);
	set_user_nice(current, own);

	ok &= expect(m.nr_helpers == 2);
	for (i = 0; i < m.nr_helpers; i++) {
		ok &= expect(m.nice_at_start[i] == MAX_NICE);
		/* The worker is as it was, whether its priority was boosted or not. */
		ok &= expect(task_nice(m.helpers[i]) == own_nice);
		put_task_struct(m.helpers[i]);
	}
	if (nice != MAX_NICE)
		ok &= expect(m.boosted == 1 && m.not_boosted == 1);
	return ok;
}

static bool p13_p14_nice(u64 own_nice)
{
	bool ok = true;

	if (default_limit() < 2)
		return true;
	ok &= nice_values(0, own_nice);
	ok &= nice_values(-20, own_nice);
	ok &= nice_values(MAX_NICE, own_nice);
	return ok & nice_values(0, own_nice);
}

/*
 * P14: the first helper that holds the iterator lock does so until its priority is
 * boosted to the caller's, while another one may wait for the lock as the caller does.
 */
static struct stroll {
	struct task_struct *caller;
	struct task_struct *walker;
	bool waited;
	bool boosted;
	/* Whether the walker has looked, after its walk, and runs at the lowest priority. */
	bool looked;
	bool lowest;
} stroll;

static void *stroll_next(void *position, size_t size)
{
	if (!stroll.walker && current != stroll.caller) {
		get_task_struct(current);
		WRITE_ONCE(stroll.walker, current);
		/* The nice value is set by the caller meanwhile, and looked at again. */
		wait_until(data_race(task_nice(current)) == task_nice(stroll.caller), 10);
		stroll.boosted = task_nice(current) == task_nice(stroll.caller);
	}
	return position + size;
}

static int stroll_chunk(void *start, void *end, void *arg)
{
	if (current == READ_ONCE(stroll.walker) && !stroll.looked) {
		stroll.lowest = task_nice(current) == MAX_NICE;
		WRITE_ONCE(stroll.looked, true);
	} else if (current == stroll.caller && !stroll.waited) {
		stroll.waited = true;
		wait_until(READ_ONCE(stroll.walker), 10);
		/* Time for the other helper to be waiting for the lock. */
		msleep(100);
	} else if (current == stroll.caller && READ_ONCE(stroll.walker)) {
		/* The caller waits for the end of no helper yet, so none is boosted for that. */
		wait_until(READ_ONCE(stroll.looked), 10);
	}
	return 0;
}

static bool boosted_in_iterator(int nice, int own_nice)
{
	DEFINE_KTASK_CTL(ctl, stroll_chunk, NULL, 1);
	int own = task_nice(current);
	bool ok = true;

	stroll = (struct stroll) { .caller = current };
	ktask_ctl_set_iter_func(&ctl, stroll_next);
	ktask_ctl_set_max_threads(&ctl, 3);
	set_user_nice(current, nice);
	ok &= expect(!ktask_run(NULL, 64, &ctl));
	set_user_nice(current, own);
	if (!expect(stroll.walker))
		return false;
	ok &= expect(stroll.boosted);
	ok &= expect(stroll.looked && stroll.lowest);
	ok &= expect(task_nice(stroll.walker) == own_nice);
	put_task_struct(stroll.walker);
	return ok;
}

static bool p14_nice_of_a_walking_helper(u64 own_nice)
{
	if (!default_limit())
		return true;
	return boosted_in_iterator(0, own_nice) & boosted_in_iterator(-20, own_nice);
}

const struct test_case priority_cases[] = {
	CASE(p13_p14_nice),
	CASE(p14_nice_of_a_walking_helper),
	{}
};
