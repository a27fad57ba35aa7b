# SPDX-License-Identifier: GPL-2.0
"""Reads KTAP (Documentation/dev-tools/ktap.rst of the kernel), as far as the tests print it."""

import re

RESULT = re.compile(r"(not )?ok \d+ ?-? ?(.*?)(?: # SKIP ?(.*))?$")


def take(results, group, printed, status):
    """Adds to results what a command has printed and how it ended."""
    planned = found = failed = 0
    for line in printed.splitlines():
        result = RESULT.match(line)
        if result and result[3] is not None:
            results.skip(f"{group}: {result[2]}", result[3])
        elif result:
            results.add(f"{group}: {result[2]}", not result[1])
            failed += bool(result[1])
        elif line.startswith("1.."):
            planned = int(line[3:])
        elif not line.startswith("KTAP"):
            results.lines.append(line)
        found += bool(result)
    # Its own failures are counted already; anything else went wrong around them.
    if status and not (failed and status == 1):
        results.add(f"{group}: ended with status {status}", False)
    elif not found or planned != found:
        results.add(f"{group}: {planned} tests announced, {found} seen", False)
