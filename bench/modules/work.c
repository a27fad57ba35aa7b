// SPDX-License-Identifier: GPL-2.0
/* What benchmarks do with units: clear memory, spin, sleep, or nothing. */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "bench.h"

/* The function of a work, @name(), as ktask and as others want it. */
#define DEFINE_WORK(name, prepare)					\
	static int name##_chunk(void *start, void *end, void *arg)	\
	{								\
		name((size_t)start, (size_t)end, arg);			\
		return 0;						\
	}								\
	static void name##_range(unsigned long start, unsigned long end, \
				 void *arg)				\
	{								\
		name##_chunk((void *)start, (void *)end, arg);		\
	}								\
	static const struct work work_##name = {			\
		#name, name##_chunk, name##_range, prepare		\
	}

/* Clears memory, where a unit is a block of 2 MiB. */
#define BLOCK_ORDER	9
#define BLOCKS_MAX	1024

static struct page *blocks[BLOCKS_MAX];
static int block_nid[BLOCKS_MAX];

static __always_inline void clear(size_t start, size_t end, struct run *run)
{
	struct seen *seen = chunk_begins(run);
	size_t unit;

	for (unit = start; unit < end; unit++) {
		bool local = numa_node_id() == block_nid[unit];

		clear_pages(page_address(blocks[unit]), 1 << BLOCK_ORDER);
		units_done(seen, 1, local);
		cond_resched();
	}
	chunk_ends(run, seen);
}

/* Blocks stay for the runs that follow: allocating them is not measured. */
static int prepare_blocks(struct run *run)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN;
	size_t i;

	if (run->job.units > BLOCKS_MAX)
		return -E2BIG;
	for (i = 0; i < run->job.units; i++) {
		int nid = nid_of_unit(&run->job, i);

		if (blocks[i] && block_nid[i] == nid)
			continue;
		if (blocks[i])
			__free_pages(blocks[i], BLOCK_ORDER);
		blocks[i] = alloc_pages_node(nid, gfp, BLOCK_ORDER);
		block_nid[i] = nid;
		if (!blocks[i])
			return -ENOMEM;
		/* So that the host has it before the first run. */
		clear_pages(page_address(blocks[i]), 1 << BLOCK_ORDER);
	}
	return 0;
}

DEFINE_WORK(clear, prepare_blocks);

/* Spins, each unit as long as the run's table says. */
u32 loops_per_ms;

noinline void burn(u32 loops)
{
	while (loops--)
		asm volatile("" : "+r" (loops));
}

void work_calibrate(void)
{
	const u32 loops = 20000000;
	u64 least = U64_MAX;
	int i;

	for (i = 0; i < 5; i++) {
		u64 start = ktime_get_ns();

		burn(loops);
		least = min(least, ktime_get_ns() - start);
		cond_resched();
	}
	loops_per_ms = div64_u64((u64)loops * NSEC_PER_MSEC, max(least, 1ull));
}

static __always_inline void spin(size_t start, size_t end, struct run *run)
{
	struct seen *seen = chunk_begins(run);
	size_t unit;

	for (unit = start; unit < end && !READ_ONCE(run->enough); unit++) {
		bool local = numa_node_id() == nid_of_unit(&run->job, unit);

		burn(run->cost[unit]);
		units_done(seen, 1, local);
		cond_resched();
	}
	chunk_ends(run, seen);
}

/* A dear eighth costs this many times what another does. */
#define DEAR	8

/* The same numbers in every run. */
static u32 next_random(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* How much a unit costs compared with others of the same run; above 0. */
static u32 weight(struct run *run, size_t unit, u32 *random)
{
	if (!strcmp(run->skew, "rising"))
		return 2 * unit + 1;
	if (!strcmp(run->skew, "falling"))
		return 2 * (run->job.units - unit) - 1;
	if (!strcmp(run->skew, "eighth"))
		return unit * 8 / run->job.units == run->where ? DEAR : 1;
	/* Half of the units cost 1, a quarter 2, an eighth 4, up to 1024. */
	if (!strcmp(run->skew, "tail"))
		return 1 << __ffs(next_random(random) | 1 << 10);
	return 1;
}

static int prepare_cost(struct run *run)
{
	u64 total = (u64)loops_per_ms * run->ms, sum = 0;
	u32 random = 2463534242;
	size_t i;

	run->cost = kvmalloc_array(run->job.units, sizeof(*run->cost), GFP_KERNEL);
	if (!run->cost)
		return -ENOMEM;
	for (i = 0; i < run->job.units; i++) {
		run->cost[i] = weight(run, i, &random);
		sum += run->cost[i];
	}
	for (i = 0; i < run->job.units; i++)
		run->cost[i] = mul_u64_u64_div_u64(total, run->cost[i], sum);
	return 0;
}

DEFINE_WORK(spin, prepare_cost);

/* Sleeps for each chunk, so that threads that have started hinder no others. */
static __always_inline void doze(size_t start, size_t end, struct run *run)
{
	struct seen *seen = chunk_begins(run);

	msleep(run->ms);
	units_done(seen, end - start, 0);
	chunk_ends(run, seen);
}

DEFINE_WORK(doze, NULL);

/* Does nothing. */
static __always_inline void empty(size_t start, size_t end, struct run *run)
{
}

DEFINE_WORK(empty, NULL);

/* Measures how long each thread needs from one chunk to the next. */
static __always_inline void gap(size_t start, size_t end, struct run *run)
{
	u64 now = get_cycles();
	struct seen *seen = seen_here(run);

	if (!seen)
		return;
	if (seen->last) {
		u64 passed = now - seen->last;

		seen->gap_sum += passed;
		seen->gap_min = min(seen->gap_min ?: U64_MAX, passed);
		seen->gaps++;
	}
	seen->chunks++;
	seen->units += end - start;
	seen->last = get_cycles();
}

DEFINE_WORK(gap, NULL);

static const struct work * const works[] = {
	&work_clear, &work_spin, &work_doze, &work_empty, &work_gap,
};

const struct work *work_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(works); i++)
		if (!strcmp(works[i]->name, name))
			return works[i];
	return NULL;
}
