// SPDX-License-Identifier: GPL-2.0
/* Helpers that keep to a node, and are held there for as long as a script wants. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "ktask_test.h"

static struct {
	struct task_struct *caller;
	int nid;
	struct completion release;
	struct completion done;
	atomic_t helpers;
	/* Helpers that were elsewhere, or might have been. */
	atomic_t strays;
	bool failed;
} held;

static int held_chunk(void *start, void *end, void *arg)
{
	const struct cpumask *node = cpumask_of_node(held.nid);

	if (current != held.caller) {
		if (!cpumask_subset(&current->cpus_mask, node) ||
		    !cpumask_test_cpu(raw_smp_processor_id(), node))
			atomic_inc(&held.strays);
		atomic_inc(&held.helpers);
		wait_for_completion(&held.release);
		return 0;
	}
	wait_until(atomic_read(&held.helpers), 20);
	return 0;
}

static int held_caller(void *unused)
{
	struct ktask_node node = { NULL, 64, held.nid };
	DEFINE_KTASK_CTL(ctl, held_chunk, NULL, 1);

	ktask_ctl_set_max_threads(&ctl, 3);
	held.failed = ktask_run_numa(&node, 1, &ctl);
	complete(&held.done);
	return 0;
}

/* Starts a task on the node @nid, and returns when it has a helper. */
static bool hold_helpers(u64 nid)
{
	memset(&held, 0, sizeof(held));
	init_completion(&held.release);
	init_completion(&held.done);
	held.nid = nid;
	held.caller = kthread_create(held_caller, NULL, "ktask_test/held");
	if (!expect(!IS_ERR(held.caller))) {
		held.caller = NULL;
		return false;
	}
	wake_up_process(held.caller);
	wait_until(atomic_read(&held.helpers), 20);
	return expect(atomic_read(&held.helpers));
}

/* Ends that task, whose helpers must have begun on the node, unable to leave it. */
static bool release_helpers(u64 unused)
{
	if (!held.caller)
		return true;
	complete_all(&held.release);
	wait_for_completion(&held.done);
	held.caller = NULL;
	return expect(!held.failed) && expect(!atomic_read(&held.strays));
}

void end_held(void)
{
	release_helpers(0);
}

const struct test_case affinity_controls[] = {
	CASE(hold_helpers),
	CASE(release_helpers),
	{}
};
