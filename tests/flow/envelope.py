#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""envelope -- what is a JSON-RPC message that we pass on, and what is not"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
P = "io.modelcontextprotocol/"
MODERN = "2026-07-28"


def ask(method="ping", id=1, **params):
    m = {"jsonrpc": "2.0", "id": id, "method": method}
    if params:
        m["params"] = params
    return m


def meta(version=MODERN, **more):
    rows = {P + "protocolVersion": version, P + "clientCapabilities": {},
            P + "clientInfo": {"name": "t", "version": "1"}}
    rows.update(more)
    return {k: v for k, v in rows.items() if v is not None}


def heads(method="tools/list", name=None, version=MODERN):
    rows = {"MCP-Protocol-Version": version, "Mcp-Method": method,
            "Mcp-Name": name}
    return {k: v for k, v in rows.items() if v is not None}


@test("a body that is not JSON", workers=BOTH, rows=(
    ("empty", b""), ("words", b"hello"), ("cut", b'{"jsonrpc":"2.0",'),
    ("two documents", b'{"jsonrpc":"2.0","id":1,"method":"ping"}{}'),
    ("single quotes", b"{'jsonrpc':'2.0'}"),
    ("trailing comma", b'{"jsonrpc":"2.0","id":1,"method":"ping",}'),
    ("comment", b'/**/{"jsonrpc":"2.0","id":1,"method":"ping"}'),
    ("NaN", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}'),
    ("raw control", b'{"jsonrpc":"2.0","id":1,"method":"p\ning"}'),
    ("bad UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"p\xff"}'),
    ("BOM", b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}')))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        r = g.post("/s/mcp", t.row[1], CONTENT_TYPE="application/json")
        equal(r.status, 400)
        equal(r.error["code"], -32700)
        equal(r.error["message"], "request is not valid JSON")
        equal(r.error["data"]["reason"], "parse_error")
        assert r.error["data"]["requestId"]
        assert "id" not in r.json
        equal(up.calls, [])


@test("JSON that is no message", workers=BOTH, rows=(
    ("number", b"1"), ("text", b'"a"'), ("null", b"null"),
    ("empty object", b"{}"), ("empty array", b"[]"),
    ("wrong version", b'{"jsonrpc":"1.0","id":1,"method":"ping"}'),
    ("no version", b'{"id":1,"method":"ping"}'),
    ("method is a number", b'{"jsonrpc":"2.0","id":1,"method":1}'),
    ("id is null", b'{"jsonrpc":"2.0","id":null,"method":"ping"}'),
    ("id is an object", b'{"jsonrpc":"2.0","id":{},"method":"ping"}'),
    ("id is a fraction", b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}'),
    ("twice the same name",
     b'{"jsonrpc":"2.0","id":1,"method":"a","method":"ping"}')))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        r = g.post("/s/mcp", t.row[1])
        equal(r.status, 400)
        equal(r.error["code"], -32600)
        equal(r.error["data"]["reason"], "invalid_request")
        equal(up.calls, [])


@test("depth stands at its limit and breaks one above", rows=(
    ("at", 128, 200), ("above", 129, 400)))
def _(t):
    _, depth, status = t.row
    inner = depth - 2               # the message, params
    body = (b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":'
            + b"[" * inner + b"]" * inner + b"}}")
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        equal(g.post("/s/mcp", body).status, status)


@test("an error repeats the id with its type", workers=BOTH,
      rows=(7, "seven", -3, 0, "", "ü\"\\", 9007199254740993))
def _(t):
    conf = config({"s": server("http://127.0.0.1:9/mcp")})
    with Gate(conf, t.workers) as g:
        r = g.rpc("/s/mcp", "ping", id=t.row)
        equal(r.status, 502)
        equal(r.json["id"], t.row)
        equal(type(r.json["id"]), type(t.row))
        equal(r.json["jsonrpc"], "2.0")


@test("an accepted notification or answer has no body", workers=BOTH, rows=(
    ("notification", {"jsonrpc": "2.0", "method": "notifications/x"}),
    ("response", {"jsonrpc": "2.0", "id": 1, "result": {}}),
    ("error", {"jsonrpc": "2.0", "id": 1,
               "error": {"code": -1, "message": "m"}})))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        r = g.post("/s/mcp", t.row[1])
        equal(r.status, 202)
        equal(r.body, b"")
        equal(r.header("content-length"), "0")
        equal(up.calls[0].json, t.row[1])


@test("an answer that cannot be taken is refused by status, without an id",
      workers=BOTH, rows=("http", "rpc", "tool"))
def _(t):
    conf = config({"s": server("http://127.0.0.1:9/mcp",
                               {"errorStyle": t.row})})
    with Gate(conf, t.workers) as g:
        for answer in ({"result": {}}, {"error": {"code": 1, "message": ""}},
                       {"result": {}, "error": {}},
                       {"result": {}, "jsonrpc": "1.0"},
                       {"result": {}, "Method": "x"}):
            r = g.post("/s/mcp", dict({"jsonrpc": "2.0", "id": 1}, **answer))
            equal(r.status, 400 if len(answer) > 1 else 502)
            assert "id" not in r.json


@test("nobody hears what an upstream says to a notification", rows=(
    ("JSON", "json"), ("events", "sse"), ("an HTML page", "html")))
def _(t):
    def script(q, out):
        if t.row[1] == "sse":
            out.sse()
            out.event({"jsonrpc": "2.0", "id": 1, "result": {}})
            return out.end()
        return out.body(200, b'{"jsonrpc":"2.0","id":1,"result":{}}',
                        kind="text/html" if t.row[1] == "html"
                        else "application/json")

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        for accept in ("application/json, text/event-stream",
                       "application/json", "text/event-stream"):
            r = g.post("/s/mcp", {"jsonrpc": "2.0", "method": "x"},
                       {"Accept": accept})
            equal((r.status, r.body), (202, b""))


@test("the body goes up byte for byte", workers=BOTH)
def _(t):
    body = (b' {"id" : 12345678901234567890,\t"params":{"x":1.50e+3,'
            b'"s":"\\u00e9\\/","z":null},\n"method":"tools/call",'
            b'"jsonrpc":"2.0" } ')
    with Upstream(lambda q, out: out.json({"ok": 1})) as up, \
            Gate(config({"s": server(up)}), t.workers) as g:
        equal(g.post("/s/mcp", body).status, 200)
        equal(up.calls[0].body, body)


@test("the reply comes down byte for byte")
def _(t):
    body = b'{"id":1,  "jsonrpc":"2.0","result":{"f":1.50,"u":"\\u00e9"}}\n'
    with Upstream(lambda q, out: out.body(200, body)) as up, \
            Gate(config({"s": server(up)})) as g:
        equal(g.rpc("/s/mcp", "x").body, body)


BATCH = [ask(id=1), ask(id=2),
         {"jsonrpc": "2.0", "method": "notifications/x"}]


@test("batches are for the revisions that have them", workers=BOTH, rows=(
    ("2025-03-26", "2025-03-26", 200), ("2024-11-05", "2024-11-05", 200),
    ("2025-06-18", "2025-06-18", 400), ("2025-11-25", "2025-11-25", 400),
    (MODERN, MODERN, 400)))
def _(t):
    _, version, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        r = g.post("/s/mcp", BATCH, {"MCP-Protocol-Version": version})
        equal(r.status, status)
        if status == 200:
            equal([m["id"] for m in r.json], [1, 2])
        else:
            equal(r.error["code"], -32600)
            equal(up.calls, [])


@test("a batch stands at its limit and breaks one above", rows=(
    ("at", 50, 200), ("above", 51, 400)))
def _(t):
    _, n, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.post("/s/mcp", [ask(id=i) for i in range(n)],
                   {"MCP-Protocol-Version": "2025-03-26"})
        equal(r.status, status)


@test("initialize and modern messages are never in a batch", rows=(
    ("initialize", [ask("initialize", protocolVersion="2025-03-26",
                        capabilities={}), ask(id=2)]),
    ("modern", [ask("tools/list", _meta=meta()), ask(id=2)]),
    ("no message", [ask(), 5])))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.post("/s/mcp", t.row[1],
                   {"MCP-Protocol-Version": "2025-03-26"})
        equal(r.status, 400)
        equal(r.error["code"], -32600)
        equal(up.calls, [])


LIST = "tools/list"


@test("the modern era is checked before anything goes up", workers=BOTH,
      rows=(
          ("all well", LIST, meta(), heads(), 200, None),
          ("no capabilities", LIST, meta(**{P + "clientCapabilities": None}),
           heads(), 400, -32602),
          ("no clientInfo", LIST, meta(**{P + "clientInfo": None}), heads(),
           200, None),
          ("no version header", LIST, meta(), heads(version=None), 400,
           -32020),
          ("another version header", LIST, meta(),
           heads(version="2025-11-25"), 400, -32020),
          ("a version we do not serve", LIST, meta("2099-01-01"),
           heads(version="2099-01-01"), 400, -32022),
          ("a legacy version claimed", LIST, meta("2025-11-25"),
           heads(version="2025-11-25"), 400, -32022),
          ("no Mcp-Method", LIST, meta(), heads(None), 400, -32020),
          ("another Mcp-Method", LIST, meta(), heads("tools/call"), 400,
           -32020),
          ("no Mcp-Name", "tools/call", meta(), heads("tools/call"), 400,
           -32020),
          ("another Mcp-Name", "tools/call", meta(),
           heads("tools/call", "other"), 400, -32020),
          ("the right Mcp-Name", "tools/call", meta(),
           heads("tools/call", "echo"), 200, None),
          ("an encoded Mcp-Name", "tools/call", meta(),
           heads("tools/call", "=?base64?ZWNobw==?="), 200, None),
          ("a badly encoded Mcp-Name", "tools/call", meta(),
           heads("tools/call", "=?base64?ZWNobw=?="), 400, -32020),
          ("a removed method", "ping", meta(), heads("ping"), 404, -32601),
          ("initialize", "initialize", meta(), heads("initialize"), 404,
           -32601),
          ("header without claim", LIST, None, heads(), 400, -32602)))
def _(t):
    _, method, claim, headers, status, code = t.row
    params = {"_meta": claim} if claim else {}
    if method == "tools/call":
        params.update(name="echo", arguments={})
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        r = g.rpc("/s/mcp", method, params, id="m1", headers=headers)
        equal(r.status, status)
        if code is None:
            equal(len(up.calls), 1)
            return
        equal(r.error["code"], code)
        equal(r.json["id"], "m1")
        equal(up.calls, [])
        if code == -32022:
            equal(r.error["data"]["supported"], [MODERN])
            equal(r.error["data"]["requested"],
                  headers["MCP-Protocol-Version"])


@test("checkHeaders off lets differing names pass")
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up, {"protocol":
                                        {"checkHeaders": False}})})
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", LIST, {"_meta": meta()},
                      headers=heads("tools/call"))
            equal(r.status, 200)
            equal(up.calls[0].header("mcp-method"), LIST)


