# SPDX-License-Identifier: GPL-2.0
"""What the guest measured, as it tells line by line (see guest.sh)."""

import itertools
import statistics
from dataclasses import dataclass, field


@dataclass
class Sample:
    """One measurement in one round."""
    round: int
    settings: dict
    result: dict = field(default_factory=dict)
    threads: list = field(default_factory=list)
    callers: list = field(default_factory=list)
    # Of one that something changes in the middle of: when, and its chunks.
    marks: list = field(default_factory=list)
    chunks: list = field(default_factory=list)

    @property
    def peer(self):
        return self.settings["peer"]

    @property
    def ms(self):
        return self.result["time_ns"] / 1e6

    def helpers(self):
        return [thread for thread in self.threads if not thread["caller"]]

    def helpers_over_time(self):
        """(when, how many helpers are in a chunk from then on), from the start to the end."""
        steps = sorted((at, step) for chunk in self.chunks if not chunk["caller"]
                       for at, step in ((chunk["begin_ns"], 1), (chunk["end_ns"], -1)))
        count = 0
        over_time = [(0, 0)]
        for at, step in steps:
            count += step
            over_time.append((at, count))
        return over_time

    def most_helpers(self, since, until):
        """At once, between two moments."""
        most = 0
        for (at, count), (end, _) in itertools.pairwise(
                [*self.helpers_over_time(), (self.result["time_ns"], 0)]):
            if at < until and end > since:
                most = max(most, count)
        return most

    def matches(self, settings):
        return all(self.settings.get(name) == str(value) for name, value in settings.items())


def pairs(words, convert=int):
    return {name: convert(value) for name, _, value in (word.partition("=") for word in words)}


class Samples:
    """All samples of one boot, and what the guest says of itself."""

    def __init__(self):
        self.all = []
        self.guest = {}

    def take(self, line):
        """Takes in one line; False if it tells of nothing that we know."""
        kind, *words = line.split() or [""]
        if kind == "guest" and words:
            self.guest[words[0]] = " ".join(words[1:])
        elif kind == "sample":
            self.all.append(Sample(int(words[0]), pairs(words[1:], str)))
        elif kind == "result":
            self.all[-1].result = pairs(words)
        elif kind == "thread":
            self.all[-1].threads.append(pairs(words))
        elif kind == "caller":
            self.all[-1].callers.append(pairs(words))
        elif kind == "mark":
            self.all[-1].marks.append(pairs(words)["ns"])
        elif kind == "chunk":
            self.all[-1].chunks.append(pairs(words))
        else:
            return False
        return True

    def where(self, **settings):
        """The samples with these settings, a list in the order of rounds."""
        return sorted((s for s in self.all if s.matches(settings)), key=lambda s: s.round)

    def values(self, value, **settings):
        """value of each of those."""
        return [value(sample) for sample in self.where(**settings)]

    def ratios(self, value, above, below):
        """value of one kind of sample by that of another, round by round."""
        return [value(a) / value(b)
                for a, b in zip(self.where(**above), self.where(**below), strict=True)]


def mean(values):
    return statistics.mean(values)


def median(values):
    return statistics.median(values)


def spread(values, digits=0):
    """'median (least..most)'"""
    return (f"{median(values):.{digits}f} "
            f"({min(values):.{digits}f}..{max(values):.{digits}f})")
