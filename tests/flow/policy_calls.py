#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""policy_calls -- who may call what: filters, rules, scopes, claims, batches"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.tools import Lists, shown  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
P = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
READER, WRITER = secret("reader"), secret("writer")
KEY = secret("hs-key-of-thirty-two-bytes")
TOKENS = {"strategy": "token", "token": {"values": [
    {"name": "reader", "value": READER, "scopes": ["mcp"]},
    {"name": "writer", "value": WRITER,
     "scopes": ["mcp", "github:write"]}]}}
JWT = {"strategy": "jwt", "jwt": {"secret": KEY, "algorithms": ["HS256"],
                                  "audience": ["gate"],
                                  "issuer": "https://issuer.test"}}
EXAMPLE = [
    {"effect": "allow", "tools": ["get_*", "list_*"]},
    {"effect": "allow", "tools": ["*"], "groups": ["writers"],
     "scopes": ["github:write"]}]
CODES = {"UNKNOWN_RESOURCE": -32602, "RESOURCE_NOT_FOUND": -32002}
GETS = {"toolFilter": {"mode": "allow", "list": ["get_*"]}}


def gate(up, options, workers=1, base=None, **more):
    return Gate(config({"s": server(up, options)}, base, **more), workers)


def bearer(token):
    return {"Authorization": "Bearer " + token}


def call(g, name, token=None, id=1, **more):
    heads = bearer(token) if token else {}
    return g.rpc("/s/mcp", "tools/call", {"name": name, "arguments": {}},
                 id=id, headers=heads, **more)


def unknown(r, name, id=1):
    equal(r.status, 200)
    equal(r.json["id"], id)
    equal(r.error["code"], -32602)
    equal(r.error["message"], "Unknown tool: " + name)
    equal(r.reason, "unknown_tool")
    assert r.error["data"]["requestId"]
    equal(r.all("www-authenticate"), [])


def modern(method, name=None, version=MODERN, **params):
    params["_meta"] = {P + "protocolVersion": version,
                       P + "clientCapabilities": {}}
    heads = {"MCP-Protocol-Version": version, "Mcp-Method": method}
    if name is not None:
        heads["Mcp-Name"] = name
    return {"params": params, "headers": heads}


@test("a filtered tool is unknown", workers=BOTH, rows=(
    "put_a", "delete_a", "", "Get_a", "get", "get_a\u0000", "\u00fc\n",
    " get_a", "x" * 3000))
def _(t):
    with Upstream(Lists()) as up, gate(up, GETS, t.workers) as g:
        r = call(g, t.row, id="a")
        if "\0" in t.row:
            equal((r.status, r.reason), (400, "invalid_request"))
        else:
            unknown(r, t.row, "a")
            line = g.access(server="s")
            equal((line["status"], line["reason"]), (200, "unknown_tool"))
        equal(up.calls, [])
        equal(call(g, "get_a").json["result"]["ran"], "get_a")
        m = modern("tools/call", "put_a")
        m["params"]["name"] = "put_a"
        unknown(g.rpc("/s/mcp", "tools/call", **m), "put_a")
        equal(len(up.calls), 1)


@test("a call that does not say what it calls", rows=(
    ("no name", b'{}'), ("positions", b'["put_a"]')))
def _(t):
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}'
    with Upstream(Lists()) as up, gate(up, GETS) as g:
        unknown(g.post("/s/mcp", body % t.row[1]), "")
        equal(up.calls, [])


@test("the name is read as the upstream reads it", rows=(
    b'{"n\\u0061me":"put_a"}', b'{"name":"\\u0070ut_a"}'))
def _(t):
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools\\/c\\u0061ll",' \
        b'"params":%s}'
    with Upstream(Lists()) as up, gate(up, GETS) as g:
        unknown(g.post("/s/mcp", body % t.row), "put_a")
        equal(up.calls, [])


@test("a denied notification is accepted and goes nowhere")
def _(t):
    with Upstream(Lists()) as up, gate(up, GETS) as g:
        r = g.post("/s/mcp", {"jsonrpc": "2.0", "method": "tools/call",
                              "params": {"name": "put_a"}})
        equal((r.status, r.body), (202, b""))
        equal(g.access(server="s")["reason"], "unknown_tool")
        equal(up.calls, [])


