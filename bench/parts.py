# SPDX-License-Identifier: GPL-2.0
"""The benchmarks: what each measures, in which guest, and what it shows."""

import itertools
from dataclasses import dataclass, field

from bench.samples import mean, median, spread

ALL = ["one_thread", "padata", "fan_out", "v4_like", "ktask"]
SEVERAL = ALL[1:]

# CPUs of a cache shard, and of a node of the large guest.
SHARD = 8
NODE = 16

# "Never slower" within what two runs of the same code differ by.
NOISE = 0.01


@dataclass
class Shape:
    """A guest."""
    name: str
    nodes: list
    cpus: int
    # The CPUs that the caller may run on, or "" for all.
    caller: str = ""
    # Counts instructions; booted twice, to see that they come out the same.
    icount: bool = False
    # More arguments for the kernel.
    append: str = ""

    @property
    def boots(self):
        return 2 if self.icount else 1


def two_nodes(cpus):
    half = cpus // 2
    return Shape(f"2 nodes of {half} CPUs and 4 GiB",
                 [f"cpus=0-{half - 1},mem=4G", f"cpus={half}-{cpus - 1},mem=4G"], cpus)


def one_node(cpus, **more):
    return Shape(f"1 node of {cpus} CPUs and 4 GiB", [f"cpus=0-{cpus - 1},mem=4G"], cpus, **more)


def large(**more):
    return Shape(f"2 nodes of {NODE} CPUs and 4 GiB",
                 [f"cpus=0-{NODE - 1},mem=4G", f"cpus={NODE}-{2 * NODE - 1},mem=4G"], 2 * NODE,
                 **more)


@dataclass
class Verdict:
    target: str
    found: str
    met: bool


@dataclass
class Chart:
    """Groups of bars: bars[label] has a (median, least, most) or None for each group."""
    title: str
    unit: str
    groups: list
    bars: dict


@dataclass
class Findings:
    headings: list
    rows: list
    verdicts: list = field(default_factory=list)
    chart: Chart = None
    notes: str = ""


def item(**settings):
    return ",".join(f"{name}={value}" for name, value in settings.items())


def ms(sample):
    return sample.ms


def bar(values):
    return median(values), min(values), max(values)


def powers(most):
    count = 2
    while count <= most:
        yield count
        count *= 2


def percent(value):
    return f"{value:.0%}"


class Uniform:
    """Clearing memory of both nodes, allocated beforehand: all units cost the same."""
    name = "uniform"
    rounds = 9

    # padata in both of its ways.
    PEERS = ["padata", "padata_near", *SEVERAL[1:]]

    def __init__(self, cpus, quick):
        self.shape = two_nodes(cpus)
        # Blocks of 2 MiB, chunks of at least 8 MiB.
        self.work = {"work": "clear", "units": 64 if quick else 512, "min": 4}
        self.counts = list(powers(cpus))

    def items(self):
        return [item(peer="one_thread", threads=1, **self.work)] + [
            item(peer=peer, threads=count, **self.work)
            for count in self.counts for peer in self.PEERS]

    def findings(self, samples):
        rows, bars = [], {peer: [] for peer in self.PEERS}
        one = {"peer": "one_thread"}
        rows.append(["one_thread", 1, spread(samples.values(ms, **one)), "1.00", "", "", ""])
        for count in self.counts:
            for peer in self.PEERS:
                this = {"peer": peer, "threads": count}
                ups = samples.ratios(ms, one, this)
                bars[peer].append(bar(ups))
                rows.append([
                    peer, count, spread(samples.values(ms, **this)), spread(ups, 2),
                    spread(samples.ratios(ms, this, {"peer": "padata", "threads": count}), 2),
                    percent(median(samples.values(local_share, **this))),
                    percent(median(samples.values(apart_share, **this)))])
        return Findings(
            ["peer", "threads", "ms", "speed-up over one thread", "time by padata's",
             "local", "began on CPUs of their own"], rows, self.verdicts(samples),
            Chart(f"Clearing {self.work['units'] * 2} MiB: speed-up over one thread", "times",
                  [f"{count} threads" for count in self.counts], bars))

    def verdicts(self, samples):
        two = {"peer": "ktask", "threads": 2}
        by_padata = median(samples.ratios(ms, two, {"peer": "padata", "threads": 2}))
        up = median(samples.ratios(ms, {"peer": "one_thread"}, two))
        return [Verdict("2 threads: at most 0.90 of padata's time", f"{by_padata:.2f}",
                        by_padata <= 0.90),
                Verdict("2 threads: at least 1.80 times one thread's speed", f"{up:.2f}",
                        up >= 1.80)]


class UniformOneNode(Uniform):
    """The same with memory of one node, which emulation is faster at."""
    name = "uniform_one_node"

    def __init__(self, cpus, quick):
        super().__init__(cpus, quick)
        self.shape = one_node(cpus)


