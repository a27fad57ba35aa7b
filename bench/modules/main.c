// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmarks of ktask and its peers, driven through debugfs.
 *
 * Writing "NAME=VALUE NAME=VALUE..." to /sys/kernel/debug/ktask_bench/run makes
 * one measurement; "result" then tells about it, line by line. It cannot be
 * unloaded, as padata cannot be ended: restart the guest instead.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

#include "bench.h"

/* What competes needs that long until the scheduler has seen it for a while. */
#define SETTLE_MS	100
/* The setting "node" where it is not given. */
#define BOTH_NODES	ULONG_MAX

static const struct peer * const peers[] = {
	&one_thread, &plain_loop, &fan_out, &v4_like, &with_ktask, &with_padata, &with_padata_near,
};

/* The last measurement; its time is 0 before the first. */
static struct run last;
static DEFINE_MUTEX(run_lock);

/* One of several threads that each run the same job. */
struct caller {
	struct run *run;
	unsigned int index;
	struct completion *go;
	struct completion done;
	int err;
};

static int call(void *data)
{
	struct caller *caller = data;
	struct run *run = caller->run;

	wait_for_completion(caller->go);
	caller->err = run->peer->run(&run->job);
	run->caller_ns[caller->index] = since_start(run);
	complete(&caller->done);
	return 0;
}

static int run_callers(struct run *run)
{
	DECLARE_COMPLETION_ONSTACK(go);
	struct caller *callers;
	unsigned int i, made = 0;
	int err = 0;

	callers = kcalloc(run->callers, sizeof(*callers), GFP_KERNEL);
	if (!callers)
		return -ENOMEM;
	for (i = 0; i < run->callers; i++) {
		struct task_struct *task;

		callers[i].run = run;
		callers[i].index = i;
		callers[i].go = &go;
		init_completion(&callers[i].done);
		task = kthread_run(call, &callers[i], "bench_caller/%u", i);
		if (IS_ERR(task)) {
			err = PTR_ERR(task);
			break;
		}
		made++;
	}
	msleep(SETTLE_MS);
	WRITE_ONCE(run->start, ktime_get());
	complete_all(&go);
	for (i = 0; i < made; i++) {
		wait_for_completion(&callers[i].done);
		err = err ?: callers[i].err;
	}
	run->time_ns = since_start(run);
	kfree(callers);
	return err;
}

static int run_alone(struct run *run)
{
	int err;

	run->caller_pid = task_pid_nr(current);
	WRITE_ONCE(run->start, ktime_get());
	err = run->calls ? measure_path(run) : run->peer->run(&run->job);
	run->time_ns = since_start(run);
	return err;
}

static int run_beside_other(struct run *run)
{
	int err, others;

	err = other_start(run);
	if (!err)
		err = run->callers ? run_callers(run) : run_alone(run);
	others = other_end();
	return err ?: others;
}

static int run_with_hogs(struct run *run)
{
	u64 before;
	int err;

	err = hogs_start(run->hogs);
	if (!err && run->hogs)
		msleep(SETTLE_MS);
	before = hogs_done();
	if (!err)
		err = run_beside_other(run);
	run->hog_loops = hogs_done() - before;
	hogs_stop();
	return err;
}

static const struct peer *peer_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(peers); i++)
		if (!strcmp(peers[i]->name, name))
			return peers[i];
	return NULL;
}

/* What a measurement can be told, besides its peer and its work. */
struct setting {
	const char *name;
	unsigned long *value;
};