@test("the example of the manual", workers=BOTH)
def _(t):
    options = {"policy": EXAMPLE, "inboundAuth": JWT}

    def token(**more):
        return keys.hs256(KEY, keys.claims(**more))

    plain = token()
    group = token(groups=["writers"])
    full = token(groups=["writers", "x"], scope="mcp github:write")
    scope = token(scope="github:write")
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        for _ in range(2):                  # the second from the cache
            for who in (plain, group, full, scope):
                equal(call(g, "get_a", who).status, 200)
            unknown(call(g, "put_a", plain), "put_a")
            unknown(call(g, "put_a", scope), "put_a")
            r = call(g, "put_a", group)
            equal((r.status, r.reason), (403, "insufficient_scope"))
            equal(r.json["id"], 1)
            equal(r.error["message"], "scope is missing")
            equal(r.header("www-authenticate"),
                  'Bearer realm="mcpgate", error="insufficient_scope", '
                  'scope="github:write"')
            equal(call(g, "put_a", full).json["result"]["ran"], "put_a")
            for who, want in ((plain, ["get_a", "get_b", "list_a"]),
                              (group, ["get_a", "get_b", "list_a"]),
                              (full, ["get_a", "get_b", "put_a", "delete_a",
                                      "list_a"])):
                equal(shown(g.rpc("/s/mcp", "tools/list",
                                  headers=bearer(who))), want)
        equal(g.metrics().total("mcp_auth_failures_total", server="s",
                                reason="insufficient_scope"), 2)
        equal(g.metrics().total("mcpgate_requests_total", server="s",
                                code="403"), 2)
        names = [c.json["params"]["name"] for c in up.calls
                 if c.json["method"] == "tools/call"]
        equal(names, (["get_a"] * 4 + ["put_a"]) * 2)


@test("static tokens have scopes", workers=BOTH)
def _(t):
    options = {"inboundAuth": dict(TOKENS, requiredScopes=["mcp"]),
               "policy": [{"effect": "allow", "tools": ["get_*"]},
                          {"effect": "allow", "tools": ["put_*"],
                           "scopes": ["github:write", "mcp"]}]}
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        r = call(g, "put_a", READER)
        equal((r.status, r.reason), (403, "insufficient_scope"))
        equal(r.header("www-authenticate"),
              'Bearer realm="mcpgate", error="insufficient_scope", '
              'scope="mcp github:write"')
        equal(up.calls, [])
        equal(call(g, "put_a", WRITER).status, 200)
        unknown(call(g, "delete_a", WRITER), "delete_a")
        equal(call(g, "get_a").status, 401)


@test("claims, also from the cache", workers=BOTH, rows=(
    ("a word", {"dept": "ops"}, 1), ("another", {"dept": "dev"}, 0),
    ("one of a list", {"dept": ["x", "ops"]}, 1), ("none", {}, 0),
    ("one of the values", {"dept": "sec"}, 1),
    ("a number as text", {"dept": "ops", "level": "3"}, 2),
    ("a number", {"dept": "ops", "level": 3}, 2),
    ("a boolean", {"mfa": True}, 3), ("text that says true",
                                      {"mfa": "true"}, 3),
    ("false", {"mfa": False}, 0), ("nested", {"dept": {"ops": 1}}, 0)))
def _(t):
    options = {"inboundAuth": JWT, "policy": [
        {"effect": "allow", "tools": ["get_a"],
         "claims": {"dept": ["ops", "sec"]}},
        {"effect": "allow", "tools": ["get_b"],
         "claims": {"dept": "ops", "level": "3"}},
        {"effect": "allow", "tools": ["put_a"], "claims": {"mfa": "true"}}]}
    may = {0: [], 1: ["get_a"], 2: ["get_a", "get_b"], 3: ["put_a"]}[
        t.row[2]]
    token = keys.hs256(KEY, keys.claims(**t.row[1]))
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        for _ in range(3):
            equal(shown(g.rpc("/s/mcp", "tools/list",
                              headers=bearer(token))), may)
            for name in ("get_a", "get_b", "put_a"):
                equal("result" in call(g, name, token).json, name in may)


@test("claims, groups and scopes of a token that is asked about",
      workers=BOTH)
