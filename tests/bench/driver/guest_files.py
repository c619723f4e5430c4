"""The files that make up the guest."""

import gzip
import os
import shutil
import subprocess
import tempfile


class GuestFiles:
    """Kernel, initramfs and the measuring program, below the folder that tools/lib.sh fills."""

    def __init__(self, cache, bench):
        self.cache = cache
        self.bench = bench
        self.kernel = os.path.join(cache, "guests", "vmlinuz-cloud")
        self.folder = os.path.join(cache, "bench")
        self.initramfs = os.path.join(self.folder, "initramfs.gz")
        os.makedirs(self.folder, exist_ok=True)

    def pack(self):
        """The demonstration's initramfs, and behind it a second archive: Linux unpacks both."""
        demonstration = os.path.join(self.cache, "guests", "initramfs.gz")
        with tempfile.TemporaryDirectory(dir=self.folder) as tree:
            os.mkdir(os.path.join(tree, "bin"))
            shutil.copy(self.bench, os.path.join(tree, "bin", "bench"))
            archive = subprocess.run(
                ["cpio", "--quiet", "--create", "--format=newc", "--owner=0:0"],
                cwd=tree, input=b"bin/bench\n", stdout=subprocess.PIPE, check=True).stdout
        with open(self.initramfs, "wb") as output, open(demonstration, "rb") as first:
            output.write(first.read())
            output.write(gzip.compress(archive, mtime=0))

    def log(self, side, what):
        return os.path.join(self.folder, f"{side}-{what}.log")
