"""Measures our emulator against QEMU and this machine; README.md has the use."""

import argparse
import os
import sys

import document
import report
import rows
from campaign import Campaign
from guest_files import GuestFiles
from host import OtherProcesses
from sides import Emulator, Native

QEMU = "qemu-system-x86_64"


def read_options(arguments):
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--against", choices=["qemu", "none"], default="qemu")
    parser.add_argument("--rows", metavar="A,B", help="only these rows; 'list' names them")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds [3]")
    parser.add_argument("--quick", action="store_true", help="one round of 100 ms a work")
    parser.add_argument("--emulator", metavar="PATH", help="another build of ours; 'none': without")
    parser.add_argument("--accel", default="dbt", help="ours' accelerator [dbt]")
    parser.add_argument("--write-docs", action="store_true", help="write docs/performance.md")
    options = parser.parse_args(arguments)
    options.command_line = " ".join(arguments)
    if options.quick:
        options.repeat = 1
    if options.write_docs and options.rows:
        parser.error("--write-docs wants all rows")
    if options.repeat < 1:
        parser.error("--repeat wants 1 or more")
    return options


def make_sides(options, files, built_emulator):
    sides = [Native(files)]
    if options.against == "qemu":
        sides.append(Emulator("qemu", QEMU, "tcg", files))
    if options.emulator != "none":
        command = os.path.abspath(options.emulator or built_emulator)
        if not os.access(command, os.X_OK):
            raise SystemExit(f"error: there is no program '{command}'")
        sides.append(Emulator("ours", command, options.accel, files))
    return sides


def main(root, bench, built_emulator, arguments):
    options = read_options(arguments)
    if options.rows == "list":
        print("\n".join(f"{row.name:12} {row.title}" for row in rows.ROWS))
        return 0
    selected = rows.select(options.rows)
    files = GuestFiles(os.path.join(root, ".cache"), bench)
    files.pack()
    campaign = Campaign(make_sides(options, files, built_emulator), selected,
                        100 if options.quick else 500)
    others = OtherProcesses()
    campaign.run(options.repeat)
    others_part = others.part_of_machine()
    lines = report.table(campaign)
    print(report.as_text(lines))
    print(f"Other processes used {others_part:.0%} of the machine meanwhile."
          + (" The figures are rough." if others_part > 0.1 else ""))
    for failure in campaign.failures:
        print(f"error: {failure}", file=sys.stderr)
    if options.write_docs:
        qemu = QEMU if options.against == "qemu" else None
        document.write(root, campaign, lines, options, qemu, files.kernel, others_part)
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], sys.argv[4:]))
