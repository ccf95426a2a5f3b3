#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cors_origin -- which Origin and which Host are let in"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402

from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KEY = "0123456789abcdef-origin"
LOCKED = {"strategy": "token", "token": {"values": [KEY]}}
AWAY = {"REMOTE_ADDR": "192.0.2.7"}


def rules(up, cors=None, base="https://gate.test/", **security):
    if cors is not None:
        security["cors"] = cors
    gateway = {"baseURL": base} if base else {}
    conf = config({"s": server(up), "t": server(up)},
                  options={"security": security}, **gateway)
    conf["mcpProxy"]["options"]["inboundAuth"] = LOCKED
    return conf


def violations(g, reason):
    return g.metrics().total("mcpgate_security_violations_total",
                             reason=reason)


LISTED = {"enabled": True, "allowedOrigins": [
    "https://app.example.com", "https://*.example.org",
    "http://other.test:8080", "null"]}

# name, origin (a list: sent as several headers), is it let in?
ORIGINS = (
    ("listed", "https://app.example.com", True),
    ("upper case", "HTTPS://APP.EXAMPLE.COM", True),
    ("below", "https://a.example.org", True),
    ("deep below", "https://a.b.example.org", True),
    ("with port", "http://other.test:8080", True),
    ("our own", "https://gate.test", True),
    ("null, though listed", "null", False),
    ("another scheme", "http://app.example.com", False),
    ("another port", "https://app.example.com:8443", False),
    ("the default port", "https://app.example.com:443", False),
    ("listed port missing", "http://other.test", False),
    ("the domain itself", "https://example.org", False),
    ("a name that ends alike", "https://evilexample.org", False),
    ("ours as a label", "https://gate.test.evil.test", False),
    ("ours with a port", "https://gate.test:444", False),
    ("ours by http", "http://gate.test", False),
    ("listed as a label", "https://app.example.com.evil.test", False),
    ("listed as user", "https://app.example.com@evil.test", False),
    ("listed as password", "https://x:app.example.com@evil.test", False),
    ("listed as path", "https://evil.test/app.example.com", False),
    ("listed as query", "https://evil.test?app.example.com", False),
    ("listed as fragment", "https://evil.test#app.example.com", False),
    ("a backslash", "https://evil.test\\app.example.com", False),
    ("an escape", "https://app.example.com%2eevil.test", False),
    ("an underscore", "https://a_b.example.org", False),
    ("an empty label", "https://.example.org", False),
    ("two empty labels", "https://a..example.org", False),
    ("a trailing dot", "https://app.example.com.", False),
    ("a trailing slash", "https://app.example.com/", False),
    ("joined by the server", "https://app.example.com, https://evil.test",
     False),
    ("joined twice", "https://app.example.com, https://app.example.com",
     False),
    ("sent twice", ["https://app.example.com"] * 2, False),
    ("sent twice, one is good", ["https://app.example.com",
                                 "https://evil.test"], False),
    ("a blank", "https://app.example.com evil", False),
    ("a star", "*", False), ("a star below", "https://*.example.org", False),
    ("no host", "https://", False), ("no scheme", "app.example.com", False),
    ("file", "file://", False), ("loopback", "http://localhost:3000", False),
    ("loopback 4", "http://127.0.0.1", False),
    ("loopback 6", "http://[::1]:80", False),
    ("bytes", "https://\xe4pp.example.com", False),
    ("too long", "https://" + "a" * 500 + ".example.org", False))


@test("an origin", rows=ORIGINS)
def _(t):
    _, origin, good = t.row
    rows = [("Origin", o) for o in
            (origin if isinstance(origin, list) else [origin])]
    with Upstream() as up, Gate(rules(up, LISTED)) as g:
        r = g.rpc("/s/mcp", "ping", headers=rows)
        # refused before anybody asks for a credential, and without help
        equal((r.status, r.reason), (401, "unauthenticated") if good
              else (403, "origin_denied"))
        equal(violations(g, "origin_denied"), 0 if good else 1)
        if not good:
            equal(r.error["message"], "origin is not allowed")
            equal([n for n, _ in r.headers
                   if n.lower().startswith("access-control")], [])
        equal(r.header("vary"), "Origin")
        r = g.rpc("/s/mcp", "ping", headers=rows + [
            ("Authorization", "Bearer " + KEY)])
        equal(r.status, 200 if good else 403)
        equal(len(up.calls), 1 if good else 0)


@test("every method and page is closed to a foreign origin", rows=(
    ("GET", "/s/mcp"), ("DELETE", "/s/mcp"), ("OPTIONS", "/s/mcp"),
    ("PUT", "/s/mcp"), ("GET", "/version"), ("GET", "/metrics"),
    ("OPTIONS", "/version")))
def _(t):
    with Upstream() as up, Gate(rules(up)) as g:
        r = g.call(t.row[0], t.row[1], {"Origin": "https://evil.test"})
        equal((r.status, r.reason), (403, "origin_denied"))


@test("pages that answer everybody", rows=(
    ("/health", 200), ("/ready", 200), ("/ws", 501), ("/nowhere", 404),
    ("/.well-known/oauth-protected-resource", 404)))
def _(t):
    with Upstream() as up, Gate(rules(up)) as g:
        equal(g.get(t.row[0], {"Origin": "https://evil.test"}).status,
              t.row[1])


@test("without an Origin nothing changes")
def _(t):
    with Upstream() as up, Gate(rules(up, LISTED)) as g:
        r = g.rpc("/s/mcp", "ping",
                  headers={"Authorization": "Bearer " + KEY})
        equal(r.status, 200)
        equal(r.header("access-control-allow-origin"), None)
        equal(r.header("vary"), "Origin")


