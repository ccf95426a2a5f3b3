#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""drain_streams -- what holds while streams have their grace period"""
import json
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
from kit.upstream import Hold, Upstream, lasting, plain  # noqa: E402


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


META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}}


def legacy(id, method="x"):
    return {"jsonrpc": "2.0", "id": id, "method": method}


def modern(id, method):
    return dict(legacy(id, method), params={"_meta": META})


def result(id):
    return {"jsonrpc": "2.0", "id": id, "result": {}}


@test("who waits for an answer on a stream that a drain ends is told", rows=(
    ("a call", legacy(7), {}, [{"n": 1}], [7]),
    ("a batch", [legacy(1), legacy("2"), legacy(3)], {}, [result("2")],
     [1, 3]),
    ("answered", legacy(7), {}, [result(7)], []),
    ("who can go on with a GET", legacy(7), {"id": "e1"}, [{"n": 1}], []),
    ("nobody can in the modern era", modern(7, "tools/list"), {"id": "e1"},
     [{"n": 1}], [7]),
    ("a subscription is begun anew", modern(7, "subscriptions/listen"), {},
     [{"n": 1}], [])))
def _(t):
    _, ask, fields, events, missing = t.row

    def script(q, out):
        out.sse()
        for e in events:
            out.event(e, **fields)
        out.gone()
        out.close = True

    headers = [("Accept", "application/json, text/event-stream")]
    if "params" in ask:
        headers += [("MCP-Protocol-Version", "2026-07-28"),
                    ("Mcp-Method", ask["method"])]
    conf = config({}, drainTime="200ms")
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, mortal=True) as g, g.conn() as c:
            s = c.begin("POST", "/s/mcp", headers, ask)
            equal([json.loads(s.event()["data"]) for _ in events], events)
            g.signal(signal.SIGTERM)
            for id in missing:
                last = json.loads(s.event()["data"])
                equal((last["id"], last["error"]["data"]["reason"]),
                      (id, "upstream_timeout"))
            equal(s.event(), None)
            equal(g.proc.wait(10), 0)


@test("a call without an answer at the end of a drain is told", rows=(1, 3))
def _(t):
    def script(q, out):
        if q.json["method"] == "wait":
            out.gone()
            out.close = True
            return None
        return plain(q, out)

    conf = config({}, drainTime="200ms")
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, mortal=True) as g:
            conns = [g.conn() for _ in range(t.row)]
            replies = [c.begin("POST", "/s/mcp", (), legacy(i, "wait"))
                       for i, c in enumerate(conns)]
            up.wait(t.row)
            g.signal(signal.SIGTERM)
            for i, s in enumerate(replies):
                r = s.rest()
                equal((r.status, r.json["id"], r.reason),
                      (504, i, "upstream_timeout"))
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
