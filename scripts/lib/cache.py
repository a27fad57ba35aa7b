# SPDX-License-Identifier: GPL-2.0
"""The cache folder, ${XDG_CACHE_HOME:-~/.cache}/ktask_rs, which scripts/setup fills.

  root/               the build root: a Debian tree with the kernel toolchain
  root.id             written last, so a root without it is not complete
  kernels/RELEASE/    one stock kernel:
    stock/            unpacked from its packages: vmlinuz, config, Module.symvers,
                      modules/ (its own modules), package.json
    source/           its source
    build/            the prepared build tree, what `make KDIR=` takes
    guest/            a static busybox
    ready.json        written last
    kasan/ kcsan/     sanitizer kernels of our own, built from source/
  current             the release used when KTASK_KERNEL names no other
  current-sanitizer   the release that sanitizer kernels are built from
  host-tests/         what cargo downloads and builds
  logs/  tmp/  lock   tmp/ is whatever is half made; it can always be deleted
"""

import contextlib
import os
from pathlib import Path

from lib.failure import Failure


def folder():
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    if not os.path.isabs(base):
        raise Failure(f"XDG_CACHE_HOME must be an absolute path, not '{base}'")
    return Path(os.path.realpath(base)) / "ktask_rs"


def make():
    """Makes the folder if it is not there."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot make the cache {folder()} ({error.strerror}); set XDG_CACHE_HOME to "
                      "a folder that can be written to") from error


def log_file(name):
    return folder() / "logs" / f"{name}.log"


def noted(name):
    """The text of a file of the cache, None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        return (folder() / name).read_text().strip() or None
    return None
