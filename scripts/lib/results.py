# SPDX-License-Identifier: GPL-2.0
"""What has passed, failed and been skipped in one part of the tests."""


class Results:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.lines = []

    def add(self, name, ok, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        self.lines.append(f"{'ok' if ok else 'not ok'} - {name}")
        if not ok:
            self.lines += [f"# {line}" for line in detail.splitlines()]

    def skip(self, name, reason):
        self.skipped += 1
        self.lines.append(f"ok - {name} # SKIP {reason}")
