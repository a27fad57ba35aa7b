// SPDX-License-Identifier: GPL-2.0
/* The C side of our debugfs files, in this module. */
#include "../../lib/debugfs/debugfs.c"
