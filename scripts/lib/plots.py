# SPDX-License-Identifier: GPL-2.0
"""matplotlib, in an environment of its own in the cache."""

import hashlib
import subprocess
import sys

from lib import cache
from lib.failure import Failure
from lib.processes import run_to_log

REQUIREMENT = "matplotlib>=3.6,<4"


def interpreter():
    """The Python that has matplotlib; installs it if it is not there. None if it cannot be had."""
    key = hashlib.sha256(f"{REQUIREMENT} {sys.version}".encode()).hexdigest()[:16]
    folder = cache.folder() / f"plots-{key}"
    python = folder / "bin/python3"
    done = folder / "complete"
    if done.exists() and python.exists():
        return python
    print("installing matplotlib for plots", flush=True)
    log = cache.log_file("plots")
    try:
        run_to_log([sys.executable, "-m", "venv", "--clear", str(folder)], log,
                   "python3 -m venv")
        run_to_log([str(python), "-m", "pip", "install", "--quiet", REQUIREMENT], log,
                   "pip install")
    except (Failure, subprocess.SubprocessError) as failure:
        print(f"there will be no plots: {failure}", file=sys.stderr)
        return None
    done.touch()
    return python
