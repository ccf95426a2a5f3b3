#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cors_preflight -- what a browser is told before it asks, and with a reply"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402

from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KEY = "0123456789abcdef-cross"
APP = "https://app.example.com"
METHODS = ["GET", "POST", "DELETE", "OPTIONS"]
HEADERS = ["Authorization", "Content-Type", "Accept", "Mcp-Session-Id",
           "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name",
           "Last-Event-ID", "X-API-Key"]
EXPOSED = ["Mcp-Session-Id", "MCP-Protocol-Version", "WWW-Authenticate",
           "Retry-After"]
BOTH = (1, 4)


def cross(up, streaming=None, check=True, **cors):
    cors = dict({"enabled": True, "allowedOrigins": [APP]}, **cors)
    more = {"streaming": streaming} if streaming else {}
    conf = config({"s": server(up), "t": server(up)}, options={
        "security": {"cors": cors, "originCheck": check}}, **more)
    conf["mcpProxy"]["options"]["inboundAuth"] = {
        "strategy": "token", "token": {"values": [KEY]}}
    return conf


def ask(g, path="/s/mcp", origin=APP, method="POST", headers=None, **more):
    rows = [("Access-Control-Request-Method", method)] if method else []
    if origin is not None:
        rows.append(("Origin", origin))
    for text in [headers] if isinstance(headers, str) else headers or ():
        rows.append(("Access-Control-Request-Headers", text))
    return g.call("OPTIONS", path, rows, **more)


def words(text):
    return [w.strip() for w in text.split(",")]


def control(r):
    return sorted(n.lower() for n, _ in r.headers
                  if n.lower().startswith("access-control"))


