#!/usr/bin/env python3
"""What the emulator costs besides speed: time to the first guest instruction, memory beyond the guest's,
processor time of an idle guest. Use: cost.py EMULATOR KERNEL INITRAMFS [--rounds N] [--idle SECONDS]"""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time

MARK = b"!"
LIMIT_S = 300


def firmware():
    """64 KiB of ROM whose first instructions write MARK to the debug console and halt."""
    code = b"\xb0" + MARK + b"\xe6\xe9\xfa\xf4"  # mov al, MARK; out 0xe9, al; cli; hlt
    return code.rjust(65536 - 16 + len(code), b"\x90").ljust(65536, b"\x90")


def seconds_to_mark(command, stream, mark):
    """From the start of the process to the first of its output that holds the mark."""
    start = time.monotonic()
    other = "stderr" if stream == "stdout" else "stdout"
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               **{stream: subprocess.PIPE, other: subprocess.DEVNULL})
    limit = threading.Timer(LIMIT_S, process.kill)
    limit.start()
    output = b""
    while mark not in output:
        part = os.read(getattr(process, stream).fileno(), 65536)
        if not part:
            raise SystemExit(f"error: {' '.join(command)} ended without a sign of life")
        output += part
    seconds = time.monotonic() - start
    limit.cancel()
    process.kill()
    process.wait()
    return seconds


def start_rom(options):
    with tempfile.NamedTemporaryFile(suffix=".bin") as rom:
        rom.write(firmware())
        rom.flush()
        command = [options.emulator, "-m", "512", "-display", "none", "-bios", rom.name,
                   "-chardev", "stdio,id=out", "-device", "isa-debugcon,iobase=0xe9,chardev=out"]
        return seconds_to_mark(command, "stdout", MARK)


def linux(options):
    return [options.emulator, "-m", "512", "-nographic", "-no-reboot", "-kernel", options.kernel,
            "-initrd", options.initramfs, "-append", "console=ttyS0 quiet panic=-1"]


def start_kernel(options):
    """The log's first line of a block that is entered."""
    return seconds_to_mark([*linux(options), "-d", "exec"], "stderr", b"exec: ")


def memory_beyond_ram(pid):
    """KiB in memory, by mapping, too. The guest's own are memfds. By share (Pss), as code is mapped twice.
    A mapping that changes while the list is read may be in it twice: the second is left out."""
    by_name, name, end, is_new = {}, "", 0, True
    with open(f"/proc/{pid}/smaps") as lines:
        for line in lines:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+\s*(.*)", line)
            if head:
                is_new = int(head.group(1), 16) >= end
                end = max(end, int(head.group(2), 16))
                name = head.group(3) or "anonymous"
            elif is_new and line.startswith("Pss:") and not name.startswith("/memfd:"):
                by_name[name] = by_name.get(name, 0) + int(line.split()[1])
    return sum(by_name.values()), by_name


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Looks at a process's memory now and then, and keeps the most that it saw."""

    def __init__(self, pid):
        self.most = (0, {})
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.look, args=(pid,))
        self.thread.start()

    def look(self, pid):
        while not self.is_over.wait(0.2):
            try:
                self.most = max(self.most, memory_beyond_ram(pid), key=lambda seen: seen[0])
            except (FileNotFoundError, ProcessLookupError):
                return

    def end(self):
        self.is_over.set()
        self.thread.join()
        return self.most


def booted(options):
    """Boots to the shell; the most memory on the way, and the part of a core of the idle guest."""
    process = subprocess.Popen(linux(options), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    limit = threading.Timer(LIMIT_S, process.kill)
    limit.start()
    watch = Watch(process.pid)
    output = b""
    while b"/root #" not in output:
        part = os.read(process.stdout.fileno(), 4096)
        if not part:
            watch.end()
            raise SystemExit("error: the guest did not come to its shell")
        output += part
    time.sleep(5)  # the kernel still has things to do
    before, start = processor_seconds(process.pid), time.monotonic()
    time.sleep(options.idle)
    idle = (processor_seconds(process.pid) - before) / (time.monotonic() - start)
    most = watch.end()
    limit.cancel()
    process.kill()
    process.wait()
    return most, idle


def main():
    parser = argparse.ArgumentParser(prog="cost", description=__doc__)
    parser.add_argument("emulator")
    parser.add_argument("kernel")
    parser.add_argument("initramfs")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--idle", type=float, default=20, metavar="SECONDS")
    options = parser.parse_args()
    options.emulator = os.path.abspath(options.emulator)
    for title, start in (("firmware", start_rom), ("kernel", start_kernel)):
        times = [start(options) for _ in range(options.rounds)]
        print(f"start to first guest instruction, {title}: median {statistics.median(times) * 1e3:.1f} ms,"
              f" best {min(times) * 1e3:.1f} ms (goal: 30 ms)", flush=True)
    (size, by_name), idle = booted(options)
    print(f"memory beyond the guest's at its most: {size / 1024:.1f} MiB (goal: 64 MiB)")
    for name, part in sorted(by_name.items(), key=lambda item: -item[1])[:8]:
        print(f"  {part / 1024:6.1f} MiB {name}")
    print(f"idle guest: {idle:.2%} of a core (goal: 1%)")


if __name__ == "__main__":
    main()
