# SPDX-License-Identifier: GPL-2.0
"""A guest packed into one archive, with the QEMU that runs it.

It is for machines that have more cores, but neither a network nor QEMU. All
that it needs there is a Linux kernel for x86-64: the shell that runs its script
is in it as well.
"""

import io
import os
import re
import shlex
import subprocess
import tarfile
from pathlib import Path

from lib import qemu
from lib.failure import Failure

FOLDER = "ktask-guest"
FIRMWARE = ["bios-256k.bin", "linuxboot_dma.bin", "kvmvapic.bin"]

README = """\
A guest that runs one command:

    {command}

Run "sh run.sh", or, where there is no shell, "busybox sh run.sh". It prints what
the command prints, and its exit status is the command's, or as scripts/guest
--help of ktask_rs says. ACCEL=kvm or ACCEL=tcg chooses how the guest runs;
without it, that is KVM where a kernel boots with it. SECONDS_MAX={timeout} is how
long it may take. The guest: {shape}, kernel {release}.
"""

# @WORDS@ are replaced. Only shell builtins and the busybox beside it are used.
RUN = r"""#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
case $0 in
*/*) cd "${0%/*}" || exit @NOT_STARTED@ ;;
esac
here=$PWD
box=$here/busybox
seconds_max=${SECONDS_MAX:-@TIMEOUT@}
folder=$("$box" mktemp -d "${TMPDIR:-/tmp}/ktask-guest.XXXXXX" 2>/dev/null) ||
	folder=$("$box" mktemp -d "$here/ktask-guest.XXXXXX") || exit @NOT_STARTED@
child=
trap '[ -z "$child" ] || kill -9 "$child" 2>/dev/null; "$box" rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# qemu SECONDS OPTION...: runs it for that long at most.
qemu() {
	seconds=$1
	shift
	"$box" timeout -s KILL "$seconds" \
		"$here/qemu/lib/@LOADER@" --inhibit-cache --library-path "$here/qemu/lib" \
		"$here/qemu/@QEMU@" \
		-L "$here/qemu/firmware" "$@" </dev/null 2>"$folder/errors" &
	child=$!
	wait $child 2>/dev/null
	ended=$?
	child=
}

kvm="@KVM@"
tcg="@TCG@"

# A kernel without an init panics and reboots, if it really runs. That /dev/kvm
# can be opened does not mean so.
kvm_works() {
	[ -w /dev/kvm ] || return 1
	# shellcheck disable=SC2086
	qemu 20 $kvm -kernel vmlinuz -append @PROBE@ \
		-chardev "file,id=port0,path=$folder/probe" -device isa-serial,chardev=port0
	"$box" grep -q "Kernel panic" "$folder/probe"
}

accel=${ACCEL:-auto}
if [ "$accel" = auto ]; then
	accel=tcg
	kvm_works && accel=kvm
fi
case $accel in
kvm) machine=$kvm ;;
tcg) machine=$tcg ;;
*)
	echo "guest: ACCEL is auto, kvm or tcg, not '$accel'" >&2
	exit @NOT_STARTED@
	;;
esac
echo "guest: $accel, host with $("$box" nproc) cores" >&2

port() {
	echo "-chardev file,id=port$1,path=$2 -device isa-serial,chardev=port$1,index=$1"
}
: > "$folder/console"
: > "$folder/output"
: > "$folder/status"
"$box" tail -f -n +1 "$folder/output" &
tail=$!
# shellcheck disable=SC2046,SC2086
qemu "$seconds_max" $machine $(port 0 "$folder/console") $(port 1 "$folder/output") \
	$(port 2 "$folder/status") \
	-kernel vmlinuz -initrd initramfs -append @APPEND@
# tail looks once a second
"$box" sleep 2
kill $tail 2>/dev/null
wait $tail 2>/dev/null

reports() {
	@REPORTS@
}
if reports <"$folder/console" >&2; then
	echo "guest: the kernel reported a failure" >&2
	exit @REPORTED@
elif [ "$ended" -ge 128 ]; then
	echo "guest: no end after $seconds_max s" >&2
	exit @HUNG@
fi
status=$("$box" sed -n 's/^status \([0-9]*\).*/\1/p' "$folder/status")
if [ -z "$status" ]; then
	echo "guest: it ended without a status" >&2
	"$box" cat "$folder/errors" >&2
	"$box" tail -n 15 "$folder/console" >&2
	exit @DIED@
fi
exit "$status"
"""


def write(path, replace, command, shape, kernel, initramfs, busybox):
    """Packs everything; replace says what the @WORDS@ of the script are."""
    program, loader = qemu.in_root(qemu.PROGRAM), qemu.in_root(qemu.LOADER)
    script = RUN
    for word, value in {**replace, "LOADER": loader.name, "QEMU": program.name}.items():
        script = script.replace(f"@{word}@", str(value))
    left = re.search(r"@[A-Z_]+@", script)
    assert not left, left
    readme = README.format(command=shlex.join(command), timeout=replace["TIMEOUT"], shape=shape,
                           release=kernel.release)
    part = Path(f"{path}.part")
    with tarfile.open(part, "w:gz", compresslevel=6) as tar:
        add_text(tar, "run.sh", script, 0o755)
        add_text(tar, "README", readme, 0o644)
        add(tar, "vmlinuz", kernel.image)
        add(tar, "initramfs", initramfs)
        add(tar, "busybox", busybox)
        add(tar, f"qemu/{program.name}", program)
        for name in FIRMWARE:
            add(tar, f"qemu/firmware/{name}", firmware(name))
        for library in libraries_of(program):
            add(tar, f"qemu/lib/{library.name}", library)
    part.rename(path)


def libraries_of(program):
    """The shared libraries of a program of the build root, and their loader."""
    done = subprocess.run(qemu.loaded("--list", program), capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise Failure(f"cannot tell the libraries of {program}: {done.stdout}{done.stderr}")
    names = {Path(path).name for path in re.findall(r" => (/\S+) \(0x", done.stdout)}
    return [qemu.in_root(qemu.LIBRARIES) / name
            for name in sorted(names | {qemu.in_root(qemu.LOADER).name})]


def firmware(name):
    for folder in qemu.FIRMWARE:
        if (qemu.in_root(folder) / name).exists():
            return qemu.in_root(folder) / name
    raise Failure(f"QEMU's {name} is not in the build root")


def add(tar, name, path):
    path = Path(os.path.realpath(path))
    info = tar.gettarinfo(path, f"{FOLDER}/{name}")
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    with open(path, "rb") as file:
        tar.addfile(info, file)


def add_text(tar, name, text, mode):
    info = tarfile.TarInfo(f"{FOLDER}/{name}")
    data = text.encode()
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))
