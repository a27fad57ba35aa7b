// SPDX-License-Identifier: GPL-2.0
/*
 * ktask_run() and ktask_run_numa() with random control structures and node
 * parts. Loading the module runs "tasks" of them, drawn from "seed", from
 * several threads at once. It fails with -EIO if one of them did something else
 * than it had to, which is then described in the kernel log.
 *
 * Sizes are anything up to SIZE_MAX, so there is no counting of single units.
 * Instead every position has a random mark, and every chunk adds the mark of its
 * end and subtracts that of its start. Where each chunk begins where another one
 * ended, all but the ends of the parts cancel out. As no chunk is empty, that is
 * only so if each unit was in exactly one chunk.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktask.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>

static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "What the tasks are drawn from");

static unsigned int tasks = 1000;
module_param(tasks, uint, 0444);
MODULE_PARM_DESC(tasks, "How many tasks to run");

#define CALLERS		4
#define FEW_PARTS	12
#define MANY_PARTS	500
/* With many parts each has few units, or there would be too many chunks. */
#define FEW_UNITS	300

/* Units seen, and their marks. */
struct sum {
	atomic64_t units;
	atomic64_t marks;
};

/* One task, what is asked of ktask, and what has happened. */
struct fuzz {
	u32 seed;
	struct rnd_state rnd;
	struct ktask_node parts[MANY_PARTS];
	struct ktask_node before[MANY_PARTS];
	struct ktask_node *nodes;
	size_t nr_nodes;
	struct ktask_ctl ctl_space;
	struct ktask_ctl *ctl;
	/* ktask_run(), which takes the first part as a range on its own. */
	bool single;
	unsigned int fail_permille;
	int code;
	/* Chunks take long enough for helpers to arrive. */
	bool slow;

	bool over;
	struct sum done;
	struct sum undone;
	atomic_t failures;
	atomic_t broken;
};

/* What all callers have done. */
static atomic_t refused, failed, succeeded;

static void broken(struct fuzz *f, const char *what, u64 found)
{
	if (!atomic_fetch_inc(&f->broken))
		pr_err("seed %u: %s: %#llx\n", f->seed, what, found);
}

/* Random numbers */

static u32 pick(struct fuzz *f, u32 below)
{
	return prandom_u32_state(&f->rnd) % below;
}

/* One time in so many. */
static bool once_in(struct fuzz *f, u32 times)
{
	return !pick(f, times);
}

static u64 any_u64(struct fuzz *f)
{
	return (u64)prandom_u32_state(&f->rnd) << 32 | prandom_u32_state(&f->rnd);
}

/* Any number: every length in bits is as likely as any other, and the largest ones are more so. */
static size_t any_size(struct fuzz *f)
{
	unsigned int bits = pick(f, 68);

	if (bits > 64)
		return SIZE_MAX - pick(f, 3);
	return bits ? any_u64(f) >> (64 - bits) : 0;
}

static size_t at_most(size_t size, size_t most)
{
	return most == SIZE_MAX ? size : size % (most + 1);
}

static int any_nid(struct fuzz *f)
{
	const int edges[] = { -2, INT_MIN, INT_MAX, MAX_NUMNODES, MAX_NUMNODES - 1, nr_node_ids };

	return once_in(f, 2) ? edges[pick(f, ARRAY_SIZE(edges))] : (int)any_u64(f);
}

static int good_nid(struct fuzz *f)
{
	int nid = (int)pick(f, nr_node_ids + 1) - 1;

	return nid < 0 || !node_possible(nid) ? NUMA_NO_NODE : nid;
}

/* The client's functions */

#define SCRAMBLE	0x5a5a5a5a5a5a5a5aUL

/* A position in units, for a task that is walked. */
static void *fuzz_iter(void *position, size_t size)
{
	return (void *)((((size_t)position ^ SCRAMBLE) + size) ^ SCRAMBLE);
}

static bool walks(const struct fuzz *f)
{
	return f->ctl_space.kc_iter_func == fuzz_iter;
}

static size_t length(const struct fuzz *f, size_t start, size_t end)
{
	return walks(f) ? (end ^ SCRAMBLE) - (start ^ SCRAMBLE) : end - start;
}

/* The mark of a position: the finalizer of MurmurHash3. */
static u64 mark(const struct fuzz *f, u64 position)
{
	position += f->seed * 0x9e3779b97f4a7c15ull;
	position = (position ^ (position >> 33)) * 0xff51afd7ed558ccdull;
	position = (position ^ (position >> 33)) * 0xc4ceb9fe1a85ec53ull;
	return position ^ (position >> 33);
}

