#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0
"""What the scripts do with bad input and with guests that fail; prints KTAP."""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest.mock
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
SCRIPTS = REPO / "scripts"
sys.path.insert(0, str(SCRIPTS))
from lib import build_root, cache, kernels, ktap, races, reports
from lib.failure import Failure
from lib.results import Results


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


# What 7.3.4 once said at the end of a test of another part.
STOPPED_CPU = ("WARNING: arch/x86/kernel/apic/ipi.c:71 at native_smp_send_reschedule+0x48/0x60, "
               "CPU#2: swapper/2/0")
GOING_DOWN = "reboot: Power down"
SAY = 'for text; do echo "<4>$text" > /dev/kmsg; done'


def guest_excuses_stopped_cpus_as_it_goes_down():
    for lines, status in (([GOING_DOWN, STOPPED_CPU], 0), ([STOPPED_CPU, GOING_DOWN], 123),
                          ([GOING_DOWN, "WARNING: a.c:1 at other+0x1/0x2"], 123)):
        expect(guest("--", "sh", "-c", SAY, "sh", *lines).returncode, status)


def guest_tells_a_hang():
    done = guest("--timeout", 25, "--", "sleep", 1000)
    expect(done.returncode, 124)


def guest_refuses_bad_arguments():
    for args in (["--no-such-option"], ["--file", "/no/such/file", "--", "true"],
                 ["--cpus", "0", "--", "true"], ["--node", "cpus=0,mem=x", "--", "true"],
                 ["--node", "cpus=0,mem=1G", "--node", "cpus=0,mem=1G", "--", "true"],
                 ["--node", "absent=0,cpus=1,mem=1G", "--", "true"],
                 ["--kernel", "/no/such/kernel", "--", "true"], ["--accel", "x", "--", "true"],
                 ["--append", "x" * 2000, "--", "true"]):
        one_line_and(guest(*args), 125)


def bench_refuses_bad_arguments():
    for args in (["--no-such-option"], ["no-such-part"], ["--cpus", "3"], ["--rounds", "0"],
                 ["--bundle", "x.tar.gz"], ["--bundle", "x.tar.gz", "model"],
                 ["--read", "/no/such/file", "uniform"]):
        one_line_and(run(SCRIPTS / "bench", *args), 1)


