// SPDX-License-Identifier: GPL-2.0
/* Where helpers run. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktask.h>
#include <linux/sched/isolation.h>
#include <linux/topology.h>

#include "crowd.h"
#include "ktask_test.h"

/*
 * Tasks for every node, by many helpers; none may ever be seen on a CPU that is
 * isolated or reserved for nohz_full.
 */
static bool p15_no_helper_on_isolated_cpus(u64 unused)
{
	static struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);
	bool ok = true;
	int nid;

	crowd_init(&crowd, 1);
	ktask_ctl_set_max_threads(&ctl, 16);
	for_each_online_node(nid) {
		struct ktask_node node = { NULL, 200, nid };

		ok &= expect(!ktask_run_numa(&node, 1, &ctl));
	}
	/* Or this would prove nothing. */
	if (default_limit())
		ok &= expect(!cpumask_empty(&crowd.helper_cpus));
	rcu_read_lock();
	ok &= expect(cpumask_subset(&crowd.helper_cpus, housekeeping_cpumask(HK_TYPE_DOMAIN)));
	ok &= expect(cpumask_subset(&crowd.helper_cpus, housekeeping_cpumask(HK_TYPE_WQ)));
	rcu_read_unlock();
	return ok;
}

/*
 * A task for one node, whose helpers must be seen only on the CPUs of a mask, and
 * on one at least: @value is the mask, and above its 32 bits the node.
 */
static bool helpers_only_on(u64 value)
{
	static struct crowd crowd;
	struct ktask_node node = { NULL, 100, (int)(value >> 32) };
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);
	unsigned int cpu;
	bool ok;

	crowd_init(&crowd, 1);
	ktask_ctl_set_max_threads(&ctl, 4);
	ok = expect(!ktask_run_numa(&node, 1, &ctl));
	ok &= expect(!cpumask_empty(&crowd.helper_cpus));
	for_each_cpu(cpu, &crowd.helper_cpus)
		if (cpu >= 32 || !(value & BIT(cpu))) {
			pr_err("a helper was seen on CPU %u\n", cpu);
			ok = false;
		}
	return ok;
}

/* @value: a node id times 1000 plus the threads of a task on that node. */
static bool run_on_node(u64 value)
{
	struct crowd crowd;
	struct ktask_node node = { NULL, 64, (int)(value / 1000) };
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

	crowd_init(&crowd, 10);
	ktask_ctl_set_max_threads(&ctl, value % 1000);
	return expect(!ktask_run_numa(&node, 1, &ctl));
}

/* The same, where chunks wait until all of these threads are there. */
static bool threads_on_node(u64 value)
{
	struct crowd crowd;
	struct ktask_node node = { NULL, 64, (int)(value / 1000) };
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);

	crowd_init(&crowd, 10);
	crowd.expected = value % 1000;
	crowd.patience = jiffies + 60 * HZ;
	ktask_ctl_set_max_threads(&ctl, crowd.expected);
	return expect(!ktask_run_numa(&node, 1, &ctl)) &&
	       expect(crowd.nr_threads == crowd.expected);
}

/*
 * One part per node, the one on the caller's node far larger. All threads begin
 * there, and move on to the others.
 */
static bool run_on_all_nodes(u64 threads)
{
	struct ktask_node nodes[8];
	static struct crowd crowd;
	DEFINE_KTASK_CTL(ctl, crowd_chunk, &crowd, 1);
	int here = cpu_to_node(raw_smp_processor_id());
	size_t nr = 0;
	int nid;

	for_each_online_node(nid) {
		if (nr == ARRAY_SIZE(nodes))
			break;
		nodes[nr].kn_start = NULL;
		nodes[nr].kn_task_size = nid == here ? 100 : 12;
		nodes[nr++].kn_nid = nid;
	}
	crowd_init(&crowd, 5);
	ktask_ctl_set_max_threads(&ctl, threads);
	return expect(!ktask_run_numa(nodes, nr, &ctl));
}

const struct test_case placement_cases[] = {
	CASE(p15_no_helper_on_isolated_cpus),
	{}
};

const struct test_case placement_controls[] = {
	CASE(helpers_only_on),
	CASE(run_on_node),
	CASE(threads_on_node),
	CASE(run_on_all_nodes),
	{}
};
