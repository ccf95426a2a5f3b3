#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""relay_stream -- event streams: live, in order, cancelled, held back"""
import json
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import (Hold, Upstream, plain,  # noqa: E402
                          with_session)  # noqa: E402

BOTH = (1, 4)


def note(n):
    return {"jsonrpc": "2.0", "method": "notifications/progress",
            "params": {"progressToken": 1, "progress": n}}


def answer(q):
    return {"jsonrpc": "2.0", "id": q.json["id"], "result": {"done": 1}}


@test("an event arrives before the next one is sent", workers=BOTH)
def _(t):
    holds = [Hold() for _ in range(3)]

    def script(q, out):
        out.sse()
        for n, h in enumerate(holds):
            out.event(note(n), id="e%d" % n)
            h.wait()
        out.event(answer(q))
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)}),
                                      t.workers) as g, g.conn() as c:
        s = c.begin("POST", "/s/mcp", [(
            "Accept", "application/json, text/event-stream")], {
            "jsonrpc": "2.0", "id": 4, "method": "tools/call",
            "params": {"name": "x"}})
        head = s.head()
        equal(head.status, 200)
        equal(head.header("content-type").split(";")[0],
              "text/event-stream")
        equal(head.header("cache-control"), "no-cache, no-store, no-transform")
        equal(head.header("x-accel-buffering"), "no")
        equal(head.all("content-length"), [])
        equal(s.block(), {})                # the first comment
        for n, h in enumerate(holds):
            e = s.event()
            equal(json.loads(e["data"]), note(n))
            equal(e["id"], "e%d" % n)
            h.go()
        equal(json.loads(s.event()["data"])["id"], 4)
        equal(s.event(), None)


@test("event fields pass unchanged, in any line end and chunking")
def _(t):
    text = (b"retry: 1500\nid: 1\nevent: message\ndata: {\"a\":\ndata: 1}\n\n"
            b"id: 2\r\ndata:\r\n\r\n: theirs\n\nid\ndata: x\n\n")

    def script(q, out):
        out.sse()
        for i in range(len(text)):
            out.chunk(text[i:i + 1])
        out.event(answer(q))
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        events = g.rpc("/s/mcp", "x").events()
        want = [{"retry": "1500", "id": "1", "event": "message",
                 "data": '{"a":\n1}'}, {"id": "2", "data": ""}]
        equal(events[:2], want)


MARK = b"\xef\xbb\xbf"
GETS = {"toolFilter": {"mode": "allow", "list": ["get_*"]}}


@test("a mark at the head of a stream goes, and nothing else", workers=BOTH,
      rows=(("in one piece", MARK, 99), ("byte by byte", MARK, 1),
            ("a second one stays", MARK + MARK, 2),
            ("half a mark", MARK[:2], 1), ("something else", b"\xef\x80", 1),
            ("a mark later", b":\n\n" + MARK, 99)))
def _(t):
    _, head, step = t.row
    rest = b"id: 1\ndata: {\"id\":1,\"result\":{}}\n\n"
    want = head[3:] if head.startswith(MARK) else head

    def script(q, out):
        out.sse()
        text = head + rest
        for i in range(0, len(text), step):
            out.chunk(text[i:i + step])
        out.end()

    for options in ({}, GETS):
        with Upstream(script) as up, Gate(config({
                "s": server(up, options)}), t.workers) as g:
            r = g.rpc("/s/mcp", "tools/list")
            equal(r.body, b":\n\n" + want + rest)
            r = g.get("/s/mcp", {"Accept": "text/event-stream"})
            equal(r.body, b":\n\n" + want + rest)


@test("our own events come before a mark of the upstream")
def _(t):
    def script(q, out):
        out.sse()
        out.chunk(MARK + b'data: {"id":1,"result":{}}\n\n')
        out.end()

    ask = [{"jsonrpc": "2.0", "id": i, "method": "tools/call",
            "params": {"name": n}} for i, n in ((1, "get_a"), (2, "put_a"))]
    with Upstream(script) as up, Gate(config({"s": server(up, GETS)})) as g:
        equal([json.loads(e["data"])["id"] for e in
               g.post("/s/mcp", ask).events() if e], [2, 1])


