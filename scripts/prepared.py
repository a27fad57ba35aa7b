# SPDX-License-Identifier: GPL-2.0
"""What scripts/setup prepares: where it is, and how to work in its build root.

The cache folder, ${XDG_CACHE_HOME:-~/.cache}/ktask_rs, holds

  root/               the build root: a Debian tree with the kernel toolchain
  root.id             written last, so a root without it is not complete
  kernels/RELEASE/    one stock kernel:
    stock/            unpacked from its packages: vmlinuz, config, Module.symvers,
                      modules/ (its own modules), package.json
    source/           its source
    build/            the prepared build tree, what `make KDIR=` takes
    guest/            a static busybox
    ready.json        written last
    kasan/ kcsan/     sanitizer kernels of our own, built from source/
  current             the release used when KTASK_KERNEL names no other
  current-sanitizer   the release that sanitizer kernels are built from
  logs/  tmp/  lock   tmp/ is whatever is half made; it can always be deleted
"""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

# The kernels ktask_rs supports, stated here and nowhere else.
OLDEST_SUPPORTED = (7, 2)
NEWEST_TESTED = (7, 3)

# Raise it when a change to the layout or the recipe makes old products unfit.
RECIPE = 1

HOST_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

REPO = Path(__file__).resolve().parent.parent


class Failure(Exception):
    """An error whose text tells the user what to do; shown without a traceback."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    if not os.path.isabs(base):
        raise Failure(f"XDG_CACHE_HOME must be an absolute path, not '{base}'")
    return Path(os.path.realpath(base)) / "ktask_rs"


class Kernel:
    """The places of one stock kernel in the cache."""

    def __init__(self, release):
        self.release = release
        self.folder = cache_dir() / "kernels" / release
        self.stock = self.folder / "stock"
        self.source = self.folder / "source"
        self.kdir = self.folder / "build"
        self.guest = self.folder / "guest"
        self.vmlinuz = self.stock / "vmlinuz"
        self.busybox = self.guest / "busybox"

    def sanitizer(self, name):
        """The build tree of a sanitizer kernel of the same source (see sanitizer.py)."""
        return self.folder / name

    def package(self):
        """What is noted of its packages: "version", and whether it was asked for ("explicit")."""
        with contextlib.suppress(OSError, ValueError):
            about = json.loads((self.stock / "package.json").read_text())
            if isinstance(about, dict) and {"version", "explicit"} <= set(about):
                return about
        return None

    def unpacked(self):
        return self.package() is not None and self.source.is_dir()

    def ready(self):
        """True if everything is there and fits the present build root."""
        try:
            made = json.loads((self.folder / "ready.json").read_text())
        except (OSError, ValueError):
            return False
        needed = [self.vmlinuz, self.kdir / "Module.symvers", self.busybox,
                  self.source / "Makefile"]
        return made == ready_mark() and all(p.exists() for p in needed)


def ready_mark():
    """What a kernel's products depend on besides its own packages."""
    return {"recipe": RECIPE, "root": root_id()}


def root_dir():
    return cache_dir() / "root"


def root_id():
    """Identifies one build of the root; None while there is no complete one."""
    return noted("root.id") if (root_dir() / "usr/bin/rustc").exists() else None


def noted(name):
    """The text of a file of the cache, None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        return (cache_dir() / name).read_text().strip() or None
    return None


def default_release():
    """The stock kernel to use: KTASK_KERNEL, else the one setup chose, else None."""
    asked = os.environ.get("KTASK_KERNEL")
    if asked:
        return check_release_name(asked)
    return noted("current")


def sanitizer_release():
    """The release whose source sanitizer kernels are built from, or None."""
    release = noted("current-sanitizer")
    return release if release and Kernel(release).unpacked() else None


def check_release_name(name):
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+~-]*", name):
        raise Failure(f"'{name}' is not a kernel release such as 1.2.3+deb13-cloud-amd64")
    return name


def default_kernel():
    """The prepared stock kernel, or a Failure telling how to get it."""
    release = default_release()
    kernel = Kernel(release) if release else None
    if kernel is None or root_id() is None or not kernel.ready():
        command = "scripts/setup"
        if os.environ.get("KTASK_KERNEL"):
            command += f" --kernel {release}"
        raise Failure(f"{release or 'the stock kernel'} is not set up: run {command}")
    return kernel


def numbers(release):
    """'7.2.12+deb13' -> [7, 2, 12, 13], which sorts as releases do."""
    return [int(n) for n in re.findall(r"\d+", release)]


def check_supported(release, tell):
    """Refuses a kernel that is too old; says so if it is newer than any tested."""
    series = tuple(numbers(release)[:2])
    if series < OLDEST_SUPPORTED:
        raise Failure(f"kernel {release} is too old: ktask_rs needs "
                      f"{dotted(OLDEST_SUPPORTED)} or later")
    if series > NEWEST_TESTED:
        tell(f"warning: kernel {release} is newer than {dotted(NEWEST_TESTED)}, "
             "the last one ktask_rs was tested with")


def dotted(series):
    return ".".join(map(str, series))


def foreign_rust_symbols(kdir):
    """(how many Rust symbols of a build tree its Module.symvers lacks, of how many).

    Rust symbol names hash what the crates are made of, so none missing proves
    that the crate metadata is that of the kernel which Module.symvers is from.
    """
    symvers = (kdir / "Module.symvers").read_text()
    known = {name for line in symvers.splitlines() for name in line.split("\t")[1:2]}
    exported = []
    for header in (kdir / "rust").glob("exports_*_generated.h"):
        exported += re.findall(r"EXPORT_SYMBOL_RUST_GPL\((\w+)\)", header.read_text())
    return sum(name not in known for name in exported), len(exported)


def say(text):
    print(f"setup: {text}", flush=True)


@contextlib.contextmanager
def step(what):
    say(what)
    begun = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - begun:.0f} s", flush=True)


def log_file(name):
    return cache_dir() / "logs" / f"{name}.log"


def in_root(argv, name, **where):
    run_to_log(enter_root(argv, **where), log_file(name), name)


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


def wait_with_heartbeat(child, what):
    for waited in itertools.count(15, 15):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return wait_for(child, 15)
        print(f"    {what}: {waited} s so far", flush=True)


def wait_for(child, timeout=None):
    """Waits as Popen.wait() does, but takes the child down if interrupted.

    Ctrl-C alone would not: the processes that enter_root() begins with ignore
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


