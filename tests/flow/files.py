#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""files -- state, log and configuration files in every bad shape"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, tap  # noqa: E402
from kit.gate import (Gate, alive, config, pool, run, secret,  # noqa: E402
                      server)
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
A, B, C = secret("a"), secret("b"), secret("c")
ROUND = {"rotationMode": "round-robin"}


def conf(up, **gateway):
    return config({"s": server(up, pool(A, B, C, **ROUND))}, **gateway)


def work(g, up, n=3):
    up.forget()
    for _ in range(n):
        equal(g.rpc("/s/mcp", "ping").status, 200)
    return up.tokens()


def state_files(g):
    """The state file, wherever below the configured path it lies."""
    if os.path.isfile(g.state):
        return [g.state]
    return [os.path.join(d, f) for d, _, fs in os.walk(g.state)
            for f in fs]


def private(g):
    """A directory of ours for the state."""
    where = os.path.join(g, "private")
    os.mkdir(where, 0o700)
    return os.path.join(where, "state")


def started(up, prepare, workers=1, mortal=False, env=None, **more):
    """A gate whose state path was prepared by a function."""
    d = tempfile.mkdtemp(prefix="mcpgate-test-")
    path = private(d)
    prepare(path)
    g = Gate(conf(up, store={"path": path}, **more), workers, dir=d,
             mortal=mortal, env=env)
    g.own_dir = True
    g.state = path
    return g


@test("the state file is ours alone", workers=BOTH)
def _(t):
    with Upstream() as up, started(up, lambda p: None, t.workers) as g:
        work(g, up)
        files = state_files(g)
        assert files, "no state file at the configured path"
        for f in files:
            equal(stat.S_IMODE(os.stat(f).st_mode), 0o600)
            equal(os.stat(f).st_uid, os.geteuid())


@test("a damaged state file is replaced, not believed", workers=BOTH, rows=(
    ("empty", b""), ("short", b"mcpgate"), ("zeros", bytes(1 << 20)),
    ("noise", os.urandom(1 << 16)), ("text", b"{}\n" * 5000)))
def _(t):
    def prepare(path):
        with open(path, "wb") as f:
            f.write(t.row[1])
        os.chmod(path, 0o600)

    with Upstream() as up, started(up, prepare, t.workers) as g:
        equal(work(g, up), [A, B, C])


@test("a state file cut in half, found at the next start", workers=BOTH)
def _(t):
    with Upstream() as up, started(up, lambda p: None, t.workers) as g:
        work(g, up, 2)
        g.end()
        for f in state_files(g):
            with open(f, "r+b") as s:
                s.truncate(os.path.getsize(f) // 2)
        g.start()
        equal(len(work(g, up)), 3)


@test("a state file of another layout is replaced", workers=(1,))
def _(t):
    with Upstream() as up, started(up, lambda p: None) as g:
        work(g, up, 2)
        g.end()
        for f in state_files(g):
            with open(f, "r+b") as s:
                s.seek(8)
                s.write(b"\xff\xff\xff\x7f")
        g.start()
        equal(work(g, up)[0], A)


@test("what is not ours is not touched", workers=(1,), rows=(
    "symlink", "readable by others", "directory"))
def _(t):
    with tempfile.TemporaryDirectory() as d:
        victim = os.path.join(d, "victim")
        with open(victim, "w") as f:
            f.write("precious")

        def prepare(path):
            if t.row == "symlink":
                os.symlink(victim, path)
            elif t.row == "directory":
                os.mkdir(path)
            else:
                with open(path, "w") as f:
                    f.write("x" * 100)
                os.chmod(path, 0o666)

        with Upstream() as up:
            try:
                g = started(up, prepare)
            except AssertionError as e:
                # refused to start: it must say why
                assert "state" in str(e), e
            else:
                with g:
                    work(g, up)
        with open(victim) as f:
            equal(f.read(), "precious")


@test("a directory that cannot be written still serves", workers=BOTH)
def _(t):
    if os.geteuid() == 0 and not shutil.which("mount"):
        raise tap.Skip("root writes everywhere")
    with Upstream() as up:
        c = conf(up, store={"path": "/proc/nothing/state"})
        with Gate(c, t.workers) as g:
            equal(g.rpc("/s/mcp", "ping").status, 200)
            r = g.get("/ready")
            equal(r.status, 503)        # no shared state is told
            equal(g.get("/health").status, 200)
            assert "state" in g.log_text()


def small_disk():
    """A full file system, or a reason to skip."""
    d = tempfile.mkdtemp(prefix="mcpgate-disk-")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", d],
        stderr=subprocess.PIPE)
    if done.returncode != 0:
        os.rmdir(d)
        raise tap.Skip("cannot mount a small disk here")
    return d


