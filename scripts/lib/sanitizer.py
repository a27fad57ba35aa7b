# SPDX-License-Identifier: GPL-2.0
"""Kernels of our own with sanitizers: tinyconfig and .config.debug.fragment.

Clang builds them: Rust and KASAN do not go together with GCC.
"""

import hashlib
import json
import os
import re

from lib import build_root
from lib.failure import Failure
from lib.progress import step
from lib.repo import REPO

NAMES = ("kasan", "kcsan")
# Raise it when a change below makes kernels unfit that were built before.
RECIPE = 1
FRAGMENT = REPO / ".config.debug.fragment"


def fragment(name):
    """What is added to tinyconfig for one kernel."""
    common, *parts = re.split(rf"^# ({'|'.join(NAMES)}):$", FRAGMENT.read_text(),
                              flags=re.MULTILINE)
    return common + dict(zip(parts[::2], parts[1::2]))[name]


def mark(name):
    """What a kernel depends on besides its source."""
    config = hashlib.sha256(fragment(name).encode()).hexdigest()
    return {"recipe": RECIPE, "config": config, "toolchain": toolchain()}


def toolchain():
    """The versions of what builds it. The rest of the build root may change: it takes long."""
    status = (build_root.folder() / "var/lib/dpkg/status").read_text()
    packages = dict(re.findall(r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)$", status, re.MULTILINE))
    return {name: packages.get(name) for name in ("clang", "rustc", "bindgen", "binutils")}


def is_ready(kernel, name):
    folder = kernel.sanitizer(name)
    try:
        made = json.loads((folder / "ready.json").read_text())
    except (OSError, ValueError):
        return False
    return made == mark(name) and image(folder).exists()


def image(folder):
    return folder / "arch/x86/boot/bzImage"


def build(kernel, name):
    """Builds a kernel into its empty folder."""
    folder = kernel.sanitizer(name)
    folder.mkdir()
    make = ["make", f"O={folder}", f"-j{len(os.sched_getaffinity(0))}", "CC=clang",
            f"LOCALVERSION=-{name}"]

    def run(argv, what):
        build_root.run(argv, f"{name}-{what}", binds=[kernel.folder], cwd=kernel.source)

    with step(f"building the {name} kernel of {kernel.release}'s source"):
        run([*make, "tinyconfig"], "tinyconfig")
        (folder / "fragment").write_text(fragment(name))
        run(["env", "CC=clang", "scripts/kconfig/merge_config.sh", "-m", "-O", folder,
             folder / ".config", folder / "fragment"], "merge")
        run([*make, "olddefconfig"], "olddefconfig")
        check_config(folder, name)
        run([*make, "bzImage", "modules"], "build")
        (folder / "ready.json").write_text(json.dumps(mark(name)) + "\n")


def check_config(folder, name):
    """kconfig drops what it cannot have without a word."""
    config = set((folder / ".config").read_text().splitlines())
    wanted = re.findall(r"^(?:CONFIG_\w+=.*|# CONFIG_\w+ is not set)$", fragment(name),
                        re.MULTILINE)
    missing = [option for option in wanted
               if option not in config
               and not (option.startswith("#") and not any(
                   line.startswith(option.split()[1] + "=") for line in config))]
    if missing:
        raise Failure(f"{FRAGMENT.name}: this kernel cannot have {', '.join(missing)}")
