/* SPDX-License-Identifier: GPL-2.0 */
/* Between the C and the Rust of the sample. */
#ifndef _FOLIO_ZERO_HELPERS_H
#define _FOLIO_ZERO_HELPERS_H

#include <linux/types.h>

struct folio;

/* In Rust: what takes the place of folio_zero_user(), with the same arguments. */
void rust_folio_zero_user(struct folio *folio, unsigned long addr_hint);

/* Replaces folio_zero_user(). The last step of the module's initialisation. */
int folio_zero_enable(void);

/* The module's parameters; they may change at any time. */
size_t folio_zero_threshold(void);
size_t folio_zero_threads(void);

size_t folio_zero_nr_pages(const struct folio *folio);
int folio_zero_nid(const struct folio *folio);

/*
 * Clears the pages from @start to @end (exclusive) of a folio that is going to
 * be mapped at the user address @base, as folio_zero_user() does it. May sleep.
 */
void folio_zero_clear(struct folio *folio, unsigned long base, size_t start,
		      size_t end);

#endif /* _FOLIO_ZERO_HELPERS_H */
