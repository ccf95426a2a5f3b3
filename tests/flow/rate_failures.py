#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rate_failures -- an address that keeps failing buys no more costly checks"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, guard, secret, server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
KEY = secret("hs-key-of-this-very-test-0123456789")
STATIC = secret("static")


def jwt(key=KEY, **more):
    return guard(keys.hs256(key, keys.claims(exp=int(time.time()) + 600,
                                             **more)))


def inbound(failures=None, **more):
    out = {"strategy": "jwt", "jwt": {"secret": KEY}}
    if failures is not None:
        out["failures"] = failures
    return dict(out, **more)


def ask(g, token, addr="192.0.2.7", path="/s/mcp", **more):
    return g.rpc(path, "ping", REMOTE_ADDR=addr,
                 headers={"Authorization": "Bearer " + token}, **more)


def gate(up, workers=1, **more):
    conf = config({"s": server(up, {"inboundAuth": inbound(**more)}),
                   "two": server(up, {"inboundAuth": inbound(**more)})})
    return Gate(conf, workers)


def bad(i):
    return jwt("another key, but long enough, 0123456789", sub="x%d" % i)


@test("after the burst costly checks are refused, others not", workers=BOTH)
def _(t):
    slow = {"perIpPerMinute": 1, "burst": 5}
    with Upstream() as up, gate(up, t.workers, failures=slow) as g:
        known = jwt()
        equal(ask(g, known).status, 200)
        equal([ask(g, bad(i)).status for i in range(8)],
              [401] * 5 + [429] * 3)
        r = ask(g, bad(9))
        equal(r.error["message"], "rate limit exceeded (ip)")
        equal(r.reason, "rate_limited")
        equal(r.header("www-authenticate"), None)
        assert 1 <= int(r.header("retry-after")) <= 60
        equal(r.header("ratelimit-policy"), '"default";q=1;w=60')
        # a good token that is not known yet costs, one that is does not
        equal(ask(g, jwt(sub="new")).status, 429)
        equal(ask(g, known).status, 200)
        # nothing is verified for what is malformed or absent
        equal(ask(g, "a.b.c").status, 401)
        equal(g.rpc("/s/mcp", "ping", REMOTE_ADDR="192.0.2.7").status, 401)
        # another address is another caller; another server is not
        equal(ask(g, jwt(sub="new"), "192.0.2.8").status, 200)
        equal(ask(g, bad(10), path="/two/mcp").status, 429)
        m = g.metrics()
        assert m.total("mcpgate_rate_limited_total", scope="failures") >= 4


@test("presets: 20 at once", workers=(1,))
def _(t):
    with Upstream() as up, gate(up) as g:
        began = time.monotonic()
        got = [ask(g, bad(i)).status for i in range(24)]
        more = int((time.monotonic() - began) / 6) + 1  # 10 a minute
        equal(got[:20], [401] * 20)
        assert got.count(401) < 20 + more, got


@test("switched off, or local", workers=(1,), rows=(
    ("off", {"perIpPerMinute": 0}, "192.0.2.7"),
    ("no burst", {"burst": 0}, "192.0.2.7"),
    ("nobody knows where", {"perIpPerMinute": 1, "burst": 2}, "unix:"),
    ("a local client", {"perIpPerMinute": 1, "burst": 2}, "127.0.0.1")))
def _(t):
    _, failures, addr = t.row
    with Upstream() as up, gate(up, failures=failures) as g:
        equal({ask(g, bad(i), addr).status for i in range(30)}, {401})


@test("a local client is nobody who comes through a proxy beside it",
      workers=(1,))
def _(t):
    slow = {"perIpPerMinute": 1, "burst": 2}
    proxied = {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}
    with Upstream() as up, gate(up, failures=slow) as g:
        equal({ask(g, bad(i), "127.0.0.1").status for i in range(9)}, {401})
        equal([ask(g, bad(i), "127.0.0.1", **proxied).status
               for i in range(4)], [401, 401, 429, 429])
        equal(ask(g, bad(4), "127.0.0.1").status, 401)


@test("what succeeds takes nothing", workers=(1,))
def _(t):
    slow = {"perIpPerMinute": 1, "burst": 2}
    with Upstream() as up, gate(up, failures=slow, verdictTtl=0) as g:
        equal({ask(g, jwt(sub="u%d" % i)).status for i in range(20)}, {200})
        equal([ask(g, bad(i)).status for i in range(3)], [401, 401, 429])


@test("wrong static tokens cost nothing", workers=(1,))
def _(t):
    options = {"inboundAuth": {
        "strategy": "token", "token": {"values": [STATIC]},
        "failures": {"perIpPerMinute": 1, "burst": 1}}}
    with Upstream() as up, Gate(config({"s": server(up, options)})) as g:
        equal({ask(g, "wrong-%d" % i).status for i in range(9)}, {401})
        equal(ask(g, STATIC).status, 200)


@test("an endpoint is not asked for an address that keeps failing",
      workers=BOTH)
def _(t):
    with Upstream() as up, Idp() as idp:
        options = {"inboundAuth": {
            "strategy": "introspection", "introspection": {
                "endpoint": idp.url("/introspect"), "clientId": "gate",
                "clientSecret": STATIC},
            "failures": {"perIpPerMinute": 1, "burst": 3}}}

        def token(i, answer):
            value = guard("opaque-%d-%s" % (i, STATIC[-12:]))
            idp.answers[value] = answer
            return value

        with Gate(config({"s": server(up, options)}), t.workers) as g:
            known = token(0, {"active": True, "sub": "alice"})
            bad = [token(i, {"active": False}) for i in range(1, 6)]
            equal(ask(g, known).status, 200)
            equal([ask(g, b).status for b in bad], [401] * 3 + [429] * 2)
            asked = idp.count("/introspect")
            # what has been answered already is known: good and bad
            equal((ask(g, known).status, ask(g, bad[0]).status), (200, 401))
            equal(ask(g, token(9, {"active": True, "sub": "b"})).status, 429)
            equal(idp.count("/introspect"), asked)
            # an outage is nobody's failure
            idp.lies["/introspect"] = 500
            equal({ask(g, token(20 + i, {}), "192.0.2.8").status
                   for i in range(6)}, {503})
            del idp.lies["/introspect"]
            eventually(lambda: ask(g, token(30, {"active": True}),
                                   "192.0.2.8").status == 200, 15)


tap.main()
