#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""filter_lists -- lists show what a caller may use, byte by byte, page by page"""
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
from kit.tools import Lists, TOOLS, entry, shown  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
FORMS = ("json", "events", "spread")
P = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
GETS = {"toolFilter": {"mode": "allow", "list": ["get_*"]}}
NO_DELETE = {"toolFilter": {"mode": "block", "list": ["delete_*"]}}
RULES = {"policy": [
    {"effect": "allow", "tools": ["get_*"], "prompts": ["hello"],
     "resources": ["file:///pub/*"]}]}


def gate(up, options, workers=1, **more):
    return Gate(config({"s": server(up, options)}, **more), workers)


def modern(method, version=MODERN, **params):
    params["_meta"] = {P + "protocolVersion": version,
                       P + "clientCapabilities": {}}
    return {"params": params, "headers": {
        "MCP-Protocol-Version": version, "Mcp-Method": method}}


@test("a filter", workers=BOTH, rows=(
    ("allow", GETS, ["get_a", "get_b"]),
    ("block", NO_DELETE, ["get_a", "get_b", "put_a", "list_a"]),
    ("nothing", {"toolFilter": {"mode": "allow", "list": []}}, []),
    ("a policy", RULES, ["get_a", "get_b"]),
    ("no filter", {}, list(TOOLS))))
def _(t):
    for form in FORMS:
        with Upstream(Lists(form)) as up, gate(up, t.row[1],
                                               t.workers) as g:
            equal(shown(g.rpc("/s/mcp", "tools/list")), t.row[2], form)
            m = modern("tools/list")
            equal(shown(g.rpc("/s/mcp", "tools/list", **m)), t.row[2], form)
            r = g.rpc("/s/mcp", "tools/list",
                      headers=[("Accept", "application/json")])
            equal(r.header("content-type"), "application/json")
            equal(shown(r), t.row[2], form)


@test("what stays keeps its bytes", rows=("json", "events"))
def _(t):
    lists = Lists(t.row, more=',"x": 1.00,"\\u0079":"\\/"')
    want = '{"jsonrpc":"2.0","id":7,"result":{"tools": [%s,%s],"x": 1.00,' \
        '"\\u0079":"\\/"}}' % (entry("name", "get_a"),
                               entry("name", "get_b"))
    with Upstream(lists) as up, gate(up, GETS) as g:
        r = g.rpc("/s/mcp", "tools/list", id=7)
        if t.row == "json":
            equal(r.body.decode(), want)
            equal(r.header("content-length"), str(len(want)))
        else:
            events = r.events()
            equal(events[-1], {"id": "9", "data": want})
            equal(events[0]["event"], "message")


@test("a list that needs no change comes as it was")
def _(t):
    lists = Lists()
    lists.names["tools/list"] = ["get_a", "get_b"]
    with Upstream(lists) as up, gate(up, GETS) as g:
        equal(g.rpc("/s/mcp", "tools/list").body.decode(),
              lists.one({"id": 1, "method": "tools/list"}))


@test("page by page", workers=BOTH, rows=FORMS)
def _(t):
    with Upstream(Lists(t.row, page=2)) as up, \
            gate(up, NO_DELETE, t.workers) as g:
        pages, cursor = [], None
        while True:
            params = {} if cursor is None else {"cursor": cursor}
            r = g.rpc("/s/mcp", "tools/list", params)
            pages.append(shown(r))
            doc = r.json if t.row == "json" else \
                json.loads(r.events()[-1]["data"])
            cursor = doc["result"].get("nextCursor")
            if cursor is None:
                break
        equal(pages, [["get_a", "get_b"], ["put_a"], ["list_a"]])


