"""The table of a campaign, for the terminal and for Markdown."""

import math

from rows import MEAN_MUST

HEADS = ["row", "native", "QEMU", "ours", "QEMU slower by", "ours slower by", "ours / QEMU", "must",
         "", "spread"]

MOST_SCALING = 2.05  # two processors do not do more


def amount(value, row):
    """Iterations a second with a unit; seconds for the boot; times for the scaling."""
    if value is None:
        return "-"
    if row.kind == "boot":
        return f"{1 / value:.2f} s"
    if row.kind == "scaling":
        return f"{value:.2f} x"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}/s"
    return f"{value:.3g} /s"


def times(value):
    return "-" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def verdict(value, must, most=math.inf):
    if value is not None and value > most:
        return "noise"
    return "-" if value is None else "PASS" if value >= must else "short"


def score(campaign, row):
    """What is held against the row's 'must'."""
    if row.kind == "scaling":
        return campaign.median("ours", row)
    return campaign.ratio("ours", "qemu", row)


def cells_of(campaign, row):
    spread = campaign.spread(row)
    comparable = row.kind in ("compute", "system")
    return [
        row.title,
        *(amount(campaign.median(side, row), row) for side in ("native", "qemu", "ours")),
        *(times(campaign.ratio("native", side, row) if comparable else None)
          for side in ("qemu", "ours")),
        times(campaign.ratio("ours", "qemu", row)),
        f"{row.must:g} x" + (" of one" if row.kind == "scaling" else ""),
        verdict(score(campaign, row), row.must, MOST_SCALING if row.kind == "scaling" else math.inf),
        "-" if spread is None else f"{spread * 100:.0f}%",
    ]


def geometric_mean(values):
    if not values or None in values:
        return None
    return math.exp(sum(math.log(value) for value in values) / len(values))


def mean_cells(campaign, rows):
    def mean(one, other):
        return geometric_mean([campaign.ratio(one, other, row) for row in rows])

    ours = mean("ours", "qemu")
    return [f"geometric mean of {len(rows)} compute rows", "", "", "",
            times(mean("native", "qemu")), times(mean("native", "ours")), times(ours),
            f"{MEAN_MUST:g} x", verdict(ours, MEAN_MUST), ""]


def table(campaign):
    """Rows of text cells, the head first."""
    lines = [HEADS]
    compute = [row for row in campaign.rows if row.kind == "compute"]
    lines += [cells_of(campaign, row) for row in compute]
    if compute:
        lines.append(mean_cells(campaign, compute))
    return lines + [cells_of(campaign, row) for row in campaign.rows if row.kind != "compute"]


def as_text(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                  for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines)


def as_markdown(lines):
    rule = ["---"] + ["--:"] * (len(HEADS) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])
