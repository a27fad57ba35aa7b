# SPDX-License-Identifier: GPL-2.0
"""Builds consumers, those of tests/compile and README.md: some must build and run, others not."""

import re
import shutil
import tempfile
from pathlib import Path

from lib import shown
from lib.processes import RUNNING
from lib.repo import REPO

# Marks the line for which a consumer must not build.
WRONG_LINE = "// must not compile"


def test(results):
    with tempfile.TemporaryDirectory(prefix="ktask-") as folder:
        folder = Path(folder)
        copy_all(folder)
        modules = []
        for consumer in sorted(folder.iterdir()):
            modules += build(results, consumer)
        build_mended(results, folder)
        run(results, modules)


def copy_all(folder):
    for path, text in shown.readme_files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for source in sorted((REPO / "tests/compile").iterdir()):
        shutil.copytree(source, folder / source.name)


def build(results, folder):
    """Builds a consumer, or sees the error it must give; returns its modules."""
    done = built(folder)
    refused = folder / "must-not-build"
    if refused.exists():
        pattern = refused.read_text().strip()
        ok = done.returncode != 0 and re.search(pattern, done.stdout)
        results.add(f"{folder.name} must not build", ok, done.stdout)
        return []
    modules = sorted(folder.glob("*.ko"))
    results.add(f"{folder.name} builds", done.returncode == 0 and modules, done.stdout)
    return modules


def built(folder):
    return RUNNING.output_of([REPO / "scripts/build", "consumer", f"M={folder}"])


def build_mended(results, folder):
    """What must not build does so without the line that is wrong, so that line is the reason."""
    mended = folder / "mended"
    names = []
    for source in sorted(refused.parent / f"{refused.parent.name}.rs"
                         for refused in folder.glob("rust_*/must-not-build")):
        lines = source.read_text().splitlines(keepends=True)
        names.append(source.stem)
        (mended / source.stem).mkdir(parents=True)
        (mended / source.stem / source.name).write_text(
            "".join(line for line in lines if WRONG_LINE not in line))
        shutil.copy(source.parent / "Kbuild", mended / source.stem)
    (mended / "Kbuild").write_text("".join(f"obj-m += {name}/\n" for name in names))
    done = built(mended)
    for name in names:
        results.add(f"{name} builds without the wrong line",
                    (mended / name / f"{name}.ko").exists(), done.stdout)


def run(results, modules):
    """Loads consumers in a guest; each says hello in the kernel log."""
    files = [arg for module in modules for arg in ("--file", module)]
    script = "insmod ktask_rs.ko || exit 1\n" + "".join(
        f"dmesg -c > /dev/null; insmod {module.name} && dmesg | grep -q hello && "
        f"echo loaded {module.name}\n" for module in modules)
    done = RUNNING.output_of([REPO / "scripts/guest", *files, "--", "sh", "-c", script])
    for module in modules:
        results.add(f"{module.stem} loads and runs",
                    f"loaded {module.name}\n" in done.stdout, done.stdout)
