#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""limits -- each at its value and one above, and what overload looks like"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream, plain  # noqa: E402

BOTH = (1, 4)
ASK = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def sized(n):
    """A request body of exactly n bytes."""
    head = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"'
    return head + b"x" * (n - len(head) - 3) + b'"}}'


@test("the body", workers=BOTH, rows=(
    ("at the limit", 4096, 200), ("one above", 4097, 413),
    ("far above", 1 << 20, 413)))
def _(t):
    _, n, status = t.row
    conf = config({}, limits={"requestBody": 4096})
    with Upstream() as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, t.workers) as g, g.conn() as c:
            s = c.begin("POST", "/s/mcp", body=sized(n), keep=True)
            r = s.rest()
            equal(r.status, status)
            equal(len(up.calls), 1 if status == 200 else 0)
            if status == 413:
                equal(r.reason, "too_large")
                equal(r.error["code"], -32600)
            # the connection serves on, in step
            equal(c.begin("POST", "/s/mcp", body=ASK,
                          keep=True).rest().status, 200)


@test("the default limit of a body is 4 MiB", rows=(
    ("at", 4 << 20, 200), ("above", (4 << 20) + 1, 413)))
def _(t):
    _, n, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        equal(g.post("/s/mcp", sized(n)).status, status)


@test("variables", workers=BOTH, rows=(
    ("bytes at the limit", "bytes", 65536, 200),
    ("bytes one above", "bytes", 65537, 431),
    ("count at the limit", "count", 512, 200),
    ("count one above", "count", 513, 431),
    ("headers at the limit", "headers", 100, 200),
    ("headers one above", "headers", 101, 431),
    ("a value at the limit", "value", 16400, 200),
    ("a value one above", "value", 16401, 431)))
def _(t):
    _, what, n, status = t.row
    body = fcgi._bytes(ASK)
    pairs = fcgi.variables("POST", "/s/mcp", [], body)

    def size():
        return sum(len(fcgi.pair(*p)) for p in pairs)

    if what == "count":
        pairs += [("SERVER_X%d" % i, "v") for i in range(n - len(pairs))]
    elif what == "headers":
        have = sum(1 for p in pairs if p[0].startswith("HTTP_"))
        pairs += [("HTTP_X_%d" % i, "v") for i in range(n - have)]
    elif what == "value":
        pairs.append(("HTTP_X_LONG", "x" * n))
    else:
        while n - size() > 9000:
            pairs.append(("SERVER_FILL", "x" * 8000))
        left = n - size()
        pairs.append(("SERVER_REST", "x" * (left - 16 - 4)))
        pairs[-1] = ("SERVER_REST", "x" * (
            len(pairs[-1][1]) + n - size()))
        equal(size(), n)
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g, g.conn() as c:
        c.send(fcgi.request(pairs, body, keep=True))
        r = c.stream().rest()
        equal(r.status, status)
        if status == 431:
            equal(r.reason, "too_large")
        equal(c.begin("POST", "/s/mcp", body=ASK).rest().status, 200)


@test("the URI", rows=(("at", 4096, 200), ("above", 4097, 414)))
def _(t):
    _, n, status = t.row
    uri = "/s/mcp?"
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc(uri + "x" * (n - len(uri) + 1), "ping",
                  QUERY_STRING="")
        equal(r.status, status)


@test("a length that is not the body's", workers=BOTH, rows=(
    ("too long", "99"), ("too short", "3"), ("words", "abc"),
    ("negative", "-1"), ("sign", "+41"), ("hex", "0x29"),
    ("overflow", "99999999999999999999")))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g:
        r = g.post("/s/mcp", ASK, CONTENT_LENGTH=t.row[1])
        equal(r.status, 400)
        equal(r.reason, "bad_request")
        equal(up.calls, [])


@test("no length at all", workers=BOTH, rows=(None, ""))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g:
        equal(g.post("/s/mcp", ASK, CONTENT_LENGTH=t.row).status, 200)


@test("bytes no header may hold", workers=BOTH, rows=(
    ("line feed", "a\nb", 400), ("carriage return", "a\rb", 400),
    ("bell", "a\x07b", 400), ("delete", "a\x7fb", 400),
    ("tab", "a\tb", 200), ("not ASCII", "a\xe9b", 200)))
def _(t):
    _, value, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g:
        r = g.rpc("/s/mcp", "ping", headers={"X-Some": value})
        equal(r.status, status)


