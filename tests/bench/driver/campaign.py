"""Measures all sides in turn (A B C, A B C, ...) and keeps every figure."""

import statistics
import sys

WRONG = "wrong result"


class Campaign:
    """Figures by side and row: rates a second, times as fast as one processor, boots a second."""

    def __init__(self, sides, rows, milliseconds):
        self.sides = sides
        self.rows = rows
        self.milliseconds = milliseconds
        self.figures = {}
        self.expected = {}  # checksums of the first side, which is native
        self.failures = []

    def run(self, repeats):
        for repeat in range(repeats):
            for side in self.sides:
                print(f"==> {side.name}, {repeat + 1} of {repeats}", file=sys.stderr, flush=True)
                self.measure(side)

    def measure(self, side):
        works = [row.name for row in self.rows if row.kind in ("compute", "system")]
        if works:
            for name, rate in self.rates(side, works, 1).items():
                self.add(side, name, rate)
        if any(row.kind == "scaling" for row in self.rows):
            rates = self.rates(side, ["mix", "mix2"], 2)
            if "mix" in rates and "mix2" in rates:
                self.add(side, "mix2", rates["mix2"] / rates["mix"])
        if any(row.kind == "boot" for row in self.rows):
            seconds = side.boot_seconds()
            if seconds is not None:
                self.add(side, "boot", 1 / seconds)

    def rates(self, side, works, processors):
        """Measured rates; a work with another checksum than on the first side has none."""
        output = side.measure(works, self.milliseconds, processors)
        output.check_clock()
        for name in output.checksums:
            if output.checksums[name] != self.expected.setdefault(name, output.checksums[name]):
                output.failures.append(f"{name}: {WRONG} {output.checksums[name]}, "
                                       f"not {self.expected[name]}")
                del output.rates[name]
        self.failures += [f"{side.name}: {failure}" for failure in output.failures]
        return output.rates

    def add(self, side, row_name, figure):
        self.figures.setdefault((side.name, row_name), []).append(figure)

    def median(self, side_name, row):
        """None without a figure."""
        figures = self.figures.get((side_name, row.name))
        return statistics.median(figures) if figures else None

    def ratio(self, side_name, other_name, row):
        """How many times as fast the one is as the other."""
        one, other = self.median(side_name, row), self.median(other_name, row)
        return one / other if one and other else None

    def spread(self, row):
        """The widest of the sides' ranges, as a part of the median; None of single figures."""
        ranges = [(max(figures) - min(figures)) / statistics.median(figures)
                  for (_, name), figures in self.figures.items()
                  if name == row.name and len(figures) > 1]
        return max(ranges, default=None)
