"""Writes docs/performance.md."""

import datetime
import os
import re
import subprocess

from report import as_markdown

TEXT = """# Performance

Measured and written by [tests/bench](../tests/bench/README.md):

    bazel run -c opt //tests/bench -- {arguments}

A Debian cloud kernel with a static program runs in our emulator (`-accel {accel} -cpu max`) and in QEMU
(`-accel tcg -cpu max`); native is the same program on the host. The sides take turns; figures are medians
of {repeats}, each over about {milliseconds} ms. Spread is the widest range of a side's figures, as a part of
their median. "PASS" and "short" compare with the project's goals. A result's checksum was equal on all
sides{failed}.

| | |
|---|---|
| machine | {model}, {processors} processors |
| date | {date} |
| ours | commit {commit} |
| against | {qemu} |
| guest | {kernel}; program by {compiler} |
| used by other processes meanwhile | {others:.0%} of the machine |

{table}
{failures}"""


def first_line(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.splitlines()[0] if done.stdout else "unknown"


def model():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        match = re.search(r"model name\s*: (.*)", info.read())
    return match[1] if match else "unknown"


def kernel_version(kernel):
    """A bzImage points to its version from offset 0x20e."""
    with open(kernel, "rb") as image:
        head = image.read(0x10000)
    at = int.from_bytes(head[0x20e:0x210], "little") + 0x200
    return "Linux " + head[at:head.index(b"\0", at)].decode().split(" ")[0]


def commit(root):
    name = first_line("git", "-C", root, "rev-parse", "--short", "HEAD")
    changed = subprocess.run(["git", "-C", root, "diff", "--quiet", "HEAD"], check=False)
    return name + (" with changes" if changed.returncode else "")


def write(root, campaign, lines, options, qemu, kernel, others):
    text = TEXT.format(
        arguments=options.command_line, accel=options.accel, repeats=options.repeat,
        milliseconds=campaign.milliseconds, model=model(), processors=os.cpu_count(),
        date=datetime.date.today().isoformat(), commit=commit(root),
        qemu=first_line(qemu, "--version") if qemu else "nothing",
        kernel=kernel_version(kernel), compiler=first_line("gcc", "--version"),
        others=others, table=as_markdown(lines),
        failed=", but see below" if campaign.failures else "",
        failures="".join(f"\n- {failure}" for failure in campaign.failures))
    with open(os.path.join(root, "docs", "performance.md"), "w", encoding="utf-8") as page:
        page.write(text.rstrip() + "\n")
