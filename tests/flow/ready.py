#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ready -- /ready, and what ?strict=1 asks of it"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
ADMIN = secret("admin")
TOKEN = secret("token")
AUTH = {"Authorization": "Bearer " + ADMIN}
OK = {"status": "ok"}
BAD = {"status": "degraded"}
NAMES = dict(BAD, unhealthy=["bad"])


def conf_of(up, bad=None, **admin):
    servers = {"good": server(up)}
    if bad is not None:
        servers["bad"] = bad
    conf = config(servers)
    conf["mcpProxy"]["admin"] = dict({"enabled": True, "tokens": [ADMIN]},
                                     **admin)
    return conf


def invalid():
    """Of a transport that is not built."""
    return server("http://127.0.0.1:9/sse", transportType="sse")


@test("a server that cannot serve", workers=BOTH, rows=(
    ("not asked for", "/ready", {}, {}, 200, OK),
    ("strictly", "/ready?strict=1", {}, {}, 503, BAD),
    ("beside others", "/readyz?a=b&strict=1&c", {}, {}, 503, BAD),
    ("another value", "/ready?strict=0", {}, {}, 200, OK),
    ("another name", "/ready?astrict=1", {}, {}, 200, OK),
    ("to an administrator", "/_readyz?strict=1", AUTH, {}, 503, NAMES),
    ("of another address", "/ready?strict=1", AUTH,
     {"REMOTE_ADDR": "192.0.2.7"}, 503, BAD),
    ("to another token", "/ready?strict=1",
     {"Authorization": "Bearer nonsense"}, {}, 503, BAD)))
def _(t):
    _, uri, headers, more, status, body = t.row
    with Upstream() as up, Gate(conf_of(up, invalid()), t.workers) as g:
        r = g.get(uri, headers, **more)
        equal((r.status, r.json), (status, body))
        equal(g.call("HEAD", uri, headers, **more).status, status)
        equal(up.calls, [])


@test("names for local clients where no credential is needed")
def _(t):
    with Upstream() as up, \
            Gate(conf_of(up, invalid(), authRequired=False)) as g:
        equal(g.get("/ready?strict=1").json, NAMES)
        equal(g.get("/ready?strict=1",
                    {"X-Forwarded-For": "192.0.2.1"}).json, BAD)


@test("no names where admin is off, whoever asks")
def _(t):
    with Upstream() as up, Gate(conf_of(up, invalid(), enabled=False,
                                        authRequired=False)) as g:
        equal(g.get("/ready?strict=1", AUTH).json, BAD)


@test("all servers serve; one that is switched off is not asked for", rows=(
    None, "off"))
def _(t):
    with Upstream() as up:
        off = invalid()
        off["options"]["disabled"] = True
        with Gate(conf_of(up, off if t.row else None)) as g:
            r = g.get("/ready?strict=1", AUTH)
            equal((r.status, r.json), (200, OK))


@test("a pool without a token that could be drawn", workers=BOTH)
def _(t):
    def script(q, out):
        return out.status(401)

    with Upstream(script) as up:
        conf = conf_of(up, server(up, pool(TOKEN)))
        with Gate(conf, t.workers) as g:
            equal(g.get("/ready?strict=1", AUTH).json, OK)
            equal(g.rpc("/bad/mcp", "ping").status, 502)
            r = g.get("/ready?strict=1", AUTH)
            equal((r.status, r.json), (503, NAMES))
            equal(g.get("/ready").json, OK)


tap.main()
