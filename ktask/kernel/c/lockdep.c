// SPDX-License-Identifier: GPL-2.0
/* The lockdep map of a task; see ktask/kernel/lockdep.rs. */
#include <linux/container_of.h>
#include <linux/debug_locks.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "glue.h"

#ifdef CONFIG_LOCKDEP
/* Tells the maps of tasks from others; also their name in reports. */
static const char wait_name[] = "ktask_run";

/*
 * How many tasks the calling thread is working for. Tasks nest like a tree, and
 * a caller waits for helpers of its own only, so nesting cannot deadlock: with
 * the depth as the subclass, the map of a task is always acquired under those of
 * smaller subclasses, whatever call sites are nested in each other.
 */
static unsigned int wait_depth(void)
{
	int i;

	/* After its first report lockdep forgets no lock any more, gone or not. */
	if (!debug_locks)
		return 0;
	for (i = current->lockdep_depth - 1; i >= 0; i--) {
		struct lockdep_map *map = current->held_locks[i].instance;

		if (map->name == wait_name)
			return container_of(map, struct ktask_wait, map)->depth + 1;
	}
	return 0;
}

void ktask_c_wait_init(struct ktask_wait *wait, struct lock_class_key *key,
		       unsigned long function)
{
	lockdep_init_map(&wait->map, wait_name, key ?: &__lockdep_no_validate__, 0);
	wait->depth = wait_depth();
	wait->function = function;
}

void ktask_c_wait_acquire(struct ktask_wait *wait)
{
	/* Below the last subclass there is nothing more to tell apart. */
	if (wait->depth < MAX_LOCKDEP_SUBCLASSES)
		lock_acquire_exclusive(&wait->map, wait->depth, 0, NULL,
				       wait->function);
}

void ktask_c_wait_release(struct ktask_wait *wait)
{
	if (wait->depth < MAX_LOCKDEP_SUBCLASSES)
		lock_release(&wait->map, wait->function);
}
#else
void ktask_c_wait_init(struct ktask_wait *wait, struct lock_class_key *key,
		       unsigned long function)
{
}

void ktask_c_wait_acquire(struct ktask_wait *wait)
{
}

void ktask_c_wait_release(struct ktask_wait *wait)
{
}
#endif
