# SPDX-License-Identifier: GPL-2.0
"""What was measured, as text and as bench/report.md."""

from lib.host import BUSY_LIMIT


class Measured:
    """A part that was measured."""

    def __init__(self, part, samples, guest):
        self.part = part
        self.samples = samples
        self.guest = guest
        self.findings = part.findings(samples)

    @property
    def was_busy(self):
        return self.guest.get("busy", 0) > BUSY_LIMIT

    @property
    def conditions(self):
        """Kernel, guest, accelerator and host: what every figure is to be read with."""
        return conditions(self.guest, self.part.shape, max(s.round for s in self.samples.all))


class Simulated:
    """A part that no machine has run."""
    was_busy = False
    conditions = "simulated, and so the same on any machine"

    def __init__(self, part, text):
        self.part = part
        self.findings = part.findings(text)


def conditions(guest, shape, rounds):
    emulated = "TCG" in guest["cpu"]
    accel = "emulated (TCG)" if emulated else f"on KVM ({guest['cpu']})"
    if shape.icount:
        accel = "emulated one instruction a nanosecond (TCG, -icount shift=0)"
    where = f", caller on CPU {shape.caller}" if shape.caller else ""
    what = "boots" if shape.icount else "rounds"
    on = "another host"
    if "cores" in guest:
        on = f"host with {guest['cores']} cores that were {guest['busy']:.0f}% busy before"
    return (f"kernel {guest['kernel']}, guest of {shape.name}{where}, {accel}, {on}, "
            f"{rounds} {what}; median (least..most)")


def as_text(measured):
    found = measured.findings
    lines = ["", f"{measured.part.name}: {measured.part.__doc__.splitlines()[0]}",
             measured.conditions]
    if found.notes:
        lines.append(found.notes)
    rows = [found.headings] + [[str(cell) for cell in row] for row in found.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(found.headings))]
    lines += ["", *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                    .rstrip() for row in rows), ""]
    lines += [verdict_as_text(verdict) for verdict in found.verdicts]
    if measured.was_busy:
        lines.append("The host was busy with other work, so times say little.")
    return "\n".join(lines) + "\n"


def verdict_as_text(verdict):
    return f"{'met   ' if verdict.met else 'MISSED'}  {verdict.target}: {verdict.found}"


def verdicts_as_text(measured):
    lines = [f"{verdict_as_text(verdict)} [{m.part.name}]"
             for m in measured for verdict in m.findings.verdicts]
    met = sum(verdict.met for m in measured for verdict in m.findings.verdicts)
    return "\n".join([*lines, f"{met} of {len(lines)} targets met"])


def as_markdown(measured, seconds):
    lines = ["# ktask and its peers, side by side", "",
             f"Made by `make bench` in {seconds:.0f} s. Peers: `one_thread`, a plain call; "
             "`padata`, the kernel's `padata_do_multithreaded()` compiled as a module, told to "
             "spread over nodes where the work is of several (`padata_near`: never); `fan_out`, "
             "an even share for each of n work items; `v4_like`, a model of what ktask v4 "
             "decided. All peers of a table ran in the same boot, in an order that changes from "
             "round to round.", "", "## Targets", "", "| target | part | found | |",
             "| --- | --- | --- | --- |"]
    for m in measured:
        lines += [f"| {v.target} | {m.part.name} | {v.found} | {'met' if v.met else '**missed**'} |"
                  for v in m.findings.verdicts]
    for m in measured:
        lines += section(m)
    return "\n".join(lines) + "\n"


def sentence(text):
    return text[0].upper() + text[1:] + "."


def section(measured):
    found = measured.findings
    lines = ["", f"## {measured.part.name}", "",
             " ".join(line.strip() for line in measured.part.__doc__.splitlines()), "",
             " ".join([sentence(measured.conditions), found.notes]).strip()]
    if measured.was_busy:
        lines += ["", "**The host was busy with other work, so times say little.**"]
    lines += ["", "| " + " | ".join(found.headings) + " |",
              "| --- |" + " --- |" * (len(found.headings) - 1)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in found.rows]
    if found.chart:
        lines += ["", f"![{found.chart.title}]({measured.part.name}.svg)"]
    return lines
