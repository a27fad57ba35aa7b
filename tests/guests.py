# SPDX-License-Identifier: GPL-2.0
"""The guests that the tests run in, by name: (options of scripts/guest, suites of tests/guest)."""

from lib.shapes import GIGANTIC_PAGES, NOT_CLEARED_TWICE, SHORT_OF_MEMORY, nodes

STOCK = {
    "2 nodes of 2 CPUs": (
        [], ["TASKS=100000", "cases", "limits", "neighbours", "knobs", "unload", "free_list",
             "pin_pages"]),
    "2 nodes with movable memory": (
        ["--append", "movablecore=25%"], ["pin_movable"]),
    "CPUs that come and go": (
        [], ["hotplug"]),
    "an isolated CPU": (
        ["--append", "isolcpus=domain,managed_irq,3 nohz_full=3"],
        ["USABLE=3", "isolation"]),
    "an energy-saving governor": (
        [], ["power"]),
    "tasks that grow and shrink": (
        [], ["elastic"]),
    "random input": (
        nodes("cpus=0-1,mem=2G", "cpus=2-3,mem=2G", "mem=1G"), ["ROUNDS=10000", "fuzz"]),
    "2 nodes of 2 CPUs and 8 GiB": (
        GIGANTIC_PAGES, ["samples"]),
    "2 nodes of huge pages": (
        [*GIGANTIC_PAGES, *NOT_CLEARED_TWICE], ["folio_zero"]),
    "1 CPU": (
        ["--cpus", "1"], ["TASKS=5000", "cases", "limits", "elastic"]),
    "2 nodes of 1 CPU": (
        ["--cpus", "2"], ["limits"]),
    "a node without CPUs": (
        nodes("cpus=0-2,mem=2G", "mem=2G"), ["TASKS=5000", "cases", "limits"]),
    "a node without memory": (
        nodes("cpus=0-1,mem=2G", "cpus=2-3"), ["limits"]),
    # Node 1 has nothing but a CPU that could be plugged in.
    "node ids with a hole": (
        nodes("cpus=0-1,mem=2G", "absent=2", "cpus=3-4,mem=2G"),
        ["TASKS=5000", "sparse", "cases", "limits"]),
    "2 nodes of 4 CPUs": (
        nodes("cpus=0-3,mem=2G", "cpus=4-7,mem=2G"),
        ["limits", "workqueue", "elastic", "affinity"]),
    # All CPUs but one go offline and come back. If QEMU has a thread for each CPU, it happens that
    # one of them does not come back.
    "suspend": (
        ["--single-thread"], ["suspend"]),
    # scripts/torture does it for longer.
    "torture": (
        SHORT_OF_MEMORY, ["DURATION=60", "torture"]),
    "torture while CPUs come and go": (
        SHORT_OF_MEMORY,
        ["DURATION=60", "TORTURE=onoff_interval=1 onoff_holdoff=5", "ISOLATE=1", "torture"]),
    # At the end: not beside the other guests that have much memory.
    "all samples at once": (
        [*GIGANTIC_PAGES, *NOT_CLEARED_TWICE], ["DURATION=45", "mix"]),
}

# Sanitizers slow a guest down: fewer random tasks and rounds, and less memory to look through for
# leaks where the shape is the default one.
FEWER = {"TASKS=100000": "TASKS=3000", "TASKS=5000": "TASKS=500",
         "ROUNDS=10000": "ROUNDS=500"}
LESS_MEMORY = nodes("cpus=0-1,mem=1G", "cpus=2-3,mem=1G")

# Only of the kernel that can have allocations fail, and that has lockdep on: one guest for each
# wrong order, because lockdep is off after its first report.
KASAN = {
    "memory runs out while loading": (
        LESS_MEMORY, ["faults"]),
    **{f"locks in the wrong order: {order}": (
        ["--allow", "possible circular locking dependency detected", *LESS_MEMORY],
        [f"ORDER={order}", "lockdep"])
       for order in ("thread", "iterator", "nested", "rust")},
}


# Tens of thousands of chunks a test, minutes each with a sanitizer. Torture has the same checks.
TOO_LONG = {"elastic"}


def of_sanitizer(name):
    """The guests of the stock kernel for one with sanitizers, and those of that kernel alone."""
    guests = {guest: (slower_shape(shape),
                      [FEWER.get(suite, suite) for suite in suites if suite not in TOO_LONG])
              for guest, (shape, suites) in STOCK.items() if not set(suites) <= TOO_LONG}
    return guests | KASAN if name == "kasan" else guests


def slower_shape(shape):
    return shape if {"--node", "--cpus"} & set(shape) else [*LESS_MEMORY, *shape]
