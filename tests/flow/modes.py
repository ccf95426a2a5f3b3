#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""modes -- spawned on descriptor 0, handed over by systemd, plain CGI"""
import grp
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from urllib.parse import unquote

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, tap  # noqa: E402
from kit.gate import Gate, clean_environment, config, pool, program, \
    secret, server  # noqa: E402
from kit.tap import Skip, equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream, by_token  # noqa: E402

A, B, C = secret("a"), secret("b"), secret("c")
ASK = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ROUND = {"rotationMode": "round-robin"}


def conf(up, **more):
    return config({"s": server(up, pool(A, B, C, **ROUND))}, **more)


@test("spawned on descriptor 0")
def _(t):
    with Upstream() as up, Gate(conf(up), mode="fd0") as g:
        for _ in range(3):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(up.tokens(), [A, B, C])


@test("two spawned processes share the turn")
def _(t):
    with Upstream() as up, Gate(conf(up), mode="fd0") as g:
        c = conf(up, store={"path": g.state})
        with Gate(c, mode="fd0") as h:
            for x in (g, h, g, h):
                equal(x.rpc("/s/mcp", "ping").status, 200)
            equal(up.tokens(), [A, B, C, A])


@test("spawned: SIGTERM and SIGUSR1 end it after the call",
      rows=("TERM", "USR1"))
def _(t):
    hold = Hold()

    def script(q, out):
        hold.wait()
        out.result()

    with Upstream(script) as up:
        g = Gate(conf(up), mode="fd0")
        with g, g.conn() as c:
            s = c.begin("POST", "/s/mcp", body=ASK)
            up.wait(1)
            g.signal(15 if t.row == "TERM" else 10)
            time.sleep(0.3)
            hold.go()
            equal(s.rest().status, 200)
            equal(g.proc.wait(15), 0)
            g.proc = None


def begin(g, listener=None):
    """A master that listens where the file says, or has the socket."""
    command, env = [program("mcpgate")], clean_environment({})
    if listener is not None:
        env["LISTEN_FDS"] = "1"
        command = [sys.executable, "-c", "import os,sys;os.dup2(%d,3);"
                   "os.environ['LISTEN_PID']=str(os.getpid());"
                   "os.execv(sys.argv[1],sys.argv[1:])"
                   % listener.fileno()] + command
    with open(g.log, "ab") as err:
        return subprocess.Popen(
            command + ["--debug", "--workers", "2", "--config", g.file],
            env=env, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
            pass_fds=[listener.fileno()] if listener else [])


@test("handed over by LISTEN_FDS")
def _(t):
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        p = begin(g, fcgi.listen(g.socket))
        try:
            eventually(lambda: g.get("/health").status == 200, 10)
            for _ in range(3):
                equal(g.rpc("/s/mcp", "ping").status, 200)
            equal(up.tokens(), [A, B, C])
        finally:
            p.terminate()
            equal(p.wait(15), 0)


LATER = "take effect at a restart"


@test("another listen in the file waits for a restart, and is told", rows=(
    ("listens there", False, 1), ("handed over", True, 0)))
def _(t):
    _, given, told = t.row
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        def change(listen):
            n = g.log_count("configuration loaded")
            g.write(conf(up, listen="unix:" + listen))
            eventually(lambda: g.log_count("configuration loaded") > n and
                       g.log_count(LATER) >= told, 10)

        g.write(conf(up, listen="unix:" + g.socket))
        p = begin(g, fcgi.listen(g.socket) if given else None)
        try:
            eventually(lambda: g.listens() and
                       g.get("/health").status == 200, 10)
            change(g.socket + "2")  # the master looks by itself, once
            change(g.socket)        # is what it has
            p.send_signal(1)        # which comes before the end
        finally:
            p.terminate()
            equal(p.wait(15), 0)
        equal(g.log_count(LATER), told)


@test("CGI: a call, and the turn over processes")
def _(t):
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        for _ in range(4):
            r, code = g.cgi("POST", "/s/mcp", body=ASK)
            equal((r.status, code), (200, 0))
            equal(r.json["result"], {"method": "ping"})
            equal(int(r.header("content-length")), len(r.body))
        equal(up.tokens(), [A, B, C, A])
        g.log_has("using token index 0")


