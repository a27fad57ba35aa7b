// SPDX-License-Identifier: GPL-2.0
/*
 * On a kernel that checks the targets of indirect calls, a thread function with
 * argument types of its own would trap; the header must refuse to compile it.
 */
#include <linux/mm.h>
#include <linux/module.h>
#undef CONFIG_CFI
#define CONFIG_CFI 1
#include <linux/ktask.h>

static int chunk(unsigned long start, unsigned long end, struct page *page)
{
	return 0;
}

static int __init mismatched_init(void)
{
	DEFINE_KTASK_CTL(ctl, chunk, NULL, 1);

	return ktask_run(NULL, 1, &ctl);
}

module_init(mismatched_init);
MODULE_LICENSE("GPL");
