"""What other processes of this machine do to our measuring."""

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


class Waits:
    """How long the threads of a process have waited for a processor that others had."""

    def __init__(self, pid):
        self.tasks = f"/proc/{pid}/task"
        self.seconds = self.read()

    def read(self):
        seconds = {}
        try:
            for task in os.listdir(self.tasks):
                with open(f"{self.tasks}/{task}/schedstat", encoding="ascii") as stat:
                    seconds[task] = int(stat.read().split()[1]) / 1e9
        except (OSError, IndexError):
            pass  # it is ending
        return seconds

    def longest(self):
        """Seconds that one thread has waited since this was made: the vCPU, that never sleeps."""
        return max((seconds - self.seconds.get(task, 0)
                    for task, seconds in self.read().items()), default=0)