def bench_judges_what_a_guest_printed():
    """Of the part "busy": the task takes 1.10 of one thread's time, other work loses 10%."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        text = "guest kernel 0\nguest cpu QEMU TCG\n"
        for peer, ns in (("one_thread", 1000), ("padata", 500), ("fan_out", 500),
                         ("v4_like", 500), ("ktask", 1100)):
            loops = ns if peer == "one_thread" else ns * 9 // 10
            text += (f"sample 1 peer={peer}\nresult time_ns={ns * 1000} hog_loops={loops}\n"
                     "thread caller=1 cpu=0 first_ns=1 chunks=1 units=1 local=1\n")
        output.write_text(text)
        one_line_and(run(SCRIPTS / "bench", "--read", output, "busy"), 1)
        output.write_text(text + "guest done 1\n")
        done = run(SCRIPTS / "bench", "--read", output, "busy")
        expect(done.returncode, 0)
        expect(b"MISSED  at most 1.05 of one thread's time: 1.10\n" in done.stdout, True)
        expect(b"MISSED  other work loses at most 5% more than with one thread: 10.0%\n"
               in done.stdout, True)


def bench_judges_helpers_that_leave_and_come_back():
    """Of the part "elastic_limits", where the limit is lowered at 100 ms and raised at 200 ms.

    What has begun again 3 ms later is in time; what leaves after its third chunk is late.
    """
    met = judged_limits(leaves=115, returns=203)
    expect(b"met     limit lowered: no more helpers within two chunks: in each case\n" in met, True)
    expect(b"met     limit raised: all helpers are back within 10 ms: 3.00 ms\n" in met, True)
    expect(b"MISSED  limit raised: all helpers are back within 10 ms: 15.00 ms\n"
           in judged_limits(leaves=115, returns=215), True)
    for leaves in (125, 300):
        expect(b"MISSED  limit lowered: no more helpers within two chunks: more\n"
               in judged_limits(leaves, returns=300), True)


def judged_limits(leaves, returns):
    """What bench says of three helpers with chunks of 10 ms, gone from leaves to returns (ms)."""
    text = "guest kernel 0\nguest cpu QEMU TCG\n"
    for limit in (2, 1, 0):
        text += (f"sample 1 lower={limit} peer=ktask threads=4 work=spin ms=256 units=4096 min=4 "
                 "node=0 log=1\nresult time_ns=300000000\nmark ns=100000000\nmark ns=200000000\n")
        for thread in range(3):
            gone = range(leaves, returns) if thread >= limit else range(0)
            begins = [begin for begin in range(5, 300, 10) if begin not in gone]
            begins += [returns] if gone else []
            for begin in sorted(set(begins)):
                end = min(begin + 10, 300)
                text += (f"chunk caller=0 thread={thread} begin_ns={begin}000000 "
                         f"end_ns={end}000000\n")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        output.write_text(text + "guest done 1\n")
        return run(SCRIPTS / "bench", "--read", output, "elastic_limits").stdout


# Alone in a folder, with no network, and with no program but those in the bundle.
ALONE = """
cd "$1"
mkdir -p proc dev tmp
mount -t proc none proc
mount --rbind /dev dev
chroot . /ktask-guest/busybox sh /ktask-guest/run.sh
"""


def bundle_runs_without_qemu():
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "guest.tar.gz")
        one_line_and(guest("--bundle", archive), 125)
        packed = guest("--bundle", archive, "--cpus", 2, "--", "sh", "-c",
                       f"insmod ktask_rs.ko && nproc; {SAY}; exit 7",
                       "sh", GOING_DOWN, STOPPED_CPU)
        expect(packed.returncode, 0)
        expect(archive.stat().st_size < 60 << 20, True)
        run("tar", "-C", folder, "-xf", archive)
        archive.unlink()
        done = run(*build_root.namespace(), "--net", "sh", "-euc", ALONE, "sh", folder)
        if done.returncode != 7 or done.stdout != b"2\n":
            raise Unexpected(f"status {done.returncode}, {done.stdout!r}, {done.stderr!r}")


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


def build_starts_anew_after_it_was_killed():
    """Whatever the compilers left behind."""
    with tempfile.TemporaryDirectory(prefix="ktask-") as folder:
        copy = Path(folder, "copy")
        shutil.copytree(REPO, copy, ignore=not_copied)
        # Of the module alone, which takes less time.
        command = ["env", f"INSTALL_MOD_PATH={folder}/installed", copy / "scripts/build",
                   "install", f"KDIR={kernels.default().kdir}"]
        expect(run(*command).returncode, 0)
        (copy / "ktask/kernel/c/glue.h").touch()
        with subprocess.Popen(command, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as child:
            while b"BINDGEN" not in (line := child.stdout.readline()):
                expect(bool(line), True)
            child.kill()
        for bindings in copy.glob("build/*/ktask/kernel/c/glue_bindings.rs"):
            bindings.write_text("")
        expect(run(*command).returncode, 0)


def kbuild_works_wherever_objects_lie():
    """Beside the sources or below them, and with the kernel's beside its own sources or not."""
    with tempfile.TemporaryDirectory(prefix="ktask-") as folder:
        copy, flat = Path(folder, "copy"), Path(folder, "flat")
        shutil.copytree(REPO, copy, ignore=not_copied)
        Path(folder, "link").symlink_to(copy)
        kernel = kernels.default()
        link_flat_tree(kernel, flat)
        files = files_in(copy)
        for tree, variables, target, made in (
                (flat, [], "modules", "samples/free_list/free_list.ko"),
                (kernel.kdir, [], "clean", None),
                (flat, ["KTASK_ONLY=1", f"MO={copy}/out"], "modules", "out/ktask_rs.ko"),
                (kernel.kdir, ["KTASK_ONLY=1"], "modules", "ktask_rs.ko")):
            make = ["make", "-j2", "-C", tree, f"M={folder}/link", *variables, target]
            done = run(*build_root.enter(make, binds=[folder, kernel.folder]))
            if done.returncode or (made and not (copy / made).exists()):
                raise Unexpected(f"{make}: {done.stderr.decode(errors='replace')}")
            if target == "clean":
                expect(files_in(copy) - files, set())