@test("the legacy version header", rows=(
    ("known", "2025-11-25", 200), ("known too", "2025-06-18", 200),
    ("absent", None, 200), ("unknown", "1999-01-01", 400),
    ("words", "latest", 400)))
def _(t):
    _, version, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        headers = {"MCP-Protocol-Version": version} if version else {}
        r = g.rpc("/s/mcp", "ping", headers=headers)
        equal(r.status, status)


OFFERED = ["2025-06-18", "2025-11-25"]


@test("revisions that the operator does not offer", rows=(
    ("offered", "ping", {"MCP-Protocol-Version": "2025-11-25"}, {}, 200),
    ("no word of it", "ping", {}, {}, 200),
    ("by header", "ping", {"MCP-Protocol-Version": "2025-03-26"}, {}, 400),
    ("asked for", "initialize", {}, {"protocolVersion": "2024-11-05"}, 400),
    ("asked for, unknown", "initialize", {}, {"protocolVersion": "9\"9"},
     400),
    ("asked for, offered", "initialize", {}, {"protocolVersion":
                                              "2025-06-18"}, 200),
    ("modern", LIST, heads(LIST), {"_meta": meta()}, 400)))
def _(t):
    _, method, headers, params, status = t.row
    with Upstream() as up:
        conf = config({"s": server(up, {"protocol": {"versions": OFFERED}})})
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", method, params or None, headers=headers,
                      id=4)
            equal(r.status, status)
            equal(len(up.calls), 1 if status == 200 else 0)
            if status == 400:
                equal((r.reason, r.error["code"], r.error["message"]),
                      ("version_unsupported", -32022,
                       "protocol version is not supported"))
                equal(r.error["data"]["supported"], OFFERED)


