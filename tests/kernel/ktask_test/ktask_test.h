/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of test cases and controls, and how a case says what is wrong.
 *
 * A case is a test: run with the value 0 it must pass on any machine. A control
 * does one step of a test whose other steps are in a shell script.
 */
#ifndef KTASK_TEST_H
#define KTASK_TEST_H

#include <linux/delay.h>
#include <linux/jiffies.h>
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

/* No longer than @seconds. */
#define wait_until(condition, seconds)					\
do {									\
	unsigned long __end = jiffies + (seconds) * HZ;			\
									\
	while (!(condition) && time_before(jiffies, __end))		\
		fsleep(5 * USEC_PER_MSEC);				\
} while (0)

/* The table of each source file ends with an entry without a name. */
extern const struct test_case random_cases[];
extern const struct test_case arguments_cases[];
extern const struct test_case huge_cases[];
extern const struct test_case iterators_cases[];
extern const struct test_case errors_cases[];
extern const struct test_case threads_cases[];
extern const struct test_case stop_cases[];
extern const struct test_case hogs_cases[];
extern const struct test_case memory_cases[];
extern const struct test_case nesting_cases[];
extern const struct test_case placement_cases[];
extern const struct test_case priority_cases[];
extern const struct test_case policy_cases[];

extern const struct test_case threads_controls[];
extern const struct test_case stop_controls[];
extern const struct test_case placement_controls[];
extern const struct test_case sleeper_controls[];
extern const struct test_case background_controls[];
extern const struct test_case neighbour_controls[];
extern const struct test_case elastic_controls[];
extern const struct test_case hogs_controls[];
extern const struct test_case affinity_controls[];

/* Ends what controls have started. */
void stop_background(void);
void release_neighbours(void);
void end_jobs(void);
void end_lone_hog(void);
void end_held(void);

#endif
