#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""public_tools -- tools that need no credential, and nothing beside them"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.tools import Lists, TOOLS, shown  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
P = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
TOKEN = secret("inbound")
KEY = secret("hs-key-of-thirty-two-bytes")
OPEN = {"publicTools": ["get_*"]}
BY_TOKEN = {"strategy": "token", "token": {"values": [TOKEN]}}
BY_JWT = {"strategy": "jwt", "jwt": {
    "secret": KEY, "algorithms": ["HS256"], "audience": ["gate"],
    "issuer": "https://issuer.test"}}
BY_PROXY = {"strategy": "proxy", "proxy": {
    "userHeader": "X-User", "trustedPeers": ["10.0.0.1"]}}
BY_KEY = {"strategy": "apikey", "apikey": {"values": [TOKEN]}}
RULES = (("token", BY_TOKEN), ("jwt", BY_JWT), ("api key", BY_KEY),
         ("token or jwt", dict(BY_JWT, strategy=["token", "jwt"],
                               token=BY_TOKEN["token"])),
         ("local", {"strategy": "local"}))
FAR = {"REMOTE_ADDR": "203.0.113.9"}


def gate(up, inbound=BY_TOKEN, workers=1, **more):
    options = dict({"inboundAuth": inbound}, **OPEN)
    options.update(more)
    return Gate(config({"s": server(up, options)}), workers)


def ask(id, method, **params):
    row = {"jsonrpc": "2.0", "method": method}
    if params:
        row["params"] = params
    if id is not None:
        row["id"] = id
    return row


def call(g, name, headers=(), **more):
    return g.rpc("/s/mcp", "tools/call", {"name": name}, headers=headers,
                 **more)


def challenged(r, reason="unauthenticated"):
    equal((r.status, r.reason), (401, reason))
    assert r.header("www-authenticate").startswith("Bearer realm="), r


@test("what nobody needs a credential for", workers=BOTH, rows=RULES)
def _(t):
    with Upstream(Lists()) as up, gate(up, t.row[1], t.workers) as g:
        for method, params in (
                ("initialize", {"protocolVersion": "2025-06-18"}),
                ("ping", {}), ("tools/call", {"name": "get_a"})):
            r = g.rpc("/s/mcp", method, params, **FAR)
            equal(r.status, 200)
            assert "result" in r.json, r
        r = g.post("/s/mcp", ask(None, "notifications/initialized"), **FAR)
        equal(r.status, 202)
        equal(shown(g.rpc("/s/mcp", "tools/list", **FAR)),
              ["get_a", "get_b"])
        for method in ("prompts/list", "resources/list",
                       "resources/templates/list"):
            equal(shown(g.rpc("/s/mcp", method, **FAR), method), [])
        line = g.access(server="s", method="tools/list")
        equal((line["user"], line["status"]), ("anonymous", 200))


@test("and what they do", workers=BOTH, rows=RULES)
def _(t):
    with Upstream(Lists()) as up, gate(up, t.row[1], t.workers) as g:
        for method, params in (
                ("tools/call", {"name": "put_a"}), ("tools/call", {}),
                ("tools/call", {"name": "GET_a"}),
                ("prompts/get", {"name": "get_a"}),
                ("resources/read", {"uri": "get_a"}),
                ("logging/setLevel", {"level": "debug"}),
                ("completion/complete", {"ref": {
                    "type": "ref/prompt", "name": "get_a"}}),
                ("tasks/get", {"taskId": "get_a"}), ("x/get_a", {})):
            challenged(g.rpc("/s/mcp", method, params, **FAR))
        challenged(g.post("/s/mcp", ask(None, "notifications/cancelled",
                                        requestId=1), **FAR))
        challenged(g.post("/s/mcp", {"jsonrpc": "2.0", "id": 1,
                                     "result": {}}, **FAR))
        challenged(g.get("/s/mcp", [("Accept", "text/event-stream")],
                         **FAR))
        challenged(g.call("DELETE", "/s/mcp", **FAR))
        r = g.call("DELETE", "/s/mcp", [("Mcp-Session-Id", "x")], **FAR)
        equal((r.status, r.reason), (404, "session_not_found"))
        equal(up.calls, [])