@test("a stream or an end in a revision that is not offered",
      rows=("GET", "DELETE"))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up, {"protocol": {"versions": OFFERED}})})
        with Gate(conf) as g:
            r = g.call(t.row, "/s/mcp", {
                "Accept": "text/event-stream",
                "MCP-Protocol-Version": "2025-03-26"})
            equal((r.status, r.reason), (400, "version_unsupported"))
            equal(up.calls, [])


# Such a client has no sessions: no stream of one, nothing to end.
@test("a stream or an end in a revision without sessions", workers=BOTH,
      rows=tuple((method, version, session, status)
                 for method in ("GET", "DELETE")
                 for session in (True, False)
                 for version, status in (
                     (MODERN, 400), ("2025-11-25", 200), (None, 200))))
def _(t):
    method, version, session, status = t.row

    def script(q, out):
        if q.method == "GET":
            out.sse()
            out.event({"jsonrpc": "2.0", "method": "notifications/x"})
            return out.end()
        return out.json({"jsonrpc": "2.0", "id": 1, "result": {}},
                        headers=[("Mcp-Session-Id", "of-upstream")])

    with Upstream(script) as up, \
            Gate(config({"s": server(up)}), t.workers) as g:
        headers = {"Accept": "text/event-stream"}
        if session:
            headers["Mcp-Session-Id"] = g.rpc(
                "/s/mcp", "initialize",
                {"protocolVersion": "2025-11-25"}).header("mcp-session-id")
        if version is not None:
            headers["MCP-Protocol-Version"] = version
        began = len(up.calls)
        r = g.call(method, "/s/mcp", headers)
        equal(r.status, status)
        equal(len(up.calls) - began, 1 if status == 200 else 0)
        if status == 400:
            equal(r.reason, "bad_request")
            del headers["MCP-Protocol-Version"]
            equal(g.call(method, "/s/mcp", headers).status, 200)


