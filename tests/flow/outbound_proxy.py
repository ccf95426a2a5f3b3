#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""outbound_proxy -- the way to the upstream through a proxy"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, free_port, pool, secret, \
    server  # noqa: E402
from kit.proxy import Proxy, Socks  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream, by_token  # noqa: E402

BOTH = (1, 4)
PASSWORD = secret("proxy-password")


def through(up, proxy, url=None, **more):
    return config({"s": server(url or up, dict({"proxy": proxy}, **more))})


@test("http through an HTTP proxy", workers=BOTH)
def _(t):
    with Upstream() as up, Proxy() as p, Gate(
            through(up, {"url": p.url()}), t.workers) as g:
        for _ in range(3):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        assert p.asked, "the proxy was not asked"
        assert p.asked[0] in (up.url(), "127.0.0.1:%d" % up.port)
        equal(len(up.calls), 3)


@test("https through CONNECT, the token unseen", workers=BOTH)
def _(t):
    ca, context = keys.authority()
    token = secret("tunnel")
    with Upstream(tls=context) as up, Proxy() as p, Gate(
            through(up, {"url": p.url()}, up.url(host="localhost"),
                    tls={"caFile": ca}, **pool(token)), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(p.asked, ["localhost:%d" % up.port])
        equal(up.tokens(), [token])
        assert token not in "".join(p.heads)


@test("socks5 and socks5h", workers=BOTH, rows=("socks5", "socks5h"))
def _(t):
    with Upstream() as up, Socks() as p, Gate(
            through(up, {"url": p.url(scheme=t.row)}), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(p.asked, ["127.0.0.1:%d" % up.port])


@test("a proxy with a login", workers=BOTH, rows=(
    ("HTTP by auth", Proxy, True), ("HTTP by userinfo", Proxy, False),
    ("SOCKS by auth", Socks, True), ("SOCKS by userinfo", Socks, False)))
def _(t):
    _, kind, block = t.row
    with Upstream() as up, kind(user="us er", password=PASSWORD) as p:
        proxy = {"url": p.url("us%20er:" + PASSWORD)}
        if block:
            proxy = {"url": p.url(), "auth": {"username": "us er",
                                              "password": PASSWORD}}
        with Gate(through(up, proxy), t.workers) as g:
            equal(g.rpc("/s/mcp", "ping").status, 200)
            equal(set(p.credentials), {"us er:" + PASSWORD})
            assert "proxy-authorization" not in up.calls[0].names


@test("407: told as such, no rotation, no mark", workers=BOTH,
      rows=("http", "https"))
def _(t):
    ca, context = keys.authority()
    a, b = secret("a"), secret("b")
    tls = context if t.row == "https" else None
    with Upstream(tls=tls) as up, Proxy(user="u", password="p") as p, Gate(
            through(up, {"url": p.url()}, up.url(host="localhost"),
                    tls={"caFile": ca} if tls else {},
                    **pool(a, b, rotationMode="on-first-failed")),
            t.workers) as g:
        r = g.rpc("/s/mcp", "ping", id=1)
        equal(r.status, 502)
        equal(r.reason, "proxy_auth")
        equal(r.error["message"], "proxy authentication required (407)")
        equal(r.all("proxy-authenticate"), [])
        equal(up.calls, [])
        equal(len(p.asked), 1)
        g.log_has("proxy authentication required (407)")
        assert "cooling" not in g.log_text()


@test("a wrong SOCKS login", workers=(1,))
def _(t):
    with Upstream() as up, Socks(user="u", password="p") as p, Gate(
            through(up, {"url": p.url("u:wrong")})) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 502)
        assert r.reason in ("proxy_auth", "proxy_failed"), r.reason
        equal(up.calls, [])


@test("a proxy that fails", workers=BOTH, rows=(
    ("not there", None, "refused"), ("closes", {"drop": True}, None),
    ("refuses CONNECT", {"answer": 403}, None)))
def _(t):
    _, how, cause = t.row
    ca, context = keys.authority()
    a, b = secret("a"), secret("b")
    p = Proxy(**(how or {}))
    if how is None:
        p.stop()
    with Upstream(tls=context) as up, p, Gate(
            through(up, {"url": p.url()}, up.url(host="localhost"),
                    tls={"caFile": ca},
                    **pool(a, b, rotationMode="on-first-failed")),
            t.workers) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 502)
        equal(r.reason, "proxy_failed")
        assert r.error["message"].startswith("proxy connection failed"), r
        if cause:
            assert cause in r.error["message"], r.error["message"]
        g.log_has("proxy connection failed")
        assert "cooling" not in g.log_text()


