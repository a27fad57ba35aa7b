/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random tasks, and an oracle that knows what ktask may do with them: a client
 * that keeps book of every unit, and finds each promise broken that can be seen
 * from a client's functions.
 */
#ifndef KTASK_ORACLE_H
#define KTASK_ORACLE_H

#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/ktask.h>
#include <linux/prandom.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#define ORACLE_PARTS	8
/* Error codes of failing chunks: more than one, none of them an errno. */
#define FAIL_BASE	10000
#define FAIL_CODES	97

/* What became of one unit of the oracle. */
struct oracle_unit {
	atomic_t ran;
	atomic_t undone;
	bool failed;
};

/* How long chunks take. */
enum oracle_pace {
	PACE_QUICK,
	/* Long enough for helpers to arrive. */
	PACE_SLOW,
	/* Some so long that the caller waits for a helper. */
	PACE_UNEVEN,
	NR_PACES,
};

enum oracle_phase {
	ORACLE_IDLE,
	ORACLE_RUNNING,
	ORACLE_OVER,
};

/*
 * One task, and what happened to it. Units of all parts are numbered through.
 * Each stands for 2^shift units of ktask's. A position is a unit's number times
 * that, or, for walked tasks, scrambled so that only the iterator can make sense
 * of it.
 */
struct oracle {
	/* What the task is like; never changes while it runs. */
	u32 seed;
	struct ktask_node parts[ORACLE_PARTS];
	size_t nr_parts;
	size_t units;
	unsigned int shift;
	size_t min_chunk;
	size_t max_threads;
	/* How many thread functions may run at once. */
	size_t most_inside;
	unsigned int fail_permille;
	bool numa;
	bool walk;
	bool undo;
	bool killable;
	enum oracle_pace pace;
	struct task_struct *caller;
	/* The task in whose thread function this one runs, if any. */
	const struct oracle *outer;
	/* How deep thread functions may start tasks of their own. */
	unsigned int depth;
	/* Of the outermost caller: the only value that ktask may boost a helper to. */
	int nice;

	/* What happened to it. */
	enum oracle_phase phase;
	atomic_t broken;
	atomic_t failures;
	atomic_t inside;
	/* The last helper that ended a chunk while its priority was boosted. */
	struct task_struct *boosted;
	unsigned long codes[BITS_TO_LONGS(FAIL_CODES)];

	size_t max_units;
	struct oracle_unit unit[] __counted_by(max_units);
};

/* Bounds for random tasks. */
struct oracle_bounds {
	size_t max_threads;
	/* Chunks that fail, at most, in a task that may fail. */
	unsigned int fail_permille;
	unsigned int depth;
	/* The largest number of helpers at any time. */
	int helpers;
};

static struct oracle_bounds oracle_bounds = {
	.max_threads = 8,
	.fail_permille = 200,
	.helpers = INT_MAX,
};

/* Of all tasks so far. */
static struct {
	atomic64_t tasks;
	atomic64_t chunks;
	atomic64_t helper_chunks;
	atomic64_t units;
	atomic64_t failed;
	atomic64_t killed;
	atomic64_t undone;
	atomic64_t nested;
	atomic64_t errors;
} oracle_totals;

/* Helpers that are in a thread function of any task. */
static atomic_t oracle_helpers;

#define SCRAMBLE	0x5a5a000000000000UL

static size_t unit_of(const struct oracle *o, void *position)
{
	return ((size_t)position ^ (o->walk ? SCRAMBLE : 0)) >> o->shift;
}

static void *position_of(const struct oracle *o, size_t unit)
{
	return (void *)((unit << o->shift) ^ (o->walk ? SCRAMBLE : 0));
}

static void *oracle_iter(void *position, size_t size)
{
	return (void *)((((size_t)position ^ SCRAMBLE) + size) ^ SCRAMBLE);
}

/* The owner of a task may change its helpers' at any time. */
static int my_nice(void)
{
	/* Either value is one of those that are allowed. */
	return data_race(task_nice(current));
}

static void oracle_describe(const struct oracle *o)
{
	size_t i;

	pr_err("  task %u: %s, %zu units << %u, min chunk %zu, max threads %zu, %u/1000 fail%s%s%s, pace %u, depth %u, nice %d\n",
	       o->seed, o->walk ? "walk" : "range", o->units, o->shift, o->min_chunk,
	       o->max_threads, o->fail_permille, o->undo ? ", undo" : "",
	       o->killable ? ", killable" : "", o->numa ? ", numa" : "", o->pace, o->depth,
	       o->nice);
	for (i = 0; i < o->nr_parts; i++)
		pr_err("  task %u: part %zu: %zu units, node %d\n", o->seed, i,
		       o->parts[i].kn_task_size >> o->shift, o->parts[i].kn_nid);
}