@test("the content type", rows=(
    ("with charset", "application/json; charset=utf-8", 200),
    ("upper case", "Application/JSON", 200), ("text", "text/plain", 415),
    ("form", "application/x-www-form-urlencoded", 415),
    ("none", None, 415)))
def _(t):
    _, kind, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "ping", CONTENT_TYPE=kind)
        equal(r.status, status)


@test("what the client accepts", rows=(
    ("both", "application/json, text/event-stream", 200),
    ("anything", "*/*", 200), ("JSON only", "application/json", 200),
    ("neither", "text/html", 406),
    ("none of anything", "*/*;q=0", 406),
    ("neither of both", "application/json;q=0, text/event-stream; Q=0.000",
     406), ("not by name", "*/*, application/json;q=0, text/*;q=0.0", 406),
    ("one by name", "*/*;q=0, application/json", 200),
    ("said and taken back", "application/json, application/json;q=0", 200),
    ("a little", "application/json;q=0.001", 200),
    ("another parameter", "application/json;v=0;q=1", 200)))
def _(t):
    _, accept, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "ping", headers={"Accept": accept})
        equal(r.status, status)
        if status != 200:
            equal(r.reason, "not_acceptable")


@test("events go to whoever takes them", rows=(
    ("both", "application/json, text/event-stream", True),
    ("events by name", "*/*;q=0, text/event-stream", True),
    ("not these", "application/json, text/event-stream;q=0", False),
    ("not these of all", "*/*, text/event-stream;q=0", False),
    ("no text", "application/json, text/*;q=0", False),
    ("of text only these", "text/*;q=0, text/event-stream", True)))
def _(t):
    def script(q, out):
        out.sse()
        out.event({"jsonrpc": "2.0", "id": 1, "result": {}})
        out.end()

    _, accept, events = t.row
    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "ping", headers={"Accept": accept})
        equal((r.status, r.header("content-type").split(";")[0]),
              (200, "text/event-stream" if events else "application/json"))


tap.main()
