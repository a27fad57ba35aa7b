# SPDX-License-Identifier: GPL-2.0
"""Options of scripts/guest that more than one command gives."""


def nodes(*specs):
    return [word for spec in specs for word in ("--node", spec)]


# Each node surely has a whole free GiB at a multiple of 1 GiB, wherever the kernel put itself; the
# host gives what is used, some 4 GiB in all.
GIGANTIC_PAGES = nodes("cpus=0-1,mem=8G", "cpus=2-3,mem=8G")

# Little memory, so that it soon runs short.
SHORT_OF_MEMORY = nodes("cpus=0-1,mem=512M", "cpus=2-3,mem=512M")

# The kernel would clear what is allocated, once more and in one thread.
NOT_CLEARED_TWICE = ["--append", "init_on_alloc=0"]
