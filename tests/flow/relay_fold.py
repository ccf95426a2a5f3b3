#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""relay_fold -- event streams as one JSON answer"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream, with_session  # noqa: E402

BOTH = (1, 4)


def note(n):
    return {"jsonrpc": "2.0", "method": "notifications/progress",
            "params": {"progressToken": 1, "progress": n}}


def answer(q):
    return {"jsonrpc": "2.0", "id": q.json["id"], "result": {"done": 1}}


@test("folding passes over events of another name", workers=BOTH)
def _(t):
    def script(q, out):
        if "method" not in q.json:
            return out.status(202)
        out.sse()
        out.event("hello", event="ping")
        out.event({"jsonrpc": "2.0", "id": 1, "result": {}}, event="x")
        out.event({"jsonrpc": "2.0", "id": "s", "method": "ping"}, event="x")
        out.event(answer(q), event="message")
        return out.end()

    conf = config({}, streaming="off")
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, t.workers) as g:
            equal(g.rpc("/s/mcp", "x").json, answer(up.calls[0]))
            equal(len(up.calls), 1)


@test("events of another name say where to go on")
def _(t):
    def script(q, out):
        out.sse()
        if q.method == "POST":
            out.event("hello", event="ping", id="e-7", retry=10)
        else:
            equal(q.header("last-event-id"), "e-7")
            out.event('{"id":1,"result":{}}')
        out.end()

    with Upstream(with_session(script)) as up, Gate(
            config({"s": server(up)}, streaming="off")) as g:
        r = g.rpc("/s/mcp", "x", headers=g.session("/s/mcp"))
        equal((r.status, r.json), (200, {"id": 1, "result": {}}))


@test("streaming off folds events into one JSON answer", workers=BOTH)
def _(t):
    def script(q, out):
        out.sse()
        out.event(note(1))
        out.event(json.dumps(answer(q)))
        out.end()

    conf = config({}, streaming="off")
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, t.workers) as g:
            r = g.rpc("/s/mcp", "x", id="f")
            equal(r.status, 200)
            equal(r.header("content-type").split(";")[0],
                  "application/json")
            equal(r.json, {"jsonrpc": "2.0", "id": "f",
                           "result": {"done": 1}})
            equal(int(r.header("content-length")), len(r.body))
            r = g.get("/s/mcp", {"Accept": "text/event-stream"})
            equal(r.status, 405)


@test("a stream that begins with a mark", rows=(
    ("in one piece", 99), ("byte by byte", 1)))
def _(t):
    def script(q, out):
        if q.method == "POST" and q.json["method"] == "late":
            text = b"id: 1\nretry: 10\ndata:\n\n"
        else:
            text = b'data: {"id":1,"result":{}}\n\n'
        text = b"\xef\xbb\xbf" + text
        out.sse()
        for i in range(0, len(text), t.row[1]):
            out.chunk(text[i:i + t.row[1]])
        out.end()

    with Upstream(with_session(script)) as up, Gate(
            config({"s": server(up)}, streaming="off")) as g:
        for method in ("x", "late"):
            r = g.rpc("/s/mcp", method, headers=g.session("/s/mcp"))
            equal((r.status, r.json), (200, {"id": 1, "result": {}}))


@test("a client that takes JSON only gets the folded answer")
def _(t):
    def script(q, out):
        out.sse()
        out.event(answer(q))
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "x", headers={"Accept": "application/json"})
        equal(r.json["result"], {"done": 1})


@test("folding refuses what the upstream asks meanwhile")
def _(t):
    heard = []

    def script(q, out):
        if "method" not in q.json:
            heard.append(q.json)
            return out.status(202)
        out.sse()
        out.event({"jsonrpc": "2.0", "id": "srv-1",
                   "method": "sampling/createMessage", "params": {}})
        eventually(lambda: heard, 5)
        out.event(answer(q))
        return out.end()

    conf = config({}, streaming="off")
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            equal(g.rpc("/s/mcp", "x").json["result"], {"done": 1})
            equal(heard[0]["id"], "srv-1")
            equal(heard[0]["error"]["code"], -32601)


@test("the answers to a batch become one array", rows=(
    ("one event each", False), ("one array", True)))
def _(t):
    def script(q, out):
        found = [{"jsonrpc": "2.0", "id": m["id"], "result": {}}
                 for m in q.json if "id" in m]
        out.sse()
        out.event(note(1))
        for e in [found] if t.row[1] else reversed(found):
            out.event(e)
        out.end()

    ask = [{"jsonrpc": "2.0", "id": i, "method": "x"} for i in (1, "two")]
    ask.insert(1, {"jsonrpc": "2.0", "method": "notifications/x"})
    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.post("/s/mcp", ask, {"Accept": "application/json"})
        equal(r.status, 200)
        equal(r.header("content-type"), "application/json")
        equal({m["id"] for m in r.json}, {1, "two"})
        equal(len(r.json), 2)


@test("a batch that is answered in part only is a broken reply")
def _(t):
    def script(q, out):
        out.sse()
        out.event({"jsonrpc": "2.0", "id": 1, "result": {}})
        out.end()

    ask = [{"jsonrpc": "2.0", "id": i, "method": "x"} for i in (1, 2)]
    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.post("/s/mcp", ask, {"Accept": "application/json"})
        equal((r.status, r.reason), (502, "upstream_protocol"))


