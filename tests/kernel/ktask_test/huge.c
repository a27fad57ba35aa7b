// SPDX-License-Identifier: GPL-2.0
/* Tasks of as many units as a size_t holds. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/ktask.h>

#include "ktask_test.h"

static atomic64_t huge_sum;

static int huge_chunk(void *start, void *end, void *arg)
{
	atomic64_add((size_t)end - (size_t)start, &huge_sum);
	return 0;
}

static bool p9_huge_sizes(u64 unused)
{
	struct ktask_node halves[] = {
		{ NULL, SIZE_MAX / 2, NUMA_NO_NODE },
		{ (void *)(SIZE_MAX / 2), SIZE_MAX / 2 + 1, 0 },
	};
	size_t mins[] = { 0, 1, 3, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX };
	DEFINE_KTASK_CTL(ctl, huge_chunk, NULL, 1);
	bool ok = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(mins); i++) {
		ctl.kc_min_chunk_size = mins[i];
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run(NULL, SIZE_MAX, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run_numa(halves, 2, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
	}
	return ok;
}

/* As many units, by an iterator whose positions wrap around on the way. */
static void *wrapping_iter(void *position, size_t size)
{
	return position + size;
}

static bool p9_huge_walks(u64 unused)
{
	struct ktask_node halves[] = {
		{ (void *)SIZE_MAX, SIZE_MAX / 2, NUMA_NO_NODE },
		{ (void *)5, SIZE_MAX / 2 + 1, 0 },
	};
	size_t mins[] = { 0, 1, 3, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX };
	DEFINE_KTASK_CTL(ctl, huge_chunk, NULL, 1);
	bool ok = true;
	int i;

	ktask_ctl_set_iter_func(&ctl, wrapping_iter);
	for (i = 0; i < ARRAY_SIZE(mins); i++) {
		ctl.kc_min_chunk_size = mins[i];
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run((void *)(SIZE_MAX / 2), SIZE_MAX, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
		atomic64_set(&huge_sum, 0);
		ok &= expect(!ktask_run_numa(halves, 2, &ctl));
		ok &= expect((size_t)atomic64_read(&huge_sum) == SIZE_MAX);
	}
	return ok;
}

const struct test_case huge_cases[] = {
	CASE(p9_huge_sizes),
	CASE(p9_huge_walks),
	{}
};