static void add(struct sum *sum, const struct fuzz *f, void *start, void *end)
{
	atomic64_add(length(f, (size_t)start, (size_t)end), &sum->units);
	atomic64_add(mark(f, (size_t)end) - mark(f, (size_t)start), &sum->marks);
}

static size_t parts_of(const struct fuzz *f)
{
	return f->single ? 1 : f->nr_nodes;
}

static size_t end_of(const struct fuzz *f, const struct ktask_node *part)
{
	size_t start = (size_t)part->kn_start;

	return walks(f) ? (size_t)fuzz_iter(part->kn_start, part->kn_task_size) :
			  start + part->kn_task_size;
}

static bool ends_a_part(const struct fuzz *f, size_t end)
{
	size_t i;

	for (i = 0; i < parts_of(f); i++)
		if (end_of(f, &f->before[i]) == end)
			return true;
	return false;
}

static int fuzz_chunk(void *start, void *end, void *arg)
{
	struct fuzz *f = arg;
	size_t len = length(f, (size_t)start, (size_t)end);

	if (READ_ONCE(f->over))
		broken(f, "P3: ran after the call returned", (size_t)start);
	if (!len)
		broken(f, "P2: an empty chunk", (size_t)start);
	if (len % max(f->ctl_space.kc_min_chunk_size, 1ul) && !ends_a_part(f, (size_t)end))
		broken(f, "P2: no multiple of the minimum", len);
	if (f->slow && mark(f, (size_t)end) % 4 == 0)
		usleep_range(20, 200);
	if (mark(f, (size_t)start) % 1000 < f->fail_permille) {
		atomic_inc(&f->failures);
		return f->code;
	}
	add(&f->done, f, start, end);
	return KTASK_RETURN_SUCCESS;
}

static void fuzz_undo(void *start, void *end, void *arg)
{
	struct fuzz *f = arg;

	add(&f->undone, f, start, end);
}

/* Drawing a task */

static void draw_ctl(struct fuzz *f)
{
	const ktask_iter_func iters[] = { NULL, ktask_iter_range, fuzz_iter };

	f->ctl_space = (struct ktask_ctl) {
		.kc_thread_func = once_in(f, 40) ? NULL : fuzz_chunk,
		.kc_undo_func = once_in(f, 2) ? NULL : fuzz_undo,
		.kc_func_arg = f,
		.kc_min_chunk_size = any_size(f),
		.kc_iter_func = iters[pick(f, ARRAY_SIZE(iters))],
		.kc_max_threads = any_size(f),
		.kc_killable = once_in(f, 2) ? 0 : (unsigned int)any_u64(f),
	};
	f->ctl = once_in(f, 40) ? NULL : &f->ctl_space;
}

/* @left: what sizes may add up to, if nothing is to be wrong with them. */
static void draw_part(struct fuzz *f, struct ktask_node *part, bool few, size_t *left)
{
	bool wild = once_in(f, 100);
	size_t size = any_size(f), start = any_size(f);

	if (!few)
		size = pick(f, FEW_UNITS);
	if (!wild)
		size = at_most(size, *left);
	*left -= min(*left, size);
	if (!wild && !walks(f))
		start = at_most(start, SIZE_MAX - size);
	*part = (struct ktask_node) {
		(void *)start, size, once_in(f, 100) ? any_nid(f) : good_nid(f)
	};
	/* What is ktask's own may have been left by anybody. */
	part->kn_threads = any_u64(f);
	part->kn_claimed = any_size(f);
	part->kn_position = any_size(f);
}

static void draw(struct fuzz *f, u32 seed)
{
	bool few = !once_in(f, 20);
	size_t left = SIZE_MAX, i;

	draw_ctl(f);
	f->seed = seed;
	f->single = once_in(f, 5);
	f->nr_nodes = f->single ? 1 : pick(f, few ? FEW_PARTS : MANY_PARTS);
	for (i = 0; i < f->nr_nodes; i++)
		draw_part(f, &f->parts[i], few, &left);
	memcpy(f->before, f->parts, sizeof(f->parts));
	f->nodes = f->parts;
	if (!f->single && once_in(f, 40)) {
		f->nodes = NULL;
		f->nr_nodes = any_size(f);
	}
	f->fail_permille = once_in(f, 3) ? pick(f, 100) : 0;
	f->code = (int)any_u64(f) ?: INT_MIN;
	f->slow = once_in(f, 4);
	f->over = false;
	memset(&f->done, 0, sizeof(f->done));
	memset(&f->undone, 0, sizeof(f->undone));
	atomic_set(&f->failures, 0);
	atomic_set(&f->broken, 0);
}

/* Judging it */

