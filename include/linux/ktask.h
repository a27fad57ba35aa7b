/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ktask: run one CPU-bound job on many CPUs.
 *
 * The interface follows version 4 of the ktask RFC series (Daniel Jordan,
 * linux-mm, November 2018): a client written for it compiles unchanged.
 *
 * A *task* is the whole job of one call; a *chunk* is the piece of it that one
 * call of the thread function gets; a *unit* is whatever the client counts in
 * (pages, bytes, inodes); a *node part* is the part of a task that belongs to
 * one NUMA node.  See Documentation/ktask.rst.
 */
#ifndef _LINUX_KTASK_H
#define _LINUX_KTASK_H

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/types.h>

/* What a thread function returns when its chunk is done. */
#define KTASK_RETURN_SUCCESS	0

/* Bytes that keep one CPU busy long enough to be worth a chunk (as in v4). */
#define KTASK_MEM_CHUNK		(128ul << 20)
/* The same amount of memory counted in base pages, and in PMD-sized pages. */
#define KTASK_PTE_MINCHUNK	(KTASK_MEM_CHUNK / PAGE_SIZE)
#define KTASK_PMD_MINCHUNK	(KTASK_MEM_CHUNK / PMD_SIZE)

/**
 * typedef ktask_thread_func - does one chunk of a task
 * @start: where the chunk starts
 * @end: where it ends (exclusive)
 * @arg: &ktask_ctl.kc_func_arg
 *
 * Called in process context, possibly from several threads at once; may sleep
 * and may itself call ktask_run().
 *
 * Return: KTASK_RETURN_SUCCESS, or any other value as an error of the client's
 * own.  The first error stops the task and becomes the result of the call.  A
 * function that fails leaves its own chunk as if it had never run: the undo
 * function is not called for it.
 */
typedef int (*ktask_thread_func)(void *start, void *end, void *arg);

/**
 * typedef ktask_undo_func - undoes completed work after a failure
 * @start: where the range to undo starts
 * @end: where it ends (exclusive)
 * @arg: &ktask_ctl.kc_func_arg
 *
 * A range may span several chunks, never several node parts; ranges come in any
 * order.  Called in the caller's thread, after every thread function has
 * returned; may sleep, cannot fail.
 */
typedef void (*ktask_undo_func)(void *start, void *end, void *arg);

/**
 * typedef ktask_iter_func - advances a position
 * @position: where to start from
 * @size: how many units to advance, never 0
 *
 * Called by one thread at a time, in order within each node part.  May sleep;
 * must not call ktask_run().
 *
 * Return: the position @size units after @position.
 */
typedef void *(*ktask_iter_func)(void *position, size_t size);

/**
 * struct ktask_node - the part of a task that belongs to one NUMA node
 * @kn_start: where this part of the task starts
 * @kn_task_size: how many units it has
 * @kn_nid: the node to run helpers on, or NUMA_NO_NODE for any
 *
 * Initialise with ``{ start, size, nid }``.  The public members are never
 * changed by ktask, so an array can be used again when the call has returned,
 * but not for two calls at the same time.
 */
struct ktask_node {
	void	*kn_start;
	size_t	kn_task_size;
	int	kn_nid;
	/* private: ktask's own progress through this part */
	unsigned int	kn_threads;
	size_t	kn_claimed;
	size_t	kn_position;
};

/**
 * struct ktask_ctl - how a task is run
 * @kc_thread_func: does one chunk; required
 * @kc_undo_func: undoes completed work after a failure, or NULL
 * @kc_func_arg: passed to both functions
 * @kc_min_chunk_size: the fewest units worth giving to one call of the thread
 *	function; 0 counts as 1
 * @kc_iter_func: advances a position; NULL counts as ktask_iter_range()
 * @kc_max_threads: the most threads to use, the caller included; 0 means the
 *	module's max_threads knob
 * @kc_killable: not 0 if a fatal signal to the caller is to fail the task with -EINTR
 *
 * Define with DEFINE_KTASK_CTL(); new members get new setters, so that existing
 * call sites stay as they are.
 */
struct ktask_ctl {
	ktask_thread_func	kc_thread_func;
	ktask_undo_func		kc_undo_func;
	void			*kc_func_arg;
	size_t			kc_min_chunk_size;
	ktask_iter_func		kc_iter_func;
	size_t			kc_max_threads;
	unsigned int		kc_killable;
};