class Polled:
    """Ends its streams before the answer; a GET goes on where one ended."""

    def __init__(self, rounds, status=200, ids=True):
        self.rounds, self.status, self.ids = rounds, status, ids
        self.ask = None

    def __call__(self, q, out):
        if q.method == "POST":
            self.ask = q.json
        elif self.status != 200:
            return out.status(self.status)
        n = int((q.header("last-event-id") or "e-0")[2:])
        out.sse()
        if self.ids:
            out.event("", id="e-%d" % (n + 1), retry=20)
        if n >= self.rounds:
            out.event({"jsonrpc": "2.0", "id": self.ask["id"],
                       "result": {"rounds": n}})
        else:
            out.event(note(n))
        return out.end()


@test("a stream that ends before the answer is resumed", workers=BOTH,
      rows=(1, 3, 8))
def _(t):
    conf = config({}, streaming="off")
    with Upstream(with_session(Polled(t.row))) as up:
        conf["mcpServers"]["s"] = server(up, {"auth": {"tokens": ["a", "b"]}})
        with Gate(conf, t.workers) as g:
            heads = dict(g.session("/s/mcp"),
                         **{"MCP-Protocol-Version": "2025-11-25"})
            r = g.rpc("/s/mcp", "tools/call", {"name": "slow"}, headers=heads)
            equal((r.status, r.json.get("result")), (200, {"rounds": t.row}))
            equal(r.header("content-type"), "application/json")
            calls = up.calls[1:]
            equal([c.method for c in calls], ["POST"] + ["GET"] * t.row)
            for i, c in enumerate(calls[1:]):
                equal(c.header("last-event-id"), "e-%d" % (i + 1))
                equal(c.header("mcp-session-id"), "sid")
                equal(c.header("mcp-protocol-version"), "2025-11-25")
                equal(c.header("accept"), "text/event-stream")
                equal(c.header("content-type"), None)
                equal(c.token, calls[0].token)
                # 20 ms from the turn on in which the end was seen
                assert c.at - calls[i].at >= 0.01, "too early"


@test("one that cannot be resumed is a broken reply", rows=(
    ("no ids", 1, 200, False, 0), ("GET refused", 1, 405, True, 1),
    ("too often", 9, 200, True, 8)))
def _(t):
    _, rounds, status, ids, gets = t.row
    conf = config({}, streaming="off")
    with Upstream(with_session(Polled(rounds, status, ids))) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", "x", headers=g.session("/s/mcp"))
            equal((r.status, r.reason), (502, "upstream_protocol"))
            equal([c.method for c in up.calls[2:]], ["GET"] * gets)


@test("waiting to resume ends at the time limit, and with the client")
def _(t):
    def script(q, out):
        out.sse()
        out.event("", id="e-1", retry=20000)
        out.end()

    conf = config({}, streaming="off")
    with Upstream(with_session(script)) as up:
        conf["mcpServers"]["s"] = server(up, timeout="1s")
        with Gate(conf) as g:
            heads = g.session("/s/mcp")
            r = g.rpc("/s/mcp", "x", headers=heads)
            equal((r.status, r.reason), (504, "upstream_timeout"))
            c = g.conn()
            c.begin("POST", "/s/mcp", list(heads.items()), {
                "jsonrpc": "2.0", "id": 1, "method": "x"})
            up.wait(3)
            c.close()
            equal(g.access(server="s", status=499)["reason"], "client_gone")
            equal([c.method for c in up.calls], ["POST"] * 3)


KEY = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
STARTED = "notifications/subscriptions/acknowledged"
LISTEN = {"notifications": {"toolsListChanged": True},
          "_meta": {KEY + "protocolVersion": MODERN,
                    KEY + "clientCapabilities": {}}}


@test("where no stream can be, a subscription is begun empty and ended",
      workers=BOTH, rows=(
    ("streaming off", "off", "application/json, text/event-stream", True),
    ("and JSON only", "off", "application/json", False),
    ("a client that takes JSON only", "on", "application/json", False)))
def _(t):
    _, streaming, accept, events = t.row
    heads = {"MCP-Protocol-Version": MODERN, "Accept": accept,
             "Mcp-Method": "subscriptions/listen"}
    with Upstream() as up:
        conf = config({"s": server(up)}, streaming=streaming)
        with Gate(conf, t.workers) as g:
            for ask in (7, "seven"):
                mark = {KEY + "subscriptionId": ask}
                r = g.rpc("/s/mcp", "subscriptions/listen", LISTEN, id=ask,
                          headers=heads)
                equal(r.status, 200)
                equal(int(r.header("content-length")), len(r.body))
                end = {"jsonrpc": "2.0", "id": ask,
                       "result": {"resultType": "complete", "_meta": mark}}
                if not events:
                    equal(r.header("content-type"), "application/json")
                    equal(r.json, end)
                    continue
                equal(r.header("content-type"), "text/event-stream")
                equal([json.loads(e.split("data: ", 1)[1]) for e in
                       r.body.decode().rstrip("\n").split("\n\n")],
                      [{"jsonrpc": "2.0", "method": STARTED,
                        "params": {"notifications": {}, "_meta": mark}}, end])
            equal(up.calls, [])


tap.main()
