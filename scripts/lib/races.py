# SPDX-License-Identifier: GPL-2.0
"""Whose the data races are that KCSAN reports.

The kernel has races of its own that its developers know and live with, and a slow guest shows them
all. Its modules are ours.
"""

import re

TITLE = "BUG: KCSAN: "
TIME = re.compile(r"^(\[[^]]*\] ?)*")
ACCESS = re.compile(r"^(race at unknown origin, with )?(read|write|assert|read-write)\b.* by ")


# The function that accesses memory, and its caller, for whom it may do that: memset() and others.
FRAMES = 2


def is_the_kernels_own(console, at):
    """Whether line `at`, a report's title, is of a race in which no module takes part.

    A module does if it makes one of the accesses. If the kernel makes them on its way from there,
    in the scheduler or the workqueues, that is its own business; and what an interrupt was in the
    way of has nothing to do with it.
    """
    if TITLE not in console[at]:
        return False
    left = 0
    found = False
    for line in console[at + 1:]:
        text = TIME.sub("", line)
        if text.startswith("====="):
            break
        if ACCESS.search(text):
            left = FRAMES
            found = True
        elif not text.startswith(" ") or text.startswith(" asm_"):
            left = 0
        elif left and text.endswith("]"):
            return False
        else:
            left = max(0, left - 1)
    return found
