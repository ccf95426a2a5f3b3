#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""start_probe -- panicIfInvalid: an upstream that must be there is asked once
at the start"""
import json
import os
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, tap  # noqa: E402
from kit.gate import Gate, children, clean_environment, config, free_port, \
    pool, program, run, secret, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream, plain, with_session  # noqa: E402

A, B = secret("a"), secret("b")
STERN = {"panicIfInvalid": True}


def stern(up, **more):
    return server(up, dict(pool(A, B, rotationMode="round-robin"), **STERN),
                  **more)


def alive(g):
    try:
        return g.get("/health").status == 200
    except (OSError, fcgi.Gone):
        return False


def wait_asked(g):
    """Who asks has gone: what is left are workers."""
    eventually(lambda: alive(g), 5, "health")
    eventually(lambda: g.get("/ready").status == 200, 5, "ready")
    g.wait_ready()


@test("it is asked once, whose turn it is, and the turn stays", workers=(2,))
def _(t):
    with Upstream(with_session(plain)) as up:
        conf = config({"s": stern(up, headers={"X-Of": "ours"}),
                       "other": server("http://127.0.0.1:%d/mcp"
                                       % free_port())})
        with Gate(conf, t.workers, wait=False) as g:
            wait_asked(g)
            eventually(lambda: [q.method for q in up.calls]
                       == ["POST", "DELETE"], 5, "the probe and its end")
            hello = up.calls[0]
            equal(hello.json["method"], "initialize")
            equal(hello.header("authorization"), "Bearer " + A)
            equal(hello.header("x-of"), "ours")
            assert up.calls[1].header("mcp-session-id")
            up.forget()
            g.rpc("/s/mcp", "ping")
            equal(up.tokens(), [A])


@test("/ready waits for it, at most startupGracePeriod", workers=(2,))
def _(t):
    hold = Hold()

    def script(q, out):
        hold.wait()
        plain(q, out)

    with Upstream(script) as up:
        with Gate(config({"s": stern(up)}), t.workers, wait=False) as g:
            eventually(lambda: alive(g), 5, "health")
            r = g.get("/ready")
            equal((r.status, json.loads(r.body)["status"]),
                  (503, "initializing"))
            hold.go()
            wait_asked(g)


def refusing(status):
    return lambda q, out: out.status(status)


def started(conf, args=None):
    """The end of a start that is refused."""
    with Gate(config({}), mode="cgi") as g:
        g.write(conf)
        args = args or ["--listen", "unix:" + g.socket, "--workers", "2"]
        return run(["--config", g.file] + args)


@test("a start is refused with 69", rows=(
    ("down", None, "s: "), ("refused", 401, "s: upstream answered 401"),
    ("failing", 500, "s: upstream answered 500"),
    ("elsewhere", 302, "s: upstream answered 302")))
def _(t):
    _, status, why = t.row
    with Upstream(refusing(status or 200)) as up:
        entry = stern(up) if status else stern("http://127.0.0.1:%d/mcp"
                                               % free_port())
        code, _, err = started(config({"s": entry}))
        equal(code, 69)
        assert "failed to initialize clients: " + why in err, err
        assert A not in err and B not in err


@test("an upstream that does not answer in time")
def _(t):
    hold = Hold()
    with Upstream(lambda q, out: hold.wait()) as up:
        conf = config({"s": stern(up)}, startupGracePeriod="500ms")
        code, _, err = started(conf)
        hold.go()
        equal(code, 69)
        assert "failed to initialize clients: s: " in err, err


@test("who asks is killed: no service that nobody has looked at")
def _(t):
    hold = Hold()
    with Upstream(lambda q, out: hold.wait()) as up, \
            Gate(config({}), mode="cgi") as g:
        g.write(config({"s": stern(up)}))
        with subprocess.Popen(
                [program("mcpgate"), "--config", g.file, "--listen",
                 "unix:" + g.socket], stderr=subprocess.PIPE,
                env=clean_environment()) as p:
            up.wait(1)
            os.kill(children(p.pid)[0], signal.SIGKILL)  # the first
            _, err = p.communicate(timeout=20)
        hold.go()
        equal(p.returncode, 69)
        assert b"who asks the upstreams was ended by signal 9" in err, err


@test("without panicIfInvalid, or disabled, nobody is asked")
def _(t):
    with Upstream(refusing(500)) as up:
        conf = config({"a": server(up),
                       "b": stern(up, disabled=True)})
        with Gate(conf) as g:
            equal(g.get("/ready").status, 200)
            equal(up.calls, [])


@test("a list that is mapped from authTokens is not used for it")
def _(t):
    with Upstream(plain) as up:
        conf = config({"s": server(up, dict(STERN, authTokens=[A]))})
        with Gate(conf, wait=False) as g:
            wait_asked(g)
            equal(len(up.calls), 1)
            equal(up.calls[0].header("authorization"), None)


@test("a process that a web server starts asks before it serves")
def _(t):
    with Upstream(refusing(500)) as up, \
            Gate(config({}), mode="cgi") as g, socket.socket(
                socket.AF_UNIX) as s:
        g.write(config({"s": stern(up)}))
        s.bind(g.socket)
        s.listen()
        p = subprocess.run([program("mcpgate"), "--config", g.file],
                           stdin=s, capture_output=True, timeout=20,
                           env=clean_environment())
        equal(p.returncode, 69)
        assert b"failed to initialize clients: s: upstream answered 500" \
            in p.stderr, p.stderr


tap.main()
