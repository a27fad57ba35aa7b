// SPDX-License-Identifier: GPL-2.0
/*
 * A sample consumer of ktask in C: clears gigantic pages with several threads.
 *
 * Writing 1 to /sys/kernel/debug/clear_gigantic_c/run takes "pages" pages of
 * 1 GiB from the node "node", fills them with a pattern, clears them with
 * "threads" threads (0: as many as ktask's max_threads knob says) and looks at
 * every word of them.  "result" tells what the last successful run did.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/ktask.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>

#define GIGANTIC_BYTES	((size_t)SZ_1G)
/* How much is done between two looks at the scheduler and at signals. */
#define BLOCK_BYTES	((size_t)SZ_2M)
/*
 * About a millisecond of clearing: far more than starting a helper costs, and
 * little enough that many threads get work and end at about the same time.
 */
#define MIN_CHUNK	((size_t)SZ_8M)
/* No byte of it is zero, so a word that was not cleared cannot look as if. */
#define PATTERN		0xa5a5a5a5a5a5a5a5ull

#define PAGES_MAX	65536
#define THREADS_MAX	65536

struct result {
	int node;
	unsigned int pages;
	unsigned int threads_asked;
	unsigned int threads_used;
	unsigned int chunks;
	u64 time_ns;
	u64 local_bytes;
	u64 bad_words;
};

/* One run: its memory, and what its threads tell about themselves. */
struct run {
	struct result result;
	/* The gigantic pages, each of which is a node part. */
	struct ktask_node *parts;
	/* The process id of each thread seen; what is unused is 0. */
	atomic_t *pids;
	atomic_t chunks;
	atomic64_t local_bytes;
};

/* How the next run is done. */
static int node;
static unsigned int pages = 1;
static unsigned int threads;

/* What the last successful run did, if its pages are not 0. */
static struct result last;
/* Held for a whole run; protects the result. */
static DEFINE_MUTEX(run_lock);

static struct dentry *debugfs_dir;

/* To be called between blocks, so that long loops hurt nobody. */
static bool killed(void)
{
	cond_resched();
	return fatal_signal_pending(current);
}

/* A task has no more threads than there are CPUs, so all find a place. */
static void note_thread(struct run *run)
{
	int pid = task_pid_nr(current), seen;
	unsigned int i;

	for (i = 0; i < nr_cpu_ids; i++) {
		seen = atomic_cmpxchg(&run->pids[i], 0, pid);
		if (!seen || seen == pid)
			return;
	}
}

static unsigned int count_threads(struct run *run)
{
	unsigned int i = 0;

	while (i < nr_cpu_ids && atomic_read(&run->pids[i]))
		i++;
	return i;
}

/* The thread function. The unit is the byte, and a position is its address. */
static int clear_chunk(void *start, void *end, void *arg)
{
	struct run *run = arg;
	u64 local = 0;
	void *block;

	note_thread(run);
	for (block = start; block < end; block += BLOCK_BYTES) {
		if (numa_node_id() == run->result.node)
			local += BLOCK_BYTES;
		clear_pages(block, BLOCK_BYTES / PAGE_SIZE);
		/* Helpers get no signals; the caller stops them all with this. */
		if (killed())
			return -EINTR;
	}
	atomic_inc(&run->chunks);
	atomic64_add(local, &run->local_bytes);
	return KTASK_RETURN_SUCCESS;
}

static int clear(struct run *run)
{
	DEFINE_KTASK_CTL(ctl, clear_chunk, run, MIN_CHUNK);
	ktime_t start;
	int ret;

	ktask_ctl_set_max_threads(&ctl, run->result.threads_asked);
	start = ktime_get();
	ret = ktask_run_numa(run->parts, run->result.pages, &ctl);
	run->result.time_ns = ktime_to_ns(ktime_sub(ktime_get(), start));
	run->result.threads_used = count_threads(run);
	run->result.chunks = atomic_read(&run->chunks);
	run->result.local_bytes = atomic64_read(&run->local_bytes);
	return ret;
}

static int fill(struct run *run)
{
	unsigned int i;
	size_t at;

	for (i = 0; i < run->result.pages; i++) {
		for (at = 0; at < GIGANTIC_BYTES; at += BLOCK_BYTES) {
			memset64(run->parts[i].kn_start + at, PATTERN,
				 BLOCK_BYTES / sizeof(u64));
			if (killed())
				return -EINTR;
		}
	}
	return 0;
}

static u64 bad_words(const u64 *block)
{
	const u64 *end = block + BLOCK_BYTES / sizeof(u64);
	u64 bad = 0;

	for (; block < end; block += 8) {
		/* One branch for eight words: nearly always all are zero. */
		if (likely(!(block[0] | block[1] | block[2] | block[3] |
			     block[4] | block[5] | block[6] | block[7])))
			continue;
		for (int i = 0; i < 8; i++)
			bad += block[i] != 0;
	}
	return bad;
}

/* In one thread and without ktask, whose work is what this is to judge. */
static int verify(struct run *run)
{
	unsigned int i;
	size_t at;

	for (i = 0; i < run->result.pages; i++) {
		for (at = 0; at < GIGANTIC_BYTES; at += BLOCK_BYTES) {
			run->result.bad_words +=
				bad_words(run->parts[i].kn_start + at);
			if (killed())
				return -EINTR;
		}
	}
	return 0;
}