/*
 * v4 lets clients write their functions with argument types of their own and
 * casts the pointers.  An indirect call through a pointer of another type traps
 * where the kernel checks call targets (kCFI), so such kernels refuse to compile
 * a mismatched function.  Functions of the exact types above work everywhere.
 */
#ifdef CONFIG_CFI
#define __KTASK_FUNC(type, func)	(func)
#else
#define __KTASK_FUNC(type, func)	((type)(void *)(func))
#endif

/**
 * KTASK_CTL_INITIALIZER - initialiser of a &struct ktask_ctl
 * @thread_func: see &struct ktask_ctl.kc_thread_func
 * @func_arg: see &struct ktask_ctl.kc_func_arg
 * @min_chunk_size: see &struct ktask_ctl.kc_min_chunk_size
 */
#define KTASK_CTL_INITIALIZER(thread_func, func_arg, min_chunk_size)	\
	{								\
		.kc_thread_func = __KTASK_FUNC(ktask_thread_func, thread_func), \
		.kc_undo_func = NULL,					\
		.kc_func_arg = (func_arg),				\
		.kc_min_chunk_size = (min_chunk_size),			\
		.kc_iter_func = ktask_iter_range,			\
		.kc_max_threads = 0,					\
		.kc_killable = 0,					\
	}

/**
 * DEFINE_KTASK_CTL - define and initialise a &struct ktask_ctl
 * @name: name of the variable
 * @thread_func: see &struct ktask_ctl.kc_thread_func
 * @func_arg: see &struct ktask_ctl.kc_func_arg
 * @min_chunk_size: see &struct ktask_ctl.kc_min_chunk_size
 */
#define DEFINE_KTASK_CTL(name, thread_func, func_arg, min_chunk_size)	\
	struct ktask_ctl name =						\
		KTASK_CTL_INITIALIZER(thread_func, func_arg, min_chunk_size)

/**
 * ktask_ctl_set_undo_func - name the function that undoes completed work
 * @ctl: pointer to the &struct ktask_ctl
 * @undo_func: see &struct ktask_ctl.kc_undo_func
 */
#define ktask_ctl_set_undo_func(ctl, undo_func) \
	((ctl)->kc_undo_func = __KTASK_FUNC(ktask_undo_func, undo_func))

/**
 * ktask_ctl_set_iter_func - name the function that advances a position
 * @ctl: pointer to the &struct ktask_ctl
 * @iter_func: see &struct ktask_ctl.kc_iter_func
 */
#define ktask_ctl_set_iter_func(ctl, iter_func) \
	((ctl)->kc_iter_func = __KTASK_FUNC(ktask_iter_func, iter_func))

/**
 * ktask_ctl_set_max_threads - limit the threads of one task
 * @ctl: pointer to the &struct ktask_ctl
 * @max_threads: see &struct ktask_ctl.kc_max_threads
 */
#define ktask_ctl_set_max_threads(ctl, max_threads) \
	((ctl)->kc_max_threads = (max_threads))

/**
 * ktask_ctl_set_killable - let a fatal signal to the caller stop the task
 * @ctl: pointer to the &struct ktask_ctl
 * @killable: see &struct ktask_ctl.kc_killable
 *
 * When the caller is killed, no new chunk starts, completed work is undone as
 * after any failure, and the call returns -EINTR. Thread functions that run are
 * not interrupted. By default, as in v4, signals make no difference.
 */
#define ktask_ctl_set_killable(ctl, killable) \
	((ctl)->kc_killable = !!(killable))

#ifndef KTASK_DISABLED

/**
 * ktask_run - run a task with helpers on the caller's NUMA node
 * @start: where the task starts
 * @task_size: how many units it has
 * @ctl: how to run it
 *
 * Calls the thread function for every unit of [@start, @start + @task_size)
 * exactly once, from the calling thread and from as many helpers as the task is
 * large enough for and the limits allow.  When it returns, no helper uses
 * anything of the caller's any more.  Allocates no memory.
 *
 * Context: process context where sleeping is allowed, also from within a thread
 * function.  lockdep treats it as taking a lock that every thread function of
 * the same call site holds: locks held across the call must not be taken there.
 *
 * Return:
 * * 0			- all of the task was done
 * * -EINVAL		- @ctl or its thread function is NULL, or the range does
 *			  not fit into the address space; nothing was run
 * * -EINTR		- the caller was killed, and @ctl lets that stop the task
 * * anything else	- what the first failing thread function returned
 */