def link_flat_tree(kernel, flat):
    """A build tree whose objects lie beside its sources, made of links."""
    shutil.copytree(kernel.kdir, flat, copy_function=os.symlink,
                    ignore=lambda folder, _: (["Makefile", "source"]
                                              if Path(folder) == kernel.kdir else []))
    for folder, _, _ in os.walk(flat):
        sources = kernel.source / Path(folder).relative_to(flat)
        for source in sources.iterdir() if sources.is_dir() else ():
            with contextlib.suppress(FileExistsError):
                Path(folder, source.name).symlink_to(source)


def files_in(folder):
    return {path for path in folder.rglob("*") if not path.is_dir()}


# Nothing of the build root is changed: DKMS's own folder and /tmp are empty ones that end with it.
RUN_DKMS = """
mount -t tmpfs tmpfs /var/lib/dkms
mkdir /tmp/sources
dkms() { /usr/sbin/dkms "$@" --sourcetree /tmp/sources --installtree "$trees" 2>&1; }
trees=$1 copy=$2; shift 2
dkms add "$copy"
for release; do
    echo "begin $release"
    dkms autoinstall --kernelver "$release" && echo "status 0"
    cat /var/lib/dkms/ktask_rs/*/build/make.log || :
    find "$trees/$release" -name '*.ko*'
    echo "end"
done
. "$copy/dkms.conf"
dkms remove "$PACKAGE_NAME/$PACKAGE_VERSION" --all
"""
# Releases for DKMS, what their configuration and tree lack, and what is said of them.
PASSED_OVER = {
    "6.12.1-old": ("Rust in it", "BUILD_EXCLUSIVE"),
    "7.3.1-without-rust": ("CONFIG_RUST=y", "BUILD_EXCLUSIVE"),
    "7.3.2-packaged": ("rust/libkernel.rmeta", "has no Rust metadata"),
    "7.3.3-other-rustc": ("CONFIG_RUSTC_VERSION_TEXT", "the kernel was built with"),
}


def dkms_passes_over_what_is_not_supported():
    conf = (REPO / "dkms.conf").read_text()
    required = (REPO / ".config.fragment").read_text().split("# optional:")[0]
    for name, value in (("KERNEL_MIN", kernels.dotted(kernels.OLDEST_SUPPORTED)),
                        ("CONFIG", " ".join(re.findall(r"^(CONFIG_\w+)=", required,
                                                       re.MULTILINE)))):
        expect(re.findall(f'^BUILD_EXCLUSIVE_{name}="(.*)"$', conf, re.MULTILINE), [value])