@test("what is no message is not asked for a credential", rows=(
    ("no JSON", b"{", "parse_error"),
    ("no message", b'{"jsonrpc":"1.0"}', "invalid_request")))
def _(t):
    with Upstream(Lists()) as up, gate(up) as g:
        r = g.post("/s/mcp", t.row[1], **FAR)
        equal((r.status, r.reason), (400, t.row[2]))
        equal(r.header("www-authenticate"), None)


@test("in the modern era", workers=BOTH)
def _(t):
    def modern(method, name=None, **params):
        params["_meta"] = {P + "protocolVersion": MODERN,
                           P + "clientCapabilities": {}}
        heads = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if name is not None:
            heads["Mcp-Name"] = params["name"] = name
        return {"params": params, "headers": heads}

    with Upstream(Lists()) as up, gate(up, workers=t.workers) as g:
        for method, name, status in (
                ("server/discover", None, 200), ("tools/list", None, 200),
                ("tools/call", "get_a", 200), ("tools/call", "put_a", 401),
                ("subscriptions/listen", None, 401)):
            r = g.rpc("/s/mcp", method, **modern(method, name))
            equal(r.status, status, method)
        m = modern("tools/call", "get_a")
        m["params"]["name"] = "put_a"
        equal(g.rpc("/s/mcp", "tools/call", **m).status, 400)


@test("a session without a credential", workers=BOTH)
def _(t):
    lists = Lists()

    def script(q, out):
        if q.method == "POST" and q.json.get("method") == "initialize":
            return out.result({"protocolVersion": "2025-06-18"},
                              headers=[("Mcp-Session-Id", "up-1")])
        return lists(q, out)

    heads = {"Authorization": "Bearer " + TOKEN}
    with Upstream(script) as up, gate(up, workers=t.workers) as g:
        ids = [g.rpc("/s/mcp", "initialize", {
            "protocolVersion": "2025-06-18"}, headers=h).header(
                "mcp-session-id") for h in ({}, heads)]
        mine, other = ({"Mcp-Session-Id": i} for i in ids)
        equal(call(g, "get_a", mine).status, 200)
        equal(call(g, "get_a", other).status, 404)
        equal(call(g, "get_a", dict(heads, **mine)).status, 404)
        challenged(call(g, "put_a", mine))
        challenged(g.get("/s/mcp", dict(mine, Accept="text/event-stream")))
        equal(g.call("DELETE", "/s/mcp", other).status, 404)
        equal(g.call("DELETE", "/s/mcp", mine).status, 200)
        equal(call(g, "get_a", mine).status, 404)
        equal(call(g, "get_a", dict(heads, **other)).status, 200)


@test("a credential that is there must be good", workers=BOTH, rows=(
    ("another token", BY_TOKEN, {"Authorization": "Bearer " + "x" * 20}),
    ("no token", BY_TOKEN, {"Authorization": "Bearer"}),
    ("two", BY_TOKEN, {"Authorization": "Bearer a, Bearer b"}),
    ("another jwt", BY_JWT, {"Authorization": "Bearer a.b.c"}),
    ("another key", BY_KEY, {"X-API-Key": "x" * 20}),
    ("a header from anywhere", BY_PROXY, {"X-User": "alice"}),
    ("a bearer where none is asked for", BY_PROXY,
     {"Authorization": "Bearer abc"})))
def _(t):
    with Upstream(Lists()) as up, gate(up, t.row[1], t.workers) as g:
        equal(call(g, "get_a", t.row[2]).status, 401)
        equal(g.rpc("/s/mcp", "tools/list", headers=t.row[2]).status, 401)
        equal(up.calls, [])
        equal(call(g, "get_a").status, 200)


@test("an expired token is no anonymous caller")
def _(t):
    old = keys.hs256(KEY, keys.claims(exp=1000000000))
    with Upstream(Lists()) as up, gate(up, BY_JWT) as g:
        r = call(g, "get_a", {"Authorization": "Bearer " + old})
        equal((r.status, r.reason), (401, "token_expired"))


