/* SPDX-License-Identifier: GPL-2.0 */
/* What the sample needs of the kernel that the kernel crate lacks. */
#ifndef _CLEAR_GIGANTIC_HELPERS_H
#define _CLEAR_GIGANTIC_HELPERS_H

#include <linux/types.h>

#include "debugfs.h"

/* A node with memory. */
int clear_gigantic_first_node(void);
/* Whether a node, which may be any number, has memory. */
bool clear_gigantic_node_has_memory(int nid);
/* The node of the CPU this runs on. */
int clear_gigantic_this_node(void);

/*
 * @size bytes of contiguous memory of a node that has some, aligned to @size,
 * or NULL.  The size must be a power of two of whole pages.
 */
void *clear_gigantic_alloc(int nid, size_t size);
void clear_gigantic_free(void *memory, size_t size);
/* Clears whole pages as the kernel does it. */
void clear_gigantic_clear(void *memory, size_t size);

/* Gives way to other threads; tells whether the thread is to be killed. */
bool clear_gigantic_killed(void);

#endif /* _CLEAR_GIGANTIC_HELPERS_H */
