#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Tells, function by function, where the instructions of one measurement's calls go.

usage: bench/profile.py NAME=VALUE...      as ktask_bench is told, "calls" left out

    bench/profile.py peer=ktask threads=1 work=empty units=4096 min=1 node=0

QEMU logs every instruction for some seconds while the guest makes the call over
and over.  Shown is the most frequent kind of call: of its thread's CPU, how many
instructions of each function ran before the first chunk, in one chunk from its
call to the next one's, and after the last one.  Needs what "scripts/bench path"
has built.
"""

import bisect
import os
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
MODULE = REPO / "build/bench/modules/ktask_bench.ko"

# Logging needs no longer than this for thousands of calls.
LOG_SECONDS = 8

# Functions of the benchmark module.
RUN = ["run [ktask_bench]", "run_near [ktask_bench]"]
CHUNK = ["empty_chunk [ktask_bench]", "empty_range [ktask_bench]"]
CALLER = "measure_path [ktask_bench]"

COMMAND = r"""
insmod ktask_rs.ko && insmod ktask_bench.ko || exit
grep ' [tTwW] ' /proc/kallsyms | gzip -c
printf '\nREADY\n'
echo "$1 calls=20000000" > /sys/kernel/debug/ktask_bench/run
"""


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    with tempfile.TemporaryDirectory(prefix="ktask-profile-") as folder:
        symbols, log = run_guest(" ".join(sys.argv[1:]), Path(folder))
        trace = read_trace(log, symbols)
    show(one_call(trace))
    return 0


def run_guest(settings, folder):
    """The guest's symbols, and the log of what its CPUs then executed."""
    log, monitor = folder / "log", folder / "monitor"
    command = [REPO / "scripts/guest", "--accel", "tcg", "--node", "cpus=0-7,mem=4G",
               "--append", "nokaslr init_on_alloc=0", "--file", MODULE, "--timeout", "600"]
    for arg in ("-icount", "shift=0,sleep=off", "-D", log, "-monitor",
                f"unix:{monitor},server=on,wait=off"):
        command.append(f"--qemu-arg={arg}")
    command += ["--", "sh", "-c", COMMAND, "sh", settings]
    guest = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
    try:
        packed = read_until(guest.stdout, b"\nREADY\n")
        # Until the guest is in the middle of its calls.
        time.sleep(3)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(monitor))
            for line, seconds in (("one-insn-per-tb on", 1), ("log exec,nochain", LOG_SECONDS),
                                  ("log none", 1)):
                connection.sendall(f"{line}\n".encode())
                time.sleep(seconds)
                connection.recv(1 << 16)
    finally:
        guest.terminate()
        guest.wait()
    return symbols_of(zlib.decompressobj(31).decompress(packed).decode()), log


def read_until(source, mark):
    data = b""
    while mark not in data:
        more = os.read(source.fileno(), 1 << 16)
        if not more:
            sys.exit(f"the guest ended early: {data[-500:].decode(errors='replace')}")
        data += more
    return data[data.index(b"\x1f\x8b"):data.rindex(mark)]


def symbols_of(kallsyms):
    lines = (line.split() for line in kallsyms.splitlines())
    return sorted((int(line[0], 16), " ".join(line[2:])) for line in lines)


def read_trace(log, symbols):
    """(CPU, function, offset in it) of each instruction, in the order of execution."""
    addresses = [address for address, _ in symbols]
    known, trace = {}, []
    with open(log) as lines:
        for line in lines:
            # Trace 5: 0x7f3b [0000000000000000/ffffffffc04075ab/18c0c2b0/ff020201]
            if not line.startswith("Trace "):
                continue
            words = line.split()
            pc = int(words[3].split("/")[1], 16)
            if pc not in known:
                address, name = symbols[max(0, bisect.bisect(addresses, pc) - 1)]
                known[pc] = name, pc - address
            trace.append((words[1], *known[pc]))
    return trace


def one_call(trace):
    """Functions and offsets of the calling CPU during one call, of the usual length."""
    starts = [i for i, step in enumerate(trace) if entry(step, *RUN)]
    calls = [(a, b) for a, b in zip(starts, starts[1:])
             if any(entry(step, *CHUNK) for step in trace[a:b])]
    if not calls:
        sys.exit("no whole call was logged")
    usual = Counter(b - a for a, b in calls).most_common(1)[0][0]
    begin, end = next((a, b) for a, b in calls if b - a == usual)
    call = [step for step in trace[begin:end] if step[0] == trace[begin][0]]
    back = next((i for i, step in enumerate(call) if step[1] == CALLER), len(call))
    return call[:back]


def entry(step, *functions):
    return step[1] in functions and step[2] == 0


def show(call):
    chunks = [i for i, step in enumerate(call) if entry(step, *CHUNK)]
    phases = [("before the first chunk", 0, chunks[0])]
    if len(chunks) > 2:
        phases.append(("one chunk", chunks[1], chunks[2]))
    phases.append(("from the last chunk", chunks[-1], len(call)))
    print(f"{len(call)} instructions, {len(chunks)} chunks on the caller's CPU")
    for name, begin, end in phases:
        print(f"\n{name}: {end - begin} instructions")
        for function, count in Counter(step[1] for step in call[begin:end]).most_common(40):
            print(f"{count:8}  {function}")


if __name__ == "__main__":
    sys.exit(main())
