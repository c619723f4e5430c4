"""What the guest's program prints, read line by line while it runs."""

import re
import time

RESULT = re.compile(r"(?:^|\s)([a-z]\w*) ([0-9.e+]+) ([0-9a-f]{16})$")
ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|c)")  # firmware clears the screen
CLOCK = re.compile(r"clock ([0-9.]+)$")  # may follow what the firmware left of a line
BEGIN = re.compile(r"begin \w+$")
FAILURE = re.compile(r"bench failed: (.*)$")


class Output:
    """Rates and checksums by the name of the work, failures, and the guest's clock."""

    def __init__(self, start_waits=None):
        self.start_waits = start_waits  # makes the emulator's Waits; None natively
        self.begun = None  # of the work that is running: our time, the emulator's Waits
        self.rates = {}
        self.checksums = {}
        self.failures = []
        self.clocks = []  # pairs: the guest's time, ours

    def take(self, line):
        line = ESCAPE.sub("", line).strip()
        if match := RESULT.search(line):
            self.rates[match[1]] = float(match[2]) * self.slowed_by_others()
            self.checksums[match[1]] = match[3]
        elif BEGIN.search(line):
            if self.start_waits is not None:
                self.begun = (time.monotonic(), self.start_waits())
        elif match := CLOCK.search(line):
            self.clocks.append((float(match[1]), time.monotonic()))
        elif match := FAILURE.search(line):
            self.failures.append(match[1])

    def slowed_by_others(self):
        """Wall time by that part of it in which the vCPU had a processor of the host's."""
        if self.begun is None:
            return 1
        start, waits = self.begun
        elapsed = time.monotonic() - start
        return elapsed / max(elapsed - waits.seconds(), elapsed / 20)

    def check_clock(self):
        """Rates are measured by the guest's clock: it must go as ours does."""
        if len(self.clocks) < 2:
            self.failures.append("the guest's program did not come to its end")
            return
        guest, host = (self.clocks[-1][i] - self.clocks[0][i] for i in (0, 1))
        if abs(guest - host) > 0.05 * host + 0.2:
            self.failures.append(f"the guest's clock counted {guest:.2f} s of {host:.2f} s")
