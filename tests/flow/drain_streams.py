#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""drain_streams -- what holds while streams have their grace period"""
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, tap  # noqa: E402
from kit.gate import Gate, alive, config, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream, lasting  # noqa: E402


def ends_in_order(s):
    """At once, or behind the event that came along with the head."""
    event = s.event()
    if event is not None:
        equal(event["data"], '{"n": 1}')
        equal(s.event(), None)


@test("a stream whose head comes after the grace period ends in order")
def _(t):
    go = Hold()

    def script(q, out):
        go.wait()
        lasting(q, out)

    conf = config({}, drainTime="500ms")
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, mortal=True) as g:
            c = g.conn()
            s = c.begin("GET", "/s/mcp", [("Accept", "text/event-stream")])
            up.wait(1)
            g.signal(signal.SIGTERM)
            time.sleep(1)
            go.go()
            ends_in_order(s)
            equal(g.proc.wait(10), 0)
            assert "cut off" not in g.log_text()


@test("a request that is complete after the signal ends in order, too")
def _(t):
    conf = config({}, drainTime="500ms")
    with Upstream(lasting) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, mortal=True) as g:
            c = g.conn()
            whole = fcgi.request(fcgi.variables(
                "GET", "/s/mcp", [("Accept", "text/event-stream")]))
            c.send(whole[:-8])
            pid = g.pids[0]
            eventually(lambda: g.descriptors(pid)["clients"]
                       > g.base[pid]["clients"], 10, "the connection")
            g.signal(signal.SIGTERM)
            g.log_has('"event":"drain"', 10)
            c.send(whole[-8:])
            s = c.stream()
            ends_in_order(s)
            equal(g.proc.wait(10), 0)
            assert "cut off" not in g.log_text()


@test("a new master begins while a killed one's streams have their grace")
def _(t):
    with Upstream(lasting) as up, \
            Gate(config({"s": server(up)}, drainTime="8s"), workers=2,
                 mortal=True) as g:
        c = g.conn()
        s = c.begin("GET", "/s/mcp", [("Accept", "text/event-stream")])
        s.event()
        old = g.worker_pids()
        g.kill(g.proc.pid)
        g.proc.wait()
        time.sleep(0.5)         # they hear of it, and drain
        g.start()
        equal(g.get("/health").status, 200)
        assert any(alive(p) for p in old), "nobody had a grace period"
        c.close()
        eventually(lambda: not any(alive(p) for p in old), 5)


tap.main()
