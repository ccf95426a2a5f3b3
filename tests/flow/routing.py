#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""routing -- which path and method leads where"""
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


def two(up, **gateway):
    """Two servers, so that nothing is the default one."""
    return config({"s": server(up), "t": server(up)}, **gateway)


@test("a server answers at its two paths", workers=BOTH,
      rows=("/s/mcp", "/s", "/t/mcp", "/s/mcp?x=1"))
def _(t):
    with Upstream() as up, Gate(two(up), t.workers) as g:
        r = g.rpc(t.row, "ping", id="p-1")
        equal(r.status, 200)
        equal(r.json, {"jsonrpc": "2.0", "id": "p-1",
                       "result": {"method": "ping"}})
        equal(r.header("content-type").split(";")[0], "application/json")
        equal(int(r.header("content-length")), len(r.body))
        equal(len(up.calls), 1)
        equal(up.calls[0].target, "/mcp")


@test("one server alone answers at the mount and at /mcp", workers=BOTH,
      rows=("/", "/mcp"))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        equal(g.rpc(t.row, "ping").status, 200)


@test("two servers have no default", rows=("/", "/mcp"))
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        r = g.rpc(t.row, "ping")
        equal(r.status, 404)
        equal(r.reason, "not_found")
        equal(up.calls, [])


@test("a path that is not there", rows=(
    "/nobody/mcp", "/nobody", "/s/other", "/s/mcp/x", "/health/x",
    "/metricsx", "/S/mcp"))
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        r = g.rpc(t.row, "ping")
        equal(r.status, 404)
        equal(r.reason, "not_found")
        equal(up.calls, [])


@test("a disabled server is not mounted")
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up, {"disabled": True}),
                       "t": server(up)})
        with Gate(conf) as g:
            equal(g.rpc("/s/mcp", "ping").status, 404)
            # ... so that the other one is alone
            equal(g.rpc("/mcp", "ping").status, 200)


@test("a name of several segments", rows=("/a.b/c-d_e/mcp", "/a.b/c-d_e"))
def _(t):
    with Upstream() as up:
        conf = config({"a.b/c-d_e": server(up), "t": server(up)})
        with Gate(conf) as g:
            equal(g.rpc(t.row, "ping").status, 200)


@test("a crooked path is refused", rows=(
    "/s/../t/mcp", "/s/./mcp", "//s/mcp", "/s//mcp", "/s%2Fmcp",
    "/s%2fmcp", "/%2e%2e/s/mcp", "/s/%2E/mcp", "/s\\mcp", "/s%5Cmcp",
    "/s%00/mcp", "/..", "/s/mcp/.."))
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        r = g.rpc(t.row, "ping")
        equal(r.status, 400)
        equal(r.reason, "bad_request")
        equal(up.calls, [])


@test("the absolute form of a request target counts as its path")
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        equal(g.rpc("http://other.test/s/mcp", "ping").status, 200)


@test("health answers without an upstream", workers=BOTH,
      rows=("/health", "/healthz", "/_healthz"))
def _(t):
    conf = config({"s": server("http://127.0.0.1:9/mcp")}, name="gate-name")
    with Gate(conf, t.workers) as g:
        r = g.get(t.row)
        equal(r.status, 200)
        equal(r.json["status"], "ok")
        equal(r.json["name"], "gate-name")
        equal(r.json["serverCount"], 1)
        assert r.json["version"]
        h = g.call("HEAD", t.row)
        equal(h.status, 200)
        equal(h.body, b"")


@test("ready answers ok", rows=("/ready", "/readyz", "/_readyz"))
def _(t):
    conf = config({"s": server("http://127.0.0.1:9/mcp")})
    with Gate(conf) as g:
        r = g.get(t.row)
        equal(r.status, 200)
        equal(r.json["status"], "ok")
        equal(g.call("HEAD", t.row).body, b"")


@test("version asks for the rule of the gateway")
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        r = g.get("/version")
        equal(r.status, 200)
        equal(r.json["name"], "mcpgate")
        assert r.json["version"]
    conf = two(up)
    conf["mcpProxy"]["options"]["inboundAuth"] = {
        "strategy": "token", "token": {"values": ["0123456789abcdef-v"]}}
    with Gate(conf) as g:
        equal(g.get("/version").status, 401)
        r = g.get("/version", {"Authorization": "Bearer 0123456789abcdef-v"})
        equal(r.status, 200)


@test("metrics are for local clients", rows=(
    ("loopback", "127.0.0.1", (), 200), ("loopback 6", "::1", (), 200),
    ("elsewhere", "192.0.2.7", (), 403),
    ("through a proxy", "127.0.0.1",
     (("X-Forwarded-For", "192.0.2.1"),), 403)))
def _(t):
    _, peer, headers, status = t.row
    with Upstream() as up, Gate(two(up)) as g:
        r = g.get("/metrics", headers, REMOTE_ADDR=peer)
        equal(r.status, status)
        if status == 200:
            assert r.header("content-type").startswith("text/plain")
            assert b"mcpgate_build_info" in r.body


