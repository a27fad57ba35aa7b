// SPDX-License-Identifier: GPL-2.0
/*
 * A client written for version 4 of the RFC, whose documentation uses this
 * structure, these argument types and this call: it has to compile as it is.
 */
#include <linux/highmem.h>
#include <linux/ktask.h>
#include <linux/mm.h>
#include <linux/module.h>

struct cgp_args {
	struct page	*base_page;
	unsigned long	base_addr;
};

static int clear_gigantic_page_chunk(unsigned long start, unsigned long end,
				     struct cgp_args *args)
{
	unsigned long i;

	for (i = start; i < end; ++i)
		clear_user_highpage(args->base_page + i,
				    args->base_addr + i * PAGE_SIZE);

	return KTASK_RETURN_SUCCESS;
}

static void clear_huge_page(struct page *page, unsigned long addr,
			    unsigned int pages_per_huge_page)
{
	struct cgp_args args = {page, addr};
	struct ktask_node node = {0, pages_per_huge_page, page_to_nid(page)};
	DEFINE_KTASK_CTL(ctl, clear_gigantic_page_chunk, &args,
			 KTASK_MEM_CHUNK);

	ktask_run_numa(&node, 1, &ctl);
}

#define ORDER 9

static int __init ktask_v4_example_init(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, ORDER);
	void *dirty;

	if (!page)
		return -ENOMEM;
	memset(page_address(page), 0xa5, PAGE_SIZE << ORDER);
	clear_huge_page(page, 0, 1u << ORDER);
	dirty = memchr_inv(page_address(page), 0, PAGE_SIZE << ORDER);
	__free_pages(page, ORDER);
	return dirty ? -EIO : 0;
}

static void __exit ktask_v4_example_exit(void)
{
}

module_init(ktask_v4_example_init);
module_exit(ktask_v4_example_exit);
MODULE_DESCRIPTION("A client of the v4 RFC, unchanged");
MODULE_LICENSE("GPL");
