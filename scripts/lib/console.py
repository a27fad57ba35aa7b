# SPDX-License-Identifier: GPL-2.0
"""What on the console of a guest means that its kernel has found something wrong.

The rules are here and nowhere else; reports.py applies them.  Python reads them and, in a packed
guest, busybox's grep and sed: regular expressions of what the two have in common, so without \\d
and \\b.
"""

# What is a report. "WARNING:" counts only where a line begins; CPU mitigations use the word for
# advice. "DEBUG:" is no "BUG:".
REPORTS = [
    r"^(\[[^]]*\]){0,2} ?WARNING: ",
    r"(^|[^A-Z])BUG:",
    "Kernel panic", "Oops", "general protection fault", "panicked at", "Rust panic",
    "detected stalls", "self-detected stall", "soft lockup", "hard LOCKUP",
    "blocked for more than [0-9]+ seconds", "scheduling while atomic",
    "sleeping function called from invalid",
    "K[AMC]SAN:", "KCSAN:", "UBSAN:", "ODEBUG:", "KFENCE:",
    "possible recursive locking", "circular locking", "inconsistent lock state",
    "lock inversion dependency", "bad unlock balance", "held lock freed", "still has locks held",
    "Invalid wait context", "suspicious RCU usage",
    "new suspected memory leaks", "unreferenced object", "refcount_t:",
    "list_(add|del) corruption", "Bad page state",
]

# What is none: (a line from which on, what is then excused). When the machine goes down, a CPU
# that is not yet stopped may balance its load with one that is, and the kernel warns of its own
# doing. Anywhere else that is a report like others.
EXCUSED = [
    ("reboot: Power down$", r"at native_smp_send_reschedule\+"),
]

# What KCSAN prints of a race, for races.py: the title, and the line above the stack of each access.
RACE = "BUG: KCSAN: "
ACCESS = "^(race at unknown origin, with )?(read|write|assert|read-write) .* by "