def local_share(sample):
    return sum(t["local"] for t in sample.threads) / sum(t["units"] for t in sample.threads)


def apart_share(sample):
    """How many different CPUs the threads began on, of as many as there are threads."""
    return distinct_cpus(sample) / len(sample.threads)


class Skew:
    """Units that differ in cost, and a CPU that is slower than the others."""
    name = "skew"
    rounds = 7

    SKEWS = [("even", {}), ("rising", {"skew": "rising"}), ("falling", {"skew": "falling"}),
             ("dear eighth: first", {"skew": "eighth", "where": 0}),
             ("dear eighth: middle", {"skew": "eighth", "where": 3}),
             ("dear eighth: last", {"skew": "eighth", "where": 7}),
             ("heavy tail", {"skew": "tail"}), ("one CPU busy", {"hogs": 1})]

    # Where chunks of one size lose 10% and more, so that others can be that much faster.
    UNEVEN = ["rising", "dear eighth: middle", "dear eighth: last"]

    def __init__(self, cpus, quick):
        self.cpus = cpus
        self.shape = one_node(cpus)
        self.ms = 100 if quick else 300

    def work(self, settings):
        return {"skew": "even", "hogs": 0, "where": 0, "work": "spin", "ms": self.ms,
                "units": 4096, "min": 8, "node": 0, **settings}

    def items(self):
        return [item(peer=peer, threads=self.cpus, **self.work(settings))
                for _, settings in self.SKEWS for peer in ALL]

    def findings(self, samples):
        rows, bars, verdicts = [], {peer: [] for peer in SEVERAL}, []
        for name, settings in self.SKEWS:
            work = self.work(settings)
            row = [name, spread(samples.values(ms, peer="one_thread", **work))]
            for peer in SEVERAL:
                shares = [up / self.cpus for up in samples.ratios(
                    ms, {"peer": "one_thread", **work}, {"peer": peer, **work})]
                bars[peer].append(bar(shares))
                row.append(spread(shares, 2))
            ratios = {peer: median(samples.ratios(ms, {"peer": "ktask", **work},
                                                  {"peer": peer, **work}))
                      for peer in ("padata", "v4_like")}
            row += [f"{ratio:.2f}" for ratio in ratios.values()]
            rows.append(row)
            most = 0.90 if name in self.UNEVEN else 1 + NOISE
            verdicts += [Verdict(f"{name}: at most {most:.2f} of {peer}'s time", f"{ratio:.2f}",
                                 ratio <= most) for peer, ratio in ratios.items()]
        return Findings(
            ["cost", "one_thread ms", *SEVERAL, "time by padata's", "by v4_like's"], rows,
            verdicts,
            Chart("Units that differ in cost: efficiency", "work / (threads x time)",
                  [name for name, _ in self.SKEWS], bars),
            f"Efficiency with {self.cpus} threads: one thread's time in the same round by threads "
            "times time. A dear eighth costs 8 times what another does.")


class Placement:
    """Where 12 helpers on a node of 16 CPUs start, if the caller is on the same node."""
    name = "placement"
    rounds = 5

    HELPERS = 12
    CALLER = NODE + 4

    def __init__(self, _cpus, quick):
        self.shape = large(caller=str(self.CALLER))
        self.work = {"work": "spin", "ms": 600 if quick else 1500, "units": 4096, "min": 8,
                     "node": 1}

    def items(self):
        return [item(peer=peer, threads=self.HELPERS + 1, **self.work) for peer in SEVERAL]

    def findings(self, samples):
        rows, bars = [], {}
        for peer in SEVERAL:
            same = samples.where(peer=peer)
            cpus = [distinct_cpus(s) for s in same]
            rows.append([
                peer, spread([len(s.helpers()) for s in same]),
                "; ".join(" ".join(map(str, shards(s))) for s in same), spread(cpus),
                sum(t["cpu"] == self.CALLER for s in same for t in s.helpers()),
                percent(median([local_share(s) for s in same]))])
            bars[peer] = [bar([shards(s)[i] for s in same]) for i in range(4)]
        return Findings(
            ["peer", "helpers", "in each shard (rounds)", "CPUs in all",
             "began on the caller's CPU", "local"], rows, self.verdicts(samples),
            Chart("First CPUs of helpers for work on node 1, by cache shard", "helpers",
                  ["node 0: a", "node 0: b", "node 1: c", "node 1: d"], bars),
            f"The caller runs on CPU {self.CALLER}; fan_out has one item more instead of it.")

    def verdicts(self, samples):
        ours = samples.where(peer="ktask")
        apart = max(abs(shards(s)[2] - shards(s)[3]) for s in ours)
        cpus = {peer: median(samples.values(distinct_cpus, peer=peer))
                for peer in ("ktask", "fan_out")}
        callers = sum(t["cpu"] == self.CALLER for s in ours for t in s.helpers())
        local = min(local_share(s) for s in ours)
        return [Verdict("both shards of the node used the same, within 1",
                        f"{apart} apart at most", apart <= 1),
                Verdict("at least as many distinct CPUs as fan_out",
                        f"{cpus['ktask']:.0f} and {cpus['fan_out']:.0f}",
                        cpus["ktask"] >= cpus["fan_out"]),
                Verdict("no helper begins on the caller's CPU", f"{callers} in {len(ours)} rounds",
                        callers == 0),
                Verdict("all work is done on its node", percent(local), local == 1)]