@test("CGI: failover in one request")
def _(t):
    first = pool(A, B, rotationMode="on-first-failed")
    with Upstream(by_token({A: 401})) as up, Gate(
            config({"s": server(up, first)}), mode="cgi") as g:
        for _ in range(2):
            equal(g.cgi("POST", "/s/mcp", body=ASK)[0].status, 200)
        equal(up.tokens(), [A, B, B])


@test("CGI: pages and refusals", rows=(
    ("GET", "/health", 200), ("GET", "/ready", 200), ("GET", "/none", 404),
    ("PUT", "/s/mcp", 405), ("GET", "/s/mcp", 405), ("GET", "/ws", 501),
    ("OPTIONS", "/s/mcp", 204)))
def _(t):
    method, path, status = t.row
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        r, code = g.cgi(method, path)
        equal((r.status, code), (status, 0))


def loads_late():
    """Was the program built to load libcurl for the first connection?"""
    with open(os.path.join(os.environ.get("top_builddir", "."),
                           "config.h")) as f:
        return "#define GATE_LIBCURL " in f.read()


@test("CGI: libcurl is loaded for an upstream only", rows=(
    ("a page", "GET", "/health", 200, False),
    ("a refusal", "POST", "/none", 404, False),
    ("a call", "POST", "/s/mcp", 200, True)))
def _(t):
    _, method, path, status, wanted = t.row
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        # the loader of glibc tells which files it takes in
        r, code = g.cgi(method, path, body=ASK if method == "POST" else b"",
                        env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT":
                             os.path.join(g.dir, "loader")})
        equal((r.status, code), (status, 0))
        told = [os.path.join(g.dir, n) for n in os.listdir(g.dir)
                if n.startswith("loader.")]
        if told and loads_late():
            with open(told[0]) as f:
                equal("/libcurl" in f.read(), wanted)


@test("CGI: each call leaves its line in the log file, and the result 0")
def _(t):
    with Upstream() as up, Gate(conf(up), mode="cgi", log="file") as g:
        for want in (1, 2, 3):
            r, code = g.cgi("POST", "/s/mcp", body=ASK)
            equal((r.status, code), (200, 0))
            equal(g.log_text().count('"event":"request"'), want)


@test("CGI: the body is what CONTENT_LENGTH says")
def _(t):
    body = json.dumps(ASK).encode()
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        r, _ = g.cgi("POST", "/s/mcp", body=body + b"rest",
                     CONTENT_LENGTH=str(len(body)))
        equal(r.status, 200)
        equal(up.calls[0].body, body)
        r, _ = g.cgi("POST", "/s/mcp", body=body, CONTENT_LENGTH="99999")
        equal(r.status, 400)


def by_hand(r, error, reason):
    """A reply that needed no configuration is like all the others."""
    request_id = r.header("x-request-id")
    assert re.fullmatch("[0-9a-f]{22}", request_id), request_id
    equal(r.json, {"error": error, "reason": reason,
                   "requestId": request_id})
    equal(int(r.header("content-length")), len(r.body))
    equal(r.header("content-type"), "application/json")
    equal(r.header("cache-control"), "no-store")


OPTIONS = (
    "--print-schema", "--dump-config", "-V", "--listen+unix:gate.sock",
    "--pidfile+pid", "%2d-help", "x+--help", "x%20--help", "%2D%2Dhelp", "-",
    "--config%3dother.json", "+-h", "%09--help", "--config+other.json")


@test("CGI: a query is no command line", rows=("words", "a wrapper's, too"))
def _(t):
    def words(query):
        """As Apache gives them."""
        return [unquote(w) for w in query.split("+")]

    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        for query in OPTIONS:
            args = words(query)
            if t.row != "words":
                args = ["--config=" + g.file] + args
            r, code = g.cgi("GET", "/health?" + query, args=args)
            equal((query, r.status, code), (query, 400, 0))
            by_hand(r, "request is malformed", "bad_request")
        for query in ("strict", "a+b-c", "x%2dy", "%zz", "/s/mcp", "a--b"):
            r, _ = g.cgi("GET", "/health?" + query, args=words(query))
            equal((query, r.status), (query, 200))
        # of these a web server makes no arguments
        for query in ("a=--help", "--help=1", "--config=/dev/null"):
            r, _ = g.cgi("GET", "/health?" + query)
            equal((query, r.status), (query, 200))
        equal([n for n in os.listdir(g.dir) if n in ("gate.sock", "pid")], [])


