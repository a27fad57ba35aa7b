// SPDX-License-Identifier: GPL-2.0
/* What a task allocates. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktask.h>
#include <linux/slab.h>
#include <trace/events/kmem.h>

#include "ktask_test.h"

static atomic_t allocations;
static struct task_struct *watched;

static void probe_kmalloc(void *data, unsigned long call_site, const void *ptr,
			  size_t bytes_req, size_t bytes_alloc, gfp_t flags, int node)
{
	if (READ_ONCE(watched) == current)
		atomic_inc(&allocations);
}

static void probe_cache(void *data, unsigned long call_site, const void *ptr,
			struct kmem_cache *s, gfp_t flags, int node)
{
	if (READ_ONCE(watched) == current)
		atomic_inc(&allocations);
}

static int empty_chunk(void *start, void *end, void *arg)
{
	return 0;
}

static bool p5_no_memory_is_allocated(u64 unused)
{
	DEFINE_KTASK_CTL(ctl, empty_chunk, NULL, 1);
	bool ok;
	int i;

	if (register_trace_kmalloc(probe_kmalloc, NULL))
		return expect(false);
	if (register_trace_kmem_cache_alloc(probe_cache, NULL)) {
		unregister_trace_kmalloc(probe_kmalloc, NULL);
		return expect(false);
	}
	atomic_set(&allocations, 0);
	WRITE_ONCE(watched, current);
	for (i = 0; i < 100; i++)
		ktask_run(NULL, 100, &ctl);
	ok = !atomic_read(&allocations);
	/* The probes work, or this would prove nothing. */
	kfree(kmalloc(32, GFP_KERNEL));
	WRITE_ONCE(watched, NULL);
	ok = expect(ok) && expect(atomic_read(&allocations) > 0);
	unregister_trace_kmem_cache_alloc(probe_cache, NULL);
	unregister_trace_kmalloc(probe_kmalloc, NULL);
	tracepoint_synchronize_unregister();
	return ok;
}

const struct test_case memory_cases[] = {
	CASE(p5_no_memory_is_allocated),
	{}
};