def _(t):
    policy = [{"effect": "deny", "tools": ["get_b"],
               "claims": {"dept": "dev"}},
              {"effect": "allow", "tools": ["get_*"],
               "claims": {"dept": ["ops", "dev"]}},
              {"effect": "allow", "tools": ["put_*"], "groups": ["w*"],
               "scopes": ["write"]}]
    answers = {"ops": {"dept": "ops"}, "dev": {"dept": ["dev"]},
               "group": {"groups": ["writers"]},
               "full": {"groups": ["writers"], "scope": "write"}}
    may = {"ops": "get_a get_b", "dev": "get_a", "group": "",
           "full": "put_a"}
    with Upstream(Lists()) as up, Idp() as idp:
        inbound = {"strategy": "introspection", "introspection": {
            "endpoint": idp.url("/introspect"), "clientId": "gate",
            "clientSecret": secret("introspection")}}
        tokens = {w: secret(w) for w in answers}
        for w, more in answers.items():
            idp.answers[tokens[w]] = dict(more, active=True, sub=w)
        with gate(up, {"inboundAuth": inbound, "policy": policy},
                  t.workers) as g:
            for _ in range(2):              # the second from the cache
                for w, token in tokens.items():
                    equal(shown(g.rpc("/s/mcp", "tools/list",
                                      headers=bearer(token))),
                          may[w].split())
                    for name in ("get_a", "get_b", "put_a"):
                        r = call(g, name, token)
                        equal(r.status == 200 and "result" in r.json,
                              name in may[w].split())
                equal(call(g, "put_a", tokens["group"]).status, 403)


@test("claims too large to be kept are looked at each time", workers=BOTH)
def _(t):
    values = ["%03d" % i + "v" * 60 for i in range(40)]
    options = {"inboundAuth": JWT, "policy": [
        {"effect": "allow", "tools": ["get_a"], "claims": {"big": values}},
        {"effect": "allow", "tools": ["get_b"],
         "claims": {"big": [values[-1]]}}]}
    token = keys.hs256(KEY, keys.claims(big=values))
    other = keys.hs256(KEY, keys.claims(big=values[:-1]))
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        for _ in range(3):
            for name in ("get_a", "get_b"):
                equal(call(g, name, token).json["result"]["ran"], name)
            equal(call(g, "get_a", other).json["result"]["ran"], "get_a")
            unknown(call(g, "get_b", other), "get_b")


@test("a new policy counts for tokens that are known", workers=BOTH)
def _(t):
    def options(dept):
        return {"inboundAuth": JWT, "policy": [
            {"effect": "allow", "tools": ["*"], "claims": {"dept": dept}}]}

    token = keys.hs256(KEY, keys.claims(dept=["a", "b"]))
    with Upstream(Lists()) as up, gate(up, options("a"), t.workers) as g:
        for dept, may in (("a", True), ("c", False), ("b", True)):
            g.reload(config({"s": server(up, options(dept))}))
            for _ in range(3):
                equal("result" in call(g, "get_a", token).json, may)


@test("users by name", workers=BOTH)
def _(t):
    options = {"inboundAuth": TOKENS, "policy": [
        {"effect": "deny", "tools": ["*"], "users": ["token:read*"]},
        {"effect": "allow", "tools": ["*"]}]}
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        unknown(call(g, "get_a", READER), "get_a")
        equal(call(g, "get_a", WRITER).status, 200)
        equal(shown(g.rpc("/s/mcp", "tools/list",
                          headers=bearer(READER))), [])


@test("prompts and resources", workers=BOTH)
def _(t):
    options = {"policy": [
        {"effect": "allow", "prompts": ["hello"],
         "resources": ["file:///pub/*"]}]}
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        r = g.rpc("/s/mcp", "prompts/get", {"name": "bye"})
        equal((r.status, r.error["code"], r.error["message"]),
              (200, -32602, "Unknown prompt: bye"))
        equal(r.reason, "unknown_prompt")
        for method in ("resources/read", "resources/subscribe",
                       "resources/unsubscribe"):
            r = g.rpc("/s/mcp", method, {"uri": "file:///etc/passwd"})
            equal((r.status, r.error["code"], r.error["message"],
                   r.error["data"]["uri"]),
                  (200, CODES["RESOURCE_NOT_FOUND"], "Resource not found",
                   "file:///etc/passwd"))
        for uri in ("file:///pub/../x", "file:///pub/%2e%2E/x",
                    "file:///pub/a%2F../../x"):
            r = g.rpc("/s/mcp", "resources/read", {"uri": uri})
            equal(r.error["code"], -32002)
        uri = "file:///x"
        m = modern("resources/read", uri, uri=uri)
        r = g.rpc("/s/mcp", "resources/read", **m)
        equal((r.status, r.error["code"], r.error["data"]["uri"]),
              (200, CODES["UNKNOWN_RESOURCE"], uri))
        equal(r.reason, "unknown_resource")
        equal(up.calls, [])
        for method, params in (
                ("prompts/get", {"name": "hello"}),
                ("resources/read", {"uri": "file:///pub/a"}),
                ("resources/subscribe", {"uri": "file:///pub/a"})):
            equal(g.rpc("/s/mcp", method, params).json["result"],
                  {"method": method})