@test("a full disk for the state does not end the program", workers=(1,))
def _(t):
    d = small_disk()
    try:
        with open(os.path.join(d, "filler"), "wb") as f:
            f.write(b"x" * 60000)
        with Upstream() as up:
            c = conf(up, store={"path": os.path.join(d, "state")})
            with Gate(c) as g:
                for _ in range(3):
                    equal(g.rpc("/s/mcp", "ping").status, 200)
    finally:
        subprocess.run(["umount", d])
        os.rmdir(d)


@test("two programs on one file share the turn", workers=(1, 2))
def _(t):
    with Upstream() as up, started(up, lambda p: None, t.workers) as g:
        with Gate(conf(up, store={"path": g.state}), t.workers) as h:
            for _ in range(3):
                equal(g.rpc("/s/mcp", "ping").status, 200)
                equal(h.rpc("/s/mcp", "ping").status, 200)
            equal(up.tokens(), [A, B, C, A, B, C])


@test("the state file removed while it runs", workers=BOTH)
def _(t):
    with Upstream() as up, started(up, lambda p: None, t.workers) as g:
        work(g, up)
        for f in state_files(g):
            os.unlink(f)
        equal(len(work(g, up, 6)), 6)


@test("the state file cut off while it runs: its workers end, others begin",
      workers=BOTH, rows=(0, 4096))
def _(t):
    asan = os.environ.get("ASAN_OPTIONS", "")
    with Upstream() as up, started(
            up, lambda p: None, t.workers, mortal=True,
            env={"ASAN_OPTIONS": asan + ":handle_sigbus=0"}) as g:
        work(g, up)
        os.truncate(g.state, t.row)

        def replaced():         # who looks where nothing is any more ends
            try:
                g.rpc("/s/mcp", "ping")
            except (OSError, fcgi.Gone):
                pass
            return not any(alive(pid) for pid in g.pids)

        eventually(replaced, 20, "the end of the old workers")
        eventually(lambda: len(g.worker_pids()) == t.workers, 10, "new ones")
        equal(sorted(work(g, up)), sorted([A, B, C]))
        equal(g.get("/ready").status, 200)
        assert g.proc.poll() is None, "the master has ended"
        g.log_has("is another one now")
        lines = g.log_count("configuration loaded")
        equal(g.ctl("reload")[0], 0)    # the master looks at the same file
        eventually(lambda: g.log_count("configuration loaded") > lines, 5)


@test("the log goes to a file, is opened again, and may vanish",
      workers=BOTH)
def _(t):
    with Upstream() as up:
        with Gate(conf(up), t.workers, log="file") as g:
            work(g, up)
            g.log_has("using token index 2")
            os.rename(g.log, g.log + ".1")
            g.signal(10)            # SIGUSR1

            def written():
                g.rpc("/s/mcp", "ping")
                return g.log_count('"request"') > 0
            eventually(written, 5, "the new log file")
            os.unlink(g.log)
            work(g, up)
            with open(g.log, "w"):
                pass


@test("a log file that cannot be opened", workers=(1,))
def _(t):
    with Upstream() as up:
        c = conf(up, log={"target": "file", "path": "/proc/no/such.log"})
        g = Gate(c, mode="cgi")
        with g:
            code, _, err = run(["-t", "--config", g.file])
            equal(code, 78)
            assert "/proc/no/such.log" in err


@test("a full disk for the log does not stop a call", workers=(1,))
def _(t):
    d = small_disk()
    try:
        with open(os.path.join(d, "filler"), "wb") as f:
            f.write(b"x" * 60000)
        with Upstream() as up:
            c = conf(up, log={"target": "file",
                              "path": os.path.join(d, "log")})
            with Gate(c) as g:
                for _ in range(60):
                    equal(g.rpc("/s/mcp", "ping").status, 200)
    finally:
        subprocess.run(["umount", d])
        os.rmdir(d)


