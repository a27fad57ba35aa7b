// SPDX-License-Identifier: GPL-2.0
/* Sizes, parts and minimums of every kind, good and bad. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktask.h>
#include <linux/slab.h>

#include "count.h"
#include "ktask_test.h"

static bool p2_smaller_than_min_is_one_chunk(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1000);

	return expect(!ktask_run((void *)5, 999, &ctl)) &&
	       expect(atomic_read(&count.calls) == 1) &&
	       expect(count.start == 5 && count.end == 1004);
}

static bool p9_bad_arguments(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1);
	DEFINE_KTASK_CTL(no_func, NULL, &count, 1);
	struct ktask_node good = { NULL, 8, NUMA_NO_NODE };
	struct ktask_node huge[] = { { NULL, SIZE_MAX, NUMA_NO_NODE }, { NULL, 1, NUMA_NO_NODE } };
	int bad_nids[] = { -2, INT_MIN, INT_MAX, MAX_NUMNODES, nr_node_ids };
	bool ok;
	int i;

	ok = expect(ktask_run(NULL, 8, NULL) == -EINVAL);
	ok &= expect(ktask_run(NULL, 8, &no_func) == -EINVAL);
	ok &= expect(ktask_run(NULL, 0, &no_func) == -EINVAL);
	ok &= expect(ktask_run((void *)2, SIZE_MAX, &ctl) == -EINVAL);
	ok &= expect(ktask_run_numa(&good, 1, NULL) == -EINVAL);
	ok &= expect(ktask_run_numa(&good, 1, &no_func) == -EINVAL);
	ok &= expect(ktask_run_numa(NULL, 1, &ctl) == -EINVAL);
	ok &= expect(ktask_run_numa(NULL, SIZE_MAX, &ctl) == -EINVAL);
	ok &= expect(ktask_run_numa(huge, 2, &ctl) == -EINVAL);
	for (i = 0; i < ARRAY_SIZE(bad_nids); i++) {
		struct ktask_node nodes[] = { good, { NULL, 8, bad_nids[i] } };

		ok &= expect(ktask_run_numa(nodes, 2, &ctl) == -EINVAL);
	}
	return ok & expect(!atomic_read(&count.calls));
}

/* Checked where tasks of one chunk run in place, too. */
static bool p9_bad_arguments_of_one_chunk(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, SIZE_MAX);
	DEFINE_KTASK_CTL(no_func, NULL, &count, SIZE_MAX);
	struct ktask_node node = { NULL, 8, NUMA_NO_NODE };
	struct ktask_node wraps = { (void *)2, SIZE_MAX, NUMA_NO_NODE };
	int bad_nids[] = { -2, INT_MIN, INT_MAX, MAX_NUMNODES, nr_node_ids };
	bool ok;
	int i;

	ok = expect(ktask_run(NULL, 8, &no_func) == -EINVAL);
	ok &= expect(ktask_run_numa(&node, 1, &no_func) == -EINVAL);
	ok &= expect(ktask_run((void *)2, SIZE_MAX, &ctl) == -EINVAL);
	ok &= expect(ktask_run_numa(&wraps, 1, &ctl) == -EINVAL);
	for (i = 0; i < ARRAY_SIZE(bad_nids); i++) {
		node.kn_nid = bad_nids[i];
		ok &= expect(ktask_run_numa(&node, 1, &ctl) == -EINVAL);
	}
	return ok & expect(!atomic_read(&count.calls));
}

#define ONE_CHUNK_UNITS 5

/*
 * Four tasks of one chunk, each called in another way, two of them through a pointer; and one that
 * fails, and leaves nothing to undo.
 */
static bool one_chunk_however_called(u64 unused)
{
	int (*run)(void *start, size_t size, struct ktask_ctl *ctl) = ktask_run;
	int (*numa)(struct ktask_node *nodes, size_t nr, struct ktask_ctl *ctl) = ktask_run_numa;
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, ONE_CHUNK_UNITS);
	struct ktask_node node = { (void *)7, ONE_CHUNK_UNITS, 0 };
	bool ok;

	OPTIMIZER_HIDE_VAR(run);
	OPTIMIZER_HIDE_VAR(numa);
	ktask_ctl_set_undo_func(&ctl, count_undo);
	ok = expect(!ktask_run((void *)7, ONE_CHUNK_UNITS, &ctl));
	ok &= expect(!run((void *)7, ONE_CHUNK_UNITS, &ctl));
	ok &= expect(!ktask_run_numa(&node, 1, &ctl));
	ok &= expect(!numa(&node, 1, &ctl));
	ok &= expect(atomic_read(&count.calls) == 4);
	ok &= expect(count.start == 7 && count.end == 7 + ONE_CHUNK_UNITS);
	count.result = -ENODATA;
	ok &= expect(ktask_run((void *)7, ONE_CHUNK_UNITS, &ctl) == -ENODATA);
	ok &= expect(atomic_read(&count.calls) == 5);
	return ok & expect(!atomic_read(&count.undos));
}

