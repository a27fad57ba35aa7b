// SPDX-License-Identifier: GPL-2.0
/* The form that works on every kernel: functions of exactly the header's types. */
#include <linux/mm.h>
#include <linux/module.h>
#undef CONFIG_CFI
#define CONFIG_CFI 1
#include <linux/ktask.h>

static int chunk(void *start, void *end, void *arg)
{
	return 0;
}

static void undo(void *start, void *end, void *arg)
{
}

static void *iter(void *position, size_t size)
{
	return position + size;
}

static int __init matching_init(void)
{
	DEFINE_KTASK_CTL(ctl, chunk, NULL, 1);

	ktask_ctl_set_undo_func(&ctl, undo);
	ktask_ctl_set_iter_func(&ctl, iter);
	pr_info("hello from a client with matching types\n");
	return ktask_run(NULL, 100, &ctl);
}

static void __exit matching_exit(void)
{
}

module_init(matching_init);
module_exit(matching_exit);
MODULE_DESCRIPTION("A client whose functions have exactly the types of the header");
MODULE_LICENSE("GPL");
