/* SPDX-License-Identifier: GPL-2.0 */
/* What the sample needs of the kernel that the kernel crate lacks. */
#ifndef _FREE_LIST_HELPERS_H
#define _FREE_LIST_HELPERS_H

#include <linux/types.h>

#include "debugfs.h"

/* A page, or NULL; does not bring the machine to its knees for it. May sleep. */
void *free_list_alloc(void);
/* Wipes a page and gives it back. */
void free_list_free(void *page);

/* Gives way to other threads; tells whether the thread is to be killed. */
bool free_list_killed(void);

#endif /* _FREE_LIST_HELPERS_H */
