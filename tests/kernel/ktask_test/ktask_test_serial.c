// SPDX-License-Identifier: GPL-2.0
/* The cases that need no concurrency, against the stubs that clients get without ktask. */
#define KTASK_DISABLED
#include "random.c"
#include "arguments.c"
#include "huge.c"
#include "iterators.c"
#include "errors.c"
#include "main.c"