@test("silence is filled with comments", workers=BOTH)
def _(t):
    hold = Hold()

    def script(q, out):
        out.sse()
        out.event(note(1))
        hold.wait()
        out.event(answer(q))
        out.end()

    conf = config({}, keepAlive="1s")
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, t.workers) as g, g.conn() as c:
            s = c.begin("POST", "/s/mcp", body={
                "jsonrpc": "2.0", "id": 1, "method": "x"})
            s.event()
            began = time.monotonic()
            equal(s.block(3), {})
            equal(s.block(3), {})
            assert 1.5 < time.monotonic() - began < 3.5 * tap.SLOW
            hold.go()
            assert s.event() is not None


@test("the stream of a session", workers=BOTH)
def _(t):
    hold = Hold()

    def script(q, out):
        equal(q.method, "GET")
        out.sse([("Mcp-Session-Id", "sid")])
        out.event(note(1), id="7")
        hold.wait()
        out.event(note(2))
        out.end()

    with Upstream(with_session(script)) as up, Gate(
            config({"s": server(up)}), t.workers) as g, g.conn() as c:
        s = c.begin("GET", "/s/mcp", [("Accept", "text/event-stream")] +
                    list(g.session("/s/mcp").items()))
        equal(s.head().status, 200)
        equal(s.event()["id"], "7")
        hold.go()
        equal(json.loads(s.event()["data"]), note(2))
        equal(s.event(), None)
        equal(up.calls[1].header("accept"), "text/event-stream")


@test("the upstream has no stream: 405", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        r = g.get("/s/mcp", {"Accept": "text/event-stream"})
        equal(r.status, 405)
        assert "POST" in r.header("allow")


@test("DELETE ends the session upstream", workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, \
            Gate(config({"s": server(up)}), t.workers) as g:
        session = g.session("/s/mcp")
        equal(g.call("DELETE", "/s/mcp", session).status, 200)
        equal(up.calls[1].method, "DELETE")
        equal(up.calls[1].header("mcp-session-id"), "sid")
        r = g.rpc("/s/mcp", "ping", headers=session)
        equal(r.status, 404)
        equal(r.reason, "session_not_found")
        equal(len(up.calls), 2)


# waits: forward gone
@test("a client that goes cancels the upstream", workers=BOTH,
      rows=("stream", "call", "session stream"))
def _(t):
    took = []

    def script(q, out):
        if t.row != "call":
            out.sse()
            out.event(note(1))
        took.append(out.gone(5))
        out.close = True

    with Upstream(script) as up, Gate(config({"s": server(up)}),
                                      t.workers) as g:
        c = g.conn()
        if t.row == "session stream":
            s = c.begin("GET", "/s/mcp", [("Accept", "text/event-stream")])
        else:
            s = c.begin("POST", "/s/mcp", body={
                "jsonrpc": "2.0", "id": 1, "method": "x"})
        up.wait(1)
        if t.row != "call":
            s.event()
        began = time.monotonic()
        c.close()
        eventually(lambda: took, 6)
        assert took[0] is not None, "the upstream was not cancelled"
        assert time.monotonic() - began < 2 * tap.SLOW, "cancelled late"
        equal(g.access(server="s")["status"], 499)


@test("a stalled reader holds the upstream back, nobody else",
      workers=(1,), limit=90)
def _(t):
    sent, stop = [0], threading.Event()

    def script(q, out):
        if q.method == "POST" and q.json["method"] == "ping":
            return out.result()
        out.sse()
        out.sock.settimeout(1.0)
        line = "x" * 8000
        try:
            while sent[0] < 100 << 20 and not stop.is_set():
                out.event(line)
                sent[0] += len(line)
        except OSError:
            pass
        stop.wait(20)
        out.close = True

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        c = g.conn()
        s = c.begin("POST", "/s/mcp", body={
            "jsonrpc": "2.0", "id": 1, "method": "x"})
        s.head()

        def still():
            before = sent[0]
            time.sleep(0.7)
            return sent[0] == before and before > 0

        eventually(still, 20, "the upstream held back")
        assert sent[0] < 16 << 20, "%d bytes were taken" % sent[0]
        began = time.monotonic()
        for _ in range(20):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        assert time.monotonic() - began < 4 * tap.SLOW
        stop.set()
        c.close()


@test("a stalled reader goes on where it stopped")
def _(t):
    def script(q, out):
        out.sse()
        for n in range(400):
            out.event("%06d" % n + "x" * 5000)
        out.event(answer(q))
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", body={
            "jsonrpc": "2.0", "id": 1, "method": "x"})
        s.head()
        time.sleep(1)
        for n in range(400):
            e = s.event()
            equal(e["data"][:6], "%06d" % n)
            equal(len(e["data"]), 5006)
        assert s.event() is not None
        equal(s.event(), None)


