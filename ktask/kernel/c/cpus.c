// SPDX-License-Identifier: GPL-2.0
/* CPUs and NUMA nodes. */
#include <linux/cpumask.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "glue.h"

unsigned int ktask_c_nr_node_ids(void)
{
	return nr_node_ids;
}

bool ktask_c_node_possible(int nid)
{
	return nid >= 0 && nid < MAX_NUMNODES && node_possible(nid);
}

int ktask_c_node_distance(int from, int to)
{
	return node_distance(from, to);
}

int ktask_c_cpu_to_node(unsigned int cpu)
{
	return cpu_to_node(cpu);
}

bool ktask_c_cpu_possible(unsigned int cpu)
{
	return cpu_possible(cpu);
}

void ktask_c_usable_cpus(struct cpumask *mask)
{
	/* cpusets replace the mask of HK_TYPE_DOMAIN at run time. */
	guard(rcu)();
	/* CPUs that come or go at this moment are seen at the next look. */
	data_race(cpumask_and(mask, cpu_online_mask, housekeeping_cpumask(HK_TYPE_DOMAIN)));
	cpumask_and(mask, mask, housekeeping_cpumask(HK_TYPE_WQ));
}

bool ktask_c_usable_cpus_are(const struct cpumask *mask)
{
	const unsigned long *online = cpumask_bits(cpu_online_mask);
	const unsigned long *domain, *wq;
	unsigned int i;

	guard(rcu)();
	domain = cpumask_bits(housekeeping_cpumask(HK_TYPE_DOMAIN));
	wq = cpumask_bits(housekeeping_cpumask(HK_TYPE_WQ));
	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++)
		if (cpumask_bits(mask)[i] !=
		    (READ_ONCE(online[i]) & READ_ONCE(domain[i]) & READ_ONCE(wq[i])))
			return false;
	return true;
}

unsigned int ktask_c_this_cpu(void)
{
	return raw_smp_processor_id();
}

int ktask_c_this_node(void)
{
	return cpu_to_node(raw_smp_processor_id());
}

/* Not cpus_ptr, which is one CPU while a thread with PREEMPT_RT has a lock. */
bool ktask_c_may_use(unsigned int cpu)
{
	/* Changed by others: hotplug, cpusets, sched_setaffinity(). */
	return data_race(cpumask_test_cpu(cpu, &current->cpus_mask));
}

bool ktask_c_may_use_by(const struct task_struct *task, unsigned int cpu)
{
	/* An affinity that is changed at this moment counts the next time. */
	return data_race(cpumask_test_cpu(cpu, &task->cpus_mask));
}

unsigned int ktask_c_may_use_of(const struct cpumask *mask)
{
	/* As in ktask_c_may_use(). */
	return data_race(cpumask_weight_and(&current->cpus_mask, mask));
}