@test("prompts, resources and templates by a policy", rows=FORMS)
def _(t):
    with Upstream(Lists(t.row)) as up, gate(up, RULES) as g:
        for method, want in (
                ("prompts/list", ["hello"]),
                ("resources/list", ["file:///pub/a"]),
                ("resources/templates/list", ["file:///pub/{x}"])):
            equal(shown(g.rpc("/s/mcp", method), method), want)
    with Upstream(Lists(t.row)) as up, gate(up, GETS) as g:
        equal(shown(g.rpc("/s/mcp", "prompts/list"), "prompts/list"),
              ["hello", "bye"])


@test("a batch", workers=BOTH, rows=FORMS)
def _(t):
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
             {"jsonrpc": "2.0", "method": "notifications/x"},
             {"jsonrpc": "2.0", "id": "p", "method": "prompts/list"},
             {"jsonrpc": "2.0", "id": 3, "method": "tools/call",
              "params": {"name": "get_a"}}]
    with Upstream(Lists(t.row)) as up, gate(up, RULES, t.workers) as g:
        r = g.post("/s/mcp", batch)
        equal(r.status, 200)
        docs = r.json if t.row == "json" else [
            d for d in (json.loads(e["data"]) for e in r.events())
            if "id" in d]
        by_id = {d["id"]: d["result"] for d in docs}
        equal([x["name"] for x in by_id[1]["tools"]], ["get_a", "get_b"])
        equal([x["name"] for x in by_id["p"]["prompts"]], ["hello"])
        equal(by_id[3]["ran"], "get_a")


@test("a result of another request is left alone")
def _(t):
    def script(q, out):
        out.result({"tools": [{"name": "put_a"}], "content": []})

    with Upstream(script) as up, gate(up, GETS) as g:
        r = g.rpc("/s/mcp", "tools/call", {"name": "get_a"})
        equal(r.json["result"]["tools"], [{"name": "put_a"}])


@test("an id in another spelling hides nothing", rows=(
    "1.0", '"1"', "2", "null", "1e0"))
def _(t):
    def script(q, out):
        out.body(200, '{"jsonrpc":"2.0","id":%s,"result":{"tools":['
                 '{"name":"put_a"}]}}' % t.row)

    with Upstream(script) as up, gate(up, GETS) as g:
        equal(g.rpc("/s/mcp", "tools/list").json["result"], {"tools": []})


@test("an id that two requests share hides nothing", rows=(
    ("twice", "1", "1", "1"), ("escaped", '"a"', '"\\u0061"', '"a"'),
    ("escaped too", '"\\u0061"', '"a"', '"\\u0061"'),
    ("no sign of nothing", "0", "-0", "0"),
    ("too large for some", "9007199254740992", "9007199254740993",
     "9007199254740992")))
def _(t):
    _, other, ours, said = t.row

    def script(q, out):
        out.body(200, '[{"jsonrpc":"2.0","id":%s,"result":{"tools":['
                 '{"name":"get_a"},{"name":"put_a"}]}}]' % said)

    batch = '[{"jsonrpc":"2.0","id":%s,"method":"ping"},' \
        '{"jsonrpc":"2.0","id":%s,"method":"tools/list"}]' % (other, ours)
    with Upstream(script) as up, gate(up, GETS) as g:
        for body in (batch, "[%s]" % ",".join(reversed(
                batch[1:-1].replace("},{", "}\n{").split("\n")))):
            equal(g.post("/s/mcp", body).json[0]["result"]["tools"],
                  [{"name": "get_a"}])


@test("the longest batch with the longest ids")
def _(t):
    def each(q, out):
        out.json([{"jsonrpc": "2.0", "id": m["id"],
                   "result": {"tools": [{"name": "put_a"}]}
                   if m["method"] == "tools/list" else {}} for m in q.json])

    batch = [{"jsonrpc": "2.0", "id": "%0254d" % i, "method":
              "tools/list" if i % 2 else "ping"} for i in range(1000)]
    with Upstream(each) as up, gate(up, GETS, limits={
            "batch": 1000}) as g:
        r = g.post("/s/mcp", batch)
        equal(r.status, 200)
        equal([m["result"] for m in r.json], [{}, {"tools": []}] * 500)