@test("a preflight is answered without a credential", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(cross(up), t.workers) as g:
        r = ask(g, headers="authorization,content-type")
        equal((r.status, r.body), (204, b""))
        equal(r.header("access-control-allow-origin"), APP)
        equal(words(r.header("access-control-allow-methods")), METHODS)
        equal(words(r.header("access-control-allow-headers")), HEADERS)
        equal(r.header("access-control-max-age"), "600")
        equal(r.header("access-control-allow-credentials"), None)
        equal(r.header("vary"), "Origin")
        equal(up.calls, [])
        equal(g.access(method="OPTIONS")["status"], 204)


@test("what is configured is added", workers=BOTH)
def _(t):
    conf = cross("http://127.0.0.1:9/", allowedMethods=["PATCH"],
                 allowedHeaders=["X-Tenant-Id"], exposedHeaders=["X-Trace"],
                 allowCredentials=True, maxAge=86400)
    with Gate(conf, t.workers) as g:
        r = ask(g)
        equal(words(r.header("access-control-allow-methods")),
              METHODS + ["PATCH"])
        equal(words(r.header("access-control-allow-headers")),
              HEADERS + ["X-Tenant-Id"])
        equal(r.header("access-control-max-age"), "86400")
        equal(r.header("access-control-allow-credentials"), "true")
        r = g.rpc("/s/mcp", "ping", headers={"Origin": APP})
        equal(r.status, 401)
        equal(words(r.header("access-control-expose-headers")),
              EXPOSED + ["X-Trace"])
        equal(r.header("access-control-allow-credentials"), "true")


@test("headers of tools are allowed by name", rows=(
    ("one", "Mcp-Param-Region", ["Mcp-Param-Region"]),
    ("as it is sent", "mcp-param-region", ["mcp-param-region"]),
    ("among others", "x-evil, mcp-param-a,content-type , Mcp-Param-b",
     ["mcp-param-a", "Mcp-Param-b"]),
    ("no name", "mcp-param-", []), ("no token", "mcp-param-a b", []),
    ("a control", "mcp-param-a:b", []), ("a quote", 'mcp-param-"a"', []),
    ("not ASCII", "mcp-param-\xe4", []), ("another", "x-mcp-param-a", []),
    ("too long", "mcp-param-" + "a" * 55, []),
    ("as long as may be", "mcp-param-" + "a" * 54,
     ["mcp-param-" + "a" * 54]),
    ("too many", ",".join("mcp-param-%d" % i for i in range(33)),
     ["mcp-param-%d" % i for i in range(32)]),
    ("empty", ",,", []),
    ("twice", ("mcp-param-a", "mcp-param-b"), [])))
def _(t):
    _, text, more = t.row
    with Gate(cross("http://127.0.0.1:9/")) as g:
        r = ask(g, headers=text)
        equal(r.status, 204)
        equal(words(r.header("access-control-allow-headers")),
              HEADERS + more)


@test("a refused preflight", rows=(
    ("foreign", {"origin": "https://evil.test"}, {}),
    ("null", {"origin": "null"}, {}),
    ("foreign, where others may ask", {"origin": "https://evil.test"},
     {"check": False}),
    ("cors is off", {}, {"enabled": False}),
    ("cors is off, our own", {"origin": "https://gate.test"},
     {"enabled": False})))
def _(t):
    _, asked, cors = t.row
    conf = cross("http://127.0.0.1:9/", **cors)
    conf["mcpProxy"].update(baseURL="https://gate.test/")
    conf["mcpProxy"].pop("mountPath")
    with Gate(conf) as g:
        r = ask(g, **asked)
        equal((r.status, r.reason), (403, "origin_denied"))
        equal(control(r), [])


@test("OPTIONS that is no preflight tells the methods", rows=(
    ("no Origin", None, "POST"), ("no method", APP, None)))
def _(t):
    _, origin, method = t.row
    with Gate(cross("http://127.0.0.1:9/")) as g:
        r = ask(g, origin=origin, method=method)
        equal((r.status, r.body), (204, b""))
        assert "POST" in r.header("allow")
        equal(r.header("access-control-allow-methods"), None)


@test("a path that is not there can be asked about", workers=BOTH)
def _(t):
    with Gate(cross("http://127.0.0.1:9/"), t.workers) as g:
        r = ask(g, path="/nowhere/mcp")
        equal(r.status, 204)
        equal(r.header("access-control-allow-origin"), APP)
        equal(r.header("allow"), "OPTIONS")
        r = g.get("/nowhere/mcp", {"Origin": APP})
        equal(r.status, 404)
        equal(r.header("access-control-allow-origin"), APP)
        equal(g.call("OPTIONS", "/nowhere").status, 204)
        equal(ask(g, path="/nowhere", origin="https://evil.test").status,
              403)
        equal(g.call("OPTIONS", "/a//b").status, 400)


REPLIES = (
    ("401", 401, lambda g, h: g.rpc("/s/mcp", "ping", headers=h)),
    ("200", 200, lambda g, h: g.rpc("/s/mcp", "ping", headers=h + [AUTH])),
    ("400", 400, lambda g, h: g.post("/s/mcp", b"{", h + [AUTH])),
    ("404", 404, lambda g, h: g.get("/nowhere", h)),
    ("bad path", 400, lambda g, h: g.get("/a/../b", h)),
    ("405", 405, lambda g, h: g.call("PUT", "/s/mcp", h, b"{}")),
    ("406", 406, lambda g, h: g.post(
        "/s/mcp", b"{}", h + [AUTH, ("Accept", "text/html")])),
    ("415", 415, lambda g, h: g.post(
        "/s/mcp", b"{}", h + [AUTH, ("Content-Type", "text/plain")])),
    ("502", 502, lambda g, h: g.rpc("/t/mcp", "ping", headers=h + [AUTH])),
    ("202", 202, lambda g, h: g.post(
        "/s/mcp", {"jsonrpc": "2.0", "method": "notifications/x"},
        h + [AUTH])),
    ("health", 200, lambda g, h: g.get("/health", h)),
    ("version", 401, lambda g, h: g.get("/version", h)),
    ("OPTIONS", 204, lambda g, h: g.call("OPTIONS", "/s/mcp", h)))
AUTH = ("Authorization", "Bearer " + KEY)


@test("every reply can be read by an allowed page", rows=REPLIES)
def _(t):
    name, status, call = t.row

    def script(q, out):
        ask = q.json
        if "id" not in ask:
            return out.status(202)
        return out.json({"jsonrpc": "2.0", "id": ask["id"], "result": {}},
                        headers=[("Access-Control-Allow-Origin", "*"),
                                 ("Access-Control-Expose-Headers", "X"),
                                 ("Vary", "Cookie")])

    with Upstream(script) as up:
        conf = cross(up)
        conf["mcpServers"]["t"]["url"] = "http://127.0.0.1:9/"
        with Gate(conf) as g:
            r = call(g, [("Origin", APP)])
            equal(r.status, status)
            equal(r.header("access-control-allow-origin"), APP)
            equal(words(r.header("access-control-expose-headers")), EXPOSED)
            equal(r.header("vary"), "Origin")
            equal(control(r), ["access-control-allow-origin",
                               "access-control-expose-headers"])
            r = call(g, [])
            equal((r.status, control(r)), (status, []))
            equal(r.header("vary"), "Origin")


@test("a stream can be read by an allowed page", workers=BOTH)
def _(t):
    def script(q, out):
        out.sse()
        out.event({"jsonrpc": "2.0", "id": q.json["id"], "result": {}})
        out.end()

    with Upstream(script) as up, Gate(cross(up, "on"), t.workers) as g:
        r = g.rpc("/s/mcp", "ping", headers=[("Origin", APP), AUTH])
        equal(r.header("content-type").split(";")[0], "text/event-stream")
        equal(r.header("access-control-allow-origin"), APP)
        equal(words(r.header("access-control-expose-headers")), EXPOSED)
        equal(r.header("vary"), "Origin")


@test("without cors no reply has a word of it")
def _(t):
    with Upstream() as up, Gate(cross(up, enabled=False)) as g:
        r = g.rpc("/s/mcp", "ping", headers=[("Origin", APP), AUTH])
        equal(r.status, 200)        # the list counts for the check
        equal((control(r), r.header("vary")), ([], None))


tap.main()
