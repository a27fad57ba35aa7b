# SPDX-License-Identifier: GPL-2.0
"""The build root, a Debian tree with the kernel's toolchain, and how to work in it."""

import os
from pathlib import Path

from lib import cache
from lib.processes import run_to_log

# Raise it when a change to the cache's layout or to scripts/setup makes old products unfit.
RECIPE = 1


def folder():
    return cache.folder() / "root"


def identity():
    """Identifies one build of the root; None while there is no complete one."""
    return cache.noted("root.id") if (folder() / "usr/bin/rustc").exists() else None


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


def enter(argv, binds=(), cwd="/"):
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
    return (namespace() + ["sh", "-euc", ENTER, "sh", str(folder()), str(cwd)]
            + mine + ["--"] + [str(a) for a in argv])


def run(argv, name, **where):
    """Runs argv in the build root, with its output in the log of this name."""
    run_to_log(enter(argv, **where), cache.log_file(name), name)


def namespace():
    """The command prefix for private mounts and processes that die with us."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return (["setpriv", "--pdeathsig", "KILL", "unshare"] + user
            + ["--mount", "--pid", "--fork", "--kill-child"])


def outermost(paths):
    """paths without those inside another of them: one mount is enough for both."""
    real = sorted({Path(os.path.realpath(p)) for p in paths})
    return [p for p in real if not any(q in p.parents for q in real)]
