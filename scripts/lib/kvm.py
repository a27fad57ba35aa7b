# SPDX-License-Identifier: GPL-2.0
"""Whether guests can run on KVM."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lib import cache, initramfs, kernels, qemu


def accelerator(wanted, image):
    if wanted == "auto":
        wanted = "kvm" if kvm_works(image) else "tcg"
    return wanted


def kvm_works(image):
    """True if the kernel in image boots with KVM: that /dev/kvm opens does not mean so.

    The answer is remembered until the machine or QEMU changes.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    program = qemu.in_root(qemu.PROGRAM)
    key = [boot, str(program), os.stat(program).st_mtime]
    verdict = cache.folder() / "kvm.json"
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(verdict.read_text())
        if known["key"] == key:
            return known["works"]
    works = boots_with_kvm(image)
    if not works:
        print("guest: KVM does not work on this machine; emulating instead", file=sys.stderr)
    part = verdict.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps({"key": key, "works": works}))
    os.replace(part, verdict)
    return works


def boots_with_kvm(image):
    with tempfile.TemporaryDirectory(prefix="ktask-kvm-") as folder:
        packed, status = Path(folder, "initramfs"), Path(folder, "status")
        initramfs.write(packed, kernels.default().busybox, ["true"], [])
        command = [*qemu.command("kvm", []), "-m", "512M", *qemu.serial_port(0, "null"),
                   *qemu.serial_port(1, "null"), *qemu.serial_port(2, f"file,path={status}"),
                   *qemu.boot_options(image, packed)]
        with open(Path(folder, "errors"), "w+") as errors:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors,
                                     stderr=errors)
            try:
                wait_for_kvm(child, Path(errors.name))
            finally:
                child.kill()
                child.wait()
        return status.exists() and "status 0" in status.read_text(errors="replace")


def wait_for_kvm(child, errors):
    """Until the guest ends, or QEMU says that it cannot go on: it pauses then."""
    end = time.monotonic() + 30
    while child.poll() is None and time.monotonic() < end:
        if "KVM internal error" in errors.read_text():
            return
        time.sleep(0.1)