@test("a slow sender is cut off", workers=BOTH)
def _(t):
    conf = config({}, limits={"inputTime": "1s"})
    with Upstream() as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf, t.workers) as g, g.conn() as c:
            data = fcgi.request(fcgi.variables(
                "POST", "/s/mcp", [], fcgi._bytes(ASK)), fcgi._bytes(ASK))
            c.send(data[:len(data) // 2])
            began = time.monotonic()
            assert c.closed(6), "the connection stays open"
            assert 0.5 < time.monotonic() - began < 5 * tap.SLOW
            equal(g.rpc("/s/mcp", "ping").status, 200)
            equal(up.calls[:-1], [])


@test("too many calls at once", workers=(1,), rows=(
    ("at the limit", 4, 200), ("one above", 5, 503)))
def _(t):
    _, n, status = t.row
    hold = Hold()

    def script(q, out):
        hold.wait()
        plain(q, out)

    conf = config({}, limits={"inFlight": 4})
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            open_ = [g.conn() for _ in range(n - 1)]
            streams = [c.begin("POST", "/s/mcp", body=ASK) for c in open_]
            up.wait(n - 1)
            last = g.conn()
            s = last.begin("POST", "/s/mcp", body=ASK)
            if status == 200:
                up.wait(n)
                hold.go()
            r = s.rest()
            equal(r.status, status)
            if status == 503:
                equal(r.reason, "overloaded")
                assert int(r.header("retry-after")) >= 1
                equal(g.get("/health").status, 200)
            hold.go()
            equal({x.rest().status for x in streams}, {200})
            for c in open_ + [last]:
                c.close()


@test("too many streams", workers=(1,))
def _(t):
    hold = Hold()

    def script(q, out):
        out.sse()
        out.event({"n": 1})
        hold.wait()
        out.end()

    conf = config({}, limits={"streams": 2})
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            rows = [("Accept", "text/event-stream")]
            conns = [g.conn() for _ in range(3)]
            for c in conns[:2]:
                c.begin("GET", "/s/mcp", rows).event()
            r = conns[2].begin("GET", "/s/mcp", rows).rest()
            equal((r.status, r.reason), (503, "overloaded"))
            equal(len(up.calls), 2, "the upstream is not asked")
            conns[0].close()
            eventually(lambda: g.metrics().total("mcpgate_streams") == 1)
            c = g.conn()
            equal(c.begin("GET", "/s/mcp", rows).head().status, 200)
            hold.go()
            for c in conns[1:] + [c]:
                c.close()


@test("too many subscriptions, which last as streams do", workers=(1,),
      rows=("subscriptions alone", "beside a GET"))
def _(t):
    hold = Hold()
    listen = "subscriptions/listen"
    p = "io.modelcontextprotocol/"
    body = {"jsonrpc": "2.0", "id": 1, "method": listen, "params": {"_meta": {
        p + "protocolVersion": "2026-07-28", p + "clientCapabilities": {},
        p + "clientInfo": {"name": "t", "version": "1"}}}}
    rows = [("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", listen)]

    def script(q, out):
        if q.method == "POST" and q.json["method"] != listen:
            return plain(q, out)
        out.sse()
        out.event({"n": 1})
        hold.wait()
        return out.end()

    conf = config({}, limits={"streams": 2})
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            conns = [g.conn() for _ in range(3)]
            if t.row == "beside a GET":
                conns[0].begin("GET", "/s/mcp", rows[:1]).event()
            else:
                conns[0].begin("POST", "/s/mcp", rows, body).event()
            conns[1].begin("POST", "/s/mcp", rows, body).event()
            r = conns[2].begin("POST", "/s/mcp", rows, body).rest()
            equal((r.status, r.reason), (503, "overloaded"))
            equal(r.json["id"], 1)
            assert int(r.header("retry-after")) >= 1
            equal(len(up.calls), 2)
            equal(g.rpc("/s/mcp", "ping").status, 200)  # a call has room
            conns[0].close()
            eventually(lambda: g.metrics().total("mcpgate_streams") == 1)
            c = g.conn()
            equal(c.begin("POST", "/s/mcp", rows, body).head().status, 200)
            hold.go()
            for c in conns[1:] + [c]:
                c.close()


@test("a call ends at the absolute limit", workers=(1,))
def _(t):
    def script(q, out):
        out.gone(6)
        out.close = True

    conf = config({}, limits={"requestTime": "1s"})
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            began = time.monotonic()
            equal(g.rpc("/s/mcp", "ping").status, 504)
            assert time.monotonic() - began < 4 * tap.SLOW


@test("a folded reply stands at its limit", workers=(1,), rows=(
    ("within", 30000, 200), ("above", 70000, 502)))
def _(t):
    _, n, status = t.row

    def script(q, out):
        out.sse()
        out.event({"jsonrpc": "2.0", "id": 1, "result": "x" * n})
        out.end()

    conf = config({}, streaming="off", limits={"replyBody": "64KiB"})
    with Upstream(script) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            equal(g.rpc("/s/mcp", "x").status, status)


tap.main()