def distinct_cpus(sample):
    """How many CPUs the threads began on, the caller's among them."""
    return len({t["cpu"] for t in sample.threads})


def shards(sample):
    """How many helpers began in each shard of the large guest."""
    began = [thread["cpu"] // SHARD for thread in sample.helpers()]
    return [began.count(shard) for shard in range(2 * NODE // SHARD)]


class Start:
    """How long after the call the k-th helper begins; chunks sleep and so hinder nobody."""
    name = "start"
    rounds = 25

    COUNTS = [4, 8, 12]

    def __init__(self, _cpus, _quick):
        self.shape = large(caller="0")

    def items(self):
        return [item(peer=peer, threads=count + 1, work="doze", ms=40, units=count * 4,
                     node=0)
                for count in self.COUNTS for peer in SEVERAL]

    def findings(self, samples):
        rows, bars = [], {peer: [] for peer in SEVERAL}
        for count in self.COUNTS:
            for peer in SEVERAL:
                same = samples.where(peer=peer, threads=count + 1)
                starts = [sorted(t["first_ns"] / 1e3 for t in s.helpers()) for s in same]
                last = [times[-1] for times in starts if times]
                if not last:
                    continue
                begun = median([len(times) for times in starts])
                bars[peer].append(bar(last))
                rows.append([peer, count, f"{begun:.0f}", spread([distinct_cpus(s) for s in same]),
                             callers_start(same)]
                            + [spread([times[at(len(times), share)] for times in starts if times])
                               for share in (0, 0.5, 1)])
        return Findings(
            ["peer", "helpers asked for", "began", "on CPUs", "caller us", "first helper us",
             "median us", "last us"], rows, [],
            Chart("From the call to the first chunk of the last helper", "us",
                  [f"{count} helpers" for count in self.COUNTS], bars))


def at(length, share):
    return round((length - 1) * share)


def callers_start(samples):
    found = [t["first_ns"] / 1e3 for s in samples for t in s.threads if t["caller"]]
    return spread(found) if found else "-"


class Path:
    """Instructions that a call adds to a plain call of the same function."""
    name = "path"
    rounds = 1

    CPUS = 8
    MOST = 4
    MANY = 64

    # Of 1 and of 4 helpers that find no work left, before helpers could come later.
    EARLIER = {2: 6501, MOST + 1: 16289}

    def __init__(self, _cpus, quick):
        self.shape = one_node(self.CPUS, icount=True)
        self.calls = 100 if quick else 400

    def cases(self):
        """(what, settings) of each row; the direct call first."""
        empty = {"work": "empty", "units": 4096, "min": 1, "calls": self.calls, "node": 0}
        cases = [("direct call", {"peer": "one_thread", "threads": 1, **empty}),
                 ("task of one chunk", {"peer": "ktask", "threads": 5, **empty, "min": 8192})]
        for peer in SEVERAL:
            for threads in (1, 2, self.MOST + 1):
                if peer != "fan_out" or threads > 1:
                    cases.append((helpers_of(peer, threads), {"peer": peer, "threads": threads,
                                                              **empty}))
        return cases

    def gaps(self):
        gap = {"work": "gap", "min": 1, "node": 0}
        return [{"peer": "plain_loop", "threads": 1, "units": 100, **gap}] + [
            {"peer": peer, "threads": threads, "units": 1 << 20, **gap}
            for peer in ("padata", "v4_like", "ktask") for threads in (2, 5)]

    def starts(self):
        return [{"peer": peer, "threads": threads, "work": "doze", "ms": 20, "units": 64, "min": 1,
                 "node": 0} for peer in ("padata", "v4_like", "ktask")
                for threads in (2, self.MOST + 1, self.MANY)]

    def items(self):
        full = [item(**settings) for _, settings in self.cases()]
        limited = {"peer": "ktask", "threads": 3, "work": "empty", "units": 4096, "min": 1,
                   "calls": self.calls, "node": 0}
        return (full + [item(**settings) for settings in self.gaps() + self.starts()]
                + ["knob:rlim_max=0", item(**limited), "knob:rlim_max=auto"])

    def findings(self, samples):
        direct = least(samples, peer="one_thread")
        rows = []
        for what, settings in self.cases() + [
                ("no helper: limit reached", {"peer": "ktask", "threads": 3})]:
            same = samples.where(**settings)
            lows = [s.result["path_min"] for s in same]
            mids = [s.result["path_median"] for s in same]
            rows.append([settings["peer"], what, counts(lows, direct), counts(mids, direct)])
        plain = min(gap_least(s) for s in samples.where(peer="plain_loop"))
        for settings in self.gaps()[1:]:
            same = samples.where(**settings)
            rows.append([settings["peer"], f"per chunk, {settings['threads']} threads",
                         counts([gap_least(s) for s in same], plain),
                         counts([gap_mean(s) for s in same], plain)])
        for settings in self.starts():
            rows.append([settings["peer"], "until the caller's first chunk, "
                         + helpers_of(settings["peer"], settings["threads"]),
                         counts(callers_first(samples, settings), 0), ""])
        return Findings(["peer", "what", "least (each boot)", "median; per chunk: mean"], rows,
                        self.verdicts(samples, direct), self.chart(samples, direct),
                        f"Instructions of all CPUs together, beyond the direct call's {direct} "
                        f"and, per chunk, the {plain} of a loop of direct calls.")

    def chart(self, samples, direct):
        bars = {}
        for peer in ("padata", "v4_like", "ktask"):
            calls = [samples.where(peer=peer, work="empty", threads=threads, min=1)
                     for threads in (1, 2, self.MOST + 1)]
            bars[peer] = [bar([s.result["path_min"] - direct for s in same]) for same in calls]
        return Chart("What a call adds to a plain call, all CPUs together", "instructions",
                     ["no helper", "1 helper", f"{self.MOST} helpers"], bars)

    def verdicts(self, samples, direct):
        alone = {peer: least(samples, peer=peer, threads=1) - direct
                 for peer in ("padata", "v4_like", "ktask")}
        plain = min(gap_least(s) for s in samples.where(peer="plain_loop"))
        chunk = {peer: min(gap_least(s) for s in samples.where(peer=peer, work="gap")) - plain
                 for peer in ("padata", "ktask")}
        firsts = [[s.result["path_min"] for s in samples.where(**settings)]
                  for _, settings in self.cases()[:3]]
        same = all(len(set(values)) == 1 for values in firsts)
        return [below("no helper possible: fewer instructions than padata", alone["ktask"],
                      alone["padata"]),
                Verdict("no helper possible: at most v4_like's",
                        f"{alone['ktask']} and {alone['v4_like']}",
                        alone["ktask"] <= alone["v4_like"]),
                below("a chunk of a range: fewer than padata", chunk["ktask"], chunk["padata"]),
                *self.first_chunks(samples),
                *(below(f"{helpers_of('ktask', threads)}, no work left for them: fewer than before",
                        least(samples, peer="ktask", threads=threads, min=1) - direct, earlier)
                  for threads, earlier in self.EARLIER.items()),
                Verdict("the same in every boot", "yes" if same else "no", same)]

    def first_chunks(self, samples):
        found = {(s["peer"], s["threads"]): min(callers_first(samples, s)) for s in self.starts()}
        few, many = found["ktask", self.MOST + 1], found["ktask", self.MANY]
        return [*(below("until the caller's first chunk, " + helpers_of("ktask", threads)
                        + ": fewer than any peer", found["ktask", threads],
                        min(found["padata", threads], found["v4_like", threads]))
                  for threads in (2, self.MOST + 1)),
                Verdict(f"until the caller's first chunk: no more with {self.MANY} threads than "
                        f"with {self.MOST + 1}", f"{many} and {few}",
                        many <= (1 + NOISE) * few)]


def below(target, found, bound):
    return Verdict(target, f"{found:.0f} and {bound:.0f}", found < bound)


def callers_first(samples, settings):
    return [t["first_ns"] for s in samples.where(**settings) for t in s.threads if t["caller"]]


def helpers_of(peer, threads):
    count = threads if peer == "fan_out" else threads - 1
    return f"{count} " + ("item" if peer == "fan_out" else "helper") + ("" if count == 1 else "s")


def least(samples, **settings):
    return min(s.result["path_min"] for s in samples.where(work="empty", **settings))


def gap_least(sample):
    return min(t["gap_min"] for t in sample.threads if "gaps" in t)


def gap_mean(sample):
    return (sum(t.get("gap_sum", 0) for t in sample.threads)
            / sum(t.get("gaps", 0) for t in sample.threads))


def counts(values, base):
    found = [f"{value - base:.0f}" for value in values]
    return found[0] if len(set(found)) == 1 else " ".join(found)


class Busy:
    """A machine whose CPUs all have other work of nice 0."""
    name = "busy"
    rounds = 7

    def __init__(self, cpus, quick):
        self.cpus = cpus
        self.shape = two_nodes(cpus)
        self.work = {"work": "spin", "ms": 100 if quick else 300, "units": 4096, "min": 8,
                     "hogs": cpus}

    def items(self):
        return [item(peer=peer, threads=self.cpus, **self.work) for peer in ALL]

    def findings(self, samples):
        one = {"peer": "one_thread"}
        rows, bars = [], {}
        for peer in ALL:
            by_one = samples.ratios(ms, {"peer": peer}, one)
            loss = [1 - ratio for ratio in samples.ratios(hog_rate, {"peer": peer}, one)]
            bars[peer] = [bar(by_one), bar([hog_rate(s) / hog_rate(o) for s, o in zip(
                samples.where(peer=peer), samples.where(**one), strict=True)])]
            rows.append([peer, spread(samples.values(ms, peer=peer)), spread(by_one, 2),
                         spread([100 * share for share in loss], 1)])
        by_one = median(samples.ratios(ms, {"peer": "ktask"}, one))
        loss = 1 - median(samples.ratios(hog_rate, {"peer": "ktask"}, one))
        return Findings(
            ["peer", "ms", "time by one_thread's", "other work loses %"], rows,
            [Verdict("at most 1.05 of one thread's time", f"{by_one:.2f}", by_one <= 1.05),
             Verdict("other work loses at most 5% more than with one thread", f"{loss:.1%}",
                     loss <= 0.05)],
            Chart("All CPUs busy with other work", "by that with one thread",
                  ["time of the task", "speed of the other work"], bars),
            "Other work's speed while the task runs, compared with that beside one thread.")


def hog_rate(sample):
    return sample.result["hog_loops"] / sample.result["time_ns"]


class BusyOne:
    """One CPU of four that has other work of nice 0, and tasks of two threads."""
    name = "busy_one"
    rounds = 12

    CPUS = 4

    def __init__(self, _cpus, quick):
        self.shape = one_node(self.CPUS)
        self.work = {"threads": 2, "work": "spin", "ms": 60 if quick else 200, "units": 4096,
                     "min": 8, "node": 0}
        # The last CPU is the busy one.
        self.kept_out = {"without": self.CPUS - 1, "log": 1, "hogs": 1}
        self.idle = {"log": 0, "hogs": 0}
        self.busy = {"log": 0, "hogs": 1}

    def items(self):
        return [item(**self.kept_out, peer="ktask", **self.work)] + [
            item(peer=peer, **more, **self.work) for peer in SEVERAL
            for more in (self.idle, self.busy)]

    def findings(self, samples):
        rows = []
        own = mean(samples.values(ms, **self.kept_out))
        for peer in SEVERAL:
            idle, busy = (samples.values(ms, peer=peer, **more)
                          for more in (self.idle, self.busy))
            rows.append([peer, spread(idle), spread(busy), f"{mean(busy) / mean(idle):.2f}",
                         f"{mean(busy) / own:.2f}",
                         self.shares(samples, peer=peer, **self.busy)])
        # ktask is the last of them.
        by_own = mean(busy) / own
        rows.append(["ktask, kept out", "", spread(samples.values(ms, **self.kept_out)), "",
                     "1.00", self.shares(samples, **self.kept_out)])
        return Findings(
            ["peer", "no CPU busy ms", "one CPU busy ms", "mean by that", "by ktask's, kept out",
             "the slower thread's share %"], rows,
            [Verdict("at most 1.02 of ktask's own time with no CPU busy", f"{by_own:.2f}",
                     by_own <= 1.02)],
            notes="Kept out: ktask's workqueue may not use the busy CPU, and so has no busy one. "
            "The target compares with that: on a host with fewer than three cores two threads "
            "are slower beside the other work wherever they run. Means, as a helper is on the "
            "busy CPU in some rounds only; then it does much less than half.")

    @staticmethod
    def shares(samples, **settings):
        found = samples.where(**settings)
        return spread([100 * min(t["units"] for t in s.threads) / int(s.settings["units"])
                       if len(s.threads) > 1 else 0 for s in found])


class Callers:
    """Several callers at the same time, each with a task for as many threads as it can get."""
    name = "callers"
    rounds = 3

    COUNTS = [1, 2, 4, 8, 16]

    def __init__(self, _cpus, quick):
        self.shape = large()
        self.ms = 20 if quick else 60

    def items(self):
        return [item(peer=peer, threads=2 * NODE, work="spin", ms=self.ms, units=4096, min=8,
                     callers=count)
                for count in self.COUNTS for peer in ALL]

    def findings(self, samples):
        rows, bars = [], {peer: [] for peer in ALL}
        for count in self.COUNTS:
            for peer in ALL:
                same = samples.where(peer=peer, callers=count)
                rate = [1000 * count / s.ms for s in same]
                fair = [min(c["time_ns"] for c in s.callers) / max(c["time_ns"] for c in s.callers)
                        for s in same]
                bars[peer].append(bar(rate))
                rows.append([count, peer, spread(rate, 1), spread(fair, 2),
                             spread([s.result["peak"] for s in same])])
        most = max(s.result["peak"] - count for count in self.COUNTS
                   for s in samples.where(peer="ktask", callers=count))
        limit = int(0.8 * self.shape.cpus)
        return Findings(
            ["callers", "peer", "tasks a second", "first to end / last to end",
             "threads at once"], rows,
            [Verdict(f"never more than {limit} helpers at once", f"{most}", most <= limit)],
            Chart("Many callers: throughput", "tasks a second",
                  [f"{count} callers" for count in self.COUNTS], bars))


class Contention:
    """The cost of a chunk when chunks are as small as can be and threads are many."""
    name = "contention"
    rounds = 5

    def __init__(self, _cpus, _quick):
        self.shape = large()
        self.counts = list(powers(2 * NODE))

    def items(self):
        return [item(peer=peer, threads=count, work="gap", units=1 << 20, min=1)
                for count in self.counts for peer in ("padata", "v4_like", "ktask")]

    def findings(self, samples):
        rows, bars = [], {}
        for count in self.counts:
            for peer in ("padata", "v4_like", "ktask"):
                same = samples.where(peer=peer, threads=count)
                chunks = [sum(t["chunks"] for t in s.threads) for s in same]
                gaps = [gap_least(s) for s in same if any("gaps" in t for t in s.threads)]
                whole = [s.result["time_ns"] / 1e3 for s in same]
                bars.setdefault(peer, []).append(bar(whole))
                rows.append([count, peer, spread(chunks), spread(whole), spread(gaps)])
        return Findings(
            ["threads", "peer", "chunks", "whole task us", "least cycles between two chunks"],
            rows, [],
            Chart("A task of empty chunks", "us", [f"{count} threads" for count in self.counts],
                  bars))


class Elastic:
    """What a task makes of threads and CPUs that are there only after it began."""
    name = "elastic"
    rounds = 5

    # A late task begins that many ms after another one, and has that many times its work.
    LATE = 50
    LONGER = 3

    def __init__(self, cpus, quick):
        self.cpus = max(4, cpus)
        self.shape = one_node(self.cpus)
        # With a core for each CPU, a task takes that long.
        self.first_ms = (100 if quick else 250) * self.cpus
        self.work = {"threads": self.cpus, "work": "spin", "ms": self.LONGER * self.first_ms,
                     "units": 4096, "min": 8, "node": 0}
        self.alone = {"first_ms": 0, "log": 0}
        self.late = {"first_ms": self.first_ms, "first_units": 4096, "after_ms": self.LATE,
                     "log": 1}
        self.unplugged = {"unplug": self.cpus - 1, "log": 1}

    def items(self):
        return [item(**more, peer=peer, **self.work) for peer in SEVERAL
                for more in (self.unplugged, self.alone, self.late)]

    def findings(self, samples):
        rows, bars = [], {}
        for peer in SEVERAL:
            alone, late, unplugged = (samples.where(peer=peer, **more) for more in
                                      (self.alone, self.late, self.unplugged))
            rest = [as_a_whole(b) / a.ms for b, a in zip(late, alone, strict=True)]
            got = [helpers_once_there_is_room(s) for s in late]
            longer = samples.ratios(ms, {"peer": peer, **self.unplugged},
                                    {"peer": peer, **self.alone})
            helpers = [around_marks(s) for s in unplugged]
            bars[peer] = [bar(rest), bar(longer)]
            rows.append([peer, spread([s.ms for s in alone]), spread([s.ms for s in late]),
                         spread([s.result["other_ns"] / 1e6 for s in late]), spread(rest, 2),
                         spread(got), spread(longer, 2),
                         *(spread(found) for found in zip(*helpers, strict=True))])
        # ktask is the last of them. Where the host has other work, the least is least wrong.
        rest = min(map(as_a_whole, late)) / min(s.ms for s in alone)
        wanted = max(s.result["peak"] - 1 for s in alone)
        lost = max(before - after for before, _, after in helpers)
        return Findings(
            ["peer", "alone ms", "late ms", "until there is room ms", "rest by that alone",
             "helpers then", "CPU off and on: by alone's time", "helpers before",
             "without the CPU", "after"], rows,
            [Verdict("late task: at most 1.15 of what it takes alone, once there is room",
                     f"{rest:.2f}", rest <= 1.15),
             Verdict("late task: as many helpers as alone, once there is room",
                     f"{min(got)} of {wanted}", min(got) >= wanted),
             Verdict("a CPU goes off and on: as many helpers as before",
                     f"{lost} fewer at most", lost <= 0)],
            Chart("Threads and CPUs that come late", "by the time alone",
                  ["late task, once there is room", "a CPU goes off and on"], bars),
            f"The late task begins {self.LATE} ms after another of the same peer, which may have "
            f"all {self.cpus} threads as well, and has {self.LONGER} times its work. There is "
            "room when the other ends; the units that are left then take the same share of the "
            "time alone, as all units cost the same; the target compares the least of each. "
            "Helpers are counted while they are in a chunk; fan_out has one more "
            "instead of the caller.")


def as_a_whole(late):
    """Milliseconds for all of its units, as fast as it does them once the other has ended."""
    units = int(late.settings["units"])
    share = (units - late.result["other_units"]) / units
    if not share:
        # The other one ended last: there never was room.
        return late.ms
    return (late.result["time_ns"] - late.result["other_ns"]) / 1e6 / share


def helpers_once_there_is_room(late):
    return late.most_helpers(late.result["other_ns"], late.result["time_ns"])


def around_marks(sample):
    """How many helpers there were: until the first mark, at the second, and from then on."""
    first, second = sample.marks
    end = sample.result["time_ns"]
    return (sample.most_helpers(0, first), sample.most_helpers(second - 1, second),
            sample.most_helpers(second, end))


class ElasticLimits:
    """A limit that is lowered in the middle of a task, and raised again."""
    name = "elastic_limits"
    rounds = 1

    CPUS = 4
    LIMITS = [2, 1, 0]

    def __init__(self, _cpus, _quick):
        # Idle CPUs that wait with MWAIT never halt in QEMU, and use up emulated time.
        self.shape = one_node(self.CPUS, icount=True, append="idle=halt")
        # The longest chunks are a 32nd of the task: two of all threads end while the limit is low,
        # and the caller's alone takes less than what helpers have to be back within.
        self.work = {"peer": "ktask", "threads": self.CPUS, "work": "spin", "ms": 256,
                     "units": 4096, "min": 4, "node": 0, "log": 1}

    def items(self):
        return [item(lower=limit, **self.work) for limit in self.LIMITS]

    def findings(self, samples):
        rows, within, longest = [], True, 0
        for limit in self.LIMITS:
            same = samples.where(lower=limit)
            before = [s.most_helpers(0, s.marks[0]) for s in same]
            after = [helpers_after_two_chunks(s) for s in same]
            back = [until_all_are_back(s) for s in same]
            within = within and all(found is not None and found <= limit for found in after)
            longest = max(longest, *(INFINITE if took is None else took for took in back))
            rows.append([limit, counts(before, 0), each(after), each(back, 2)])
        raised = "not all came back" if longest == INFINITE else f"{longest:.2f} ms"
        return Findings(
            ["limit", "helpers before", "two chunks later", "all are back, ms"], rows,
            [Verdict("limit lowered: no more helpers within two chunks",
                     "in each case" if within else "more", within),
             Verdict("limit raised: all helpers are back within 10 ms",
                     raised if within else "they had not left", within and longest <= 10)],
            notes="Each boot: helpers at once when each has ended two chunks since the limit was "
            "lowered, until it is raised; and emulated time from then to the moment when as many "
            "as before are in a chunk. An instruction of any CPU takes a nanosecond of that, so "
            f"each of the {self.CPUS} CPUs has a quarter of it.")


INFINITE = float("inf")


def each(values, digits=0):
    return " ".join("-" if value is None else f"{value:.{digits}f}" for value in values)


def helpers_after_two_chunks(sample):
    """The most at once when each has ended two chunks after the first mark, until the second.

    None if there is no such moment.
    """
    first, second = sample.marks
    ends = {}
    for chunk in sorted(sample.chunks, key=lambda c: c["end_ns"]):
        if not chunk["caller"] and first < chunk["end_ns"] and chunk["begin_ns"] < second:
            ends.setdefault(chunk["thread"], []).append(chunk["end_ns"])
    settled = max((times[:2][-1] for times in ends.values()), default=first)
    return sample.most_helpers(settled, second) if settled < second else None


def until_all_are_back(sample):
    """Milliseconds from the second mark until there are as many as before the first."""
    first, second = sample.marks
    before = sample.most_helpers(0, first)
    steps = [*sample.helpers_over_time(), (sample.result["time_ns"], 0)]
    for (begin, count), (end, _) in itertools.pairwise(steps):
        if end > second and count >= before:
            return max(0, begin - second) / 1e6
    return None


class Fairness:
    """Equal tasks that run at the same time, and short ones beside a long one."""
    name = "fairness"
    rounds = 5

    COUNTS = [2, 8]
    UNITS = 4096
    CALLS = 21

    def __init__(self, cpus, quick):
        self.cpus = max(4, cpus)
        self.shape = one_node(self.cpus)
        # With a core for each CPU, a long task takes that many ms.
        self.ms = (25 if quick else 100) * self.cpus
        self.base = {"threads": self.cpus, "work": "spin", "node": 0}
        self.short = {"units": 256, "min": 8, "ms": self.cpus, "calls": self.CALLS}
        self.alone = {**self.short, "first_units": 0}
        self.beside = {**self.short, "first_units": self.UNITS, "first_ms": 10 * self.ms,
                       "after_ms": 50, "cut": 1}

    def equal(self, count):
        return {"callers": count, "ms": self.ms, "units": self.UNITS, "min": 8}

    def whole(self, count):
        """One task of as much as those have together."""
        return {"callers": 1, "ms": count * self.ms, "units": count * self.UNITS, "min": 8}

    def items(self):
        return [item(peer=peer, **self.base, **more) for peer in SEVERAL for more in (
            *(task for count in self.COUNTS for task in (self.equal(count), self.whole(count))),
            self.alone, self.beside)]

    def findings(self, samples):
        rows, bars, verdicts = [], {}, []
        khz = int(samples.guest["tsc_khz"])
        for peer in SEVERAL:
            row, bars[peer] = [peer], []
            for count in self.COUNTS:
                apart = samples.values(slowest_by_fastest, peer=peer, **self.equal(count))
                last = samples.ratios(last_end, {"peer": peer, **self.equal(count)},
                                      {"peer": peer, **self.whole(count)})
                row += [spread(apart, 2), spread(last, 2)]
                bars[peer] += [bar(apart), bar(last)]
                if peer == "ktask":
                    verdicts += self.verdicts(count, median(apart), median(last))
            for more in (self.alone, self.beside):
                row.append(spread([s.result["path_median"] * 1000 / khz for s in
                                   samples.where(peer=peer, **more)]))
            row.append(spread(samples.ratios(lambda s: s.result["path_median"],
                                             {"peer": peer, **self.beside},
                                             {"peer": peer, **self.alone}), 2))
            rows.append(row)
        return Findings(
            ["peer", *(heading for count in self.COUNTS for heading in (
                f"{count} tasks: slowest by fastest", "last end by one task of the sum")),
             "short task alone us", "beside a long one us", "by alone's"], rows, verdicts,
            Chart("Equal tasks at the same time", "times",
                  [group for count in self.COUNTS for group in (
                      f"{count} tasks: slowest by fastest", f"{count} tasks: last by the sum")],
                  bars),
            f"Each task may have {self.cpus} threads, and has {self.ms} ms of one thread's work; "
            f"a short one {self.short['ms']} ms, the median of {self.CALLS} that run one after "
            "the other.")

    @staticmethod
    def verdicts(count, apart, last):
        return [Verdict(f"{count} equal tasks: the slowest at most 1.15 of the fastest",
                        f"{apart:.2f}", apart <= 1.15),
                Verdict(f"{count} equal tasks: the last ends within 3% of one task of the sum",
                        f"{last - 1:+.1%}", last <= 1.03)]


def slowest_by_fastest(sample):
    times = [caller["time_ns"] for caller in sample.callers]
    return max(times) / min(times)


def last_end(sample):
    return max(caller["time_ns"] for caller in sample.callers)


class Model:
    """What the policies would do on machines that are not there: the scale model."""
    name = "model"
    # It needs no guest.
    shape = None

    def __init__(self, _cpus, quick):
        self.tables = ["target"] if quick else ["target", "compare", "chunks", "rfc", "threads"]

    def findings(self, text):
        """Shows the first of its tables, of those in Markdown that it printed."""
        lines = text.splitlines()
        first = [cells(line) for line in itertools.takewhile(
            lambda line: line, itertools.dropwhile(lambda line: line[:1] != "|", lines))]
        verdicts = [Verdict(*line.split(": ", 1)[1].rsplit(": ", 1), line.startswith("- met"))
                    for line in lines if line.startswith(("- met: ", "- MISSED: "))]
        notes = [line for line in itertools.takewhile(lambda line: line[:1] != "|", lines)
                 if line and not line.startswith("#")]
        return Findings(first[0], first[2:], verdicts,
                        notes=f"{' '.join(notes)} All tables are in model.md.")


def cells(line):
    """Those of a row in Markdown."""
    return [cell.strip() for cell in line.strip("|").split("|")]


PARTS = {part.name: part for part in (Uniform, UniformOneNode, Skew, Path, Placement, Start,
                                      Busy, BusyOne, Callers, Contention, Elastic, ElasticLimits,
                                      Fairness, Model)}
