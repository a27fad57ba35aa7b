// SPDX-License-Identifier: GPL-2.0
/* The CPUs that a worker may run on, while it is a helper. */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "glue.h"

/*
 * Cores that share a pool of workers, by default: an unbound workqueue divides
 * those that share a cache into shards of about so many. ktask/placement/turns.rs
 * has the same number, of CPUs.
 */
#define SHARD_CORES	8

bool ktask_c_affinity_init(struct ktask_affinity *affinity)
{
	affinity->found = kzalloc(3 * cpumask_size(), GFP_KERNEL);
	if (!affinity->found)
		return false;
	affinity->set = (void *)affinity->found + cpumask_size();
	affinity->outside = (void *)affinity->set + cpumask_size();
	return true;
}

void ktask_c_affinity_destroy(struct ktask_affinity *affinity)
{
	kfree(affinity->found);
}

/*
 * Whether the worker is to get back the mask that was found: not if the workqueue
 * has set another one since, which happens when a CPU comes online. If all CPUs of
 * a thread go offline, the scheduler lets the thread run where others may, even where
 * the workqueue does not: that shows in CPUs which were online and not the worker's,
 * as the workqueue never adds one of those.
 */
static bool is_bound(const struct ktask_affinity *affinity)
{
	const struct cpumask *mask = &current->cpus_mask;

	if (!affinity->bound)
		return false;
	/* Not all callers hold the hotplug lock, under which masks change. */
	return data_race(cpumask_equal(mask, affinity->set) ||
			 cpumask_intersects(mask, affinity->outside));
}

bool ktask_c_affinity_has(const struct ktask_affinity *affinity, unsigned int cpu)
{
	return cpumask_test_cpu(cpu, is_bound(affinity) ?
				affinity->found : &current->cpus_mask);
}

static unsigned int shard(unsigned int cpu)
{
	return cpumask_first(topology_sibling_cpumask(cpu)) / SHARD_CORES;
}

/* Whether the worker is on CPUs that share a pool with @cpu, as far as ktask knows. */
static bool are_near(unsigned int a, unsigned int b)
{
	return cpu_to_node(a) == cpu_to_node(b) && shard(a) == shard(b);
}

/* Leaves those CPUs of @mask that are near @cpu. */
static void keep_near(struct cpumask *mask, unsigned int cpu)
{
	unsigned int other;

	for_each_cpu(other, mask)
		if (!are_near(other, cpu))
			__cpumask_clear_cpu(other, mask);
}

static void bind(struct ktask_affinity *affinity, int node, unsigned int cpu)
{
	struct cpumask *found = affinity->found, *set = affinity->set;

	cpumask_copy(found, &current->cpus_mask);
	cpumask_andnot(affinity->outside, cpu_online_mask, found);
	cpumask_and(set, found, cpu_online_mask);
	if (cpumask_subset(set, cpumask_of_node(node)) ||
	    !cpumask_and(set, set, cpumask_of_node(node)))
		return;
	/*
	 * First of all to where the helper was placed, or all could be in one
	 * shard. Not to the very CPU: the worker must be able to leave it if a
	 * thread of a higher priority runs there.
	 */
	if (cpumask_test_cpu(cpu, set) && !are_near(raw_smp_processor_id(), cpu)) {
		keep_near(set, cpu);
		set_cpus_allowed_ptr(current, set);
		cpumask_and(set, found, cpu_online_mask);
		cpumask_and(set, set, cpumask_of_node(node));
	}
	set_cpus_allowed_ptr(current, set);
	affinity->bound = true;
}

void ktask_c_bind(struct ktask_affinity *affinity, int node, unsigned int cpu)
{
	/*
	 * Not while the workqueue may be setting masks, which is when a CPU comes
	 * online. Waiting for that could be a deadlock: whoever brings up the CPU
	 * may be waiting for this helper.
	 */
	if (!cpus_read_trylock())
		return;
	bind(affinity, node, cpu);
	cpus_read_unlock();
}

void ktask_c_unbind(struct ktask_affinity *affinity)
{
	/* Nobody waits for the helper any more. */
	guard(cpus_read_lock)();
	if (is_bound(affinity))
		set_cpus_allowed_ptr(current, affinity->found);
	affinity->bound = false;
}
