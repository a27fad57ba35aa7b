// SPDX-License-Identifier: GPL-2.0
/*
 * ktask_test: a client of ktask that checks what ktask gives to it.
 *
 * Each case is a file in /sys/kernel/debug/ktask_test/cases, each control one in
 * .../controls. Writing a number runs it, with that number as its parameter; the
 * write fails with -EIO if a promise was broken, which the kernel log describes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/module.h>

#include "ktask_test.h"

static const struct test_case * const cases[] = {
	random_cases,
	arguments_cases,
	huge_cases,
	iterators_cases,
	errors_cases,
#ifndef KTASK_DISABLED
	threads_cases,
	stop_cases,
	hogs_cases,
	memory_cases,
	nesting_cases,
	placement_cases,
	priority_cases,
	policy_cases,
#endif
};

static const struct test_case * const controls[] = {
#ifndef KTASK_DISABLED
	threads_controls,
	stop_controls,
	placement_controls,
	sleeper_controls,
	background_controls,
	neighbour_controls,
	elastic_controls,
	hogs_controls,
	affinity_controls,
#endif
};

static DEFINE_MUTEX(case_lock);

static int run_case(void *data, u64 value)
{
	const struct test_case *test = data;
	bool ok;

	mutex_lock(&case_lock);
	ok = test->run(value);
	mutex_unlock(&case_lock);
	return ok ? 0 : -EIO;
}

DEFINE_DEBUGFS_ATTRIBUTE(case_fops, NULL, run_case, "%llu\n");

static struct dentry *dir;

static void create_files(const char *name, const struct test_case * const *tables, size_t nr)
{
	struct dentry *sub = debugfs_create_dir(name, dir);
	const struct test_case *test;
	size_t i;

	for (i = 0; i < nr; i++)
		for (test = tables[i]; test->name; test++)
			debugfs_create_file(test->name, 0200, sub, (void *)test, &case_fops);
}

static int __init ktask_test_init(void)
{
	dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	create_files("cases", cases, ARRAY_SIZE(cases));
	create_files("controls", controls, ARRAY_SIZE(controls));
	return 0;
}

static void __exit ktask_test_exit(void)
{
	debugfs_remove(dir);
#ifndef KTASK_DISABLED
	stop_background();
	release_neighbours();
	end_lone_hog();
	end_jobs();
	end_held();
#endif
}

module_init(ktask_test_init);
module_exit(ktask_test_exit);
MODULE_DESCRIPTION("Tests of ktask that need kernel code");
MODULE_LICENSE("GPL");