@test("a list on the stream of a session", workers=BOTH)
def _(t):
    lists = Lists()

    def script(q, out):
        out.sse()
        out.event({"jsonrpc": "2.0", "method": "notifications/x"})
        out.event(lists.one({"id": 1, "method": "tools/list"}), id="4")
        out.end()

    with Upstream(script) as up, gate(up, GETS, t.workers) as g:
        r = g.get("/s/mcp", [("Accept", "text/event-stream"),
                             ("Last-Event-ID", "3")])
        equal(shown(r), ["get_a", "get_b"])
        equal(r.events()[-1]["id"], "4")


@test("what cannot be read is not passed on", workers=BOTH, rows=(
    ("not JSON", b"hello"), ("cut", b'{"jsonrpc":"2.0","id":1,"resu'),
    ("twice", b'{"id":1,"result":{},"result":{"tools":[{"name":"x"}]}}'),
    ("escaped twice", b'{"id":1,"result":{"tools":[],"t\\u006fols":[]}}'),
    ("no list", b'{"id":1,"result":{"tools":{"a":1}}}'),
    ("bad UTF-8", b'{"id":1,"result":{"tools":[{"name":"\xff"}]}}'),
    ("two", b'{"id":1,"result":{}}{"id":1,"result":{}}')))
def _(t):
    with Upstream(lambda q, out: out.body(200, t.row[1])) as up, \
            gate(up, GETS, t.workers) as g:
        r = g.rpc("/s/mcp", "tools/list")
        equal((r.status, r.reason), (502, "upstream_protocol"))

    def events(q, out):
        out.sse()
        out.chunk(b"data: " + t.row[1] + b"\n\n")
        out.end()

    with Upstream(events) as up, gate(up, GETS, t.workers) as g:
        r = g.rpc("/s/mcp", "tools/list")
        equal([json.loads(e["data"])["error"]["data"]["reason"]
               for e in r.events()], ["upstream_protocol"])


@test("events of another name", workers=BOTH, rows=(
    ("words", "hello", "data: hello\n"),
    ("a list", Lists().one({"id": 1, "method": "tools/list"}), None),
    ("nearly a reply", '{"id":1,"result":{"tools":[{"name":"put_a"}]},}',
     ""),
    ("a reply twice", '{"id":1,"result":{},"result":{"tools":['
     '{"name":"put_a"}]}}', "")))
def _(t):
    _, said, want = t.row

    def script(q, out):
        out.sse()
        out.event(said, event="other", id="7")
        out.event(Lists().one({"id": 1, "method": "tools/list"}))
        out.end()

    with Upstream(script) as up, gate(up, GETS, t.workers) as g:
        r = g.rpc("/s/mcp", "tools/list")
        assert "put_a" not in r.body.decode()
        first = r.body.decode().split("\n\n")[1] + "\n"
        assert first.startswith("event: other\nid: 7\n"), first
        if want is not None:
            equal(first, "event: other\nid: 7\n" + want)
        equal([x["name"] for x in json.loads(
            r.events()[-1]["data"])["result"]["tools"]], ["get_a", "get_b"])


@test("an event that cannot be read ends a stream at once", workers=BOTH,
      rows=("with the head", "later", "a stream that waits"))