@test("with a credential everything is there", workers=BOTH)
def _(t):
    heads = {"Authorization": "Bearer " + TOKEN}
    with Upstream(Lists()) as up, gate(up, workers=t.workers) as g:
        equal(shown(g.rpc("/s/mcp", "tools/list", headers=heads)),
              list(TOOLS))
        equal(call(g, "put_a", heads).json["result"]["ran"], "put_a")
        equal(shown(g.rpc("/s/mcp", "prompts/list", headers=heads),
                    "prompts/list"), ["hello", "bye"])


@test("a batch is public when all of it is", workers=BOTH, rows=(
    ("all", [ask(1, "tools/call", name="get_a"), ask(2, "ping"),
             ask(3, "tools/list")], 200),
    ("all but one", [ask(1, "tools/call", name="get_a"),
                     ask(2, "tools/call", name="put_a")], 401),
    ("a notification", [ask(1, "ping"), ask(None, "tools/call",
                                            name="put_a")], 401)))
def _(t):
    with Upstream(Lists()) as up, gate(up, workers=t.workers) as g:
        r = g.post("/s/mcp", t.row[1])
        equal(r.status, t.row[2])
        if r.status == 200:
            by_id = {d["id"]: d["result"] for d in r.json}
            equal([x["name"] for x in by_id[3]["tools"]],
                  ["get_a", "get_b"])
        else:
            challenged(r)
            equal(up.calls, [])


@test("scopes and users that are asked for count with a credential")
def _(t):
    inbound = dict(BY_TOKEN, requiredScopes=["mcp"], allowUsers=["token:1"])
    with Upstream(Lists()) as up, gate(up, inbound) as g:
        equal(call(g, "get_a").status, 200)
        r = call(g, "get_a", {"Authorization": "Bearer " + TOKEN})
        equal((r.status, r.reason), (403, "forbidden"))
        r = call(g, "put_a")
        equal(r.header("www-authenticate"),
              'Bearer realm="mcpgate", scope="mcp"')
    inbound = dict(BY_TOKEN, denyUsers=["anon*"])
    with Upstream(Lists()) as up, gate(up, inbound) as g:
        challenged(call(g, "get_a"))


@test("filter and policy count too", workers=BOTH)
def _(t):
    with Upstream(Lists()) as up, gate(up, workers=t.workers, toolFilter={
            "mode": "block", "list": ["get_b"]}) as g:
        equal(shown(g.rpc("/s/mcp", "tools/list")), ["get_a"])
        equal(call(g, "get_b").error["message"], "Unknown tool: get_b")
        challenged(call(g, "put_a"))
    with Upstream(Lists()) as up, gate(up, workers=t.workers, policy=[
            {"effect": "allow", "tools": ["*"], "users": ["token:*"]},
            {"effect": "allow", "tools": ["get_a"]}]) as g:
        equal(shown(g.rpc("/s/mcp", "tools/list")), ["get_a"])
        challenged(call(g, "get_b"))
        equal(call(g, "get_b", {"Authorization": "Bearer " + TOKEN}).status,
              200)


@test("where everybody may come in, nothing is special")
def _(t):
    inbound = dict(BY_TOKEN, strategy=["token", "none"])
    with Upstream(Lists()) as up, gate(up, inbound) as g:
        equal(shown(g.rpc("/s/mcp", "tools/list")), list(TOOLS))
        equal(call(g, "put_a").status, 200)


@test("other servers stay closed")
def _(t):
    with Upstream(Lists()) as up:
        conf = config({"s": server(up, dict(OPEN, inboundAuth=BY_TOKEN)),
                       "o": server(up, {"inboundAuth": BY_TOKEN})}, OPEN)
        with Gate(conf) as g:
            equal(call(g, "get_a").status, 200)
            challenged(g.rpc("/o/mcp", "tools/call", {"name": "get_a"}))
            challenged(g.rpc("/o/mcp", "initialize", {}))


@test("counted once", workers=BOTH)
def _(t):
    with Upstream(Lists()) as up, gate(up, workers=t.workers) as g:
        call(g, "get_a")
        call(g, "put_a")
        call(g, "get_a", {"Authorization": "Bearer " + TOKEN})
        m = g.metrics()
        equal(m.total("mcp_auth_attempts_total", server="s"), 3)
        equal(m.total("mcp_auth_success_total", server="s"), 2)
        equal(m.total("mcp_auth_failures_total", server="s",
                      reason="unauthenticated"), 1)


tap.main()