@test("a stream that breaks off is told as its last event")
def _(t):
    def script(q, out):
        out.sse()
        out.event(note(1))
        out.drop()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", body={
            "jsonrpc": "2.0", "id": 9, "method": "x"})
        equal(json.loads(s.event()["data"]), note(1))
        last = json.loads(s.event()["data"])
        equal(last["id"], 9)
        equal(last["error"]["code"], -32603)
        equal(s.event(), None)


BATCH = [{"jsonrpc": "2.0", "id": i, "method": "x"}
         for i in (1, "two", "\u00e9", -4)]
BATCH.insert(1, {"jsonrpc": "2.0", "method": "notifications/x"})


def result(id):
    return {"jsonrpc": "2.0", "id": id, "result": {}}


@test("a batch whose stream breaks off: who has no answer is told",
      workers=BOTH, rows=(
    ("nobody has one", [note(1)], [1, "two", "\u00e9", -4]),
    ("one has", [result("two"), note(1)], [1, "\u00e9", -4]),
    ("two in one array", [[result(-4), result(1)]], ["two", "\u00e9"]),
    ("escaped in another way", [
        '{"jsonrpc":"2.0","id":"\\u0074wo","result":{}}',
        '{"jsonrpc":"2.0","id":"\\u00e9","error":{"code":1,"message":""}}'],
     [1, -4]),
    ("a request of the upstream", [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"}],
     [1, "two", "\u00e9", -4]),
    ("in an event of another name", ["other"], [1, "two", "\u00e9", -4]),
    ("all have", [result(1), [result("two"), result("\u00e9")],
                  result(-4)], [])))
def _(t):
    _, said, missing = t.row

    def script(q, out):
        out.sse()
        for e in said:
            if e == "other":
                out.event(result(1), event=e)
            else:
                out.event(e)
        out.drop()

    for options in ({}, GETS):
        with Upstream(script) as up, Gate(config({
                "s": server(up, options)}), t.workers) as g, g.conn() as c:
            s = c.begin("POST", "/s/mcp", [(
                "Accept", "application/json, text/event-stream")], BATCH)
            for _ in said:
                s.event()
            for id in missing:
                last = json.loads(s.event()["data"])
                equal(last["id"], id)
                equal(last["error"]["data"]["reason"], "upstream_down")
            equal(s.event(), None)


@test("requests that share an id wait for an answer each")
def _(t):
    def script(q, out):
        out.sse()
        out.event(result(1))
        out.drop()

    ask = [{"jsonrpc": "2.0", "id": 1, "method": "x"}] * 2
    with Upstream(script) as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", body=ask)
        equal(json.loads(s.event()["data"]), result(1))
        equal(json.loads(s.event()["data"])["error"]["data"]["reason"],
              "upstream_down")
        equal(s.event(), None)


@test("what was denied of a batch is answered once, also when it breaks off")
def _(t):
    def script(q, out):
        out.sse()
        out.drop()

    ask = [{"jsonrpc": "2.0", "id": n, "method": "tools/call",
            "params": {"name": n}} for n in ("get_a", "put_a", "get_b")]
    with Upstream(script) as up, Gate(config({"s": server(up, GETS)})) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", [(
            "Accept", "application/json, text/event-stream")], ask)
        got = [json.loads(s.event()["data"]) for _ in range(3)]
        equal([(d["id"], d["error"]["data"]["reason"]) for d in got],
              [("put_a", "unknown_tool"), ("get_a", "upstream_down"),
               ("get_b", "upstream_down")])
        equal(s.event(), None)


