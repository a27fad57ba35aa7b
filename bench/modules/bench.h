/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Benchmarks of ktask and its peers: what they share.
 *
 * A job is handed to a peer, which calls the functions of its work for all of
 * its units, in chunks and threads of the peer's choice.
 */
#ifndef BENCH_H
#define BENCH_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/types.h>

#define THREADS_MAX	256
#define PARTS_MAX	2
#define MARKS_MAX	4
/* Chunks of one measurement that are logged. */
#define LOG_MAX		16384

struct run;

/* What is done with a range of units; both functions do the same. */
struct work {
	const char *name;
	/* As ktask calls it, and as everybody else does. */
	int (*chunk)(void *start, void *end, void *arg);
	void (*range)(unsigned long start, unsigned long end, void *arg);
	/* Makes what the units need, or is NULL. */
	int (*prepare)(struct run *run);
};

/* The units of a job that belong to one node; their first is @start. */
struct part {
	size_t start;
	size_t size;
	int nid;
};

struct job {
	const struct work *work;
	struct run *run;
	size_t units;
	size_t min_chunk;
	unsigned int threads;
	unsigned int nr_parts;
	struct part parts[PARTS_MAX];
};

/* A way to run a job with several threads. */
struct peer {
	const char *name;
	/* Or NULL; for good, as the module is never unloaded. */
	int (*init)(void);
	int (*run)(const struct job *job);
};

extern const struct peer one_thread, plain_loop, fan_out, v4_like, with_ktask, with_padata,
	with_padata_near;

/* What one thread did in a run. */
struct seen {
	/* 0 if the entry is free; the rest belongs to that thread. */
	atomic_t pid;
	unsigned int chunks;
	/* Where and when its first chunk began. */
	unsigned int cpu;
	u64 first_ns;
	/* When its last chunk began, if chunks are logged. */
	u64 begun_ns;
	/* Other threads read it while the run goes on. */
	size_t units;
	/* Units done on the node that they belong to. */
	size_t local;
	/* Cycles from the end of one chunk to the start of the next. */
	u64 last;
	u64 gap_min;
	u64 gap_sum;
	unsigned int gaps;
};

/* A chunk of a run that logs them: whose it was, and when. */
struct chunk {
	int pid;
	u64 begin_ns;
	u64 end_ns;
};

/* One measurement. */
struct run {
	struct job job;
	const struct peer *peer;
	/*
	 * Of the work "spin": how its cost is spread, how much it is in all, and
	 * which eighth is dear. Of "doze": how long each chunk is.
	 */
	const char *skew;
	unsigned long ms;
	unsigned long where;
	/* Threads of nice 0 that compete; they are bound to the last CPUs. */
	unsigned long hogs;
	/* Threads that each run the job, or 0 for the calling one. */
	unsigned long callers;
	/* Calls to measure, in a run that measures path lengths. */
	unsigned long calls;
	/* The node that all units belong to, or ULONG_MAX for two. */
	unsigned long node;
	/*
	 * Of another task of the same peer, which has begun before: its units, its
	 * work, and how much later the measured one begins. Cut: it ends with that.
	 */
	unsigned long first_units;
	unsigned long first_ms;
	unsigned long after_ms;
	unsigned long cut;
	/* Whether chunks are logged. */
	unsigned long log;
	/* Loops that each unit of "spin" costs. */
	u32 *cost;
	ktime_t start;
	/* Of the thread that runs the job, if only one does. */
	int caller_pid;
	u64 time_ns;
	u64 caller_ns[THREADS_MAX];
	u64 hog_loops;
	u64 path_min;
	u64 path_median;
	/* When the other task ended, and the units that the measured one had done by then. */
	u64 other_ns;
	size_t other_units;
	/* The rest of the work is left out: its units count for nothing. */
	bool enough;
	struct chunk *chunks;
	atomic_t nr_chunks;
	/* When "mark" was written. */
	u64 marks[MARKS_MAX];
	unsigned int nr_marks;
	atomic_t working;
	atomic_t peak;
	struct seen seen[THREADS_MAX];
};

/* record.c */
struct seen *seen_here(struct run *run);
struct seen *chunk_begins(struct run *run);
void units_done(struct seen *seen, size_t units, size_t local);
void chunk_ends(struct run *run, struct seen *seen);
u64 since_start(const struct run *run);
size_t units_so_far(struct run *run);
int nid_of_unit(const struct job *job, size_t unit);

/* work.c */
const struct work *work_named(const char *name);
void work_calibrate(void);
void burn(u32 loops);
extern u32 loops_per_ms;

/* hogs.c */
int hogs_start(unsigned int count);
u64 hogs_done(void);
void hogs_stop(void);

/* other.c */
int other_start(struct run *run);
int other_end(void);

/* main.c */
int divide(struct run *run);

/* padata.c, which scripts/bench makes from the kernel's */
struct padata_mt_job;
int bench_padata_start(void);
void bench_padata_do_multithreaded(struct padata_mt_job *job);

/* path.c */
int measure_path(struct run *run);

#endif