@test("CGI: limits", rows=(("at", 2048, 200), ("above", 2049, 413)))
def _(t):
    _, n, status = t.row
    head = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"'
    body = head + b"x" * (n - len(head) - 3) + b'"}}'
    with Upstream() as up, Gate(conf(
            up, limits={"requestBody": 2048}), mode="cgi") as g:
        equal(g.cgi("POST", "/s/mcp", body=body)[0].status, status)


@test("CGI: no environment variable overrides anything")
def _(t):
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        r, _ = g.cgi("GET", "/health", MCPGATE_LOG_LEVEL="nonsense",
                     MCPGATE_WORKERS="0")
        equal(r.status, 200)


@test("CGI: a broken configuration is told without details")
def _(t):
    with Gate(conf("http://127.0.0.1:9/"), mode="cgi") as g:
        g.write({}, text='{"mcpServers": {"s": {"url": 5}}}')
        r, _ = g.cgi("POST", "/s/mcp", body=ASK)
        equal(r.status, 500)
        assert b"config.json" not in r.body
        assert "config.json:" in g.log_text()
        by_hand(r, "internal error", "internal")


@test("CGI: what is said without a configuration", rows=(
    "a broken one", "none", "no record of revocations"))
def _(t):
    with Gate(conf("http://127.0.0.1:9/"), mode="cgi") as g:
        if t.row == "a broken one":
            g.write({}, text="{")
        elif t.row == "none":
            os.unlink(g.file)
        else:
            os.makedirs(g.state + ".revoked")
        for path in ("/health", "/s/mcp", "/readyness", "/ready/s",
                     "/x?/ready", "/"):
            r, _ = g.cgi("GET", path)
            equal((path, r.status), (path, 500))
            by_hand(r, "internal error", "internal")
        for path in ("/ready", "/readyz", "/_readyz", "/mcp/ready?strict=1"):
            r, _ = g.cgi("GET", path)
            equal((path, r.status), (path, 503))
            equal(r.json, {"status": "unavailable"})
            equal(int(r.header("content-length")), len(r.body))
            assert r.header("x-request-id")
        for theirs in ("x", 'a"b\\c', "y" * 128):
            r, _ = g.cgi("GET", "/s", {"X-Request-Id": theirs})
            equal((r.header("x-request-id"), r.json["requestId"]),
                  (theirs, theirs))
        for theirs in ("", "a b", "y" * 129, "\u00e4"):
            r, _ = g.cgi("GET", "/s", {"X-Request-Id": theirs})
            by_hand(r, "internal error", "internal")
        r, _ = g.cgi("HEAD", "/s")
        equal((r.status, r.body), (500, b""))
        assert int(r.header("content-length")) > 0


@test("CGI: a stream is written as it comes, a closed reader ends it")
def _(t):
    took = []

    def script(q, out):
        out.sse()
        out.event({"n": 1})
        for n in range(100):
            time.sleep(0.05)
            try:
                out.event({"n": n + 2})
            except OSError:
                break
        took.append(n)
        out.close = True

    with Upstream(script) as up, Gate(conf(up, streaming="on"),
                                      mode="cgi") as g:
        body = json.dumps(ASK).encode()
        env = clean_environment()
        env.update(dict(fcgi.variables("POST", "/s/mcp", [], body)))
        with open(g.log, "ab") as err:
            p = subprocess.Popen([program("mcpgate"), "--config", g.file],
                                 stdin=subprocess.PIPE, stderr=err,
                                 stdout=subprocess.PIPE, env=env)
        p.stdin.write(body)
        p.stdin.close()
        seen = b""
        while b'"n": 2' not in seen:
            seen += os.read(p.stdout.fileno(), 65536)
        assert not took, "it was not live"
        p.stdout.close()
        p.wait(10)
        eventually(lambda: took, 6)
        assert took[0] < 60, "the upstream ran on"


@test("CGI: stdin and stdout are one socket, half closed after the body")
def _(t):
    body = json.dumps(ASK).encode()
    with Upstream() as up, Gate(conf(up), mode="cgi") as g:
        for method, path, data in (("POST", "/s/mcp", body),
                                   ("GET", "/health", b"")):
            env = clean_environment()
            env.update(dict(fcgi.variables(method, path, [], data)))
            ours, theirs = socket.socketpair()
            with open(g.log, "ab") as err:
                p = subprocess.Popen(
                    [program("mcpgate"), "--config", g.file], stdin=theirs,
                    stdout=theirs, stderr=err, env=env)
            theirs.close()
            ours.sendall(data)
            ours.shutdown(socket.SHUT_WR)
            ours.settimeout(10)
            got = b""
            while True:
                more = ours.recv(65536)
                if not more:
                    break
                got += more
            equal(p.wait(10), 0)
            assert got.startswith(b"Status: 200"), got


