"""A machine on the serial console of an emulator: starts it, waits for text, types."""

import os
import re
import select
import subprocess
import time

# The kernel's own reports of trouble; no guest here has a reason for them.
TROUBLE = re.compile(
    rb"BUG: |Oops: |Call Trace:|Kernel panic|general protection fault|soft lockup|hard LOCKUP"
    rb"|detected stall|segfault at|traps: |invalid opcode:|unexpected IRQ|clocksource: .*unstable"
    rb"|blocked for more than")


class GuestError(Exception):
    """What the guest did was not what had to come."""


class SerialConsole:
    """One run of an emulator. All that it prints goes to the file `log`, too."""

    def __init__(self, command, log):
        self.log = open(log, "wb")
        self.log.write((" ".join(command) + "\n").encode())
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.started = time.monotonic()
        self.text = b""
        self.seen = 0  # how much of the text earlier expectations took

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    def seconds(self):
        return time.monotonic() - self.started

    def expect(self, pattern, timeout):
        """Waits until what came since the last match has `pattern` in it; returns the match."""
        compiled = re.compile(pattern.encode(), re.MULTILINE)
        deadline = time.monotonic() + timeout
        while True:
            match = compiled.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            if not self._read(deadline):
                raise GuestError(f"no '{pattern}' " + self._why(timeout))

    def type(self, line):
        try:
            os.write(self.process.stdin.fileno(), line.encode() + b"\n")
        except BrokenPipeError:
            raise GuestError("the emulator ended") from None

    def wait_for_end(self, timeout):
        """Waits for the emulator to end by itself, with status 0."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        if not self._ended():
            raise GuestError(f"the machine still runs after {timeout} s")
        if self.process.returncode != 0:
            raise GuestError(f"the emulator ended with status {self.process.returncode}")

    def check_said(self, text):
        if text.encode() not in self.text:
            raise GuestError(f"it never said '{text}'")

    def check_for_trouble(self):
        match = TROUBLE.search(self.text)
        if match:
            line = self.text[self.text.rfind(b"\n", 0, match.start()) + 1:].split(b"\n", 1)[0]
            raise GuestError("the kernel says: " + line.decode(errors="replace").strip())

    def _ended(self):
        try:
            self.process.wait(1)  # its output may end a moment before it does
        except subprocess.TimeoutExpired:
            return False
        return True

    def _why(self, timeout):
        if self._ended():
            return f"until the emulator ended with status {self.process.returncode}"
        return f"after {timeout} s"

    def _read(self, deadline):
        """Takes what the machine has printed; False if nothing came in time or ever will."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.text += data
        self.log.write(data)
        self.log.flush()
        return bool(data)
