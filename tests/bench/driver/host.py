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
    """How long the thread of an emulator's only vCPU has waited for a processor that others had."""

    def __init__(self, pid):
        self.tasks = f"/proc/{pid}/task"
        self.start = self.read()

    def read(self):
        """Seconds that each thread has run and waited."""
        seconds = {}
        try:
            for task in os.listdir(self.tasks):
                with open(f"{self.tasks}/{task}/schedstat", encoding="ascii") as stat:
                    ran, waited = (int(field) / 1e9 for field in stat.read().split()[:2])
                seconds[task] = (ran, waited)
        except (OSError, ValueError):
            pass  # it is ending
        return seconds

    def seconds(self):
        """Since this was made, by the thread that ran most. A compiler's in the background do not
        count: what those wait for costs the guest nothing."""
        since = [(ran - self.start.get(task, (0, 0))[0], waited - self.start.get(task, (0, 0))[1])
                 for task, (ran, waited) in self.read().items()]
        return max(since)[1] if since else 0
