# SPDX-License-Identifier: GPL-2.0
"""The guest's initramfs: busybox, an init that runs one command, and files for it."""

import os
import shlex
import stat
from pathlib import Path

from lib.failure import Failure

FOLDERS = ["bin", "dev", "etc", "proc", "sys", "tmp", "root", "ktask"]

# Ports: ttyS0 is the kernel's console, ttyS1 the command's, ttyS2 takes its status.
INIT = """#!/bin/busybox sh
export PATH=/bin HOME=/root TERM=@TERM@
/bin/busybox --install -s /bin
try() { mount -t "$1" "$1" "$2" || echo "guest: no $1"; }
try proc /proc
try sysfs /sys
try devtmpfs /dev
try tmpfs /tmp
try debugfs /sys/kernel/debug
try tracefs /sys/kernel/tracing
try cgroup2 /sys/fs/cgroup
mkdir -p /dev/hugepages /dev/shm
try hugetlbfs /dev/hugepages
# raw: what the command writes arrives byte by byte as it is
stty -F /dev/ttyS1 @STTY@
# from here on, see all that the kernel says
dmesg -n 8
cd /ktask
@SETSID@ sh -c '. /command' <@STDIN@ >/dev/ttyS1 2>&1
status=$?
# setting a port up waits until everything written to it is sent
stty -F /dev/ttyS1 raw
echo "status $status" >/dev/ttyS2
poweroff -f
reboot -f
"""

NO_TERMINAL = {"TERM": "dumb", "STTY": "raw -echo", "SETSID": "setsid", "STDIN": "/dev/null"}


def write(path, busybox, command, files, settings=None):
    """Packs an initramfs whose init runs command, an argument list.

    files is [(name in /ktask, Path)]; settings replaces words of INIT.
    """
    init = INIT
    for word, value in {**NO_TERMINAL, **(settings or {})}.items():
        init = init.replace(f"@{word}@", value)
    script = "exec " + " ".join(map(shlex.quote, command)) + "\n"
    with open(path, "wb") as out:
        cpio = Cpio(out)
        for name in FOLDERS:
            cpio.folder(name)
        cpio.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        cpio.file("bin/busybox", busybox.read_bytes(), 0o755)
        cpio.file("init", init.encode(), 0o755)
        cpio.file("command", os.fsencode(script), 0o644)
        for name, source in files:
            add_tree(cpio, f"ktask/{name}", source)
        cpio.end()


def add_tree(cpio, name, source):
    """Adds a file, or a folder with all that is in it."""
    mode = source.stat().st_mode
    if stat.S_ISREG(mode):
        cpio.file(name, source.read_bytes(), stat.S_IMODE(mode))
    elif stat.S_ISDIR(mode):
        cpio.folder(name)
        for entry in sorted(source.iterdir()):
            add_tree(cpio, f"{name}/{entry.name}", entry)
    else:
        raise Failure(f"{source} is neither a file nor a folder")


class Cpio:
    """Writes the archive format that the kernel unpacks ("newc")."""

    def __init__(self, out):
        self.out = out
        self.count = 0

    def folder(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode):
        self.add(name, stat.S_IFREG | mode, data)

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.count += 1
        name = os.fsencode(name) + b"\0"
        # inode, mode, uid, gid, links, time, size, device twice, name length, checksum
        numbers = [self.count, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
        header = b"070701" + b"".join(b"%08X" % number for number in numbers)
        self.out.write(padded(header + name) + padded(data))

    def end(self):
        self.add("TRAILER!!!", 0)


def padded(data):
    return data + bytes(-len(data) % 4)


def module_release(path):
    """The kernel release that a .ko was built for, or None."""
    _, found, rest = Path(path).read_bytes().partition(b"\0vermagic=")
    return rest.split(b" ", 1)[0].decode(errors="replace") if found else None
