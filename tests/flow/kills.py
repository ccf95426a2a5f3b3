#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kills -- workers and masters that end at any moment, and orderly ends"""
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, load, tap  # noqa: E402
from kit.gate import Gate, alive, config, pool, secret, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream, plain  # noqa: E402

A, B, C = secret("a"), secret("b"), secret("c")
ROUND = {"rotationMode": "round-robin"}


def conf(up, **gateway):
    return config({"s": server(up, pool(A, B, C, **ROUND))}, **gateway)


def retry(g):
    """A call; the first may meet a worker that is just gone."""
    def once():
        try:
            return g.rpc("/s/mcp", "ping").status == 200
        except (OSError, fcgi.Gone):
            return False
    eventually(once, 10, "an answer")


@test("a killed worker is replaced, the turn goes on", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(conf(up), t.workers, mortal=True) as g:
        for _ in range(4):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        for pid in g.pids:
            g.kill(pid)
        eventually(lambda: len([p for p in g.worker_pids()
                                if p not in g.pids]) == t.workers, 15,
                   "the new workers")
        up.forget()
        retry(g)
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(up.tokens()[-2:] in ([B, C], [C, A], [A, B]), True)
        g.log_has("ended by signal 9")


@test("kills under load: others' calls live, the state is valid",
      workers=(4,), limit=120)
def _(t):
    def script(q, out):
        time.sleep(0.002)
        plain(q, out)

    with Upstream(script) as up, Gate(conf(up), 4, mortal=True) as g:
        got, doomed, deaths = load.kills(g, 8)
        t.say("%d calls, %d kills, %d calls on killed workers, %d failed" % (
            len(got.good), deaths, len(doomed), len(got.bad)))
        assert deaths >= 6 and len(got.good) > 100, (deaths, len(got.good))
        eventually(lambda: len(g.worker_pids()) == 4, 15)
        load.tally_sound(g, got, len(doomed))
        load.rotation_sound(g, up, (A, B, C), len(doomed))
        up.forget()
        for _ in range(6):
            retry(g)
        got = up.tokens()[-6:]
        equal(sorted(got), sorted([A, A, B, B, C, C]))
        equal(got[:3], got[3:])


@test("a killed worker's calls end visibly", workers=(1,))
def _(t):
    hold = Hold()

    def script(q, out):
        if q.json["method"] == "ping":
            return out.result()
        if q.json["method"] == "stream":
            out.sse()
            out.event({"n": 1})
        hold.wait(3)
        out.close = True

    with Upstream(script) as up, Gate(conf(up), mortal=True) as g:
        with g.conn() as one, g.conn() as two:
            s = one.begin("POST", "/s/mcp", body={
                "jsonrpc": "2.0", "id": 1, "method": "stream"})
            s.event()
            two.begin("POST", "/s/mcp", body={
                "jsonrpc": "2.0", "id": 2, "method": "call"})
            up.wait(2)
            g.kill(g.pids[0])
            for c in (one, two):
                assert c.closed(5)
        hold.go()
        retry(g)


@test("a killed master takes its workers along", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(conf(up), t.workers, mortal=True) as g:
        pids = g.pids
        g.kill(g.proc.pid)
        g.proc.wait()
        eventually(lambda: not any(alive(p) for p in pids), 15,
                   "the end of the workers")
        # and a new one starts on the same socket and state
        g.start()
        equal(g.rpc("/s/mcp", "ping").status, 200)


@test("SIGTERM lets calls finish", workers=(1, 4))
def _(t):
    hold = Hold()

    def script(q, out):
        hold.wait()
        plain(q, out)

    with Upstream(script) as up:
        g = Gate(conf(up), t.workers)
        with g, g.conn() as c:
            s = c.begin("POST", "/s/mcp", body={
                "jsonrpc": "2.0", "id": 1, "method": "ping"})
            up.wait(1)
            g.signal(signal.SIGTERM)
            time.sleep(0.3)
            hold.go()
            equal(s.rest().status, 200)
            equal(g.proc.wait(15), 0)
            g.proc = None


@test("SIGTERM ends streams in order after the grace", workers=(1, 4))
def _(t):
    hold = Hold()

    def script(q, out):
        out.sse()
        out.event({"n": 1})
        hold.wait()
        out.close = True

    with Upstream(script) as up:
        g = Gate(conf(up, drainTime="1s"), t.workers)
        with g, g.conn() as c:
            s = c.begin("GET", "/s/mcp", [("Accept", "text/event-stream")])
            equal(json.loads(s.event()["data"]), {"n": 1})
            began = time.monotonic()
            g.signal(signal.SIGTERM)
            s.rest(10)
            assert s.ended, "the stream was cut"
            took = time.monotonic() - began
            assert 0.5 < took < 6 * tap.SLOW, took
            equal(g.proc.wait(15), 0)
            g.proc = None
            hold.go()


@test("idle kept connections do not hold up the end", workers=(1, 4))
def _(t):
    with Upstream() as up:
        g = Gate(conf(up), t.workers)
        with g, g.conn() as c:
            equal(c.begin("POST", "/s/mcp", keep=True, body={
                "jsonrpc": "2.0", "id": 1, "method": "ping"}).rest()
                .status, 200)
            began = time.monotonic()
            g.signal(signal.SIGTERM)
            equal(g.proc.wait(15), 0)
            g.proc = None
            assert time.monotonic() - began < 3 * tap.SLOW
            assert c.closed()


@test("the socket is gone after an orderly end", workers=(1,))
def _(t):
    with Upstream() as up:
        g = Gate(conf(up))
        with g:
            equal(os.stat(g.socket).st_mode & 0o777, 0o660)
            g.end()
            assert not os.path.exists(g.socket)


@test("a worker that cannot live is not started without end", workers=(1,))
def _(t):
    with Upstream() as up, Gate(conf(up), mortal=True) as g:
        began, seen = time.monotonic(), set()
        while time.monotonic() - began < 4:
            for p in g.worker_pids():
                seen.add(p)
                g.kill(p)
            time.sleep(0.01)
        # 100 ms, 200, 400, 800, 1600: about six in four seconds
        assert 3 <= len(seen) <= 10, "%d starts in 4 s" % len(seen)
        eventually(lambda: g.worker_pids(), 15)
        retry(g)


tap.main()
