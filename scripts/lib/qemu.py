# SPDX-License-Identifier: GPL-2.0
"""The QEMU that guests run on, that of the build root, and how its command line is put together."""

from lib import build_root

PROGRAM = "usr/bin/qemu-system-x86_64"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "lib64/ld-linux-x86-64.so.2"
FIRMWARE = ["usr/share/seabios", "usr/share/qemu"]
CPU_MODELS = {"kvm": "host", "tcg": "max"}

# What every guest's kernel is told. On a busy host the timer of an emulated machine comes too late
# for the kernel's test of it.
KERNEL_ARGUMENTS = "console=ttyS0 panic=-1 oops=panic loglevel=5 no_timer_check"
# The most that the kernel takes on x86. QEMU does not cut off what is too long, and such a kernel
# does not begin to boot.
COMMAND_LINE_SIZE = 2048


def command(accel, extra, single_thread=False):
    """QEMU, going down with us."""
    firmware = [word for name in FIRMWARE for word in ("-L", str(in_root(name)))]
    return ["setpriv", "--pdeathsig", "KILL",
            "env", f"QEMU_MODULE_DIR={in_root(LIBRARIES)}/qemu", *loaded(in_root(PROGRAM)),
            *firmware, *machine_options(accel, extra, single_thread)]


def loaded(*argv):
    """The command line of a program of the build root that is not run in there, but on the host.

    The root's own loader finds the root's libraries, and the program has the host's files, devices
    and terminal.
    """
    return [str(in_root(LOADER)), "--inhibit-cache", "--library-path", str(in_root(LIBRARIES)),
            *map(str, argv)]


def in_root(name):
    return build_root.folder() / name


def machine_options(accel, extra, single_thread=False):
    """A machine without devices."""
    # icount, which counts instructions, cannot be had with several threads
    threads = "single" if single_thread or "-icount" in extra else "multi"
    # Without fast string instructions the kernel clears pages eight bytes at a
    # time; emulation takes one step for each store, whatever its size. With five
    # levels of page tables, 7.3's KASAN now and then reports the direct map itself
    # while the kernel replaces its own code at boot.
    machine = {"kvm": ["-accel", "kvm", "-cpu", CPU_MODELS["kvm"]],
               "tcg": ["-accel", f"tcg,thread={threads}",
                       "-cpu", f"{CPU_MODELS['tcg']},-erms,-fsrm,-la57"]}
    return ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", *machine[accel],
            *extra]


def serial_port(number, backend):
    kind, _, options = backend.partition(",")
    chardev = f"{kind},id=port{number}" + (f",{options}" if options else "")
    return ["-chardev", chardev, "-device", f"isa-serial,chardev=port{number},index={number}"]


def boot_options(image, initramfs, append=""):
    return ["-kernel", str(image), "-initrd", str(initramfs),
            "-append", kernel_arguments(append)]


def kernel_arguments(append=""):
    return f"{KERNEL_ARGUMENTS} {append}".strip()


def escaped(path):
    """A path as QEMU's options want it."""
    return str(path).replace(",", ",,")