@test("the next token goes through the same proxy", workers=BOTH)
def _(t):
    a, b = secret("a"), secret("b")
    with Upstream(by_token({a: 401})) as up, Proxy() as p, Gate(
            through(up, {"url": p.url()},
                    **pool(a, b, rotationMode="on-first-failed")),
            t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(up.tokens(), [a, b])
        assert len(p.asked) >= 1


@test("the environment's proxy is used", workers=BOTH, rows=(
    ("by default", {}, "HTTP_PROXY", True),
    ("lower case", {}, "http_proxy", True),
    ("for all", {}, "ALL_PROXY", True),
    ("asked for", {"proxy": {"useEnv": True}}, "HTTP_PROXY", True),
    ("switched off", {"proxy": {"useEnv": False}}, "HTTP_PROXY", False),
    ("meant for https", {}, "HTTPS_PROXY", False)))
def _(t):
    _, options, name, used = t.row
    with Upstream() as up, Proxy() as p, Gate(
            config({"s": server(up, options)}), t.workers,
            env={name: p.url()}) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(bool(p.asked), used)


@test("NO_PROXY and noProxy go direct", workers=(1,), rows=(
    ("NO_PROXY", "NO_PROXY", "127.0.0.1", False),
    ("no_proxy star", "no_proxy", "*", False),
    ("another host", "NO_PROXY", "example.net", True)))
def _(t):
    _, name, value, used = t.row
    with Upstream() as up, Proxy() as p:
        with Gate(config({"s": server(up)}),
                  env={"HTTP_PROXY": p.url(), name: value}) as g:
            equal(g.rpc("/s/mcp", "ping").status, 200)
            equal(bool(p.asked), used)


@test("noProxy of the configuration", rows=(
    ("address", ["127.0.0.1"], False), ("block", ["127.0.0.0/8"], False),
    ("star", ["*"], False), ("another", [".example.net"], True)))
def _(t):
    _, names, used = t.row
    with Upstream() as up, Proxy() as p, Gate(
            through(up, {"url": p.url(), "noProxy": names})) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(bool(p.asked), used)


@test("a Proxy header of a client is no proxy (httpoxy)", workers=(1,))
def _(t):
    with Upstream() as up, Proxy() as p, Gate(
            config({"s": server(up)})) as g:
        equal(g.rpc("/s/mcp", "ping",
                    headers={"Proxy": p.url()}).status, 200)
        equal(p.asked, [])
        equal(up.calls[0].all("proxy"), [])


@test("plain CGI reads no proxy from its environment", rows=(
    "HTTP_PROXY", "http_proxy", "ALL_PROXY"))
def _(t):
    with Upstream() as up, Proxy() as p, Gate(
            config({"s": server(up)}), mode="cgi") as g:
        r, code = g.cgi("POST", "/s/mcp", body={
            "jsonrpc": "2.0", "id": 1, "method": "ping"},
            **{t.row: p.url()})
        equal((r.status, code), (200, 0))
        equal(p.asked, [])


@test("the proxy's password is in no text")
def _(t):
    with Upstream() as up, Gate(through(up, {
            "url": "http://u:%s@127.0.0.1:%d" % (PASSWORD,
                                                 free_port())})) as g:
        equal(g.rpc("/s/mcp", "ping").status, 502)
        assert PASSWORD not in g.log_text()


tap.main()
