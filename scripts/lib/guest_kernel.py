# SPDX-License-Identifier: GPL-2.0
"""The kernel that a guest boots, and the modules that were built for it."""

import os
import struct
import subprocess
import sys
from pathlib import Path

from lib import kernels
from lib.failure import Failure
from lib.repo import REPO


def chosen_kernel(name):
    if name == "stock":
        stock = kernels.default()
        kernel = GuestKernel(stock.vmlinuz, stock.kdir)
        if not kernel.is_built():
            print("guest: building the modules first", file=sys.stderr)
            if subprocess.call([REPO / "scripts/build"], stdout=sys.stderr):
                raise Failure("the modules could not be built")
        return kernel
    path = Path(os.path.realpath(name))
    if path.is_dir():
        return GuestKernel(path / "arch/x86/boot/bzImage", path)
    return GuestKernel(path, None)


class GuestKernel:
    def __init__(self, image, kdir):
        self.image = image
        self.kdir = kdir
        self.release = image_release(image)

    def built(self):
        return REPO / "build" / self.release

    def is_built(self):
        return (self.built() / "ktask_rs.ko").exists()

    def modules(self):
        """[(name, path)] of the modules built for this kernel.

        Those that the last build made: modules of folders that are gone may lie there, too.
        """
        make = f"make KDIR={self.kdir or 'DIR'}"
        if not self.is_built():
            raise Failure(f"nothing is built for kernel {self.release}: run '{make}'")
        built_for = (self.built() / ".built-for").read_text().split()[0]
        if self.kdir and built_for != str(self.kdir):
            raise Failure(f"build/{self.release} is for the kernel in {built_for}, and not for "
                          f"this one of the same release: run '{make}'")
        order = (self.built() / "modules.order").read_text().split()
        paths = [(self.built() / name).with_suffix(".ko") for name in order]
        return sorted((path.name, path) for path in paths)

    def programs(self):
        """[(name, path)] of the programs that the samples come with."""
        return [(path.name, path) for path in sorted(self.built().glob("samples/*/*"))
                if not path.suffix and path.is_file() and os.access(path, os.X_OK)]


def image_release(image):
    """The release that a bzImage names in its header (Documentation/arch/x86/boot.rst)."""
    try:
        with open(image, "rb") as file:
            head = file.read(0x10200)
    except OSError as error:
        raise Failure(f"cannot read the kernel {image}: {error.strerror}") from error
    if head[0x202:0x206] != b"HdrS":
        raise Failure(f"{image} is not a Linux bzImage")
    start = 0x200 + struct.unpack_from("<H", head, 0x20e)[0]
    return head[start:start + 256].split(b"\0")[0].split(b" ")[0].decode(errors="replace")