static int set(struct run *run, char *word)
{
	const struct setting settings[] = {
		{ "units", &run->job.units },
		{ "min", &run->job.min_chunk },
		{ "ms", &run->ms },
		{ "where", &run->where },
		{ "hogs", &run->hogs },
		{ "callers", &run->callers },
		{ "calls", &run->calls },
		{ "node", &run->node },
		{ "first_units", &run->first_units },
		{ "first_ms", &run->first_ms },
		{ "after_ms", &run->after_ms },
		{ "cut", &run->cut },
		{ "log", &run->log },
	};
	char *name = strsep(&word, "=");
	size_t i;

	if (!word)
		return -EINVAL;
	if (!strcmp(name, "threads"))
		return kstrtouint(word, 0, &run->job.threads);
	if (!strcmp(name, "peer")) {
		run->peer = peer_named(word);
		return run->peer ? 0 : -EINVAL;
	}
	if (!strcmp(name, "work")) {
		run->job.work = work_named(word);
		return run->job.work ? 0 : -EINVAL;
	}
	if (!strcmp(name, "skew")) {
		run->skew = word;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (!strcmp(settings[i].name, name))
			return kstrtoul(word, 0, settings[i].value);
	return -EINVAL;
}

/* All units belong to one node, or one half to each of the first two. */
int divide(struct run *run)
{
	unsigned int first = first_memory_node;
	unsigned int second = next_node(first, node_states[N_MEMORY]);
	unsigned long node = run->node;
	struct job *job = &run->job;

	job->nr_parts = 1;
	if (node == BOTH_NODES) {
		job->parts[0] = (struct part){ 0, job->units, first };
		if (second >= MAX_NUMNODES || job->units < 2)
			return 0;
		job->nr_parts = 2;
		job->parts[0].size = job->units / 2;
		job->parts[1] = (struct part){
			job->units / 2, job->units - job->units / 2, second
		};
		return 0;
	}
	if (node >= MAX_NUMNODES || !node_state(node, N_MEMORY))
		return -EINVAL;
	job->parts[0] = (struct part){ 0, job->units, node };
	return 0;
}

static int parse(struct run *run, char *text)
{
	char *word;
	int err;

	memset(run, 0, sizeof(*run));
	run->node = BOTH_NODES;
	run->job.min_chunk = 1;
	run->job.threads = 1;
	run->skew = "even";
	while ((word = strsep(&text, "\n "))) {
		err = *word ? set(run, word) : 0;
		if (err)
			return err;
	}
	if (!run->peer || !run->job.work || !run->job.units || !run->job.min_chunk ||
	    !run->job.threads || run->callers > THREADS_MAX)
		return -EINVAL;
	if (run->first_units && !run->job.work->prepare)
		return -EINVAL;
	run->job.run = run;
	return divide(run);
}

static int measure(struct run *run, char *text)
{
	int err;

	kvfree(run->chunks);
	err = parse(run, text);
	if (!err && run->log) {
		run->chunks = kvcalloc(LOG_MAX, sizeof(*run->chunks), GFP_KERNEL);
		err = run->chunks ? 0 : -ENOMEM;
	}
	if (!err && run->job.work->prepare)
		err = run->job.work->prepare(run);
	if (!err)
		err = run_with_hogs(run);
	kvfree(run->cost);
	run->cost = NULL;
	return err;
}

static ssize_t run_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	char *text;
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	text = memdup_user_nul(from, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&run_lock);
	err = measure(&last, text);
	mutex_unlock(&run_lock);
	kfree(text);
	return err ?: size;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.write = run_write,
};

/* Takes down when it is written, which is in the middle of a measurement. */
static ssize_t mark_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	u64 now = since_start(&last);

	if (!now || last.nr_marks == MARKS_MAX)
		return -EINVAL;
	last.marks[last.nr_marks++] = now;
	return size;
}

static const struct file_operations mark_fops = {
	.owner = THIS_MODULE,
	.write = mark_write,
};

static void show_seen(struct seq_file *m, const struct run *run, const struct seen *seen)
{
	bool caller = atomic_read(&seen->pid) == run->caller_pid;

	seq_printf(m, "thread caller=%d cpu=%u first_ns=%llu", caller, seen->cpu, seen->first_ns);
	seq_printf(m, " chunks=%u units=%zu local=%zu", seen->chunks, seen->units, seen->local);
	if (seen->gaps)
		seq_printf(m, " gaps=%u gap_min=%llu gap_sum=%llu", seen->gaps,
			   seen->gap_min, seen->gap_sum);
	seq_putc(m, '\n');
}

static void show_chunks(struct seq_file *m, const struct run *run)
{
	int i, count = run->chunks ? min(atomic_read(&run->nr_chunks), LOG_MAX) : 0;

	for (i = 0; i < run->nr_marks; i++)
		seq_printf(m, "mark ns=%llu\n", run->marks[i]);
	for (i = 0; i < count; i++) {
		const struct chunk *chunk = &run->chunks[i];

		seq_printf(m, "chunk caller=%d thread=%d begin_ns=%llu end_ns=%llu\n",
			   chunk->pid == run->caller_pid, chunk->pid, chunk->begin_ns,
			   chunk->end_ns);
	}
}

static int result_show(struct seq_file *m, void *unused)
{
	const struct run *run = &last;
	unsigned int i;

	mutex_lock(&run_lock);
	seq_printf(m, "result time_ns=%llu peak=%d hog_loops=%llu path_min=%llu path_median=%llu",
		   run->time_ns, atomic_read(&run->peak), run->hog_loops,
		   run->path_min, run->path_median);
	seq_printf(m, " other_ns=%llu other_units=%zu\n", run->other_ns, run->other_units);
	for (i = 0; i < THREADS_MAX; i++)
		if (atomic_read(&run->seen[i].pid))
			show_seen(m, run, &run->seen[i]);
	for (i = 0; i < run->callers; i++)
		seq_printf(m, "caller time_ns=%llu\n", run->caller_ns[i]);
	show_chunks(m, run);
	mutex_unlock(&run_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

static int __init bench_init(void)
{
	struct dentry *dir;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(peers); i++) {
		err = peers[i]->init ? peers[i]->init() : 0;
		if (err)
			return err;
	}
	work_calibrate();
	dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("mark", 0200, dir, NULL, &mark_fops);
	debugfs_create_file("result", 0400, dir, NULL, &result_fops);
	debugfs_create_u32("tsc_khz", 0400, dir, &tsc_khz);
	debugfs_create_u32("loops_per_ms", 0400, dir, &loops_per_ms);
	return 0;
}
module_init(bench_init);

MODULE_DESCRIPTION("Benchmarks of ktask and its peers");
MODULE_LICENSE("GPL");
