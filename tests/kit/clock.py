# SPDX-License-Identifier: MIT
"""clock -- the time that the program sees, set by a test

    c = Clock()
    with Gate(conf, env=c.env) as g:
        c.at(3600)          # an hour later, and it stands
        c.run()             # it goes again
"""
import mmap
import os
import struct
import subprocess
import tempfile
import time

from kit.gate import TOP
from kit.tap import Skip

_made = []


def library():
    """tests/kit/clock.c, compiled; Skip where that cannot be loaded."""
    if not _made:
        out = os.path.join(tempfile.mkdtemp(), "clock.so")
        done = subprocess.run(
            os.environ.get("CC", "cc").split() + [
                "-O1", "-shared", "-fPIC", "-o", out,
                os.path.join(TOP, "tests", "kit", "clock.c")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _made.append(out if done.returncode == 0 else None)
    if _made[0] is None:
        raise Skip("no compiler")
    if "ASAN_OPTIONS" in os.environ or "UBSAN_OPTIONS" in os.environ:
        raise Skip("sanitizers want to be loaded first")
    return _made[0]


class Clock:
    """Stands at full hours plus half an hour, until the test moves it."""

    def __init__(self):
        fd, name = tempfile.mkstemp()
        os.write(fd, b"\0" * 4096)
        os.chmod(name, 0o644)
        self.map = mmap.mmap(fd, 4096)
        os.close(fd)
        self.day = int(time.time()) // 3600 * 3600 + 1800
        self.boot = int(time.clock_gettime(time.CLOCK_BOOTTIME)) + 10
        self.env = {"LD_PRELOAD": library(), "CLOCK_FILE": name}
        self.at(0)

    def at(self, seconds):
        us = round(seconds * 1000000)
        self.map[8:24] = struct.pack("=qq", self.day * 1000000 + us,
                                     self.boot * 1000000 + us)
        self.map[0:8] = struct.pack("=q", 1)

    def run(self):
        self.map[0:8] = struct.pack("=q", 0)

    def until(self, length):
        """Seconds from at(0) to the next turn of such windows."""
        return length - self.day % length
