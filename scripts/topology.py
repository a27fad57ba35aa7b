# SPDX-License-Identifier: GPL-2.0
"""The guest's CPUs and memory nodes: what --cpus and --node mean to QEMU."""

import re
from dataclasses import dataclass, field

from prepared import Failure

UNITS = {"M": 1, "G": 1 << 10, "T": 1 << 20}
DEFAULT_MIB = 4096
# Less does not hold the kernel and its initramfs.
LEAST_MIB = 128
MOST_CPUS = 255


@dataclass
class Node:
    ident: int
    cpus: list = field(default_factory=list)
    mib: int = 0


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
        elif name != "cpus":
            raise Failure(f"--node {spec}: '{word}' is not id=N, cpus=LIST or mem=SIZE")
        if name == "cpus":
            node.cpus += parse_cpus(word, spec)
        elif name == "mem":
            node.mib = parse_size(word, spec)
        elif name == "id" and word.isdecimal():
            node.ident = int(word)
        else:
            raise Failure(f"--node {spec}: '{name}={word}' is not id=N, cpus=LIST or mem=SIZE")
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
    cpus = sorted(cpu for node in nodes for cpu in node.cpus)
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
    memory = sum(node.mib for node in nodes)
    if memory < LEAST_MIB:
        raise Failure(f"the nodes have {memory} MiB of memory, and the guest needs {LEAST_MIB}")
    for node in nodes:
        if not node.cpus and not node.mib:
            raise Failure(f"node {node.ident} has neither CPUs nor memory")


def cores_per_socket(nodes):
    """The largest sockets that do not span nodes.

    A socket shares one last-level cache, and the kernel warns about CPUs that
    share a cache across nodes.
    """
    node_of = {cpu: node.ident for node in nodes for cpu in node.cpus}
    count = len(node_of)
    for cores in range(count, 0, -1):
        if count % cores == 0 and all(node_of[cpu] == node_of[cpu - cpu % cores]
                                      for cpu in node_of):
            return cores
    return 1


def qemu_options(nodes):
    count = sum(len(node.cpus) for node in nodes)
    cores = cores_per_socket(nodes)
    options = ["-m", f"{sum(node.mib for node in nodes)}M",
               "-smp", f"{count},sockets={count // cores},cores={cores},threads=1"]
    for node in nodes:
        numa = f"node,nodeid={node.ident}"
        numa += "".join(f",cpus={cpu}" for cpu in node.cpus)
        if node.mib:
            options += ["-object", f"memory-backend-ram,id=mem{node.ident},size={node.mib}M"]
            numa += f",memdev=mem{node.ident}"
        options += ["-numa", numa]
    return options
