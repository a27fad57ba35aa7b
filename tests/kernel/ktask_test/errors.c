// SPDX-License-Identifier: GPL-2.0
/* What a task returns when thread functions fail. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktask.h>

#include "count.h"
#include "ktask_test.h"

static bool p8_error_of_a_single_chunk(u64 unused)
{
	struct count count = { .result = -ENOSPC };
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 100);
	bool ok;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	ok = expect(ktask_run(NULL, 100, &ctl) == -ENOSPC);
	count.result = 42;
	ok &= expect(ktask_run(NULL, 100, &ctl) == 42);
	ok &= expect(atomic_read(&count.calls) == 2);
	return ok & expect(!atomic_read(&count.undos));
}

/* Every value but 0 is an error of the client's own. */
static bool p9_errors_that_are_no_errno(u64 unused)
{
	static const int values[] = { 1, -1, INT_MIN, INT_MAX, -MAX_ERRNO - 1, -EINVAL, -EINTR };
	struct count count = {};
	DEFINE_KTASK_CTL(ctl, count_chunk, &count, 1);
	bool ok = true;
	int i;

	ktask_ctl_set_undo_func(&ctl, count_undo);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		count.result = values[i];
		ok &= expect(ktask_run(NULL, 1, &ctl) == values[i]);
		ok &= expect(ktask_run(NULL, 1000, &ctl) == values[i]);
	}
	return ok & expect(!atomic_read(&count.undos));
}

const struct test_case errors_cases[] = {
	CASE(p8_error_of_a_single_chunk),
	CASE(p9_errors_that_are_no_errno),
	{}
};