@test("a log nobody reads does not stop a call", workers=(1,))
def _(t):
    with Upstream() as up:
        d = tempfile.mkdtemp(prefix="mcpgate-test-")
        fifo = os.path.join(d, "fifo")
        os.mkfifo(fifo, 0o600)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        c = conf(up, log={"target": "file", "path": fifo})
        try:
            g = Gate(c, mode="cgi")
            with g:
                code, _, _ = run(["-t", "--config", g.file])
                if code != 0:
                    return          # no log to a pipe: also an answer
            with Gate(c) as g:
                began = time.monotonic()
                for _ in range(400):
                    equal(g.rpc("/s/mcp", "ping").status, 200)
                assert time.monotonic() - began < 20
        finally:
            os.close(reader)
            shutil.rmtree(d)


@test("a configuration others may read, with secrets in it", rows=(
    ("0600", 0o600, 0), ("0640", 0o640, 0), ("0644", 0o644, 78)))
def _(t):
    _, mode, code = t.row
    g = Gate(conf("http://127.0.0.1:9/mcp"), mode="cgi")
    with g:
        os.chmod(g.file, mode)
        got, _, err = run(["-t", "--config", g.file])
        equal(got, code)
        if code:
            assert "chmod 600 or 640" in err, err


WARNS = "lies below the document root"


def exposed(g):
    """What mcpgatectl doctor says about the two files."""
    _, out, err = g.ctl("--json", "doctor", "http://127.0.0.1:1/")
    return {r["check"]: r["result"] for r in json.loads(out)["checks"]
            if r["check"].startswith("place")}


def exposed_in_status(g):
    """The same of mcpgatectl status, which says it in both forms."""
    _, text, _ = g.ctl("status")
    _, out, _ = g.ctl("--json", "status")
    found = json.loads(out)["exposed"]
    equal(text.count("below the document root"), len(found or ()))
    return found


@test("files below the document root are told, once for each worker",
      rows=("both", "by a link", "beside", "not said", "configuration",
            "state"))
def _(t):
    with tempfile.TemporaryDirectory() as d, Upstream() as up:
        inside, outside = os.path.join(d, "www"), os.path.join(d, "www-data")
        for where in (inside, outside):
            os.mkdir(where, 0o700)
        conf_in = t.row in ("both", "configuration")
        state_in = t.row in ("both", "state")
        root = inside
        if t.row == "by a link":
            root = os.path.join(d, "link")
            os.symlink(inside, root)
            conf_in = state_in = True
        state = os.path.join(inside if state_in else outside, "state")
        more = {} if t.row == "not said" else {"DOCUMENT_ROOT": root + "/"}
        with Gate(conf(up, store={"path": state}), 2,
                  dir=inside if conf_in else outside) as g:
            equal(exposed(g), {"place": "skip"})
            equal(exposed_in_status(g), None)
            for _ in range(20):
                equal(g.get("/health", **more).status, 200)
            want = conf_in + state_in
            assert g.log_count(WARNS) in (want, 2 * want), g.log_text()
            told = [x["msg"] for x in g.log_lines()
                    if WARNS in x.get("msg", "")]
            equal({x.split('"')[1] for x in told},
                  set([g.file] * conf_in + [state] * state_in))
            equal(exposed(g), {
                "place": "fail" if want else
                "skip" if t.row == "not said" else "ok"})
            equal(exposed_in_status(g), None if t.row == "not said" else
                  ["configuration"] * conf_in + ["state"] * state_in)


@test("files below the document root: one CGI process tells it, not each")
def _(t):
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        for _ in range(3):
            g.cgi("GET", "/health", DOCUMENT_ROOT=g.dir)
        equal(g.log_count(WARNS), 2)
        g.cgi("GET", "/health", DOCUMENT_ROOT="/usr")
        equal(exposed(g), {"place": "ok"})
        g.cgi("GET", "/health", DOCUMENT_ROOT=os.path.dirname(g.dir))
        equal(g.log_count(WARNS), 4)
        equal(exposed(g), {"place": "fail"})


tap.main()