static bool is_valid(const struct fuzz *f)
{
	size_t total = 0, i;

	if (!f->ctl || !f->ctl->kc_thread_func)
		return false;
	if (!f->nodes)
		return !f->nr_nodes;
	for (i = 0; i < f->nr_nodes; i++) {
		const struct ktask_node *part = &f->before[i];
		int nid = part->kn_nid;

		if (!f->single && nid != NUMA_NO_NODE &&
		    (nid < 0 || nid >= MAX_NUMNODES || !node_possible(nid)))
			return false;
		if (check_add_overflow(total, part->kn_task_size, &total))
			return false;
		if (!walks(f) && (size_t)part->kn_start > SIZE_MAX - part->kn_task_size)
			return false;
	}
	return true;
}

/* What a task adds up to that runs to its end. */
static void add_all(struct sum *sum, const struct fuzz *f)
{
	size_t i;

	for (i = 0; f->nodes && i < f->nr_nodes; i++)
		add(sum, f, f->before[i].kn_start, (void *)end_of(f, &f->before[i]));
}

static bool same(struct sum *a, struct sum *b)
{
	return atomic64_read(&a->units) == atomic64_read(&b->units) &&
	       atomic64_read(&a->marks) == atomic64_read(&b->marks);
}

static void check_parts(struct fuzz *f)
{
	size_t i;

	for (i = 0; f->nodes && i < f->nr_nodes; i++)
		if (f->parts[i].kn_start != f->before[i].kn_start ||
		    f->parts[i].kn_task_size != f->before[i].kn_task_size ||
		    f->parts[i].kn_nid != f->before[i].kn_nid)
			broken(f, "a public member of a part has changed", i);
}

static void judge(struct fuzz *f, int ret)
{
	struct sum nothing = {}, all = {};
	bool undoes = f->ctl_space.kc_undo_func;

	WRITE_ONCE(f->over, true);
	check_parts(f);
	if (!is_valid(f)) {
		atomic_inc(&refused);
		if (ret != -EINVAL)
			broken(f, "P9: bad arguments were taken", ret);
		if (!same(&f->done, &nothing) || atomic_read(&f->failures))
			broken(f, "P9: something ran", ret);
		return;
	}
	if (ret != (atomic_read(&f->failures) ? f->code : 0))
		broken(f, "P7: the result is not that of the thread function", ret);
	if (!ret) {
		atomic_inc(&succeeded);
		add_all(&all, f);
		if (!same(&f->done, &all))
			broken(f, "P1: not every unit exactly once", atomic64_read(&f->done.units));
	} else {
		atomic_inc(&failed);
	}
	if (!same(&f->undone, ret && undoes ? &f->done : &nothing))
		broken(f, "P8: what was done is not what was undone", ret);
}

static bool one_task(struct fuzz *f, u32 seed)
{
	int ret;

	prandom_seed_state(&f->rnd, seed);
	draw(f, seed);
	if (f->single)
		ret = ktask_run(f->parts[0].kn_start, f->parts[0].kn_task_size, f->ctl);
	else
		ret = ktask_run_numa(f->nodes, f->nr_nodes, f->ctl);
	judge(f, ret);
	return !atomic_read(&f->broken);
}

/* The threads that call */

struct caller {
	struct completion done;
	unsigned int number;
	bool ok;
};

static int caller_fn(void *data)
{
	struct caller *caller = data;
	struct fuzz *f = kvzalloc(sizeof(*f), GFP_KERNEL);
	unsigned int i;

	caller->ok = f;
	for (i = caller->number; caller->ok && i < tasks; i += CALLERS) {
		caller->ok = one_task(f, seed + i);
		cond_resched();
	}
	kvfree(f);
	/* As nothing of this module may run once the last of us is done. */
	kthread_complete_and_exit(&caller->done, 0);
}

static int __init ktask_fuzz_init(void)
{
	static struct caller callers[CALLERS];
	bool ok = true;
	unsigned int i;

	for (i = 0; i < CALLERS; i++) {
		struct task_struct *thread;

		callers[i].number = i;
		callers[i].ok = false;
		init_completion(&callers[i].done);
		thread = kthread_run(caller_fn, &callers[i], "ktask_fuzz/%u", i);
		if (IS_ERR(thread))
			complete(&callers[i].done);
	}
	for (i = 0; i < CALLERS; i++) {
		wait_for_completion_state(&callers[i].done, TASK_IDLE);
		ok &= callers[i].ok;
	}
	pr_info("%d refused, %d failed, %d succeeded\n", atomic_read(&refused),
		atomic_read(&failed), atomic_read(&succeeded));
	return ok ? 0 : -EIO;
}

static void __exit ktask_fuzz_exit(void)
{
}

module_init(ktask_fuzz_init);
module_exit(ktask_fuzz_exit);
MODULE_DESCRIPTION("Random control structures for ktask");
MODULE_LICENSE("GPL");