def _(t):
    def script(q, out):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        bad = b"data: {\"id\":1,\"resu\n\n"
        if t.row == "later":
            out.raw(head + b":\n\n")
            out.gone(0.3)
            out.raw(bad)
        else:
            out.raw(head + bad)
        up.gone_after.append(out.gone(10))
        out.close = True

    with Upstream(script) as up, gate(up, GETS, t.workers) as g, \
            g.conn() as c:
        heads = [("Accept", "application/json, text/event-stream")]
        if t.row == "a stream that waits":
            s = c.begin("GET", "/s/mcp", heads)
        else:
            s = c.begin("POST", "/s/mcp", heads, {
                "jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        began = time.monotonic()
        last = s.event()
        if t.row == "a stream that waits":
            equal(last, None)
        else:
            equal(json.loads(last["data"])["error"]["data"]["reason"],
                  "upstream_protocol")
            equal(s.event(), None)
        assert time.monotonic() - began < 3 * tap.SLOW, "told late"
        eventually(lambda: up.gone_after, 5, "the upstream was left")
        assert up.gone_after[0] is not None, "the upstream was not left"


@test("a list is as long as replyBody, and not longer", rows=FORMS[:2])
def _(t):
    room = 2048
    around = len("id: 9\ndata: \n\n") if t.row == "events" else 0
    lists = Lists(t.row, more=',"x":""')
    bare = len(lists.one({"id": 1, "method": "tools/list"})) + around
    conf = config({}, limits={"replyBody": room})
    with Upstream(lists) as up:
        conf["mcpServers"]["s"] = server(up, GETS)
        with Gate(conf) as g:
            lists.more = ',"x":"%s"' % ("x" * (room - bare))
            equal(shown(g.rpc("/s/mcp", "tools/list")), ["get_a", "get_b"])
            lists.more = ',"x":"%s"' % ("x" * (room - bare + 1))
            r = g.rpc("/s/mcp", "tools/list")
            doc = r.json if t.row == "json" else \
                json.loads(r.events()[-1]["data"])
            equal(doc["error"]["data"]["reason"], "upstream_protocol")


@test("a long list passes in pieces of any kind", rows=("json", "events"))
def _(t):
    lists = Lists(t.row)
    lists.names["tools/list"] = ["get_%d" % i if i % 2 else "put_%d" % i
                                 for i in range(4000)]
    with Upstream(lists) as up, gate(up, GETS) as g:
        r = g.rpc("/s/mcp", "tools/list")
        equal(shown(r), ["get_%d" % i for i in range(1, 4000, 2)])


@test("a list that depends on the caller is never public")
def _(t):
    lists = Lists(more=',"ttlMs":5,"cacheScope":"public"')
    for options, scope in ((RULES, "private"), (GETS, "public")):
        with Upstream(lists) as up, gate(up, options) as g:
            r = g.rpc("/s/mcp", "tools/list", **modern("tools/list"))
            equal(r.json["result"]["cacheScope"], scope)
            equal(r.json["result"]["ttlMs"], 5)


@test("null in the place of a list comes as it is", workers=BOTH,
      rows=("json", "events", "folded"))
def _(t):
    members = ("tools", "prompts", "resources", "resourceTemplates")
    reply = '{"jsonrpc":"2.0","id":1,"result":{%s}}' % ",".join(
        '"%s": null' % m for m in members)

    def script(q, out):
        if t.row == "json":
            return out.body(200, reply)
        out.sse()
        out.event(reply)
        return out.end()

    heads = {"Accept": "application/json"} if t.row == "folded" else {}
    with Upstream(script) as up, gate(up, RULES, t.workers) as g:
        for method in ("tools/list", "prompts/list", "resources/list",
                       "resources/templates/list"):
            r = g.rpc("/s/mcp", method, headers=heads)
            equal(r.status, 200)
            equal(r.body.decode(), reply if t.row != "events" else
                  ":\n\ndata: %s\n\n" % reply)


@test("an error for a list comes as it is", rows=("json", "status"))
def _(t):
    error = {"jsonrpc": "2.0", "id": 1,
             "error": {"code": -32603, "message": "no"}}
    with Upstream(lambda q, out: out.json(
            error, 200 if t.row == "json" else 400)) as up, \
            gate(up, GETS) as g:
        r = g.rpc("/s/mcp", "tools/list")
        equal((r.status, r.json), (200 if t.row == "json" else 400, error))


tap.main()
