"""How much of the machine was not ours while we measured."""

import os


def busy_and_all():
    """Seconds that all processors were busy, and that passed on them."""
    with open("/proc/stat", encoding="ascii") as stat:
        # user, nice, system, idle, iowait, irq, softirq, steal: guest times are in user already
        ticks = [int(field) for field in stat.readline().split()[1:9]]
    per_second = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / per_second, sum(ticks) / per_second


def ours():
    """Seconds of this process and of the children that it has waited for."""
    return sum(os.times()[:4])


class OtherProcesses:
    """Counts from when it is made."""

    def __init__(self):
        self.busy, self.all = busy_and_all()
        self.ours = ours()

    def part_of_machine(self):
        busy, all_seconds = busy_and_all()
        others = busy - self.busy - (ours() - self.ours)
        return max(0.0, others / max(all_seconds - self.all, 1e-9))