int ktask_run(void *start, size_t task_size, struct ktask_ctl *ctl);
int __ktask_run(void *start, size_t task_size, struct ktask_ctl *ctl,
		struct lock_class_key *key);

/**
 * ktask_run_numa - run a task with helpers on given NUMA nodes
 * @nodes: the node parts of the task
 * @nr_nodes: how many of them
 * @ctl: how to run it
 *
 * As ktask_run(), with the work given as parts of which each names the node
 * where helpers should run.  A node may be named by several parts; parts may be
 * empty.
 *
 * Context: as ktask_run().
 *
 * Return: as ktask_run(); also -EINVAL if @nodes is NULL and @nr_nodes is not 0,
 * if a node id is neither possible on this machine nor NUMA_NO_NODE, or if the
 * sizes add up to more than a size_t holds.
 */
int ktask_run_numa(struct ktask_node *nodes, size_t nr_nodes,
		   struct ktask_ctl *ctl);
int __ktask_run_numa(struct ktask_node *nodes, size_t nr_nodes,
		     struct ktask_ctl *ctl, struct lock_class_key *key);

/**
 * ktask_iter_range - the default iterator, for tasks that are a range
 * @position: where to start from
 * @size: how many units to advance
 *
 * Context: any.
 *
 * Return: @position + @size.
 */
void *ktask_iter_range(void *position, size_t size);

#ifdef CONFIG_LOCKDEP
/*
 * lockdep knows that the caller waits for its helpers, and tells tasks apart by
 * where they are started.  A call through a pointer to one of the functions is
 * the one thing that it does not see.  Variadic, as there may be commas within an
 * argument: a compound literal.
 */
#define ktask_run(...)							\
({									\
	static struct lock_class_key __ktask_key;			\
									\
	__ktask_run(__VA_ARGS__, &__ktask_key);				\
})

#define ktask_run_numa(...)						\
({									\
	static struct lock_class_key __ktask_key;			\
									\
	__ktask_run_numa(__VA_ARGS__, &__ktask_key);			\
})
#else /* CONFIG_LOCKDEP */
/*
 * Tasks that are one chunk on any machine run in place: a call of ktask_run() or
 * ktask_run_numa() is a macro, which the compiler reduces to a direct call where
 * it knows the members of @ctl. What is wrong or takes more is left to the
 * functions, which are what a pointer to one of the names points to.
 */

/**
 * struct ktask_in_place - counts the tasks that run in place, on each CPU
 * @tasks: tasks, each of which is one chunk
 * @units: their units
 * @failed: those that failed
 */
struct ktask_in_place {
	unsigned long	tasks;
	unsigned long	units;
	unsigned long	failed;
};

DECLARE_PER_CPU(struct ktask_in_place, ktask_in_place);

static __always_inline bool __ktask_is_in_place(const void *start, size_t size,
						const struct ktask_ctl *ctl)
{
	return ctl->kc_thread_func && !ctl->kc_killable &&
	       (!ctl->kc_iter_func || ctl->kc_iter_func == ktask_iter_range) &&
	       (ctl->kc_max_threads == 1 || size <= (ctl->kc_min_chunk_size ?: 1)) &&
	       size && (size_t)start <= SIZE_MAX - size;
}