def dkms_builds_what_it_can_and_passes_over_the_rest():
    with tempfile.TemporaryDirectory(prefix="ktask-") as folder:
        copy, trees = Path(folder, "copy"), Path(folder, "trees")
        shutil.copytree(REPO, copy, ignore=not_copied)
        kernel = kernels.default()
        config = (kernel.kdir / "include/config/auto.conf").read_text()
        for release, (lacks, _) in PASSED_OVER.items():
            for name, text in (("include/config/auto.conf", re.sub(f"{lacks}.*", "", config)),
                               ("rust/libkernel.rmeta", "")):
                path = trees / release / "build" / name
                if name != lacks:
                    path.parent.mkdir(parents=True)
                    path.write_text(text)
        (trees / kernel.release).mkdir()
        (trees / kernel.release / "build").symlink_to(kernel.kdir)
        done = run(*build_root.enter(
            ["bash", "-ec", RUN_DKMS, "bash", trees, copy, *PASSED_OVER, kernel.release],
            binds=[folder, kernel.folder]))
        said = done.stdout.decode(errors="replace")
        about = dict(re.findall(r"^begin (\S+)\n(.*?)^end$", said, re.MULTILINE | re.DOTALL))
        for release, why in [*((release, why) for release, (_, why) in PASSED_OVER.items()),
                             (kernel.release, f"{kernel.release}/updates/dkms/ktask_rs.ko")]:
            if "\nstatus 0\n" not in about.get(release, "") or why not in about[release]:
                raise Unexpected(f"{release}: {said}{done.stderr.decode(errors='replace')}")
            expect("ktask_rs.ko" in about[release], release == kernel.release)
        if done.returncode or list(trees.rglob("*.ko*")):
            raise Unexpected(f"not removed: {said}{done.stderr.decode(errors='replace')}")


def setup_refuses_bad_arguments():
    one_line_and(run(SCRIPTS / "setup", "--no-such-option"), 2)
    one_line_and(run(SCRIPTS / "setup", "--print", "nothing"), (1, 2))
    one_line_and(run(SCRIPTS / "setup", "--check", env=["XDG_CACHE_HOME=/nonexistent"]), 1)
    done = run(SCRIPTS / "setup", env=["XDG_CACHE_HOME=/proc/nonexistent"])
    one_line_and(done, 1)
    expect(b"XDG_CACHE_HOME" in done.stderr, True)


def torture_refuses_bad_arguments():
    for args in (["--minutes", "0"], ["--", "nthreads"], ["--", "nthreads=many"],
                 ["--", "no_such_parameter=1"], ["--", "duration=5"],
                 ["--samples", "--", "seed=1"]):
        one_line_and(run(SCRIPTS / "torture", *args), 1)


