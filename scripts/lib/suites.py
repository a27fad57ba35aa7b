# SPDX-License-Identifier: GPL-2.0
"""The suites of tests/guest, and what a guest needs to run them."""

import lzma
import os

from lib import build_root, kernels
from lib.failure import Failure
from lib.processes import RUNNING
from lib.repo import REPO

FOLDER = REPO / "tests/guest"


def command(suites):
    """What a guest that has the folder runs."""
    if "fuzz" in suites:
        suites = [f"FUZZ_SEED={os.environ.get('FUZZ_SEED', '')}", *suites]
    return ["sh", f"{FOLDER.name}/run.sh", *suites]


def files(suites, folder, sanitizer=None):
    """The options of scripts/guest for what suites need; what has to be made is made in folder."""
    paths = [FOLDER] + [compiled(FOLDER / f"{suite}.c", folder) for suite in suites
                        if (FOLDER / f"{suite}.c").exists()]
    # Those of a sanitizer kernel are built in.
    if {"power", "elastic"} & set(suites) and not sanitizer:
        paths += unpacked_governors(folder)
    return [arg for path in paths for arg in ("--file", path)]


def compiled(source, folder):
    """A program for the guest, which has no libraries."""
    program = folder / source.stem
    done = RUNNING.output_of(build_root.enter(
        ["gcc", "-static", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source],
        binds=build_root.outermost([REPO, folder]), cwd=folder))
    if done.returncode:
        raise Failure(f"{source.name} cannot be compiled:\n{done.stdout}")
    return program


def unpacked_governors(folder):
    """The stock kernel's modules with energy-saving governors, as far as it has them."""
    modules = kernels.default().stock / "modules/kernel/drivers/cpufreq"
    unpacked = []
    for name in ("cpufreq_powersave.ko", "cpufreq_conservative.ko"):
        packed = modules / f"{name}.xz"
        if packed.exists():
            (folder / name).write_bytes(lzma.decompress(packed.read_bytes()))
            unpacked.append(folder / name)
        elif (modules / name).exists():
            unpacked.append(modules / name)
    return unpacked
