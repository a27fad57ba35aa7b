/* SPDX-License-Identifier: GPL-2.0 */
/* Between the C and the Rust of the sample. */
#ifndef _PIN_PAGES_HELPERS_H
#define _PIN_PAGES_HELPERS_H

#include <linux/types.h>

struct mm_struct;
struct page;
struct task_struct;

/* In Rust: what an open file holds, or NULL if there is no memory; and what it is asked for. */
void *rust_pin_pages_open(void);
void rust_pin_pages_release(void *file);
int rust_pin_pages_pin(void *file, unsigned long addr, size_t size, unsigned int threads);
int rust_pin_pages_unpin(void *file);

/* Adds and removes /dev/pin_pages. */
int pin_pages_register(void);
void pin_pages_deregister(void);

/*
 * Pins up to @count pages at @addr of the address space that the thread uses,
 * for long and for writing. Returns how many, at least 1, or an errno. Without
 * @fault what is not mapped is an -EFAULT. Gives way to other threads.
 */
long pin_pages_pin(unsigned long addr, size_t count, bool fault, struct page **pages);
/* Unpins what is not NULL of @pages and sets it to NULL. */
void pin_pages_unpin(struct page **pages, size_t count);

/*
 * Has a thread without an address space of its own use @mm, which somebody else keeps, and the
 * memory nodes of @caller. Without the nodes a page that may not be pinned where it is would be
 * migrated past the caller's cpuset.
 */
bool pin_pages_borrow(struct mm_struct *mm, struct task_struct *caller);
void pin_pages_give_back(struct mm_struct *mm);

#endif /* _PIN_PAGES_HELPERS_H */
