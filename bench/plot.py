# SPDX-License-Identifier: GPL-2.0
"""Draws one chart, which comes as JSON, as an SVG: plot.py FILE.

Run by the Python that has matplotlib; see scripts/lib/plots.py.
"""

import io
import json
import sys
import textwrap

# Not in the build root, where the sources are checked.
import matplotlib  # pylint: disable=import-error

matplotlib.use("svg")
import matplotlib.pyplot as plt  # pylint: disable=import-error

# Told apart by anyone, and in print.
COLORS = {"one_thread": "#999999", "padata": "#0072b2", "padata_near": "#009e73",
          "fan_out": "#56b4e9", "v4_like": "#e69f00", "ktask": "#d55e00"}


def main():
    chart = json.load(sys.stdin)
    # The same chart makes the same file.
    plt.rcParams.update({"svg.hashsalt": chart["title"], "font.size": 9})
    figure, axes = plt.subplots(figsize=(8, 4.2))
    draw_bars(axes, chart)
    axes.set_title(chart["title"])
    axes.set_ylabel(chart["unit"])
    axes.legend(ncols=len(chart["bars"]), loc="upper center", bbox_to_anchor=(0.5, -0.12),
                frameon=False)
    figure.text(0.01, 0.01, textwrap.fill(chart["caption"], 150), fontsize=6, color="#555555")
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    save(figure, sys.argv[1])


def save(figure, path):
    """With a licence line, as any file that may be committed."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    xml, rest = drawn.getvalue().split("\n", 1)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{xml}\n<!-- SPDX-License-Identifier: GPL-2.0 -->\n{rest}")


def draw_bars(axes, chart):
    width = 0.8 / len(chart["bars"])
    for index, (label, bars) in enumerate(chart["bars"].items()):
        places = [group + (index - (len(chart["bars"]) - 1) / 2) * width
                  for group in range(len(bars))]
        heights = [bar[0] for bar in bars]
        below = [bar[0] - bar[1] for bar in bars]
        above = [bar[2] - bar[0] for bar in bars]
        axes.bar(places, heights, width, label=label, color=COLORS.get(label),
                 yerr=[below, above], error_kw={"elinewidth": 0.8, "capsize": 2})
    groups = [textwrap.fill(group, 14) for group in chart["groups"]]
    axes.set_xticks(range(len(groups)), groups)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
