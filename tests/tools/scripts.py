#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""What the scripts do with bad input and with guests that fail; prints KTAP."""

import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
SCRIPTS = REPO / "scripts"


def run(*command, env=()):
    return subprocess.run([str(arg) for arg in ("env", *env, *command)], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=300)


def guest(*args):
    return run(SCRIPTS / "guest", *args)


def guest_passes_status_and_bytes_on():
    """The exit status, the very bytes of the output, and arguments as they were given."""
    script = r'printf "a\nb\r\001\377"; printf %s "$1"; exit 42'
    done = guest("--", "sh", "-c", script, "sh", "it's * $HOME \"q\"")
    expect(done.returncode, 42)
    expect(done.stdout, b"a\nb\r\001\377it's * $HOME \"q\"")


def guest_tells_a_panic():
    done = guest("--", "sh", "-c", "echo c > /proc/sysrq-trigger; sleep 60")
    expect(done.returncode, 123)
    expect(b"panic" in done.stderr, True)


def guest_tells_a_hang():
    done = guest("--timeout", 25, "--", "sleep", 1000)
    expect(done.returncode, 124)


def guest_refuses_bad_arguments():
    for args in (["--no-such-option"], ["--file", "/no/such/file", "--", "true"],
                 ["--cpus", "0", "--", "true"], ["--node", "cpus=0,mem=x", "--", "true"],
                 ["--node", "cpus=0,mem=1G", "--node", "cpus=0,mem=1G", "--", "true"],
                 ["--node", "absent=0,cpus=1,mem=1G", "--", "true"],
                 ["--kernel", "/no/such/kernel", "--", "true"], ["--accel", "x", "--", "true"]):
        one_line_and(guest(*args), 125)


def build_refuses_bad_trees():
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        one_line_and(run(SCRIPTS / "build", "modules", f"KDIR={tree}/none"), 1)
        one_line_and(run(SCRIPTS / "build", "modules", f"KDIR={tree}"), 1)
        (tree / "include/config").mkdir(parents=True)
        (tree / "include/config/kernel.release").write_text("7.2.0-test\n")
        (tree / "include/config/auto.conf").write_text("CONFIG_MODULES=y\nCONFIG_DEBUG_FS=y\n")
        for name in ("Makefile", "Module.symvers", ".config"):
            (tree / name).write_text("")
        done = run(SCRIPTS / "build", "modules", f"KDIR={tree}")
        one_line_and(done, 1)
        expect(b"CONFIG_RUST" in done.stderr, True)


def build_refuses_bad_consumers():
    with tempfile.TemporaryDirectory() as folder:
        one_line_and(run(SCRIPTS / "build", "consumer"), 1)
        one_line_and(run(SCRIPTS / "build", "consumer", f"M={folder}/none"), 1)
        one_line_and(run(SCRIPTS / "build", "consumer", f"M={folder}"), 1)


def setup_refuses_bad_arguments():
    one_line_and(run(SCRIPTS / "setup", "--no-such-option"), 2)
    one_line_and(run(SCRIPTS / "setup", "--print", "nothing"), (1, 2))
    one_line_and(run(SCRIPTS / "setup", "--check", env=["XDG_CACHE_HOME=/nonexistent"]), 1)


def torture_refuses_bad_arguments():
    for args in (["--minutes", "0"], ["--", "nthreads"], ["--", "nthreads=many"],
                 ["--", "no_such_parameter=1"], ["--", "duration=5"]):
        one_line_and(run(SCRIPTS / "torture", *args), 1)


def everything_has_help():
    for script in ("setup", "build", "guest", "run", "test", "torture"):
        done = run(SCRIPTS / script, "--help")
        expect(done.returncode, 0)
        expect(done.stdout.startswith(b"usage:") or b"usage:" in done.stdout, True)


class Unexpected(Exception):
    """A test found something else than it had to."""


def expect(found, expected):
    if found != expected:
        raise Unexpected(f"expected {expected!r}, found {found!r}")


def one_line_and(done, status):
    """A status, and a short message instead of a traceback."""
    text = done.stderr.decode(errors="replace").strip()
    if done.returncode not in (status if isinstance(status, tuple) else (status,)):
        raise Unexpected(f"status {done.returncode} instead of {status}: {text}")
    if not text or "Traceback" in text or len(text.splitlines()) > 6:
        raise Unexpected(f"no clear message: {text}")


TESTS = [
    everything_has_help,
    setup_refuses_bad_arguments,
    build_refuses_bad_trees,
    build_refuses_bad_consumers,
    guest_refuses_bad_arguments,
    torture_refuses_bad_arguments,
    guest_passes_status_and_bytes_on,
    guest_tells_a_panic,
    guest_tells_a_hang,
]


def main():
    failed = 0
    print(f"KTAP version 1\n1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} {name}", flush=True)
        except (Unexpected, OSError, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"not ok {number} {name}")
            print(f"# {error}", flush=True)
    return 1 if failed else 0


sys.exit(main())
