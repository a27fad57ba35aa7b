// SPDX-License-Identifier: GPL-2.0
/* Puts the sample in the place of folio_zero_user(), and its parameters into sysfs. */
#include <linux/compiler.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>

#include "helpers.h"

/* From what size on helpers pay, with some distance to a PMD's 2 MiB. */
static unsigned int threshold = SZ_32M;
/* 0: what ktask's own max_threads knob says. */
static unsigned int threads;

static int set_threshold(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, SZ_1M, UINT_MAX);
}

static int set_threads(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, SZ_64K);
}

static const struct kernel_param_ops threshold_ops = {
	.set = set_threshold,
	.get = param_get_uint,
};

static const struct kernel_param_ops threads_ops = {
	.set = set_threads,
	.get = param_get_uint,
};

module_param_cb(threshold, &threshold_ops, &threshold, 0644);
MODULE_PARM_DESC(threshold,
		 "Folios of at least so many bytes are cleared in parallel (1048576..4294967295)");
module_param_cb(threads, &threads_ops, &threads, 0644);
MODULE_PARM_DESC(threads,
		 "The most threads that clear a folio, 0 for ktask's max_threads (0..65536)");

size_t folio_zero_threshold(void)
{
	return READ_ONCE(threshold);
}

size_t folio_zero_threads(void)
{
	return READ_ONCE(threads);
}

/*
 * A task is not switched over, and so the module not unloaded, as long as this
 * function is on a stack. It must not leave it before what it calls returns.
 */
static void patched_folio_zero_user(struct folio *folio, unsigned long addr_hint)
{
	rust_folio_zero_user(folio, addr_hint);
	prevent_tail_call_optimization();
}

static struct klp_func funcs[] = {
	{
		.old_name = "folio_zero_user",
		.new_func = patched_folio_zero_user,
	}, { }
};

static struct klp_object objs[] = {
	{
		/* no name: the kernel itself */
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

int folio_zero_enable(void)
{
	/* The patch is for a function of exactly this type. */
	static_assert(__same_type(folio_zero_user, patched_folio_zero_user));

	return klp_enable_patch(&patch);
}

MODULE_INFO(livepatch, "Y");
