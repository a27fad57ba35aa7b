// SPDX-License-Identifier: GPL-2.0
/*
 * C side of helpers.h: one thin function per macro or inline function, and the
 * export of the C interface, whose functions are written in Rust.
 */
#include <linux/cpufreq.h>
#include <linux/cpumask.h>
#include <linux/debug_locks.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/nodemask.h>
#include <linux/sched/isolation.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "helpers.h"

unsigned int ktask_helper_nr_node_ids(void)
{
	return nr_node_ids;
}

bool ktask_helper_node_possible(int nid)
{
	return nid >= 0 && nid < MAX_NUMNODES && node_possible(nid);
}

int ktask_helper_node_distance(int from, int to)
{
	return node_distance(from, to);
}

int ktask_helper_cpu_to_node(unsigned int cpu)
{
	return cpu_to_node(cpu);
}

bool ktask_helper_cpu_possible(unsigned int cpu)
{
	return cpu_possible(cpu);
}

void ktask_helper_usable_cpus(struct cpumask *mask)
{
	/* cpusets replace the mask of HK_TYPE_DOMAIN at run time. */
	guard(rcu)();
	cpumask_and(mask, cpu_online_mask, housekeeping_cpumask(HK_TYPE_DOMAIN));
	cpumask_and(mask, mask, housekeeping_cpumask(HK_TYPE_WQ));
}

bool ktask_helper_usable_cpus_are(const struct cpumask *mask)
{
	const unsigned long *online = cpumask_bits(cpu_online_mask);
	const unsigned long *domain, *wq;
	unsigned int i;

	guard(rcu)();
	domain = cpumask_bits(housekeeping_cpumask(HK_TYPE_DOMAIN));
	wq = cpumask_bits(housekeeping_cpumask(HK_TYPE_WQ));
	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++)
		if (cpumask_bits(mask)[i] != (online[i] & domain[i] & wq[i]))
			return false;
	return true;
}

unsigned int ktask_helper_this_cpu(void)
{
	return raw_smp_processor_id();
}

int ktask_helper_task_nice(const struct task_struct *task)
{
	return task_nice(task);
}

bool ktask_helper_killed(struct task_struct *task)
{
	/* It may be sent just now, which counts the next time. */
	return data_race(fatal_signal_pending(task));
}

/* Not cpus_ptr, which is one CPU while a thread with PREEMPT_RT has a lock. */
bool ktask_helper_may_use(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &current->cpus_mask);
}

unsigned int ktask_helper_may_use_of(const struct cpumask *mask)
{
	return cpumask_weight_and(&current->cpus_mask, mask);
}

void ktask_helper_cond_resched(void)
{
	cond_resched();
}

#ifdef CONFIG_CPU_FREQ
/*
 * Drivers that choose the frequency themselves. "powersave" is what these call
 * their default, and no sign that energy matters more than time.
 */
static const char * const active_drivers[] = { "intel_pstate", "amd-pstate-epp" };

static bool policy_saves_power(struct cpufreq_policy *policy)
{
	const struct cpufreq_governor *governor = policy->governor;
	const char *driver = cpufreq_get_current_driver();

	if (governor)
		return !strcmp(governor->name, "powersave") ||
		       !strcmp(governor->name, "conservative");
	return policy->policy == CPUFREQ_POLICY_POWERSAVE && driver &&
	       match_string(active_drivers, ARRAY_SIZE(active_drivers), driver) < 0;
}

bool ktask_helper_saving_power(void)
{
	unsigned int cpu;
	bool saving = false;

	for_each_online_cpu(cpu) {
		struct cpufreq_policy *policy = cpufreq_cpu_get(cpu);

		if (!policy)
			continue;
		/* Governor and driver cannot go while this is held. */
		if (policy->cpu == cpu && down_read_trylock(&policy->rwsem)) {
			saving = policy_saves_power(policy);
			up_read(&policy->rwsem);
		}
		cpufreq_cpu_put(policy);
		if (saving)
			return true;
	}
	return false;
}
#else
bool ktask_helper_saving_power(void)
{
	return false;
}
#endif

#ifdef CONFIG_LOCKDEP
/* Tells our locks from others; also their name. */
static const char wait_name[] = "ktask_run";

/*
 * How many tasks the calling thread is working for. Tasks nest like a tree, a
 * caller waits for its own helpers only, so nesting cannot deadlock: with the
 * depth as the subclass, a task's lock is always taken under those of smaller
 * subclasses, whatever call sites are nested in each other.
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

void ktask_helper_wait_init(struct ktask_wait *wait, struct lock_class_key *key,
			    unsigned long function)
{
	lockdep_init_map(&wait->map, wait_name, key ?: &__lockdep_no_validate__, 0);
	wait->depth = wait_depth();
	wait->function = function;
}

void ktask_helper_wait_acquire(struct ktask_wait *wait)
{
	/* Below the last subclass there is nothing more to tell apart. */
	if (wait->depth < MAX_LOCKDEP_SUBCLASSES)
		lock_acquire_exclusive(&wait->map, wait->depth, 0, NULL,
				       wait->function);
}

void ktask_helper_wait_release(struct ktask_wait *wait)
{
	if (wait->depth < MAX_LOCKDEP_SUBCLASSES)
		lock_release(&wait->map, wait->function);
}
#else
void ktask_helper_wait_init(struct ktask_wait *wait, struct lock_class_key *key,
			    unsigned long function)
{
}

void ktask_helper_wait_acquire(struct ktask_wait *wait)
{
}

void ktask_helper_wait_release(struct ktask_wait *wait)
{
}
#endif

struct workqueue_struct *ktask_helper_alloc_workqueue(void)
{
	/*
	 * The limits are ours, so the workqueue's own must never be the tighter
	 * one; WQ_SYSFS gives the administrator the usual workqueue knobs. Not
	 * WQ_FREEZABLE: helpers exist only while their caller is in the call,
	 * and a caller that may go on during a suspend needs them.
	 */
	return alloc_workqueue("ktask", WQ_UNBOUND | WQ_SYSFS, WQ_MAX_ACTIVE);
}

EXPORT_SYMBOL_GPL(ktask_run);
EXPORT_SYMBOL_GPL(__ktask_run);
EXPORT_SYMBOL_GPL(ktask_run_numa);
EXPORT_SYMBOL_GPL(__ktask_run_numa);
EXPORT_SYMBOL_GPL(ktask_iter_range);
