/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ktask_rs needs of the kernel that the kernel crate's bindings lack:
 * macros, inline functions, and functions they do not include.  The module's
 * own bindgen turns this file into bindings for Rust.
 */
#ifndef _KTASK_GLUE_H
#define _KTASK_GLUE_H

#include <linux/cpumask.h>
#include <linux/ktask.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "../../../lib/debugfs/debugfs.h"

/* cpus.c */

/* Largest number of nodes this kernel was built for; node ids are below it. */
unsigned int ktask_c_nr_node_ids(void);
/* Whether the machine may ever have this node. */
bool ktask_c_node_possible(int nid);
/* NUMA distance between two possible nodes, 10 being local. */
int ktask_c_node_distance(int from, int to);
/* The node of a possible CPU. */
int ktask_c_cpu_to_node(unsigned int cpu);
bool ktask_c_cpu_possible(unsigned int cpu);
/*
 * The CPUs that are online and neither isolated from general work nor reserved
 * for nohz_full; and whether they are those of @mask. Any context.
 */
void ktask_c_usable_cpus(struct cpumask *mask);
bool ktask_c_usable_cpus_are(const struct cpumask *mask);
/* The CPU this runs on, which may be another one a moment later. */
unsigned int ktask_c_this_cpu(void);
/* The node of that CPU, or NUMA_NO_NODE. */
int ktask_c_this_node(void);
/* Whether the calling thread may run on @cpu, and on how many of @mask. */
bool ktask_c_may_use(unsigned int cpu);
/* Whether @task may run on @cpu; its affinity may be changed at the same time. */
bool ktask_c_may_use_by(const struct task_struct *task, unsigned int cpu);
unsigned int ktask_c_may_use_of(const struct cpumask *mask);

/* sched.c */

/* Static nice value of a task. */
int ktask_c_nice(const struct task_struct *task);
/*
 * Whether the nice value tells the priority of the calling thread: neither
 * SCHED_IDLE, nor of a real-time or deadline class, nor boosted to one.
 */
bool ktask_c_has_weight(void);
/* Whether the calling thread is of SCHED_IDLE. */
bool ktask_c_is_idle(void);
/* Whether @task is being killed. */
bool ktask_c_killed(struct task_struct *task);
/* Gives way to other threads if the scheduler asks for it. */
void ktask_c_cond_resched(void);

/* affinity.c */

/*
 * The CPUs that a worker may run on, while it is a helper. Only the worker itself
 * may use one, except for the first and the last function.
 */
struct ktask_affinity {
	/* The worker's mask as it was found, and as it was set. */
	struct cpumask *found;
	struct cpumask *set;
	/* CPUs that were online, but not the worker's. */
	struct cpumask *outside;
	bool bound;
};

/* Allocates the masks, or returns false. May sleep. */
bool ktask_c_affinity_init(struct ktask_affinity *affinity);
void ktask_c_affinity_destroy(struct ktask_affinity *affinity);
/*
 * Binds the calling worker, which was queued for @cpu and is not bound, to @node. Does nothing
 * while a CPU comes or goes, or if no CPU of the node is the worker's. May sleep.
 */
void ktask_c_bind(struct ktask_affinity *affinity, int node, unsigned int cpu);
/*
 * Gives the calling worker the mask that it was found with, unless the workqueue
 * has set another one since. Sleeps while CPUs come or go.
 */
void ktask_c_unbind(struct ktask_affinity *affinity);
/* Whether the calling worker may run on @cpu when it is not bound. */
bool ktask_c_affinity_has(const struct ktask_affinity *affinity, unsigned int cpu);

/* cpufreq.c */

/* Whether there is any cpufreq driver, and so any governor. Any context. */
bool ktask_c_has_cpufreq(void);
/*
 * Whether a governor that saves energy is in use on any online CPU. A policy
 * that is being changed at the moment does not count. May be called wherever
 * sleeping is allowed; does not wait.
 */
bool ktask_c_saving_power(void);

/* lockdep.c */

/*
 * A dummy lockdep map, as that of a workqueue: it stands for a caller's waiting
 * for its helpers. Each thread holds the map while it calls the task's functions.
 */
struct ktask_wait {
#ifdef CONFIG_LOCKDEP
	struct lockdep_map map;
	/* How many tasks this one is nested in. */
	unsigned int depth;
	/* The task's thread function, which reports name. */
	unsigned long function;
#endif
};

/*
 * Makes the map of a task that the calling thread starts. A NULL @key keeps it
 * from lockdep.
 */
void ktask_c_wait_init(struct ktask_wait *wait, struct lock_class_key *key,
		       unsigned long function);
void ktask_c_wait_acquire(struct ktask_wait *wait);
void ktask_c_wait_release(struct ktask_wait *wait);

/* percpu.c */

/* Counters; ktask/engine/stats.rs says of what. */
struct ktask_stats {
	unsigned long tasks;
	unsigned long chunks;
	unsigned long units;
	unsigned long helpers_started;
	unsigned long helpers_cancelled;
	unsigned long helpers_spilled;
	unsigned long helpers_displaced;
	unsigned long helpers_migrated;
	unsigned long helpers_unavailable;
	unsigned long helpers_switched;
	unsigned long helpers_left;
	unsigned long helpers_taken_back;
	unsigned long failed_tasks;
	unsigned long undone_ranges;
};

/* Adds to the counter at @offset of the structure, on the CPU this runs on. */
void ktask_c_stat_add(size_t offset, unsigned long value);
/* Adds one task without helpers. */
void ktask_c_stats_alone(unsigned long chunks, unsigned long units);
/* Adds the counters of all CPUs to @sum, with tasks that ran in place. */
void ktask_c_stats_sum(struct ktask_stats *sum);

/* workqueue.c */

/* The unbound workqueue of the helpers, NULL without memory. May sleep. */
struct workqueue_struct *ktask_c_alloc_workqueue(void);
/* Makes @work a delayed work item that calls @func. */
void ktask_c_init_delayed_work(struct delayed_work *work, work_func_t func);
/* Queues @work with the system's unbound workers after @delay jiffies, unless it is queued. */
void ktask_c_queue_delayed_work(struct delayed_work *work, unsigned long delay);

#endif /* _KTASK_GLUE_H */