@test("completion by its reference", rows=(
    ("prompt", {"type": "ref/prompt", "name": "hello"}, True),
    ("other prompt", {"type": "ref/prompt", "name": "bye"}, False),
    ("no name", {"type": "ref/prompt"}, False),
    ("resource", {"type": "ref/resource", "uri": "file:///pub/{x}"}, True),
    ("other", {"type": "ref/resource", "uri": "file:///{x}"}, False),
    ("a name where a URI belongs",
     {"type": "ref/resource", "name": "file:///pub/{x}"}, False),
    ("unknown", {"type": "ref/tool", "name": "hello"}, False),
    ("text", "hello", False), ("none", None, False)))
def _(t):
    options = {"policy": [
        {"effect": "allow", "prompts": ["hello"],
         "resources": ["file:///pub/*"]}]}
    with Upstream(Lists()) as up, gate(up, options) as g:
        r = g.rpc("/s/mcp", "completion/complete", {
            "ref": t.row[1], "argument": {"name": "x", "value": ""}})
        equal(r.status, 200)
        equal("result" in r.json, t.row[2])
        equal(len(up.calls), int(t.row[2]))


@test("names that only their case tells apart", workers=BOTH, rows=(
    ("a tool behind", "tools/call", '"name":"get_a","Name":"put_a"'),
    ("a tool before", "tools/call", '"NAME":"put_a","name":"get_a"'),
    ("a URI", "resources/read", '"uri":"file:///pub/a","Uri":"file:///a"'),
    ("a prompt", "prompts/get", '"name":"hello","nAme":"bye"'),
    ("a reference", "completion/complete",
     '"ref":{"type":"ref/prompt","name":"hello","Name":"bye"}'),
    ("all of a reference", "completion/complete",
     '"Ref":{"type":"ref/prompt","name":"bye"}'),
    ("what is watched", "subscriptions/listen",
     '"notifications":{"ResourceSubscriptions":["file:///a"]}'),
    ("a method", "ping", '},"Method":"tools/call","Params":{"name":"put_a"'),
    ("params", "tools/call", '"name":"get_a"},"PARAMS":{"name":"put_a"')))
def _(t):
    options = {"policy": [
        {"effect": "allow", "tools": ["get_*"], "prompts": ["hello"],
         "resources": ["file:///pub/*"]},
        {"effect": "allow", "tools": [], "methods": ["ping", "completion/*"]}]}
    one = '{"jsonrpc":"2.0","id":7,"method":"%s","params":{%s}}' % t.row[1:]
    answer = '{"jsonrpc":"2.0","id":7,"result":{},"Method":"tools/call",' \
        '"Params":{"name":"put_a"}}'
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        for body in (one, "[%s]" % one, answer):
            r = g.post("/s/mcp", body)
            equal((r.status, r.error["code"], r.reason),
                  (400, -32600, "invalid_request"))
        equal(up.calls, [])


@test("what is to be watched", rows=(
    ("nothing", [], True), ("ours", ["file:///pub/a"], True),
    ("another", ["file:///pub/a", "file:///b"], False),
    ("a number", [1], False), ("null", None, True),
    ("a word", "file:///b", False), ("an object", {"a": "file:///b"}, False),
    ("a list of lists", [["file:///b"]], False),
    ("all of it in a list", ["file:///b"], False)))
def _(t):
    options = {"policy": [
        {"effect": "allow", "resources": ["file:///pub/*"]}]}
    what = {"toolsListChanged": True, "resourceSubscriptions": t.row[1]}
    m = modern("subscriptions/listen", notifications=[what]
               if t.row[0].startswith("all") else what)
    with Upstream(Lists()) as up, gate(up, options) as g:
        r = g.rpc("/s/mcp", "subscriptions/listen", **m)
        equal(r.status, 200)
        equal(len(up.calls), int(t.row[2]))
        if not t.row[2]:
            equal(r.error["code"], -32602)