/* Tells of the first thing wrong with a task; @a and @b are what it is about. */
static void broken(struct oracle *o, const char *what, size_t a, size_t b)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);

	atomic64_inc(&oracle_totals.errors);
	if (atomic_fetch_inc(&o->broken) || !__ratelimit(&limit))
		return;
	pr_err("!!! task %u: %s: %zu, %zu (thread %s on CPU %d, nice %d)\n", o->seed, what, a, b,
	       current->comm, raw_smp_processor_id(), my_nice());
	oracle_describe(o);
}

/* The part that holds @unit; NULL if none does. */
static const struct ktask_node *part_of(const struct oracle *o, size_t unit)
{
	size_t i;

	for (i = 0; i < o->nr_parts; i++) {
		size_t start = unit_of(o, o->parts[i].kn_start);

		if (unit >= start && unit - start < o->parts[i].kn_task_size >> o->shift)
			return &o->parts[i];
	}
	return NULL;
}

/* The end of the part that holds @unit; 0 if none does. */
static size_t part_end(const struct oracle *o, size_t unit)
{
	const struct ktask_node *part = part_of(o, unit);

	return part ? unit_of(o, part->kn_start) + (part->kn_task_size >> o->shift) : 0;
}

/* P2: inside one part, a multiple of the minimum or the rest of the part. */
static bool chunk_is_good(const struct oracle *o, void *from, void *to)
{
	size_t start = unit_of(o, from), end = unit_of(o, to);
	size_t last = part_end(o, start);

	if (position_of(o, start) != from || position_of(o, end) != to)
		return false;
	if (end <= start || end > last)
		return false;
	return end == last || !(((end - start) << o->shift) % max(o->min_chunk, 1ul));
}

static u32 pick(struct rnd_state *rnd, u32 below)
{
	return prandom_u32_state(rnd) % below;
}

/* Much the same number for every chunk of a task, whatever runs it and when. */
static u32 fate_of(const struct oracle *o, size_t start, u32 what)
{
	return hash_32(start * 31 + o->seed + what * 0x9e3779b1, 20);
}

static void oracle_nest(const struct oracle *o, u32 seed);

/* Passes time. */
static void oracle_work(const struct oracle *o, size_t start)
{
	u32 fate = fate_of(o, start, 1);

	if (o->depth && !(fate % 16))
		oracle_nest(o, fate + o->seed);
	if (o->pace == PACE_QUICK)
		return;
	switch (fate / 16 % 8) {
	case 0:
	case 1:
		usleep_range(20, 200);
		break;
	case 2:
		udelay(fate / 128 % 100);
		break;
	case 3:
		schedule();
		break;
	case 4:
		if (o->pace == PACE_UNEVEN && !(fate / 128 % 4))
			msleep(1 + fate / 512 % 16);
		break;
	}
}

/*
 * P13, P14: helpers are at the lowest priority or boosted to the caller's, and the
 * outermost caller is as it was.
 */
static void check_nice(struct oracle *o)
{
	bool outermost = current == o->caller && !o->outer;
	int nice = my_nice();

	if (nice != o->nice && (outermost || nice != MAX_NICE))
		broken(o, "P13: a wrong nice value", nice, o->nice);
}

static void enter_chunk(struct oracle *o, bool helper, size_t start, size_t end)
{
	int inside = atomic_inc_return(&o->inside);
	int helpers;

	if (READ_ONCE(o->phase) != ORACLE_RUNNING)
		broken(o, "P3: runs before or after the call", start, end);
	if (inside > o->most_inside)
		broken(o, "P12: too many threads", inside, o->most_inside);
	/*
	 * The priority of a helper is boosted when its caller waits, so when
	 * nothing was left or something had failed: the helper may end its
	 * chunk, and begin no other.
	 */
	if (READ_ONCE(o->boosted) == current)
		broken(o, "P7: goes on although the caller waits", start, end);
	if (helper) {
		helpers = atomic_inc_return(&oracle_helpers);
		if (helpers > READ_ONCE(oracle_bounds.helpers))
			broken(o, "P10: too many helpers", helpers, oracle_bounds.helpers);
		atomic64_inc(&oracle_totals.helper_chunks);
	}
	check_nice(o);
	atomic64_inc(&oracle_totals.chunks);
	atomic64_add(end - start, &oracle_totals.units);
}

