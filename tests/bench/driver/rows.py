"""What is measured: one Row each, with the ratio to QEMU that it must reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str  # as given to --rows; also the name of the guest's work
    title: str
    must: float  # times as fast as QEMU; for 'mix2', times as fast as one processor
    kind: str = "compute"  # or "system", "scaling", "boot"


ROWS = [
    Row("mix", "CoreMark-like integer mix", 3.2),
    Row("nbody", "n-body (double, scalar SSE2)", 14),
    Row("sha256", "SHA-256", 4),
    Row("qsort", "qsort with comparison callback", 2.2),
    Row("loads", "dependent loads over 1 MiB", 1.0),
    Row("memory", "memcpy and memset of 1 MiB (libc)", 25),
    Row("matrix", "128x128 float matrix product (SSE)", 13),
    Row("x87", "x87 sum of divisions", 22),
    Row("fib", "recursive calls (fib)", 2),
    Row("calls", "indirect calls through a table", 1.7),
    Row("lz", "LZ compressor", 2),
    Row("tree", "binary tree", 2.2),
    Row("interpreter", "switch interpreter", 4),
    Row("syscall", "null system call", 1.3, "system"),
    Row("fault", "page fault (anonymous memory)", 2, "system"),
    Row("fork", "fork + exit + wait", 1.8, "system"),
    Row("pipe", "pipe ping-pong, round trip", 1.3, "system"),
    Row("rewrite", "call of a function just rewritten", 3, "system"),
    Row("mix2", "integer mix on two vCPUs, times one", 1.8, "scaling"),
    Row("boot", "process start to power-off of a Debian kernel", 1.3, "boot"),
]

MEAN_MUST = 5  # geometric mean of the compute rows


def select(names):
    """The rows of a comma-separated list; all without one."""
    if not names:
        return ROWS
    known = {row.name: row for row in ROWS}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise SystemExit(f"error: no row '{unknown[0]}'; there are: {', '.join(known)}")
    return [row for row in ROWS if row.name in names.split(",")]
