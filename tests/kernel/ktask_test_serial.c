// SPDX-License-Identifier: GPL-2.0
/* The same cases against the stubs that clients get without ktask. */
#define KTASK_DISABLED
#include "ktask_test.c"