static void leave_chunk(struct oracle *o, bool helper)
{
	if (helper && my_nice() != MAX_NICE)
		WRITE_ONCE(o->boosted, current);
	if (helper)
		atomic_dec(&oracle_helpers);
	atomic_dec(&o->inside);
}

static int oracle_chunk(void *from, void *to, void *arg)
{
	struct oracle *o = arg;
	size_t start = unit_of(o, from), end = unit_of(o, to), i;
	bool helper = current != o->caller;
	int code = 0;

	enter_chunk(o, helper, start, end);
	if (!chunk_is_good(o, from, to)) {
		broken(o, "P2: bad chunk", start, end);
		goto out;
	}
	/* Whether a chunk fails depends on where it starts, not on timing. */
	if (fate_of(o, start, 0) % 1000 < o->fail_permille)
		code = 1 + start % FAIL_CODES;
	for (i = start; i < end; i++) {
		if (atomic_fetch_inc(&o->unit[i].ran))
			broken(o, "P1: a unit runs again", i, end);
		if (code)
			o->unit[i].failed = true;
	}
	oracle_work(o, start);
	if (code) {
		set_bit(code - 1, o->codes);
		atomic_inc(&o->failures);
		code += FAIL_BASE;
	}
out:
	leave_chunk(o, helper);
	return code;
}

static void oracle_undo(void *from, void *to, void *arg)
{
	struct oracle *o = arg;
	size_t start = unit_of(o, from), end = unit_of(o, to), i;

	if (READ_ONCE(o->phase) != ORACLE_RUNNING || current != o->caller ||
	    atomic_read(&o->inside))
		broken(o, "P8: undo elsewhere than at the end of the call", start, end);
	if (end <= start || end > part_end(o, start)) {
		broken(o, "P8: bad range to undo", start, end);
		return;
	}
	for (i = start; i < end; i++)
		if (atomic_fetch_inc(&o->unit[i].undone))
			broken(o, "P8: a unit is undone again", i, end);
	atomic64_add(end - start, &oracle_totals.undone);
}

/* Whether the result is one that this task can have. */
static void check_result(struct oracle *o, int ret)
{
	int failures = atomic_read(&o->failures);

	if (ret == -EINTR) {
		if (!o->killable || !fatal_signal_pending(current))
			broken(o, "stopped by a signal that was none", failures, 0);
		atomic64_inc(&oracle_totals.killed);
		return;
	}
	if (!!ret != !!failures)
		broken(o, "P7: result and failures differ", ret, failures);
	if (ret && (ret <= FAIL_BASE || ret > FAIL_BASE + FAIL_CODES ||
		    !test_bit(ret - FAIL_BASE - 1, o->codes)))
		broken(o, "P7: not the error of any chunk", ret, 0);
	/* Every thread stops at its own failure, if not at an earlier one. */
	if (failures > o->most_inside)
		broken(o, "P7: more failures than threads", failures, o->most_inside);
	if (ret)
		atomic64_inc(&oracle_totals.failed);
}

/* Checks every unit when the task is over. */
static bool oracle_verdict(struct oracle *o, int ret)
{
	size_t i;

	WRITE_ONCE(o->phase, ORACLE_OVER);
	if (atomic_read(&o->inside))
		broken(o, "P3: a thread function runs on", atomic_read(&o->inside), 0);
	check_result(o, ret);
	check_nice(o);
	for (i = 0; i < o->units && !atomic_read(&o->broken); i++) {
		const struct oracle_unit *unit = &o->unit[i];
		int ran = atomic_read(&unit->ran), undone = atomic_read(&unit->undone);

		if (ran > 1 || (!ret && ran != 1))
			broken(o, "P1: a unit did not run exactly once", i, ran);
		if (undone != (ret && o->undo && ran && !unit->failed))
			broken(o, "P8: a unit was not undone as it should be", i, undone);
	}
	atomic64_inc(&oracle_totals.tasks);
	return !atomic_read(&o->broken);
}

/* The node parts: of any size, on any node, or all on one. */
static void random_parts(struct oracle *o, struct rnd_state *rnd)
{
	/* Small tasks are as likely as large ones. */
	size_t most = o->max_units / ORACLE_PARTS >> pick(rnd, 8);
	bool same_node = !pick(rnd, 3);
	size_t i, unit = 0;
	int nid = NUMA_NO_NODE;

	for (i = 0; i < o->nr_parts; i++) {
		size_t size = pick(rnd, 6) ? pick(rnd, most + 1) : 0;

		if (!i || !same_node)
			nid = (int)pick(rnd, nr_node_ids + 1) - 1;
		if (nid >= 0 && !node_possible(nid))
			nid = NUMA_NO_NODE;
		o->parts[i].kn_start = position_of(o, unit);
		o->parts[i].kn_task_size = size << o->shift;
		o->parts[i].kn_nid = nid;
		unit += size;
	}
	o->units = unit;
}