/* The one chunk leaves nothing to undo if it fails. */
static __always_inline int __ktask_run_in_place(void *start, size_t size,
						const struct ktask_ctl *ctl)
{
	int ret;

	/* As cond_resched(), of no use but for debugging where the kernel preempts. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) || !IS_ENABLED(CONFIG_PREEMPTION) ||
	    !IS_ENABLED(CONFIG_ARCH_HAS_PREEMPT_LAZY))
		might_sleep();
	this_cpu_inc(ktask_in_place.tasks);
	this_cpu_add(ktask_in_place.units, size);
	ret = ctl->kc_thread_func(start, (char *)start + size, ctl->kc_func_arg);
	if (unlikely(ret))
		this_cpu_inc(ktask_in_place.failed);
	return ret;
}

/*
 * The functions with copies of what describes the task: a structure whose address
 * is passed on has to be in memory where the task runs in place, too.
 */
int __ktask_run_copy(void *start, size_t size, struct ktask_ctl ctl);
int __ktask_run_numa_copy(void *start, size_t size, int nid, struct ktask_ctl ctl);

static __always_inline int __ktask_run_inline(void *start, size_t size, struct ktask_ctl *ctl)
{
	if (!ctl)
		return -EINVAL;
	if (__ktask_is_in_place(start, size, ctl))
		return __ktask_run_in_place(start, size, ctl);
	return __ktask_run_copy(start, size, *ctl);
}

static __always_inline int __ktask_run_numa_inline(struct ktask_node *nodes, size_t nr_nodes,
						   struct ktask_ctl *ctl)
{
	void *start;
	size_t size;
	int nid;

	if (!ctl || !nodes || nr_nodes != 1)
		return ktask_run_numa(nodes, nr_nodes, ctl);
	start = nodes->kn_start;
	size = nodes->kn_task_size;
	nid = nodes->kn_nid;
	if (__ktask_is_in_place(start, size, ctl) &&
	    (nid == NUMA_NO_NODE || ((unsigned int)nid < MAX_NUMNODES && node_possible(nid))))
		return __ktask_run_in_place(start, size, ctl);
	return __ktask_run_numa_copy(start, size, nid, *ctl);
}

#define ktask_run(...)		__ktask_run_inline(__VA_ARGS__)
#define ktask_run_numa(...)	__ktask_run_numa_inline(__VA_ARGS__)
#endif /* CONFIG_LOCKDEP */

#else /* KTASK_DISABLED */

static inline void *ktask_iter_range(void *position, size_t size)
{
	return (char *)position + size;
}

static inline int __ktask_check_serial(const struct ktask_node *nodes,
				       size_t nr_nodes,
				       const struct ktask_ctl *ctl)
{
	size_t total = 0, i;

	if (!ctl || !ctl->kc_thread_func || (!nodes && nr_nodes))
		return -EINVAL;
	for (i = 0; i < nr_nodes; i++) {
		int nid = nodes[i].kn_nid;

		if (nid != NUMA_NO_NODE &&
		    (nid < 0 || nid >= MAX_NUMNODES || !node_possible(nid)))
			return -EINVAL;
		if (check_add_overflow(total, nodes[i].kn_task_size, &total))
			return -EINVAL;
		if ((!ctl->kc_iter_func || ctl->kc_iter_func == ktask_iter_range) &&
		    (size_t)nodes[i].kn_start > SIZE_MAX - nodes[i].kn_task_size)
			return -EINVAL;
	}
	return 0;
}

/* Without ktask: every node part is one chunk, run by the caller in turn. */
static inline int ktask_run_numa(struct ktask_node *nodes, size_t nr_nodes,
				 struct ktask_ctl *ctl)
{
	ktask_iter_func iter;
	size_t i;
	int ret;

	ret = __ktask_check_serial(nodes, nr_nodes, ctl);
	if (ret)
		return ret;
	might_sleep();
	iter = ctl->kc_iter_func ?: ktask_iter_range;

	for (i = 0; i < nr_nodes && !ret; i++) {
		if (!nodes[i].kn_task_size)
			continue;
		nodes[i].kn_position = (size_t)iter(nodes[i].kn_start,
						    nodes[i].kn_task_size);
		if (ctl->kc_killable && fatal_signal_pending(current)) {
			ret = -EINTR;
			continue;
		}
		ret = ctl->kc_thread_func(nodes[i].kn_start,
					  (void *)nodes[i].kn_position,
					  ctl->kc_func_arg);
	}
	if (!ret || !ctl->kc_undo_func)
		return ret;

	/* The part before i failed; the ones before that completed. */
	for (i--; i--;)
		if (nodes[i].kn_task_size)
			ctl->kc_undo_func(nodes[i].kn_start,
					  (void *)nodes[i].kn_position,
					  ctl->kc_func_arg);
	return ret;
}

static inline int ktask_run(void *start, size_t task_size,
			    struct ktask_ctl *ctl)
{
	struct ktask_node node = { start, task_size, NUMA_NO_NODE };

	return ktask_run_numa(&node, 1, ctl);
}

#endif /* KTASK_DISABLED */

#endif /* _LINUX_KTASK_H */
