# SPDX-License-Identifier: GPL-2.0
"""Finds on a console what its kernel reports, by the rules in console.py."""

import re
import shlex

from lib import console, races


def reports_in(lines, allowed=()):
    """The lines of a console that are reports, less those that match one of allowed."""
    is_report = re.compile("|".join(console.REPORTS)).search
    return [line for at, line in enumerate(lines) if is_report(line)
            and not any(pattern.search(line) for pattern in allowed)
            and not races.is_the_kernels_own(lines, at)
            and not is_excused(lines, at)]


def is_excused(lines, at):
    return any(re.search(excused, lines[at])
               and any(re.search(after, line) for line in lines[:at])
               for after, excused in console.EXCUSED)


def as_shell():
    """The same for a shell whose $box is busybox: prints the reports of a console, fails if none.

    Without KCSAN's rules: packed guests do not tell whose a race is.
    """
    excuse = "\n".join(f"/{in_sed(after)}/,$ {{ /{in_sed(excused)}/d; }}"
                       for after, excused in console.EXCUSED)
    return (f"\"$box\" tr -d '\\r' | \"$box\" sed -E {shlex.quote(excuse)} | "
            f"\"$box\" grep -E {shlex.quote('|'.join(console.REPORTS))}")


def in_sed(pattern):
    return pattern.replace("/", r"\/")
