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
 * those that share a cache into shards of about so many.
 */
#define SHARD_CORES	8

bool ktask_c_affinity_init(struct ktask_affinity *affinity)
{
	affinity->found = kzalloc(2 * cpumask_size(), GFP_KERNEL);
	if (!affinity->found)
		return false;
	affinity->set = (void *)affinity->found + cpumask_size();
	return true;
}

void ktask_c_affinity_destroy(struct ktask_affinity *affinity)
{
	kfree(affinity->found);
}

/*
 * Whether the worker is to get back the mask that was found: not if the workqueue
 * has set another one since, which happens when a CPU comes online. If all CPUs of
 * a thread go offline, the scheduler lets the thread run anywhere, even where the
 * workqueue does not: that shows in a CPU which was online and not the worker's, as
 * the workqueue never adds one of those.
 */
static bool is_confined(const struct ktask_affinity *affinity)
{
	const struct cpumask *mask = &current->cpus_mask;

	if (!affinity->confined)
		return false;
	/* Not all callers hold the hotplug lock, under which masks change. */
	return data_race(cpumask_equal(mask, affinity->set)) ||
	       (affinity->outside < nr_cpu_ids &&
		cpumask_test_cpu(affinity->outside, mask));
}

bool ktask_c_affinity_has(const struct ktask_affinity *affinity, unsigned int cpu)
{
	return cpumask_test_cpu(cpu, is_confined(affinity) ?
				affinity->found : &current->cpus_mask);
}

static unsigned int shard(unsigned int cpu)
{
	return cpumask_first(topology_sibling_cpumask(cpu)) / SHARD_CORES;
}

/* Whether the worker is on CPUs that share a pool with @cpu, as far as ktask knows. */
static bool is_near(unsigned int cpu)
{
	unsigned int here = raw_smp_processor_id();

	return cpu_to_node(here) == cpu_to_node(cpu) && shard(here) == shard(cpu);
}

static void confine(struct ktask_affinity *affinity, int node, unsigned int cpu)
{
	struct cpumask *found = affinity->found, *set = affinity->set;
	bool again = is_confined(affinity);

	/* The next task of a worker that goes from task to task. */
	if (again && affinity->node == node)
		return;
	if (!again) {
		cpumask_copy(found, &current->cpus_mask);
		affinity->outside = cpumask_next_andnot(-1, cpu_online_mask, found);
		affinity->confined = false;
	}
	cpumask_and(set, found, cpu_online_mask);
	if (!again && cpumask_subset(set, cpumask_of_node(node)))
		return;
	if (!cpumask_and(set, set, cpumask_of_node(node))) {
		/* No CPU of the node is the worker's. */
		if (again)
			set_cpus_allowed_ptr(current, found);
		affinity->confined = false;
		return;
	}
	/*
	 * First of all to the very CPU, where no other helper was placed. For the
	 * node as a whole the scheduler would choose one without regard to what
	 * runs there, be it the caller.
	 */
	if (cpumask_test_cpu(cpu, set) && !is_near(cpu))
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	set_cpus_allowed_ptr(current, set);
	affinity->confined = true;
	affinity->node = node;
}

void ktask_c_confine(struct ktask_affinity *affinity, int node, unsigned int cpu)
{
	/*
	 * Not while the workqueue may be setting masks, which is when a CPU comes
	 * online. Waiting for that could be a deadlock: whoever brings up the CPU
	 * may be waiting for this helper.
	 */
	if (!cpus_read_trylock())
		return;
	confine(affinity, node, cpu);
	cpus_read_unlock();
}

void ktask_c_unconfine(struct ktask_affinity *affinity)
{
	/* Nobody waits for the helper any more. */
	guard(cpus_read_lock)();
	if (is_confined(affinity))
		set_cpus_allowed_ptr(current, affinity->found);
	affinity->confined = false;
}
