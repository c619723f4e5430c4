"""The sides that are compared: this machine itself, QEMU, and our emulator."""

import os
import subprocess
import threading
import time

from host import Waits
from output import Output

LIMIT_S = 400  # a machine that runs longer hangs


class Native:
    """Runs the guest's program on this machine."""

    name = "native"

    def __init__(self, files):
        self.files = files

    def measure(self, works, milliseconds, processors):
        # Two processors against one: both by the same clock, that of the wall.
        clock = ["--cpu-time"] if processors == 1 else []
        command = [self.files.bench, *clock, "--ms", str(milliseconds), *works]
        return watch(command, self.files.log(self.name, processors), is_corrected=False)[0]

    def boot_seconds(self):
        return None


class Emulator:
    """Boots Debian's kernel in an emulator with QEMU's options and runs the program in it."""

    def __init__(self, name, command, accel, files):
        self.name = name
        self.command = command
        self.accel = accel
        self.files = files

    def measure(self, works, milliseconds, processors):
        # guest-init makes blanks of the underscores.
        run = "_".join(["/bin/bench", "--ms", str(milliseconds), *works])
        output, _ = self.boot(run, processors, str(processors))
        return output

    def boot_seconds(self):
        output, seconds = self.boot("true", 1, "boot")
        return None if output.failures else seconds

    def boot(self, run, processors, log_name):
        command = [self.command, "-machine", "pc", "-accel", self.accel, "-cpu", "max",
                   "-m", "512", "-smp", str(processors), "-nographic", "-no-reboot",
                   "-kernel", self.files.kernel, "-initrd", self.files.initramfs,
                   "-append", f"console=ttyS0 quiet panic=-1 run={run}"]
        return watch(command, self.files.log(self.name, log_name), processors == 1)


def watch(command, log, is_corrected):
    """Runs a command to its end; all that it prints goes to the log, too. Returns its output and
    the seconds it took. Corrected: without those that an emulator's vCPU waited for a processor."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    waits = Waits(process.pid)
    waited = 0
    output = Output((lambda: Waits(process.pid)) if is_corrected else None)
    limit = threading.Timer(LIMIT_S, process.kill)
    limit.start()
    with open(log, "wb") as copy:
        for line in process.stdout:
            waited = max(waited, waits.seconds() if is_corrected else 0)
            copy.write(line)
            output.take(line.decode(errors="replace"))
    status = process.wait()
    limit.cancel()
    if status != 0:
        output.failures.append(f"{os.path.basename(command[0])} ended with status {status}: {log}")
    return output, time.monotonic() - start - waited
