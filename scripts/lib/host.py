# SPDX-License-Identifier: GPL-2.0
"""The machine that guests run on, as far as it matters for times measured there."""

import os
import time

# Percent of its CPUs in use by others from where on times say little.
BUSY_LIMIT = 20


def cores():
    return os.cpu_count()


def busy():
    """How much of its CPUs somebody else uses, in percent, by a look of a second."""
    before = cpu_times()
    time.sleep(1)
    idle, total = (now - then for now, then in zip(cpu_times(), before))
    return 100 * (1 - idle / total) if total else 0


def cpu_times():
    """(ticks without work, all ticks) of all CPUs since boot; see proc_stat(5)."""
    with open("/proc/stat") as stat:
        ticks = [int(field) for field in stat.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)