/* A minimum chunk size, in units of the oracle: none, small, or larger than any task. */
static size_t random_min(const struct oracle *o, struct rnd_state *rnd)
{
	switch (pick(rnd, 8)) {
	case 0:
		return 0;
	case 1:
		return pick(rnd, 2 * o->max_units);
	case 2:
		return pick(rnd, 1000);
	default:
		return 1 + pick(rnd, 40);
	}
}

/* The most threads that the shape of a task allows. */
static size_t allowed_threads(const struct oracle *o)
{
	size_t chunks = DIV_ROUND_UP(o->units << o->shift, max(o->min_chunk, 1ul));

	return clamp(chunks, 1, min(o->max_threads ?: SIZE_MAX, num_possible_cpus()));
}

/* A task of random shape. */
static void oracle_random(struct oracle *o, struct rnd_state *rnd, u32 seed)
{
	o->seed = seed;
	o->walk = !pick(rnd, 3);
	o->undo = pick(rnd, 2);
	o->killable = !pick(rnd, 4);
	o->pace = pick(rnd, 4) ? PACE_QUICK : pick(rnd, NR_PACES);
	o->nr_parts = pick(rnd, 3) ? 1 + pick(rnd, ORACLE_PARTS) : 1;
	o->numa = o->nr_parts > 1 || pick(rnd, 2);
	o->min_chunk = random_min(o, rnd);
	/* Sizes that no table of units could hold. */
	o->shift = o->min_chunk && !pick(rnd, 4) ? pick(rnd, 40) : 0;
	o->min_chunk <<= o->shift;
	o->max_threads = pick(rnd, oracle_bounds.max_threads + 1);
	o->fail_permille = 0;
	if (oracle_bounds.fail_permille && !pick(rnd, 3))
		o->fail_permille = 1 + pick(rnd, oracle_bounds.fail_permille);
	random_parts(o, rnd);
	o->most_inside = allowed_threads(o);

	o->phase = ORACLE_IDLE;
	atomic_set(&o->broken, 0);
	atomic_set(&o->failures, 0);
	atomic_set(&o->inside, 0);
	o->boosted = NULL;
	bitmap_zero(o->codes, FAIL_CODES);
	memset(o->unit, 0, o->units * sizeof(*o->unit));
}

static int oracle_call(struct oracle *o)
{
	DEFINE_KTASK_CTL(ctl, oracle_chunk, o, o->min_chunk);

	if (o->undo)
		ktask_ctl_set_undo_func(&ctl, oracle_undo);
	if (o->walk)
		ktask_ctl_set_iter_func(&ctl, oracle_iter);
	ktask_ctl_set_killable(&ctl, o->killable);
	ktask_ctl_set_max_threads(&ctl, o->max_threads);
	if (o->numa)
		return ktask_run_numa(o->parts, o->nr_parts, &ctl);
	return ktask_run(o->parts[0].kn_start, o->parts[0].kn_task_size, &ctl);
}

/* Runs one random task, in a thread function of @outer if that is not NULL, and checks it. */
static bool random_task(struct oracle *o, const struct oracle *outer, struct rnd_state *rnd,
			u32 seed)
{
	int ret;

	oracle_random(o, rnd, seed);
	o->caller = current;
	o->outer = outer;
	o->depth = outer ? outer->depth - 1 : oracle_bounds.depth;
	o->nice = outer ? outer->nice : my_nice();
	WRITE_ONCE(o->phase, ORACLE_RUNNING);
	ret = oracle_call(o);
	return oracle_verdict(o, ret);
}

/* Memory for tasks of up to @max_units; NULL if there is none. */
static struct oracle *oracle_alloc(size_t max_units)
{
	struct oracle *o = __vmalloc(struct_size(o, unit, max_units),
				     GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);

	if (o)
		o->max_units = max_units;
	return o;
}

#define NESTED_UNITS 256

/* A task inside the thread function of another, if there is memory for it. */
static void oracle_nest(const struct oracle *outer, u32 seed)
{
	struct oracle *o = oracle_alloc(NESTED_UNITS);
	struct rnd_state rnd;

	if (!o)
		return;
	prandom_seed_state(&rnd, seed);
	random_task(o, outer, &rnd, seed);
	atomic64_inc(&oracle_totals.nested);
	vfree(o);
}

#endif /* KTASK_ORACLE_H */
