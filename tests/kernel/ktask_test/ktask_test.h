/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of test cases and controls, and how a case says what is wrong.
 *
 * A case is a test: run with the value 0 it must pass on any machine. A control
 * does one step of a test whose other steps are in a shell script.
 */
#ifndef KTASK_TEST_H
#define KTASK_TEST_H

#include <linux/printk.h>
#include <linux/types.h>

#define expect(cond)							\
({									\
	bool __ok = (cond);						\
	if (!__ok)							\
		pr_err("%s:%d: not so: %s\n", __func__, __LINE__, #cond); \
	__ok;								\
})

struct test_case {
	const char *name;
	bool (*run)(u64 value);
};

#define CASE(name) { #name, name }

/* Each table ends with an entry without a name. */
extern const struct test_case mixed_cases[];
extern const struct test_case mixed_controls[];

extern const struct test_case policy_cases[];
extern const struct test_case neighbour_controls[];

void stop_background(void);
void release_neighbours(void);

#endif