def torture_ends_its_guest_when_told_to_stop():
    with subprocess.Popen([SCRIPTS / "torture", "--minutes", "5"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.readline()
        child.terminate()
        _, said = child.communicate(timeout=60)
    expect(child.returncode, 130)
    expect(b"guest: interrupted" in said, True)


# Not to be found here.
MISSPELT = "".join(["t", "eh", "\n"])
# What each check has to find: (check, file, what is added to it, what is then said).
OFFENCES = [
    ("clippy", "tests/kernel/ktask_test_rust.rs",
     "#[allow(dead_code)]\nfn one() {}\n", "allow_attributes_without_reason"),
    ("clippy", "tests/kernel/ktask_test_rust.rs",
     "unsafe fn two() {}\n", "missing_safety_doc"),
    ("clippy", "tests/kernel/ktask_test_rust.rs",
     "fn three() {\n    unsafe { two() }\n}\n", "undocumented_unsafe_blocks"),
    ("host-clippy", "host/checks/src/util.rs",
     "#[allow(dead_code)]\nfn four() {}\n", "allow_attributes_without_reason"),
    ("host-clippy", "host/simulation/src/stats.rs",
     "#[allow(dead_code)]\nfn eleven() {}\n", "src/stats.rs"),
    ("sparse", "ktask/kernel/c/cpus.c", "int five ;\n", "'five' was not declared"),
    ("checkpatch", "ktask/kernel/c/cpus.c", "", "SPACING"),
    ("rustfmt", "tests/compile/rust_shared_cell/rust_shared_cell.rs",
     "fn  six(){}\n", "fn six() {}"),
    ("kernel-doc", "include/linux/ktask.h",
     "/**\n * seven - nothing\n * @eight: not there\n */\nint seven(void);\n", "eight"),
    ("rst", "Documentation/ktask.rst", "\nTitle\n==\n", "underline"),
    ("shellcheck", "tests/guest/ktap.sh", "echo $nine\n", "SC2086"),
    ("shellcheck", "host/run", "echo $1\n", "SC2086"),
    ("pylint", "scripts/lib/topology.py", "import json\n", "unused-import"),
    ("pylint", "scripts/run", "import json\n", "scripts/run:"),
    ("codespell", "README.md", MISSPELT, MISSPELT.strip()),
    ("spdx", "tests/guest/ten.sh", "true\n", "ten.sh"),
]


def checks_find_what_they_are_for():
    with tempfile.TemporaryDirectory(prefix="ktask-") as folder:
        copy = Path(folder, "copy")
        shutil.copytree(REPO, copy, ignore=not_copied)
        for _, name, text, _ in OFFENCES:
            with open(copy / name, "a", encoding="utf-8") as file:
                file.write(text)
        verdicts = verdicts_of(run(copy / "scripts/check"))
        expect(set(verdicts) - {"commits"}, {check for check, *_ in OFFENCES})
        for check, name, text, said in OFFENCES:
            if not verdicts[check].startswith("not ok") or said not in verdicts[check]:
                raise Unexpected(f"{check} says nothing of '{said}' for {text!r} in {name}:\n"
                                 + verdicts[check])


def not_copied(folder, _):
    return ["build", ".git"] if Path(folder) == REPO else []


def verdicts_of(done):
    """{check: its line and all that follows} of scripts/check's output."""
    found = re.findall(r"^((?:not )?ok \d+ (\S+).*\n(?:#.*\n)*)",
                       done.stdout.decode(errors="replace"), re.MULTILINE)
    return {name: text for text, name in found}


def check_looks_at_new_commits():
    """One good commit, and then one that is not; nothing to see in the first of all."""
    if not shutil.which("git"):
        return
    with tempfile.TemporaryDirectory(prefix="ktask-") as folder:
        copy = Path(folder, "copy")
        shutil.copytree(REPO / "scripts", copy / "scripts")
        git = ["git", "-C", copy, "-c", "user.name=me", "-c", "user.email=me@example.org"]
        run(*git, "init", "--quiet")
        run(*git, "add", ".")
        for subject, verdict in (("ktask: all of it", "ok 1 commits # SKIP"),
                                 ("ktask: more of it", "ok 1 commits\n"),
                                 ("more of it", "not ok 1 commits\n"),
                                 (f"ktask: more of it\n\n{'too long ' * 10}",
                                  "not ok 1 commits\n")):
            run(*git, "commit", "--quiet", "--allow-empty", "-m", subject)
            done = run(copy / "scripts/check", "commits")
            found = verdicts_of(done).get("commits", "")
            if not found.startswith(verdict):
                raise Unexpected(f"expected {verdict!r}, found {found!r}{done.stderr!r}")


def setup_module():
    loader = importlib.machinery.SourceFileLoader("setup", str(SCRIPTS / "setup"))
    setup = importlib.util.module_from_spec(importlib.util.spec_from_loader("setup", loader))
    loader.exec_module(setup)
    return setup


def setup_forgets_an_archive_that_cannot_be_reached():
    setup = setup_module()
    with tempfile.TemporaryDirectory() as folder, \
         unittest.mock.patch.dict(os.environ, XDG_CACHE_HOME=folder), \
         unittest.mock.patch.object(build_root, "run", side_effect=Failure):
        root = build_root.folder()
        (root / "etc/apt").mkdir(parents=True)
        setup.take_packages_from(root, "http://good/debian")
        try:
            setup.available_kernels(types.SimpleNamespace(mirror="http://bad/debian"))
        except Failure:
            expect(setup.archive_of(root), "http://good/debian")
        else:
            raise Unexpected("no failure")


def garbage_in_the_cache_counts_as_nothing():
    with tempfile.TemporaryDirectory() as folder, \
         unittest.mock.patch.dict(os.environ, XDG_CACHE_HOME=folder):
        kernel = kernels.Kernel("7.2.0")
        for path in (kernel.stock, kernel.source, build_root.folder() / "usr/bin"):
            path.mkdir(parents=True)
        (build_root.folder() / "usr/bin/rustc").touch()
        for garbage in (b"\xff", b"", b"[]", b"7"):
            for path in (cache.folder() / "root.id", cache.folder() / "current",
                         cache.folder() / "current-sanitizer",
                         kernel.stock / "package.json", kernel.folder / "ready.json"):
                path.write_bytes(garbage)
            expect(kernel.unpacked(), False)
            expect(kernel.ready(), False)
            expect(kernels.sanitizer_release(), None)
            one_line_and(run(SCRIPTS / "setup", "--check"), 1)


def setup_takes_the_newest_source_of_its_flavour():
    """In whatever order the archive names them."""
    setup = setup_module()
    names = ["7.3.4+deb13-rt-amd64", "7.3.4+deb13-cloud-amd64", "7.3.4+deb13-amd64",
             "7.3.10+deb13-amd64"]
    for available in (names, names[::-1]):
        expect(setup.newest_source(dict.fromkeys(available)), "7.3.10+deb13-amd64")
        expect(setup.newest_source(dict.fromkeys(set(available) - {"7.3.10+deb13-amd64"})),
               "7.3.4+deb13-cloud-amd64")


def check_refuses_bad_arguments():
    one_line_and(run(SCRIPTS / "check", "no-such-check"), 1)


def setup_tells_a_root_of_another_recipe():
    """All that it needs is there, but the root was made before packages were added."""
    with tempfile.TemporaryDirectory(prefix="ktask-") as folder:
        cached = Path(folder, "ktask_rs")
        kernel = cached / "kernels/7.2.0-old"
        mark = {"recipe": build_root.RECIPE, "root": "old"}
        for path, text in {
                cached / "root.id": "old", cached / "root/usr/bin/rustc": "",
                cached / "current": "7.2.0-old", kernel / "ready.json": json.dumps(mark),
                kernel / "stock/vmlinuz": "", kernel / "build/Module.symvers": "",
                kernel / "guest/busybox": "", kernel / "source/Makefile": ""}.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = run(SCRIPTS / "setup", "--check", env=[f"XDG_CACHE_HOME={folder}"])
        one_line_and(done, 1)
        expect(b"packages" in done.stderr, True)


def everything_has_help():
    for script in ("setup", "build", "guest", "run", "test", "check", "torture", "bench"):
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


def race(*stacks):
    """What KCSAN prints of a race, one stack for each access."""
    lines = ["BUG: KCSAN: data-race in a / b", ""]
    for number, stack in enumerate(stacks):
        lines += [f"write to 0xffff888000000000 of 4 bytes by task {number} on cpu 1:",
                  *(f" {frame}" for frame in stack), ""]
    lines += ["Reported by Kernel Concurrency Sanitizer on:", "CPU: 1 Comm: sh", "=" * 66]
    return [f"[    1.000000][    T1] {line}" for line in lines]


def races_of_modules_are_told_from_others():
    interrupt, kernel = "asm_sysvec_apic_timer_interrupt+0x1/0x2", "do_idle+0x1/0x2"
    module = "drain+0x1/0x2 [ktask_rs]"
    for report, own in [
            (race([kernel], [kernel]), True),
            (race([kernel], [kernel, module]), False),
            # A module woke somebody up.
            (race([kernel, kernel, module], [kernel]), True),
            (race([module], [kernel]), False),
            # An interrupt came while the module ran.
            (race([kernel, interrupt, module], [kernel]), True),
            # No race at all, and one of which nothing is known.
            (["WARNING: at kernel/a.c:1", *race([kernel])[1:]], False),
            (race(), False)]:
        expect(races.is_the_kernels_own(report, 0), own)


# Consoles, and whether their last line is a report.
CONSOLES = [
    (["[    1.0][    T1] WARNING: a.c:1 at f+0x1/0x2"], True),
    (["[    1.0] MDS: SMT on, WARNING: see the documentation"], False),
    (["[    1.0] BUG: kernel NULL pointer dereference"], True),
    (["[    1.0] DEBUG: 1"], False),
    (["[    1.0] INFO: task a:1 blocked for more than 120 seconds."], True),
    (["[    1.0] Oops: int3: 0000 [#1] SMP"], True),
    (["[    1.0] BUG: KASAN: a"], True),
    (["[    1.0] list_del corruption, 1->next is 2"], True),
    (["[    1.0] all is well"], False),
    ([GOING_DOWN, STOPPED_CPU], False),
    ([STOPPED_CPU], True),
    ([f"{GOING_DOWN} later", STOPPED_CPU], True),
    ([GOING_DOWN, "WARNING: a.c:1 at other+0x1/0x2"], True),
]


def consoles_are_judged_alike_by_guests_and_bundles():
    for lines, is_report in CONSOLES:
        expect([(lines, bool(reports.reports_in(lines)))], [(lines, is_report)])
        text = "".join(f"{line}\r\n" for line in lines)
        done = subprocess.run(
            ["sh", "-c", f"box=$1; {reports.as_shell()}", "sh", kernels.default().busybox],
            input=text.encode(), capture_output=True, check=False)
        expect((lines, done.returncode, done.stderr), (lines, int(not is_report), b""))


# What a command printed, its status, and how many tests then have passed, failed and been skipped.
KTAP = [
    ("KTAP version 1\n1..2\nok 1 a\nok 2 b # SKIP no CPU\n", 0, (1, 0, 1)),
    ("1..2\nok 1 a\nnot ok 2 b\n", 1, (1, 1, 0)),
    # One was announced and is missing; the guest died after the last one; nothing at all.
    ("1..2\nok 1 a\n", 0, (1, 1, 0)),
    ("1..1\nok 1 a\n", 122, (1, 1, 0)),
    ("1..2\nok 1 a\nnot ok 2 b\n", 122, (1, 2, 0)),
    ("", 0, (0, 1, 0)),
]


def ktap_is_counted_with_what_is_missing():
    for text, status, counts in KTAP:
        results = Results()
        ktap.take(results, "group", text, status)
        expect((text, results.passed, results.failed, results.skipped), (text, *counts))


TESTS = [
    ktap_is_counted_with_what_is_missing,
    consoles_are_judged_alike_by_guests_and_bundles,
    races_of_modules_are_told_from_others,
    everything_has_help,
    setup_refuses_bad_arguments,
    setup_tells_a_root_of_another_recipe,
    setup_takes_the_newest_source_of_its_flavour,
    setup_forgets_an_archive_that_cannot_be_reached,
    garbage_in_the_cache_counts_as_nothing,
    check_refuses_bad_arguments,
    check_looks_at_new_commits,
    checks_find_what_they_are_for,
    bench_refuses_bad_arguments,
    bench_judges_what_a_guest_printed,
    bench_judges_helpers_that_leave_and_come_back,
    build_refuses_bad_trees,
    build_refuses_bad_consumers,
    build_starts_anew_after_it_was_killed,
    kbuild_works_wherever_objects_lie,
    dkms_passes_over_what_is_not_supported,
    dkms_builds_what_it_can_and_passes_over_the_rest,
    guest_refuses_bad_arguments,
    torture_refuses_bad_arguments,
    torture_ends_its_guest_when_told_to_stop,
    guest_passes_status_and_bytes_on,
    guest_tells_a_panic,
    guest_excuses_stopped_cpus_as_it_goes_down,
    guest_tells_a_hang,
    bundle_runs_without_qemu,
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