@test("other methods", workers=BOTH)
def _(t):
    options = {"policy": [
        {"effect": "deny", "methods": ["logging/*"]},
        {"effect": "allow", "tools": ["get_*"]},
        {"effect": "allow", "methods": ["x/*", "tasks/get"]}]}
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        for method in ("initialize", "ping", "x/y", "tasks/get",
                       "prompts/list"):
            params = {"taskId": "1", "protocolVersion": "2025-06-18"}
            assert "result" in g.rpc("/s/mcp", method, params).json, method
        n = len(up.calls)
        for method in ("logging/setLevel", "y/x", "tasks/list", "Tools/call",
                       "tools/call/x"):
            r = g.rpc("/s/mcp", method, {"name": "get_a"})
            equal((r.status, r.error["code"], r.error["message"]),
                  (200, -32601, "method not found"))
        m = modern("y/x")
        r = g.rpc("/s/mcp", "y/x", **m)
        equal((r.status, r.error["code"]), (404, -32601))
        equal(len(up.calls), n)
        r = g.post("/s/mcp", {"jsonrpc": "2.0",
                              "method": "notifications/initialized"})
        equal(r.status, 202)
        equal(len(up.calls), n + 1)


def ask(id, name, method="tools/call"):
    row = {"jsonrpc": "2.0", "method": method, "params": {"name": name}}
    if id is not None:
        row["id"] = id
    return row


@test("a batch: what is denied stays here", workers=BOTH,
      rows=("json", "events"))
def _(t):
    batch = [ask(1, "get_a"), ask("d", "delete_a"), ask(None, "put_a"),
             ask(None, "get_b"), ask(2, "get_b"), ask(-3, "put_a")]
    with Upstream(Lists(t.row)) as up, gate(up, GETS, t.workers) as g:
        r = g.post("/s/mcp", batch)
        equal(r.status, 200)
        if t.row == "json":
            docs = r.json
        else:
            docs = [d for d in (json.loads(e["data"]) for e in r.events())
                    if "id" in d]
        got = {d["id"]: d for d in docs}
        equal(len(docs), 4)
        equal(got[1]["result"]["ran"], "get_a")
        equal(got[2]["result"]["ran"], "get_b")
        for id, name in (("d", "delete_a"), (-3, "put_a")):
            equal(got[id]["error"]["code"], -32602)
            equal(got[id]["error"]["message"], "Unknown tool: " + name)
        equal([a["params"]["name"] for a in up.calls[0].json],
              ["get_a", "get_b", "get_b"])
        equal(len(up.calls), 1)
        eventually(lambda: g.log_count('"event":"policy"') == 3, 5,
                   "the lines about denied elements")


@test("a batch of which nothing is left", workers=BOTH, rows=(
    ("requests", [ask(1, "put_a"), ask(2, "put_b")], 200),
    ("notifications", [ask(None, "put_a")], 202),
    ("both", [ask(None, "put_a"), ask(1, "put_a")], 200)))
def _(t):
    with Upstream(Lists()) as up, gate(up, GETS, t.workers) as g:
        r = g.post("/s/mcp", t.row[1])
        equal(r.status, t.row[2])
        equal([d["id"] for d in r.json] if r.body else [],
              [a["id"] for a in t.row[1] if "id" in a])
        equal(up.calls, [])


@test("a batch of which only notifications go on")
def _(t):
    with Upstream(Lists()) as up, gate(up, GETS) as g:
        r = g.post("/s/mcp", [ask(None, "get_a"), ask(5, "put_a")])
        equal(r.status, 200)
        equal([d["id"] for d in r.json], [5])
        equal(up.calls[0].json, [ask(None, "get_a")])


@test("what goes on of a batch keeps its bytes")
def _(t):
    one = b'{"jsonrpc":"2.0" , "id":10,"method":"x","params":{"a":1.50}}'
    two = b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":' \
        b'{"name":"put_a"}}'
    with Upstream(Lists()) as up, gate(up, GETS) as g:
        g.post("/s/mcp", b"[ " + one + b" ,\n" + two + b", " + one + b"]")
        equal(up.calls[0].body, b"[" + one + b"," + one + b"]")


@test("a batch with blanks before it", workers=BOTH, rows=(
    ("a space", b" "), ("a tab", b"\t"), ("a line end", b"\r\n"),
    ("all of them", b"\n \t\r")))