@test("the longest batch with the longest ids breaks off")
def _(t):
    ids = ["\\u00%02x" % (0x20 + i % 64) + "%0246d" % i
           for i in range(1000)]

    def script(q, out):
        out.sse()
        for i in range(0, 1000, 2):
            out.event('{"jsonrpc":"2.0","id":"%s","result":{}}' % ids[
                i].upper().replace("\\U", "\\u"))
        out.drop()

    body = "[%s]" % ",".join('{"jsonrpc":"2.0","id":"%s","method":"x"}' % i
                             for i in ids)
    with Upstream(script) as up, Gate(config(
            {"s": server(up)}, limits={"batch": 1000})) as g:
        began = time.monotonic()
        r = g.post("/s/mcp", body.encode(), {
            "Accept": "application/json, text/event-stream"})
        docs = [json.loads(e["data"]) for e in r.events() if "data" in e]
        equal(len(docs), 1000)
        equal({d["id"] for d in docs}, {json.loads('"%s"' % i) for i in ids})
        equal(sum("error" in d for d in docs), 500)
        assert time.monotonic() - began < 10, "took long"


@test("a stream that breaks off after its answer says nothing more", rows=(
    ("a result", lambda i: {"jsonrpc": "2.0", "id": i, "result": {}}),
    ("an error", lambda i: {"jsonrpc": "2.0", "id": i, "error": {
        "code": 1, "message": "no"}}),
    ("a large one", lambda i: {"jsonrpc": "2.0", "id": i,
                               "result": "x" * 2000000})))
def _(t):
    def script(q, out):
        out.sse()
        out.event(note(1))
        out.event(t.row[1](q.json["id"]))
        out.event(note(2))
        out.drop()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", body={
            "jsonrpc": "2.0", "id": "n\u00e9", "method": "x"})
        got = [json.loads(s.event()["data"]) for _ in range(3)]
        equal(got, [note(1), t.row[1]("n\u00e9"), note(2)])
        equal(s.event(), None)
        equal(g.access(server="s")["reason"], "upstream_down")


META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}}


@test("an upstream that ends a stream without the answer", rows=(
    ("nobody can go on: told", {}, "x", [note(1)], True),
    ("answered", {}, "x", [result(7)], False),
    ("a GET can go on", {"id": "e1"}, "x", [note(1)], False),
    ("no GET in the modern era", {"id": "e1"}, "tools/list", [note(1)], True),
    ("a subscription is begun anew", {}, "subscriptions/listen", [note(1)],
     False),
    ("nothing at all", {}, "x", [], True)))
def _(t):
    _, fields, method, events, told = t.row

    def script(q, out):
        out.sse()
        for e in events:
            out.event(e, **fields)
        out.end()

    ask = {"jsonrpc": "2.0", "id": 7, "method": method}
    headers = {"Accept": "application/json, text/event-stream"}
    if method != "x":
        ask["params"] = {"_meta": META}
        headers.update({"MCP-Protocol-Version": "2026-07-28",
                        "Mcp-Method": method})
    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.post("/s/mcp", ask, headers)
        got = [json.loads(e["data"]) for e in r.events() if "data" in e]
        equal(got[:len(events)], events)
        equal([(e["id"], e["error"]["data"]["reason"])
               for e in got[len(events):]],
              [(7, "upstream_protocol")] if told else [])


tap.main()
