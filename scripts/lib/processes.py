# SPDX-License-Identifier: GPL-2.0
"""How commands are run: with a log, in the background, and to whatever end."""

import contextlib
import itertools
import re
import signal
import subprocess
import time

from lib import cache
from lib.failure import Failure


def run_to_log(argv, log, what, **popen):
    """Runs argv with its output in the file log; a Failure shows the log's end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        # close_fds: it keeps the cache's lock, should it ever outlive us
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, close_fds=False, **popen)
        status = wait_with_heartbeat(child, what)
    if status:
        raise Failure(explain(what, status, log))


def explain(what, status, log):
    text = log.read_text(errors="replace")
    tail = "\n".join("    | " + line for line in text.splitlines()[-8:])
    reason = f"exit status {status}"
    if "No space left on device" in text:
        reason = f"the disk is full; make room in {cache.folder()} or set XDG_CACHE_HOME"
    elif re.search(r"Could not resolve|Temporary failure resolving|Could not connect"
                   r"|Unable to connect|Network is unreachable|Connection (refused|timed out)",
                   text):
        reason = ("cannot reach the package archive; check the network, or name another "
                  "with scripts/setup --mirror URL")
    return f"{what} failed: {reason}\n{tail}\n    the whole log: {log}"


def wait_with_heartbeat(child, what):
    for waited in itertools.count(15, 15):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return wait_for(child, 15)
        print(f"    {what}: {waited} s so far", flush=True)


def wait_for(child, timeout=None):
    """Waits as Popen.wait() does, but takes the child down if interrupted.

    Ctrl-C alone would not: the processes that build_root.enter() begins with ignore
    every signal gentler than SIGKILL.
    """
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired:
        raise
    except BaseException:
        child.kill()
        child.wait()
        raise


@contextlib.contextmanager
def ended_gently(child):
    """A child that is left early has the time to end what it runs, as scripts/guest does QEMU."""
    try:
        yield child
    except BaseException:
        child.terminate()
        child.wait()
        raise


def follow(command, take):
    """Runs a command, hands each line it prints to take(), and returns its status."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
    with ended_gently(child):
        for line in child.stdout:
            take(line)
        return child.wait()


class Running:
    """Commands that threads wait for, and their end at SIGTERM."""

    GRACE = 10  # seconds for those that need SIGKILL, as those of build_root.enter()

    def __init__(self):
        self.children = set()
        self.deadline = None

    def end_at_sigterm(self):
        signal.signal(signal.SIGTERM, self.end)

    def end(self, *_):
        self.deadline = time.monotonic() + self.GRACE
        for child in list(self.children):
            child.terminate()
        raise KeyboardInterrupt

    def output_of(self, command):
        """Runs a command; its status, and what it printed."""
        if self.deadline:
            raise Failure("interrupted")
        with subprocess.Popen([str(arg) for arg in command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace") as child:
            self.children.add(child)
            try:
                return subprocess.CompletedProcess(child.args, *self.outcome(child))
            finally:
                self.children.discard(child)

    def outcome(self, child):
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                printed, _ = child.communicate(timeout=2)
                return child.returncode, printed
            if self.deadline and time.monotonic() > self.deadline:
                child.kill()


# Those of this process.
RUNNING = Running()
