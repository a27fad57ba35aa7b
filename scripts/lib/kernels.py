# SPDX-License-Identifier: GPL-2.0
"""The stock kernels that scripts/setup prepares, and which kernels are supported."""

import contextlib
import json
import os
import re

from lib import build_root, cache
from lib.failure import Failure

# The kernels ktask_rs supports, stated here and nowhere else.
OLDEST_SUPPORTED = (7, 2)
NEWEST_TESTED = (7, 3)


class Kernel:
    """The places of one stock kernel in the cache."""

    def __init__(self, release):
        self.release = release
        self.folder = cache.folder() / "kernels" / release
        self.stock = self.folder / "stock"
        self.source = self.folder / "source"
        self.kdir = self.folder / "build"
        self.guest = self.folder / "guest"
        self.vmlinuz = self.stock / "vmlinuz"
        self.busybox = self.guest / "busybox"

    def sanitizer(self, name):
        """The build tree of a sanitizer kernel of the same source (see sanitizer.py)."""
        return self.folder / name

    def package(self):
        """What is noted of its packages: "version", and whether it was asked for ("explicit")."""
        with contextlib.suppress(OSError, ValueError):
            about = json.loads((self.stock / "package.json").read_text())
            if isinstance(about, dict) and {"version", "explicit"} <= set(about):
                return about
        return None

    def unpacked(self):
        return self.package() is not None and self.source.is_dir()

    def ready(self):
        """True if everything is there and fits the present build root."""
        try:
            made = json.loads((self.folder / "ready.json").read_text())
        except (OSError, ValueError):
            return False
        needed = [self.vmlinuz, self.kdir / "Module.symvers", self.busybox,
                  self.source / "Makefile"]
        return made == ready_mark() and all(p.exists() for p in needed)


def ready_mark():
    """What a kernel's products depend on besides its own packages."""
    return {"recipe": build_root.RECIPE, "root": build_root.identity()}


def default_release():
    """The stock kernel to use: KTASK_KERNEL, else the one setup chose, else None."""
    asked = os.environ.get("KTASK_KERNEL")
    if asked:
        return check_release_name(asked)
    return cache.noted("current")


def sanitizer_release():
    """The release whose source sanitizer kernels are built from, or None."""
    release = cache.noted("current-sanitizer")
    return release if release and Kernel(release).unpacked() else None


def check_release_name(name):
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+~-]*", name):
        raise Failure(f"'{name}' is not a kernel release such as 1.2.3+deb13-cloud-amd64")
    return name


def default():
    """The prepared stock kernel, or a Failure telling how to get it."""
    release = default_release()
    kernel = Kernel(release) if release else None
    if kernel is None or build_root.identity() is None or not kernel.ready():
        command = "scripts/setup"
        if os.environ.get("KTASK_KERNEL"):
            command += f" --kernel {release}"
        raise Failure(f"{release or 'the stock kernel'} is not set up: run {command}")
    return kernel


def numbers(release):
    """'7.2.12+deb13' -> [7, 2, 12, 13], which sorts as releases do."""
    return [int(n) for n in re.findall(r"\d+", release)]


def check_supported(release, tell):
    """Refuses a kernel that is too old; says so if it is newer than any tested."""
    series = tuple(numbers(release)[:2])
    if series < OLDEST_SUPPORTED:
        raise Failure(f"kernel {release} is too old: ktask_rs needs "
                      f"{dotted(OLDEST_SUPPORTED)} or later")
    if series > NEWEST_TESTED:
        tell(f"warning: kernel {release} is newer than {dotted(NEWEST_TESTED)}, "
             "the last one ktask_rs was tested with")


def dotted(series):
    return ".".join(map(str, series))


def foreign_rust_symbols(kdir):
    """(how many Rust symbols of a build tree its Module.symvers lacks, of how many).

    Rust symbol names hash what the crates are made of, so none missing proves
    that the crate metadata is that of the kernel which Module.symvers is from.
    """
    symvers = (kdir / "Module.symvers").read_text()
    known = {name for line in symvers.splitlines() for name in line.split("\t")[1:2]}
    exported = []
    for header in (kdir / "rust").glob("exports_*_generated.h"):
        exported += re.findall(r"EXPORT_SYMBOL_RUST_GPL\((\w+)\)", header.read_text())
    return sum(name not in known for name in exported), len(exported)