class Running:
    """Commands that threads wait for, and their end at SIGTERM."""

    GRACE = 10  # seconds for those that need SIGKILL, as enter_root()'s do

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


def explain(what, status, log):
    text = log.read_text(errors="replace")
    tail = "\n".join("    | " + line for line in text.splitlines()[-8:])
    reason = f"exit status {status}"
    if "No space left on device" in text:
        reason = f"the disk is full; make room in {cache_dir()} or set XDG_CACHE_HOME"
    elif re.search(r"Could not resolve|Temporary failure resolving|Could not connect"
                   r"|Unable to connect|Network is unreachable|Connection (refused|timed out)",
                   text):
        reason = ("cannot reach the package archive; check the network, or name another "
                  "with scripts/setup --mirror URL")
    return f"{what} failed: {reason}\n{tail}\n    the whole log: {log}"


# Run by sh in its own mount namespace, so whatever kills it undoes the mounts.
# --rbind: a user namespace may not take a mount apart from those beneath it.
# No exec at the end: a process that changes its user, as apt does, no longer
# dies with its parent, but does with the first process of its namespace.
# A /tmp of its own: make names files there by its process id, which in a
# namespace of its own is the same as that of the next make.
ENTER = """
PATH=$PATH:/usr/sbin:/sbin  # chroot is not in every user's
root=$1 dir=$2; shift 2
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$1"
    else mkdir -p "$root${1%/*}"; [ -e "$root$1" ] || : > "$root$1"; fi
    mount --rbind "$1" "$root$1"
    shift
done
shift
status=0
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 \
    sh -c 'cd "$1" && shift && exec "$@"' sh "$dir" "$@" || status=$?
exit $status
"""


def enter_root(argv, binds=(), cwd="/", root=None):
    """The command line that runs argv in the build root.

    Each folder of binds appears there under its own path.  Nothing outlives the
    caller: setpriv takes the helper down with it, and --kill-child the rest.
    """
    mine = [str(p) for p in binds] + ["/proc", "/dev"]
    mine += [p for p in ("/etc/resolv.conf", "/etc/hosts") if os.path.exists(p)]
    proxies = [f"{name}={value}" for name, value in os.environ.items()
               if name.lower() in ("http_proxy", "https_proxy", "no_proxy")]
    if proxies:
        argv = ["env", *proxies, *argv]
    return (namespace() + ["sh", "-euc", ENTER, "sh", str(root or root_dir()), str(cwd)]
            + mine + ["--"] + [str(a) for a in argv])


def host_tests(target, *argv):
    """The command line of tests/host/run in the build root; target is the folder for products."""
    return with_cargo(REPO / "tests/host/run", target, *argv)


def model(target, *argv):
    """The same of bench/model/run."""
    return with_cargo(REPO / "bench/model/run", target, *argv)


def with_cargo(script, target, *argv):
    cache = cache_dir() / "host-tests"
    cache.mkdir(parents=True, exist_ok=True)
    command = ["env", f"CARGO_HOME={cache}/cargo", f"CARGO_TARGET_DIR={cache}/{target}"]
    binds = [REPO, cache]
    # The host may have to trust more than the build root knows of.
    authorities = Path(os.environ.get("SSL_CERT_FILE") or HOST_AUTHORITIES)
    if authorities.is_file():
        command.append(f"CARGO_HTTP_CAINFO={authorities}")
        binds.append(authorities)
    return enter_root([*command, script, *argv], binds=outermost(binds), cwd=REPO)


def namespace():
    """The command prefix for private mounts and processes that die with us."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return (["setpriv", "--pdeathsig", "KILL", "unshare"] + user
            + ["--mount", "--pid", "--fork", "--kill-child"])


def outermost(paths):
    """paths without those inside another of them: one mount is enough for both."""
    real = sorted({Path(os.path.realpath(p)) for p in paths})
    return [p for p in real if not any(q in p.parents for q in real)]


def main_guard(main, failure_status=1):
    """Runs main(), turning what users can cause into one clear message."""
    name = Path(sys.argv[0]).name
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr)
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(failure_status)
