# SPDX-License-Identifier: GPL-2.0
"""What commands run before they begin: scripts/setup and scripts/build."""

import subprocess
import sys

from lib import cache, processes
from lib.failure import Failure
from lib.repo import REPO


def set_up(stdout=None, otherwise="setup did not finish"):
    """Prepares the cache; setup says itself what it does, which the first time takes minutes."""
    if subprocess.call([REPO / "scripts/setup"], stdout=stdout):
        raise Failure(otherwise)


def set_up_quietly():
    """For a command whose standard output is for others to read."""
    set_up(sys.stderr)


def build(log, *argv):
    """Runs scripts/build with its output in a log."""
    processes.run_to_log([str(REPO / "scripts/build"), *argv], cache.log_file(log), "the build")
