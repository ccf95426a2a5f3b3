# SPDX-License-Identifier: MIT
"""tap -- tests as functions, one TAP line for each behaviour

    @test("a refused token is replaced within the same request", workers=(1, 4))
    def _(t): ...

A test fails by assert or by any exception; what it printed then follows as
diagnostics.  Each has a time limit.  `python3 file.py WORD...` runs only the
tests whose names hold all words; `-v` keeps the diagnostics of good ones.
"""
import atexit
import os
import signal
import sys
import time
import traceback

LIMIT = 60
SLOW = float(os.environ.get("TEST_SLOW", "1"))  # sanitizers, busy machines

_tests = []


class Skip(Exception):
    """Raised by a test that lacks something; the reason is its text."""


class TooSlow(BaseException):
    """The time limit of one test; not caught by `except Exception`."""


class Case:
    """What a test function gets: its row and a place for diagnostics."""

    def __init__(self, name, workers, row):
        self.name = name
        self.workers = workers
        self.row = row
        self.said = []
        self._after = []

    def say(self, *words):
        self.said.append(" ".join(str(w) for w in words))

    def after(self, fn):
        """Runs when the test has ended, newest first."""
        self._after.append(fn)

    def finish(self):
        first = None
        while self._after:
            try:
                self._after.pop()()
            except Exception as e:       # the first reason is the one told
                first = first or e
        if first is not None:
            raise first


def test(name, workers=None, rows=None, limit=None):
    """Registers a test; once for each worker count and each row."""

    def put(fn):
        for n in workers or (None,):
            for row in rows or (None,):
                label = name
                if row is not None:
                    label += ": " + str(row[0] if isinstance(row, tuple)
                                        else row)
                if n is not None:
                    label += " [%d worker%s]" % (n, "" if n == 1 else "s")
                _tests.append((label, fn, n, row,
                               (limit or LIMIT) * SLOW))
        return fn

    return put


def equal(got, want, what="value"):
    assert got == want, "%s is %.400r, expected %.400r" % (what, got, want)


def eventually(fn, seconds=5.0, what="condition"):
    """Waits until fn() is true (its value is returned)."""
    end, pause = time.monotonic() + seconds, 0.004
    while True:
        got = fn()
        if got:
            return got
        assert time.monotonic() < end, what + " did not come in time"
        time.sleep(pause)
        pause = min(2 * pause, 0.032)


def _alarm(signum, frame):
    raise TooSlow("the test took too long")


def _run(fn, case, limit):
    """None, or the text of what went wrong; Skip passes through."""
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        try:
            fn(case)
        finally:
            case.finish()
    except Skip:
        raise
    except (Exception, TooSlow):
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _one(i, row, verbose):
    name, fn, workers, arg, limit = row
    name = name.replace("#", "no.")
    case = Case(name, workers, arg)
    try:
        wrong = _run(fn, case, limit)
    except Skip as e:
        print("ok %d - %s # SKIP %s" % (i, name, e), flush=True)
        return True
    print("%sok %d - %s" % ("not " if wrong else "", i, name), flush=True)
    if wrong or verbose:
        for line in "\n".join(case.said + [wrong or ""]).splitlines():
            print("# " + line, flush=True)
    return not wrong


def main():
    """Runs what is registered; exit 1 when something failed."""
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    words = [w for w in sys.argv[1:] if w != "-v"]
    todo = [r for r in _tests if all(w in r[0] for w in words)]
    if not todo:
        print("1..1\nnot ok 1 - nothing to run")
        sys.exit(1)
    print("1..%d" % len(todo), flush=True)
    good = [_one(i + 1, r, "-v" in sys.argv) for i, r in enumerate(todo)]
    sys.stdout.flush()
    atexit._run_exitfuncs()
    # Threads of scripted peers may still wait: do not wait for them.
    os._exit(0 if all(good) else 1)


def skip_all(reason):
    """What the whole file needs is missing: a failure in CI."""
    if os.environ.get("CI") == "true":
        print("1..1\nnot ok 1 - " + reason)
        sys.exit(1)
    print("1..0 # SKIP " + reason)
    sys.exit(0)