@test("an empty Origin is none, as every empty variable")
def _(t):
    with Upstream() as up, Gate(rules(up)) as g:
        equal(g.rpc("/s/mcp", "ping", HTTP_ORIGIN="").status, 401)


@test("originCheck false lets a foreign page in, without help")
def _(t):
    with Upstream() as up, Gate(rules(up, LISTED, originCheck=False)) as g:
        r = g.rpc("/s/mcp", "ping", headers={"Origin": "https://evil.test"})
        equal(r.status, 401)
        equal(r.header("access-control-allow-origin"), None)


@test("loopback origins", rows=(
    ("baseURL is loopback", "http://localhost:8080/", {}, True),
    ("baseURL is loopback, from afar", "http://127.0.0.1/", AWAY, True),
    ("no baseURL, a local client", None, {}, True),
    ("no baseURL, from afar", None, AWAY, False),
    ("no baseURL, through a proxy", None,
     {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
    ("baseURL is elsewhere", "https://gate.test/", {}, False)))
def _(t):
    _, base, more, good = t.row
    with Upstream() as up, Gate(rules(up, base=base)) as g:
        for origin in ("http://localhost:6274", "http://127.0.0.1:1",
                       "https://[::1]"):
            r = g.rpc("/s/mcp", "ping", headers={"Origin": origin}, **more)
            equal(r.status, 401 if good else 403)
        for origin in ("http://localhost.evil.test", "http://127.0.0.1.x",
                       "app://localhost", "http://0.0.0.0"):
            r = g.rpc("/s/mcp", "ping", headers={"Origin": origin}, **more)
            equal(r.status, 403)


@test("a star means every origin but null")
def _(t):
    cors = {"enabled": True, "allowedOrigins": ["*"]}
    with Upstream() as up, Gate(rules(up, cors)) as g:
        r = g.rpc("/s/mcp", "ping", headers={"Origin": "https://x.test"})
        equal(r.status, 401)
        equal(r.header("access-control-allow-origin"), "*")
        for bad in ("null", "https://x.test/", "*", ""):
            r = g.rpc("/s/mcp", "ping", headers={"Origin": bad})
            equal(r.status, 403 if bad else 401)


@test("each server has its own list")
def _(t):
    with Upstream() as up:
        conf = rules(up, LISTED)
        conf["mcpServers"]["t"]["options"] = {"security": {"cors": {
            "enabled": True, "allowedOrigins": ["https://t.test"]}}}
        with Gate(conf) as g:
            for path, origin, status in (
                    ("/s/mcp", "https://app.example.com", 401),
                    ("/s/mcp", "https://t.test", 403),
                    ("/t/mcp", "https://app.example.com", 403),
                    ("/t/mcp", "https://t.test", 401)):
                r = g.rpc(path, "ping", headers={"Origin": origin})
                equal(r.status, status)


# ---- Host --------------------------------------------------------------------
HOSTS = (
    ("ours", "gate.test", True), ("upper case", "GATE.TEST", True),
    ("any port", "gate.test:8443", True), ("listed", "other.test:1", True),
    ("loopback by address", "127.0.0.1:8080", True),
    ("loopback by name", "localhost", True), ("loopback 6", "[::1]", True),
    ("absent", None, True), ("empty", "", True),
    ("foreign", "evil.test", False), ("below", "a.gate.test", False),
    ("ours as a label", "gate.test.evil.test", False),
    ("ours as user", "gate.test@evil.test", False),
    ("ours as port", "evil.test:gate.test", False),
    ("joined", "gate.test, evil.test", False),
    ("twice", ["gate.test", "evil.test"], False),
    ("a path", "gate.test/evil", False), ("a dot", "gate.test.", False),
    ("another address", "192.0.2.1", False), ("ends alike", "egate.test",
                                              False),
    ("a name on loopback", "localhost.evil.test", False))


@test("a Host", rows=HOSTS)
def _(t):
    _, host, good = t.row
    with Upstream() as up:
        conf = rules(up)
        conf["mcpProxy"]["allowedHosts"] = ["other.test"]
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", "ping", HTTP_HOST=host)
            equal((r.status, r.reason), (401, "unauthenticated") if good
                  else (403, "host_denied"))
            if not good:
                equal(r.error["message"], "host is not allowed")
            equal(violations(g, "host_denied"), 0 if good else 1)
            equal(g.get("/version", HTTP_HOST=host).status,
                  401 if good else 403)
            equal(g.get("/health", HTTP_HOST=host).status, 200)


@test("a Host that is the name of a machine", rows=(
    ("of baseURL", "mcp_gate:8080", True), ("listed", "MCP_two", True),
    ("another", "mcp_three", False), ("longer", "mcp_gate.evil", False)))
def _(t):
    _, host, good = t.row
    with Upstream() as up:
        conf = rules(up, base="http://mcp_gate:8080/")
        conf["mcpProxy"]["allowedHosts"] = ["mcp_two"]
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", "ping", HTTP_HOST=host)
            equal(r.status, 401 if good else 403)


@test("Host is left alone", rows=("no baseURL", "a star"))
def _(t):
    with Upstream() as up:
        conf = rules(up, base=None if t.row == "no baseURL" else
                     "https://gate.test/")
        if t.row == "a star":
            conf["mcpProxy"]["allowedHosts"] = ["*"]
        with Gate(conf) as g:
            equal(g.rpc("/s/mcp", "ping", HTTP_HOST="evil.test").status, 401)


@test("a foreign host gets no help for its page")
def _(t):
    with Upstream() as up, Gate(rules(up, LISTED)) as g:
        r = g.rpc("/s/mcp", "ping", HTTP_HOST="evil.test",
                  headers={"Origin": "https://app.example.com"})
        equal((r.status, r.reason), (403, "host_denied"))
        equal(r.header("access-control-allow-origin"), None)


tap.main()