@test("WebSocket is told that it is not there",
      rows=("GET", "POST"))
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        r = g.call(t.row, "/ws", body=b"{}" if t.row == "POST" else b"")
        equal(r.status, 501)
        equal(r.reason, "websocket")


@test("a wrong method is refused with what is allowed", rows=(
    ("PUT", "/s/mcp", ("POST", "GET", "DELETE")),
    ("PATCH", "/s", ("POST",)), ("HEAD", "/s/mcp", ("POST",)),
    ("POST", "/health", ("GET", "HEAD")), ("DELETE", "/ready", ("GET",)),
    ("POST", "/metrics", ("GET",)), ("POST", "/version", ("GET",))))
def _(t):
    method, path, allowed = t.row
    with Upstream() as up, Gate(two(up)) as g:
        r = g.call(method, path, body=b"{}" if method != "HEAD" else b"")
        equal(r.status, 405)
        allow = [m.strip() for m in r.header("allow").split(",")]
        for m in allowed:
            assert m in allow, "%s not in Allow: %r" % (m, allow)
        assert method not in allow
        equal(up.calls, [])


@test("OPTIONS tells the methods without a credential",
      rows=("/s/mcp", "/health", "/metrics"))
def _(t):
    with Upstream() as up:
        conf = two(up)
        conf["mcpProxy"]["options"]["inboundAuth"] = {
            "strategy": "token", "token": {"values": ["0123456789abcdef-o"]}}
        with Gate(conf) as g:
            r = g.call("OPTIONS", t.row)
            equal(r.status, 204)
            assert "GET" in r.header("allow")
            equal(r.body, b"")


@test("OPTIONS of a path that is not there says as little")
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        r = g.call("OPTIONS", "/nobody")
        equal((r.status, r.body), (204, b""))
        equal(r.header("allow"), "OPTIONS")
        equal(g.get("/nobody").status, 404)


@test("a foreign Origin is refused before everything else", rows=(
    ("foreign", "https://evil.test", 403), ("null", "null", 403),
    ("two", "https://a.test, https://b.test", 403),
    ("own", "https://gate.test", 200)))
def _(t):
    _, origin, status = t.row
    with Upstream() as up:
        conf = two(up, baseURL="https://gate.test/")
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", "ping", headers={"Origin": origin})
            equal(r.status, status)
            if status == 403:
                equal(r.reason, "origin_denied")
                equal(up.calls, [])


@test("the mount prefix is cut", rows=(
    ("by baseURL", {"baseURL": "https://h.test/gw"}, {}),
    ("by mountPath", {"mountPath": "/gw"}, {}),
    ("as nginx says it", {"mountPath": "/gw"},
     {"SCRIPT_NAME": "/gw/s/mcp", "PATH_INFO": None}),
    ("as lighttpd says it", {"mountPath": "/gw"},
     {"SCRIPT_NAME": "/gw", "PATH_INFO": "/s/mcp"}),
    ("by SCRIPT_NAME", {"mountPath": None},
     {"SCRIPT_NAME": "/gw", "PATH_INFO": "/s/mcp"}),
    ("by SCRIPT_NAME as mod_proxy_fcgi says it", {"mountPath": None},
     {"SCRIPT_NAME": "/gw/s/mcp", "PATH_INFO": None}),
    ("by SCRIPT_NAME as SetHandler says it", {"mountPath": None},
     {"SCRIPT_NAME": "/gw/s", "PATH_INFO": "/mcp"})))
def _(t):
    _, gateway, more = t.row
    with Upstream() as up:
        conf = two(up, **gateway)
        if conf["mcpProxy"].get("mountPath") is None:
            conf["mcpProxy"].pop("mountPath", None)
        with Gate(conf, wait=False) as g:
            tap.eventually(g.listens)
            r = g.rpc("/gw/s/mcp", "ping", **more)
            equal(r.status, 200)
            if "SCRIPT_NAME" in more:
                return
            equal(g.rpc("/s/mcp", "ping").status, 404)
            equal(g.rpc("/gws/mcp", "ping").status, 404)
            equal(g.get("/gw/health").status, 200)


@test("every reply names its request", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(two(up), t.workers) as g:
        r = g.rpc("/s/mcp", "ping", headers={"X-Request-Id": "abc-1"})
        equal(r.header("x-request-id"), "abc-1")
        equal(g.access(request_id="abc-1")["status"], 200)
        ids = {g.rpc("/s/mcp", "ping").header("x-request-id")
               for _ in range(8)}
        equal(len(ids), 8)
        r = g.rpc("/none", "ping", headers={"X-Request-Id": "abc-2"})
        equal(r.header("x-request-id"), "abc-2")
        equal(r.error["data"]["requestId"] if isinstance(
            r.json["error"], dict) else r.json["requestId"], "abc-2")
        long = g.get("/health", {"X-Request-Id": "x" * 129})
        assert long.header("x-request-id") not in (None, "x" * 129)


tap.main()
