# SPDX-License-Identifier: GPL-2.0
"""The guest's CPUs and memory nodes: what --cpus and --node mean to QEMU."""

import re
from dataclasses import dataclass, field

from lib.failure import Failure

UNITS = {"M": 1, "G": 1 << 10, "T": 1 << 20}
DEFAULT_MIB = 4096
# Less does not hold the kernel and its initramfs.
LEAST_MIB = 128
MOST_CPUS = 255
FIELDS = "id=N, cpus=LIST, absent=LIST or mem=SIZE"


@dataclass
class Node:
    ident: int
    cpus: list = field(default_factory=list)
    mib: int = 0
    # CPUs that could be plugged in.
    absent: list = field(default_factory=list)

    def possible(self):
        return self.cpus + self.absent


def nodes_of(count, specs):
    """The nodes that --cpus COUNT (or None) and the --node SPECS ask for."""
    if specs:
        nodes = []
        for spec in specs:
            nodes.append(parse_node(spec, len(nodes)))
        nodes.sort(key=lambda node: node.ident)
    else:
        nodes = default_nodes(count or 4)
    check(nodes, count)
    return nodes


def default_nodes(count):
    if count == 1:
        return [Node(0, [0], DEFAULT_MIB)]
    half = (count + 1) // 2
    return [Node(0, list(range(half)), DEFAULT_MIB),
            Node(1, list(range(half, count)), DEFAULT_MIB)]


def parse_node(spec, ident):
    """'id=1,cpus=0,2-3,mem=1G', where words without '=' go on with the list of CPUs."""
    node = Node(ident)
    name = None
    for word in spec.split(","):
        if "=" in word:
            name, word = word.split("=", 1)
        elif name not in ("cpus", "absent"):
            raise Failure(f"--node {spec}: '{word}' is not {FIELDS}")
        if name == "cpus":
            node.cpus += parse_cpus(word, spec)
        elif name == "absent":
            node.absent += parse_cpus(word, spec)
        elif name == "mem":
            node.mib = parse_size(word, spec)
        elif name == "id" and word.isdecimal():
            node.ident = int(word)
        else:
            raise Failure(f"--node {spec}: '{name}={word}' is not {FIELDS}")
    return node


def parse_cpus(word, spec):
    match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", word)
    if not match or int(match[2] or match[1]) < int(match[1]):
        raise Failure(f"--node {spec}: '{word}' is not a CPU number or range")
    return list(range(int(match[1]), int(match[2] or match[1]) + 1))


def parse_size(word, spec):
    match = re.fullmatch(r"(\d{1,6})([MGT])", word)
    if not match:
        raise Failure(f"--node {spec}: '{word}' is not a size such as 512M or 4G")
    return int(match[1]) * UNITS[match[2]]


def check(nodes, count):
    idents = [node.ident for node in nodes]
    if idents != list(range(len(nodes))):
        raise Failure(f"node ids must be 0 to {len(nodes) - 1}, each once, not {idents}")
    cpus = sorted(cpu for node in nodes for cpu in node.possible())
    twice = [cpu for cpu in cpus if cpus.count(cpu) > 1]
    if twice:
        raise Failure(f"CPU {twice[0]} is named twice")
    wanted = count or (cpus[-1] + 1 if cpus else 0)
    stray = sorted(set(range(wanted)) ^ set(cpus))
    if stray:
        raise Failure(f"CPU {stray[0]} is in no node" if stray[0] < wanted
                      else f"CPU {stray[0]} is more than --cpus {count} gives")
    if not 1 <= wanted <= MOST_CPUS:
        raise Failure(f"the guest can have 1 to {MOST_CPUS} CPUs, not {wanted}")
    if any(0 in node.absent for node in nodes):
        raise Failure("CPU 0 cannot be absent")
    memory = sum(node.mib for node in nodes)
    if memory < LEAST_MIB:
        raise Failure(f"the nodes have {memory} MiB of memory, and the guest needs {LEAST_MIB}")
    for node in nodes:
        if not node.possible() and not node.mib:
            raise Failure(f"node {node.ident} has neither CPUs nor memory")


def cores_per_socket(nodes):
    """The largest sockets that do not span nodes.

    A socket shares one last-level cache, and the kernel warns about CPUs that
    share a cache across nodes.
    """
    node_of = {cpu: node.ident for node in nodes for cpu in node.possible()}
    count = len(node_of)
    for cores in range(count, 0, -1):
        if count % cores == 0 and all(node_of[cpu] == node_of[cpu - cpu % cores]
                                      for cpu in node_of):
            return cores
    return 1


def qemu_options(nodes, cpu_model):
    count = sum(len(node.possible()) for node in nodes)
    cores = cores_per_socket(nodes)
    # QEMU plugs in the first CPUs itself; those after an absent one are devices.
    first = min((cpu for node in nodes for cpu in node.absent), default=count)
    options = ["-m", f"{sum(node.mib for node in nodes)}M",
               "-smp", f"{first},maxcpus={count},sockets={count // cores},cores={cores},threads=1"]
    for cpu in sorted(cpu for node in nodes for cpu in node.cpus if cpu > first):
        options += ["-device", f"{cpu_model}-x86_64-cpu,socket-id={cpu // cores},"
                               f"core-id={cpu % cores},thread-id=0"]
    for node in nodes:
        numa = f"node,nodeid={node.ident}"
        numa += "".join(f",cpus={cpu}" for cpu in node.possible())
        if node.mib:
            options += ["-object", f"memory-backend-ram,id=mem{node.ident},size={node.mib}M"]
            numa += f",memdev=mem{node.ident}"
        options += ["-numa", numa]
    return options


def shape_of(nodes):
    """The nodes in words, as in '2 nodes of 4 CPUs and 8 GiB'."""
    each = [f"{len(node.cpus)} CPUs and {node.mib / 1024:g} GiB" for node in nodes]
    if len(set(each)) == 1:
        return f"{len(nodes)} node{'s' if len(nodes) > 1 else ''} of {each[0]}"
    return "nodes of " + ", ".join(each)