def fill(pipe):
    """Not a byte more goes into it without waiting."""
    os.set_blocking(pipe, False)
    for n in (4096, 1):
        try:
            while True:
                os.write(pipe, b"x" * n)
        except BlockingIOError:
            pass
    os.set_blocking(pipe, True)


@test("CGI: standard error that nobody reads stops nothing", rows=(
    "closed", "full"))
def _(t):
    r, w = os.pipe()
    if t.row == "closed":
        os.close(r)
    else:
        t.after(lambda: os.close(r))
        fill(w)
    t.after(lambda: os.close(w))
    with Upstream() as up, Gate(config({"s": server(up)}), mode="cgi") as g:
        for method, uri, body in (("GET", "/health", b""),
                                  ("POST", "/s/mcp", ASK)):
            reply, code = g.cgi(method, uri, {}, body, stderr=w, seconds=10)
            equal((reply.status, code), (200, 0))


@test("CGI: streaming auto folds")
def _(t):
    def script(q, out):
        out.sse()
        out.event({"jsonrpc": "2.0", "id": 1, "result": {"x": 1}})
        out.end()

    with Upstream(script) as up, Gate(conf(up), mode="cgi") as g:
        r, _ = g.cgi("POST", "/s/mcp", body=ASK,
                     SERVER_SOFTWARE="Apache/2.4")
        equal(r.json["result"], {"x": 1})


class Installed(Gate):
    """As README says: root's file, read by the group of --user."""
    user_name, group_name = "nobody", "daemon"

    def write(self, conf, text=None):
        super().write(conf, text)
        place = os.path.dirname(self.state)
        os.makedirs(place, exist_ok=True)
        shutil.chown(place, self.user_name)
        for file in (self.file, conf["mcpServers"]["s"]["options"]["auth"][
                "tokens"][0][7:-1]):
            shutil.chown(file, 0, pwd.getpwnam(self.user_name).pw_gid)
            os.chmod(file, 0o640)

    def complete(self, conf):
        self.state = os.path.join(self.dir, "private", "state")
        return super().complete(conf)


@test("--user and --group: what the user's own group may read is read")
def _(t):
    if os.geteuid() != 0:
        raise Skip("only root becomes another user")
    user, group = Installed.user_name, Installed.group_name
    with Upstream() as up, tempfile.NamedTemporaryFile() as f:
        f.write(A.encode())
        f.flush()
        c = config({"s": server(up, pool("${file:%s}" % f.name))})
        with Installed(c, workers=1, args=["--user", user, "--group",
                                           group]) as g:
            equal(g.rpc("/s/mcp", "ping").status, 200)
            equal(up.tokens(), [A])
            here = os.stat(g.socket)
            ids = (pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
            equal((here.st_uid, here.st_gid), ids)
            with open("/proc/%d/status" % g.pids[0]) as s:
                status = dict(ln.split(":", 1) for ln in s)
            equal(set(status["Uid"].split()), {str(ids[0])})
            equal(set(status["Gid"].split()), {str(ids[1])})
            equal(set(status["Groups"].split()) - {str(ids[1])},
                  {str(pwd.getpwnam(user).pw_gid)})
            g.reload(how="signal")
            equal(g.rpc("/s/mcp", "ping").status, 200)


@test("workers share the processor; what was chosen for them stays", rows=(
    ("as it comes", None, os.SCHED_BATCH),
    ("idle", os.SCHED_IDLE, os.SCHED_IDLE)))
def _(t):
    _, chosen, want = t.row
    before = os.sched_getscheduler(0)
    try:
        if chosen is not None:          # children take it from us
            os.sched_setscheduler(0, chosen, os.sched_param(0))
        with Upstream() as up, Gate(conf(up), 2) as g:
            equal([os.sched_getscheduler(p) for p in g.worker_pids()],
                  [want] * 2)
            equal(g.rpc("/s/mcp", "ping").status, 200)
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


tap.main()