def _(t):
    def body(*asks):
        return t.row[1] + json.dumps(asks).encode() + t.row[1]

    with Upstream(Lists()) as up, gate(up, GETS, t.workers) as g:
        r = g.post("/s/mcp", body(ask(1, "get_a"), ask(2, "put_a")))
        equal(sorted(d["id"] for d in r.json), [1, 2])
        equal(up.calls[0].json, [ask(1, "get_a")])
        r = g.post("/s/mcp", body(ask(3, "put_a"), ask("d", "delete_a")))
        equal((r.status, [d["id"] for d in r.json]), (200, [3, "d"]))
        r = g.post("/s/mcp", body(ask(4, "get_a")))
        equal([d["id"] for d in r.json], [4])
        equal(up.calls[1].body, body(ask(4, "get_a")))
        equal(len(up.calls), 2)


@test("a reply to a batch with blanks before it", rows=(
    ("one array", " \r\n\t[%s] \n"), ("a reply alone", "\n%s\r")))
def _(t):
    def script(q, out):
        out.body(200, t.row[1] % Lists().one(q.json[0]))

    batch = [ask(1, "x", "tools/list"), ask(2, "put_a")]
    with Upstream(script) as up, gate(up, GETS) as g:
        r = g.post("/s/mcp", batch)
        equal([d["id"] for d in r.json], [1, 2])
        equal([x["name"] for x in r.json[0]["result"]["tools"]],
              ["get_a", "get_b"])


@test("a batch in which one element wants a scope", workers=BOTH)
def _(t):
    options = {"inboundAuth": TOKENS, "policy": [
        {"effect": "allow", "tools": ["get_*"]},
        {"effect": "allow", "tools": ["put_*"],
         "scopes": ["github:write"]}]}
    batch = [ask(1, "get_a"), ask(2, "delete_a"), ask(3, "put_a")]
    with Upstream(Lists()) as up, gate(up, options, t.workers) as g:
        r = g.post("/s/mcp", batch, bearer(READER))
        equal((r.status, r.reason), (403, "insufficient_scope"))
        assert 'scope="github:write"' in r.header("www-authenticate")
        equal(up.calls, [])
        r = g.post("/s/mcp", batch, bearer(WRITER))
        equal(sorted(d["id"] for d in r.json), [1, 2, 3])


@test("who may still say who he is hears 401")
def _(t):
    inbound = dict(TOKENS, strategy=["token", "none"])
    options = {"inboundAuth": inbound, "policy": [
        {"effect": "allow", "tools": ["*"], "scopes": ["mcp"]}]}
    with Upstream(Lists()) as up, gate(up, options) as g:
        r = call(g, "get_a")
        equal((r.status, r.reason), (401, "unauthenticated"))
        equal(r.header("www-authenticate"),
              'Bearer realm="mcpgate", scope="mcp"')
        equal(call(g, "get_a", READER).status, 200)


@test("a filter of the gateway that counts everywhere", workers=BOTH)
def _(t):
    base = {"toolFilter": {"mode": "block", "list": ["delete_*"],
                           "inherit": True}}
    with Upstream(Lists()) as up, gate(
            up, {"toolFilter": {"mode": "allow", "list": ["*_a"]}},
            t.workers, base) as g:
        equal(shown(g.rpc("/s/mcp", "tools/list")),
              ["get_a", "put_a", "list_a"])
        unknown(call(g, "delete_a"), "delete_a")
        unknown(call(g, "get_b"), "get_b")


@test("errorStyle", rows=("http", "rpc", "tool"))
def _(t):
    with Upstream(Lists()) as up, gate(
            up, dict(GETS, errorStyle=t.row)) as g:
        r = call(g, "put_a")
        equal(r.status, 200)
        if t.row == "tool":
            equal(r.json["result"]["isError"], True)
            equal(r.json["result"]["content"][0]["text"],
                  "Unknown tool: put_a")
        else:
            unknown(r, "put_a")


@test("an upstream's error beside our answers", rows=(400, 500))
def _(t):
    def script(q, out):
        out.json({"jsonrpc": "2.0", "error": {"code": 1, "message": "m"}},
                 t.row)

    with Upstream(script) as up, gate(up, GETS) as g:
        r = g.post("/s/mcp", [ask(1, "get_a"), ask(2, "put_a")])
        equal(r.status, 400 if t.row == 400 else 502)


@test("the log does not say more than it must")
def _(t):
    with Upstream(Lists()) as up, gate(up, GETS, log={
            "principals": "hash"}) as g:
        g.post("/s/mcp", [ask(1, "put_a"), ask(2, "get_a")])
        line = eventually(lambda: next(
            (x for x in g.log_lines() if x.get("event") == "policy"), None),
            5, "the line")
        equal(line["server"], "s")
        assert "anonymous" not in repr(line), line


tap.main()
