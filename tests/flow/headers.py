#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""headers -- what every reply says to browsers and caches"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402

from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KEY = "0123456789abcdef-dress"
AUTH = ("Authorization", "Bearer " + KEY)
STANDARD = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "content-security-policy": "default-src 'none'",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "x-xss-protection": "1; mode=block", "x-dns-prefetch-control": "off",
    "x-download-options": "noopen",
    "x-permitted-cross-domain-policies": "none"}
HSTS = "max-age=31536000; includeSubDomains"
BOTH = (1, 4)


def dress(up, base=None, streaming=None, **headers):
    more = {"baseURL": base} if base else {}
    if streaming:
        more["streaming"] = streaming
    options = {"security": {"headers": headers}} if headers else {}
    conf = config({"s": server(up), "t": server("http://127.0.0.1:9/")},
                  options=options, **more)
    conf["mcpProxy"]["options"]["inboundAuth"] = {
        "strategy": "token", "token": {"values": [KEY]}}
    return conf


def worn(r):
    return {n: r.header(n) for n in
            list(STANDARD) + ["strict-transport-security"]
            if r.header(n) is not None}


def script(q, out):
    if q.json["method"] == "stream":
        out.sse()
        out.event({"jsonrpc": "2.0", "id": q.json["id"], "result": {}})
        return out.end()
    return out.json({"jsonrpc": "2.0", "id": q.json["id"], "result": {}},
                    headers=[("X-Frame-Options", "ALLOWALL"),
                             ("Content-Security-Policy", "x"),
                             ("Strict-Transport-Security", "max-age=0"),
                             ("Cache-Control", "public")])


REPLIES = (
    ("reply", 200, lambda g: g.rpc("/s/mcp", "ping", headers=[AUTH])),
    ("stream", 200, lambda g: g.rpc("/s/mcp", "stream", headers=[AUTH])),
    ("401", 401, lambda g: g.rpc("/s/mcp", "ping")),
    ("400", 400, lambda g: g.post("/s/mcp", b"{", [AUTH])),
    ("404", 404, lambda g: g.get("/nowhere")),
    ("405", 405, lambda g: g.call("PUT", "/s/mcp", body=b"{}")),
    ("502", 502, lambda g: g.rpc("/t/mcp", "ping", headers=[AUTH])),
    ("501", 501, lambda g: g.get("/ws")),
    ("health", 200, lambda g: g.get("/health")),
    ("version", 200, lambda g: g.get("/version", [AUTH])),
    ("metrics", 200, lambda g: g.get("/metrics")),
    ("OPTIONS", 204, lambda g: g.call("OPTIONS", "/s/mcp")),
    ("403", 403, lambda g: g.get("/version",
                                 {"Origin": "https://evil.test"})))


@test("every reply wears them", workers=BOTH, rows=REPLIES)
def _(t):
    name, status, call = t.row
    with Upstream(script) as up:
        with Gate(dress(up, streaming="on"), t.workers) as g:
            r = call(g)
            equal(r.status, status)
            equal(worn(r), STANDARD)
            assert "no-store" in r.header("cache-control")


@test("HSTS is said behind an https baseURL alone", rows=(
    ("https://gate.test/", HSTS), ("HTTPS://gate.test/", HSTS),
    ("http://gate.test/", None), (None, None)))
def _(t):
    with Gate(dress("http://127.0.0.1:9/", t.row[0])) as g:
        for r in (g.get("/health"), g.rpc("/s/mcp", "ping")):
            equal(r.header("strict-transport-security"), t.row[1])


@test("presets", rows=(
    ("standard", STANDARD, "no-store"),
    ("minimal", {"x-content-type-options": "nosniff"}, "no-store"),
    ("off", {}, None)))
def _(t):
    preset, want, cache = t.row
    with Upstream(script) as up:
        with Gate(dress(up, preset=preset)) as g:
            r = g.get("/health")
            equal((worn(r), r.header("cache-control")), (want, cache))
            r = g.rpc("/s/mcp", "ping")
            equal((worn(r), r.header("cache-control")), (want, "no-store"))
            r = g.rpc("/s/mcp", "ping", headers=[AUTH])
            equal((worn(r), r.header("cache-control")), (want, "no-store"))


@test("single ones are replaced, added, removed")
def _(t):
    with Upstream(script) as up:
        conf = dress(up, "https://gate.test/", set={
            "x-frame-options": "SAMEORIGIN", "X-XSS-Protection": None,
            "Permissions-Policy": "camera=()", "X-Own": "v; w",
            "Strict-Transport-Security": "max-age=60",
            "Cache-Control": "public"})
        with Gate(conf) as g:
            for r, cache in ((g.get("/health"), "public"),
                             (g.get("/nowhere"), "no-store"),
                             (g.rpc("/s/mcp", "ping"), "no-store"),
                             (g.rpc("/s/mcp", "ping", headers=[AUTH]),
                              "no-store")):
                equal(r.header("x-frame-options"), "SAMEORIGIN")
                equal(r.header("x-xss-protection"), None)
                equal(r.header("permissions-policy"), "camera=()")
                equal(r.header("x-own"), "v; w")
                equal(r.header("strict-transport-security"), "max-age=60")
                equal(r.header("x-content-type-options"), "nosniff")
                equal(r.header("cache-control"), cache)


@test("a server has headers of its own")
def _(t):
    with Upstream(script) as up:
        conf = dress(up)
        conf["mcpServers"]["t"]["options"] = {"security": {
            "headers": {"preset": "off", "set": {"X-Mine": "1"}}}}
        with Gate(conf) as g:
            r = g.rpc("/t/mcp", "ping")
            equal((worn(r), r.header("x-mine")), ({}, "1"))
            equal(worn(g.rpc("/s/mcp", "ping")), STANDARD)


@test("a reload changes them", workers=BOTH)
def _(t):
    with Upstream(script) as up:
        with Gate(dress(up), t.workers) as g:
            g.reload(dress(up, set={"X-Own": "new"}))
            for _ in range(4):
                equal(g.get("/health").header("x-own"), "new")


tap.main()
