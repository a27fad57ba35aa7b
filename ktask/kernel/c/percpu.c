// SPDX-License-Identifier: GPL-2.0
/* Statistics, a copy on each CPU. */
#include <linux/cpumask.h>
#include <linux/percpu.h>

#include "glue.h"

static DEFINE_PER_CPU(struct ktask_stats, stats);

#ifndef CONFIG_LOCKDEP
DEFINE_PER_CPU(struct ktask_in_place, ktask_in_place);
EXPORT_PER_CPU_SYMBOL_GPL(ktask_in_place);
#endif

void ktask_c_stat_add(size_t offset, unsigned long value)
{
	unsigned long __percpu *counter = (void __percpu *)&stats + offset;

	this_cpu_add(*counter, value);
}

void ktask_c_stats_alone(unsigned long chunks, unsigned long units)
{
	this_cpu_inc(stats.tasks);
	this_cpu_add(stats.chunks, chunks);
	this_cpu_add(stats.units, units);
}

static void add_in_place(struct ktask_stats *sum, unsigned int cpu)
{
#ifndef CONFIG_LOCKDEP
	const struct ktask_in_place *in_place = per_cpu_ptr(&ktask_in_place, cpu);
	unsigned long tasks = READ_ONCE(in_place->tasks);

	sum->tasks += tasks;
	sum->chunks += tasks;
	sum->units += READ_ONCE(in_place->units);
	sum->failed_tasks += READ_ONCE(in_place->failed);
#endif
}

void ktask_c_stats_sum(struct ktask_stats *sum)
{
	unsigned long *total = (unsigned long *)sum;
	unsigned int cpu;
	size_t i;

	for_each_possible_cpu(cpu) {
		const unsigned long *counters = (const unsigned long *)per_cpu_ptr(&stats, cpu);

		for (i = 0; i < sizeof(*sum) / sizeof(*total); i++)
			total[i] += READ_ONCE(counters[i]);
		add_in_place(sum, cpu);
	}
}