static int alloc_pages_of_node(struct run *run)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN;
	struct result *result = &run->result;
	struct page *page;
	unsigned int i;

	if (!node_state(result->node, N_MEMORY)) {
		pr_err("node %d: has no memory\n", result->node);
		return -EINVAL;
	}
	run->pids = kvcalloc(nr_cpu_ids, sizeof(*run->pids), GFP_KERNEL);
	run->parts = kvcalloc(result->pages, sizeof(*run->parts), GFP_KERNEL);
	if (!run->pids || !run->parts)
		return -ENOMEM;
	for (i = 0; i < result->pages; i++) {
		page = alloc_contig_pages(GIGANTIC_BYTES / PAGE_SIZE, gfp,
					  result->node, NULL);
		if (!page) {
			pr_err("node %d: cannot get GiB %u of %u\n",
			       result->node, i + 1, result->pages);
			return -ENOMEM;
		}
		run->parts[i] = (struct ktask_node){
			page_address(page), GIGANTIC_BYTES, result->node
		};
		if (killed())
			return -EINTR;
	}
	return 0;
}

static void free_pages_of_node(struct run *run)
{
	unsigned int i;

	for (i = 0; run->parts && i < run->result.pages; i++) {
		if (!run->parts[i].kn_start)
			break;
		free_contig_range(page_to_pfn(virt_to_page(run->parts[i].kn_start)),
				  GIGANTIC_BYTES / PAGE_SIZE);
		cond_resched();
	}
	kvfree(run->parts);
	kvfree(run->pids);
}

static int run_once(struct run *run)
{
	int ret;

	ret = alloc_pages_of_node(run);
	if (!ret)
		ret = fill(run);
	if (!ret)
		ret = clear(run);
	if (!ret)
		ret = verify(run);
	free_pages_of_node(run);
	return ret;
}

static int set_run(void *data, u64 value)
{
	struct run run = {
		.result.node = READ_ONCE(node),
		.result.pages = READ_ONCE(pages),
		.result.threads_asked = READ_ONCE(threads),
	};
	int ret;

	if (value != 1)
		return -EINVAL;
	if (mutex_lock_killable(&run_lock))
		return -EINTR;
	ret = run_once(&run);
	if (!ret)
		last = run.result;
	mutex_unlock(&run_lock);
	if (!ret && run.result.bad_words) {
		pr_err("%llu words were not cleared\n", run.result.bad_words);
		return -EIO;
	}
	return ret;
}
DEFINE_DEBUGFS_ATTRIBUTE(run_fops, NULL, set_run, "%llu\n");

static int result_show(struct seq_file *m, void *unused)
{
	struct result r;

	if (mutex_lock_killable(&run_lock))
		return -EINTR;
	r = last;
	mutex_unlock(&run_lock);
	if (!r.pages)
		return 0;
	seq_printf(m, "node %d\npages %u\nbytes %llu\n", r.node, r.pages,
		   (u64)r.pages * GIGANTIC_BYTES);
	seq_printf(m, "threads_asked %u\nthreads_used %u\nchunks %u\n",
		   r.threads_asked, r.threads_used, r.chunks);
	seq_printf(m, "time_ns %llu\nlocal_bytes %llu\n", r.time_ns,
		   r.local_bytes);
	seq_printf(m, "bad_words %llu\nverified %s\n", r.bad_words,
		   r.bad_words ? "no" : "yes");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

static int get_node(void *data, u64 *value)
{
	*value = READ_ONCE(node);
	return 0;
}

static int set_node(void *data, u64 value)
{
	if (value >= MAX_NUMNODES || !node_state(value, N_MEMORY))
		return -EINVAL;
	WRITE_ONCE(node, value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(node_fops, get_node, set_node, "%llu\n");

static int get_threads(void *data, u64 *value)
{
	*value = READ_ONCE(threads);
	return 0;
}

static int set_threads(void *data, u64 value)
{
	if (value > THREADS_MAX)
		return -ERANGE;
	WRITE_ONCE(threads, value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(threads_fops, get_threads, set_threads, "%llu\n");

static int get_pages(void *data, u64 *value)
{
	*value = READ_ONCE(pages);
	return 0;
}

static int set_pages(void *data, u64 value)
{
	if (value < 1 || value > PAGES_MAX)
		return -ERANGE;
	WRITE_ONCE(pages, value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(pages_fops, get_pages, set_pages, "%llu\n");

static int __init clear_gigantic_init(void)
{
	node = first_memory_node;
	debugfs_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file_unsafe("node", 0600, debugfs_dir, NULL, &node_fops);
	debugfs_create_file_unsafe("threads", 0600, debugfs_dir, NULL,
				   &threads_fops);
	debugfs_create_file_unsafe("pages", 0600, debugfs_dir, NULL,
				   &pages_fops);
	debugfs_create_file_unsafe("run", 0200, debugfs_dir, NULL, &run_fops);
	debugfs_create_file("result", 0400, debugfs_dir, NULL, &result_fops);
	return 0;
}
module_init(clear_gigantic_init);

static void __exit clear_gigantic_exit(void)
{
	/* Waits for a run. */
	debugfs_remove(debugfs_dir);
}
module_exit(clear_gigantic_exit);

MODULE_DESCRIPTION("A sample consumer of ktask: clears gigantic pages");
MODULE_LICENSE("GPL");
