# SPDX-License-Identifier: GPL-2.0
"""What on the console of a guest means that its kernel has found something wrong."""

import re

from lib import races

# "WARNING:" counts only where a line begins; CPU mitigations use the word for advice.
REPORTS = re.compile(
    r"^(\[[^]]*\]){0,2} ?WARNING: |Kernel panic|\bOops\b|\bBUG:|general protection fault"
    r"|panicked at|Rust panic|detected stalls|self-detected stall|soft lockup|hard LOCKUP"
    r"|blocked for more than \d+ seconds|scheduling while atomic"
    r"|sleeping function called from invalid|K[AMC]SAN:|KCSAN:|UBSAN:|ODEBUG:|KFENCE:"
    r"|possible recursive locking|circular locking|inconsistent lock state"
    r"|lock inversion dependency|bad unlock balance|held lock freed|still has locks held"
    r"|Invalid wait context|suspicious RCU usage|new suspected memory leaks"
    r"|unreferenced object|refcount_t:|list_(add|del) corruption|Bad page state")

# When the machine goes down, a CPU that is not yet stopped may balance its load with one that is.
# The kernel warns of its own doing then. Anywhere else that is a report like others.
GOING_DOWN = "reboot: Power down"
STOPPED_CPU = "at native_smp_send_reschedule+"


def reports(console, allowed=()):
    """The lines of a console that are reports, less those that match one of allowed."""
    return [line for at, line in enumerate(console) if REPORTS.search(line)
            and not any(pattern.search(line) for pattern in allowed)
            and not races.is_the_kernels_own(console, at)
            and not (STOPPED_CPU in line and is_going_down(console[:at]))]


def is_going_down(console):
    return any(line.endswith(GOING_DOWN) for line in console)
