#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""relay_fold -- what folding one answer out of a stream may cost, and when it ends"""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

JSON_ONLY = {"Accept": "application/json"}
EVENTS = {"Accept": "text/event-stream"}
NOTE = {"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": "y" * 80, "progress": [1, 2, 3]}}


def answer(q):
    return {"jsonrpc": "2.0", "id": q.json.get("id"), "result": {"done": 1}}


def drip(out, what):
    """Sends what for ever, or until the gateway goes."""
    end = time.monotonic() + 15
    while time.monotonic() < end and out.gone(0.2) is None:
        out.raw(what)
    out.close = True


@test("what cannot become a stream ends at the time limit", rows=(
    ("a subscription that is folded", "POST", "events"),
    ("a subscription answered by JSON", "POST", "json"),
    ("a GET answered by JSON", "GET", "json")))
def _(t):
    _, method, what = t.row

    def script(q, out):
        if what == "events":
            out.sse()
            return drip(out, b"3\r\n:\n\n\r\n")
        out.head(200, [("Content-Type", "application/json"),
                       ("Content-Length", "1000")])
        return drip(out, b" ")

    ask = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen"}
    with Upstream(script) as up, \
            Gate(config({"s": server(up, timeout="1s")})) as g:
        began = time.monotonic()
        r = g.get("/s/mcp", EVENTS) if method == "GET" else \
            g.post("/s/mcp", ask, JSON_ONLY)
        equal((r.status, r.reason), (504, "upstream_timeout"))
        assert time.monotonic() - began < 5


def resident(pid):
    with open("/proc/%d/status" % pid) as f:
        return [int(ln.split()[1]) for ln in f if ln.startswith("VmRSS")][0]


@test("a long stream that is folded takes no more memory")
def _(t):
    sizes = []

    def script(q, out):
        out.sse()
        for i in range(200):
            out.chunk(("data: %s\n\n" % json.dumps(NOTE)) * 100)
            if i in (20, 199):
                time.sleep(0.3)
                sizes.append(resident(g.pids[0]))
        out.event(answer(q))
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        equal(g.rpc("/s/mcp", "x", headers=JSON_ONLY).status, 200)
        assert sizes[1] - sizes[0] < 4096, "KiB: %r" % sizes


@test("an upstream that asks again and again is refused 16 times")
def _(t):
    def script(q, out):
        if "method" not in q.json:
            return out.status(202)
        out.sse()
        for i in range(20):
            for k in range(10):
                out.event({"jsonrpc": "2.0", "id": "r%d" % (10 * i + k),
                           "method": "ping"})
            time.sleep(0.02)
        out.event(answer(q))
        return out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        equal(g.rpc("/s/mcp", "x", headers=JSON_ONLY).status, 200)
        eventually(lambda: len(up.calls) >= 17)
        time.sleep(0.3)
        equal(len(up.calls), 17)


@test("an id that the upstream writes in another way is the same")
def _(t):
    def script(q, out):
        out.sse()
        out.event(json.dumps(answer(q), ensure_ascii=False))
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "x", id="\u00e9", headers=JSON_ONLY)
        equal((r.status, r.json["id"]), (200, "\u00e9"))


@test("a stream that answers nothing asked is an empty reply", rows=(
    ("a notification", "POST", 202), ("a DELETE", "DELETE", 200)))
def _(t):
    _, method, status = t.row

    def script(q, out):
        out.sse()
        out.event(NOTE)
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        if method == "POST":
            r = g.post("/s/mcp", {"jsonrpc": "2.0", "method": "n"},
                       JSON_ONLY)
        else:
            r = g.call(method, "/s/mcp", {"Mcp-Session-Id": "x"})
        equal((r.status, r.body), (status, b""))


@test("a reply in a coding that nobody asked for is not usable", rows=(
    ("JSON", "application/json", 200),
    ("events", "text/event-stream", 200),
    ("a refusal", "application/json", 400)))
def _(t):
    _, kind, status = t.row

    def script(q, out):
        out.body(status, b"\x1f\x8b\x08junk", [("Content-Encoding", "gzip")],
                 kind)

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "x")
        equal(r.status, 502 if status == 200 else status)
        assert b"junk" not in r.body
        equal(r.reason, "upstream_protocol" if status == 200
              else "upstream_error")


@test("where nothing streams, GET is no method", rows=(
    "GET", "PUT", "OPTIONS"))
def _(t):
    conf = config({}, streaming="off")
    with Upstream() as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            r = g.call(t.row, "/s/mcp", EVENTS)
            equal(r.status, 204 if t.row == "OPTIONS" else 405)
            equal(r.header("allow"), "POST, DELETE, OPTIONS")


tap.main()