static bool p9_nothing_to_do(u64 unused)
{
	struct count count = { .result = 1 };
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1);
	struct ktask_node empty[] = { { NULL, 0, NUMA_NO_NODE }, { NULL, 0, 0 } };
	bool ok;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	ok = expect(!ktask_run(NULL, 0, &ctl));
	ok &= expect(!ktask_run_numa(NULL, 0, &ctl));
	ok &= expect(!ktask_run_numa(empty, 2, &ctl));
	ok &= expect(!atomic_read(&count.calls));
	return ok & expect(!atomic_read(&count.undos));
}

static bool p9_min_chunk_of_0_counts_as_1(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 0);

	ctl.kc_iter_func = NULL;
	return expect(!ktask_run(NULL, 3, &ctl)) &&
	       expect(atomic_read(&count.calls) >= 1);
}

static bool p9_min_chunk_above_every_part(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, SIZE_MAX);
	struct ktask_node nodes[] = {
		{ NULL, 3, 0 }, { NULL, 0, 0 }, { (void *)3, 5, 0 }, { (void *)8, 1, NUMA_NO_NODE },
	};

	return expect(!ktask_run_numa(nodes, ARRAY_SIZE(nodes), &ctl)) &&
	       expect(atomic_read(&count.calls) == 3);
}

static int tally_chunk(void *start, void *end, void *arg)
{
	atomic_t *tally = arg;
	size_t i;

	for (i = (size_t)start; i < (size_t)end; i++)
		atomic_inc(&tally[i]);
	return 0;
}

#define TALLY 1000

/* Many parts, all of one node, with empty ones between, and each range in two. */
static bool p9_one_node_named_many_times(u64 unused)
{
	size_t nr = 2 * TALLY, i;
	struct ktask_node *nodes = kvcalloc(nr, sizeof(*nodes), GFP_KERNEL);
	atomic_t *tally = kvcalloc(TALLY, sizeof(*tally), GFP_KERNEL);
	DEFINE_KTASK_CTL(ctl, tally_chunk, tally, 1);
	bool ok = expect(nodes && tally);

	for (i = 0; ok && i < nr; i++) {
		nodes[i].kn_start = (void *)(i % TALLY / 4 * 4);
		nodes[i].kn_task_size = i % 4 ? 0 : 4;
		nodes[i].kn_nid = 0;
	}
	if (ok) {
		ktask_ctl_set_max_threads(&ctl, 4);
		ok = expect(!ktask_run_numa(nodes, nr, &ctl));
	}
	for (i = 0; ok && i < TALLY; i++)
		ok = expect(atomic_read(&tally[i]) == 2);
	kvfree(tally);
	kvfree(nodes);
	return ok;
}

/* The array can be used again, and only its private members have changed. */
static bool nodes_can_be_used_again(u64 unused)
{
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 10);
	struct ktask_node node = { (void *)100, 10, 0 };
	int i;

	for (i = 1; i <= 3; i++) {
		if (!expect(!ktask_run_numa(&node, 1, &ctl)) ||
		    !expect(atomic_read(&count.calls) == i) ||
		    !expect(count.start == 100 && count.end == 110) ||
		    !expect(node.kn_start == (void *)100) ||
		    !expect(node.kn_task_size == 10 && node.kn_nid == 0))
			return false;
	}
	return true;
}

const struct test_case arguments_cases[] = {
	CASE(p2_smaller_than_min_is_one_chunk),
	CASE(p9_bad_arguments),
	CASE(p9_bad_arguments_of_one_chunk),
	CASE(one_chunk_however_called),
	CASE(p9_nothing_to_do),
	CASE(p9_min_chunk_of_0_counts_as_1),
	CASE(p9_min_chunk_above_every_part),
	CASE(p9_one_node_named_many_times),
	CASE(nodes_can_be_used_again),
	{}
};
