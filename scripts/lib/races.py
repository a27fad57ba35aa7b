# SPDX-License-Identifier: GPL-2.0
"""Whose the data races are that KCSAN reports.

The kernel has races of its own that its developers know and live with, and a slow guest shows them
all. Its modules are ours.
"""

import re

from lib import console

TIME = re.compile(r"^(\[[^]]*\] ?)*")
# The function that accesses memory, and its caller, for whom it may do that: memset() and others.
FRAMES = 2


def is_the_kernels_own(lines, at):
    """Whether line `at`, a report's title, is of a race in which no module takes part.

    A module does if it makes one of the accesses. If the kernel makes them on its way from there,
    in the scheduler or the workqueues, that is its own business; and what an interrupt was in the
    way of has nothing to do with it.
    """
    if console.RACE not in lines[at]:
        return False
    left = 0
    found = False
    for line in lines[at + 1:]:
        text = TIME.sub("", line)
        if text.startswith("====="):
            break
        if re.search(console.ACCESS, text):
            left = FRAMES
            found = True
        elif not text.startswith(" ") or text.startswith(" asm_"):
            left = 0
        elif left and text.endswith("]"):
            return False
        else:
            left = max(0, left - 1)
    return found
