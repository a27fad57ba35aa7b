# SPDX-License-Identifier: GPL-2.0
"""Whose the data races are that KCSAN reports.

The kernel has races of its own that its developers know and live with, and a slow guest shows them
all. Its modules are ours.
"""

import re

TITLE = "BUG: KCSAN: "
TIME = re.compile(r"^(\[[^]]*\] ?)*")
ACCESS = re.compile(r"^(race at unknown origin, with )?(read|write|assert|read-write)\b.* by ")


def is_the_kernels_own(console, at):
    """Whether line `at`, a report's title, is of a race in which no module takes part.

    A module does if it is among what led to one of the accesses. What an interrupt was in the way
    of has nothing to do with it.
    """
    if TITLE not in console[at]:
        return False
    in_stack = found = False
    for line in console[at + 1:]:
        text = TIME.sub("", line)
        if text.startswith("====="):
            break
        if ACCESS.search(text):
            in_stack = found = True
        elif not text.startswith(" ") or text.startswith(" asm_"):
            in_stack = False
        elif in_stack and text.endswith("]"):
            return False
    return found
