#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sessions -- an id counts for the caller and the server it was made for,
on every worker, and for nobody else: one answer, whatever is wrong"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream, plain, with_session  # noqa: E402

ALICE, BOB = secret("alice"), secret("bob")
KEYS = secret("key-one-of-more-than-32-bytes"), \
    secret("key-two-of-more-than-32-bytes")
AUTH = {"inboundAuth": {"strategy": "token", "token": {"values": [
    {"name": "alice", "value": ALICE}, {"name": "bob", "value": BOB}]}}}
BOTH = (1, 4)


def bearer(token):
    return {"Authorization": "Bearer " + token}


def conf(up, sessions=None, servers=("s", "other"), **gateway):
    options = dict(AUTH)
    if sessions:
        options["sessions"] = sessions
    return config({n: server(up) for n in servers}, options=options,
                  **gateway)


def ping(g, session, token=ALICE, path="/s/mcp"):
    return g.rpc(path, "ping", headers=dict(session, **bearer(token)))


def is_lost(r):
    equal(r.status, 404)
    equal(r.json["error"]["data"]["reason"], "session_not_found")
    equal(r.json["error"]["message"], "session not found")


@test("its owner goes on, on every worker", workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, Gate(conf(up),
                                                   t.workers) as g:
        s = g.session("/s/mcp", bearer(ALICE))
        equal({ping(g, s).status for _ in range(4 * t.workers)}, {200})
        assert all(c.header("mcp-session-id") == "sid"
                   for c in up.calls[1:])


@test("nobody else does", workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, Gate(conf(up),
                                                   t.workers) as g:
        s = g.session("/s/mcp", bearer(ALICE))
        n = len(up.calls)
        is_lost(ping(g, s, BOB))
        is_lost(ping(g, s, path="/other/mcp"))
        is_lost(g.get("/s/mcp", dict(s, Accept="text/event-stream",
                                     **bearer(BOB))))
        is_lost(g.call("DELETE", "/s/mcp", dict(s, **bearer(BOB))))
        equal(len(up.calls), n)
        equal(ping(g, s).status, 200)
        equal(g.metrics().total("mcpgate_security_violations_total",
                                reason="session_foreign"), 4)


@test("an id that we have not made", workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, Gate(conf(up),
                                                   t.workers) as g:
        s = g.session("/s/mcp", bearer(ALICE))["Mcp-Session-Id"]
        n = len(up.calls)
        for bad in ("sid", "v1", "v1.", "v1.k", "v1.k.x", s[:-1], s + "A",
                    s[:-1] + ("A" if s[-1] != "A" else "B"), s.upper(),
                    "v2" + s[2:], s[:3] + "j" + s[4:], s.replace(".", "", 1),
                    "A" * 1600, "A" * 1601, s + "=", s[:20] + "-" + s[21:]):
            is_lost(ping(g, {"Mcp-Session-Id": bad}))
        r = g.rpc("/s/mcp", "ping", headers=[
            ("Mcp-Session-Id", s), ("Mcp-Session-Id", s)] +
            list(bearer(ALICE).items()))
        equal(r.status, 400)            # two values: which one is meant?
        r = ping(g, {"Mcp-Session-Id": "%s, %s" % (s, s)})
        equal((r.status, r.reason), (400, "bad_request"))   # joined on the way
        equal(len(up.calls), n)


@test("a modern request has no session, whatever is sent as one",
      workers=(1,))
def _(t):
    meta = "io.modelcontextprotocol/"
    with Upstream(with_session(plain)) as up, Gate(conf(up)) as g:
        s = g.session("/s/mcp", bearer(ALICE))["Mcp-Session-Id"]
        for value in (s, "sid", "a b", "x" * 3000, "v1..", "\xe4"):
            r = g.rpc("/s/mcp", "tools/list", {"_meta": {
                meta + "protocolVersion": "2026-07-28",
                meta + "clientCapabilities": {}}}, headers=dict({
                    "Mcp-Session-Id": value, "Mcp-Method": "tools/list",
                    "MCP-Protocol-Version": "2026-07-28"}, **bearer(ALICE)))
            equal((value[:9], r.status), (value[:9], 200))
            equal(r.header("mcp-session-id"), None)
            equal(up.calls[-1].header("mcp-session-id"), None)


@test("a session that the upstream begins without initialize is none")
def _(t):
    def script(q, out):
        out.result({}, headers=[("Mcp-Session-Id", "sid")])

    with Upstream(script) as up, Gate(conf(up)) as g:
        r = g.rpc("/s/mcp", "ping", headers=bearer(ALICE))
        equal((r.status, r.header("mcp-session-id")), (200, None))


@test("initialize within a session")
def _(t):
    with Upstream(with_session(plain)) as up, Gate(conf(up)) as g:
        s = g.session("/s/mcp", bearer(ALICE))
        r = g.rpc("/s/mcp", "initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"}},
            headers=dict(s, **bearer(ALICE)))
        equal(r.status, 400)


@test("an idle one ends, a used one goes on, the oldest too ends")
def _(t):
    times = {"idleTimeout": "2s", "maxLifetime": "5s"}
    with Upstream(with_session(plain)) as up, Gate(conf(up, times)) as g:
        idle = g.session("/s/mcp", bearer(ALICE))
        used = g.session("/s/mcp", bearer(ALICE))
        end = time.monotonic() + 3.5
        while time.monotonic() < end:
            equal(ping(g, used).status, 200)
            time.sleep(0.3)
        is_lost(ping(g, idle))
        eventually(lambda: ping(g, used).status == 404, 5, "its end")


@test("who has too many loses the one that was idle longest", workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, Gate(
            conf(up, {"perCaller": 3}), t.workers) as g:
        bobs = g.session("/s/mcp", bearer(BOB))
        all = []
        for _ in range(4):
            all.append(g.session("/s/mcp", bearer(ALICE)))
            time.sleep(0.15)
        is_lost(ping(g, all[0]))
        for s in all[1:]:
            equal(ping(g, s).status, 200)
        equal(ping(g, bobs, BOB).status, 200)


@test("one that was used a moment ago is not the one", workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, Gate(
            conf(up, {"perCaller": 2}), t.workers) as g:
        first, second = (g.session("/s/mcp", bearer(ALICE))
                         for _ in range(2))
        time.sleep(0.01)
        equal(ping(g, first).status, 200)
        g.session("/s/mcp", bearer(ALICE))
        equal(ping(g, first).status, 200)
        is_lost(ping(g, second))


@test("what a caller has at one server does not count at another",
      workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, Gate(config({
            "s": server(up, {"sessions": {"perCaller": 3}}),
            "other": server(up, {"sessions": {"perCaller": 1}})},
            options=dict(AUTH)), t.workers) as g:
        here = [g.session("/s/mcp", bearer(ALICE)) for _ in range(3)]
        there = [g.session("/other/mcp", bearer(ALICE)) for _ in range(2)]
        for s in here:
            equal(ping(g, s).status, 200)
        is_lost(ping(g, there[0], path="/other/mcp"))
        equal(ping(g, there[1], path="/other/mcp").status, 200)


@test("a key is replaced without losing a session")
def _(t):
    with Upstream(with_session(plain)) as up, Gate(
            conf(up, secretKey=[KEYS[0]])) as g:
        old = g.session("/s/mcp", bearer(ALICE))
        g.reload(conf(up, secretKey=[KEYS[1], KEYS[0]]))
        equal(ping(g, old).status, 200)
        new = g.session("/s/mcp", bearer(ALICE))
        g.reload(conf(up, secretKey=[KEYS[1]]))
        is_lost(ping(g, old))
        equal(ping(g, new).status, 200)


@test("a token without a name keeps its own when others come and go")
def _(t):
    def listed(up, *tokens):
        return config({"s": server(up, {"inboundAuth": {
            "strategy": "token", "token": {"values": list(tokens)}}})})

    with Upstream(with_session(plain)) as up, Gate(
            listed(up, ALICE, BOB)) as g:
        alices, bobs = (g.session("/s/mcp", bearer(w)) for w in (ALICE, BOB))
        g.reload(listed(up, BOB))
        is_lost(ping(g, alices, BOB))
        equal(ping(g, bobs, BOB).status, 200)
        g.reload(listed(up, BOB, ALICE))
        equal(ping(g, alices).status, 200)


@test("mcpgatectl lists and ends them")
def _(t):
    with Upstream(with_session(plain)) as up, Gate(conf(up)) as g:
        one = g.session("/s/mcp", bearer(ALICE))
        two = g.session("/s/mcp", bearer(ALICE))
        rc, out, _ = g.ctl("sessions", "--json")
        equal(rc, 0)
        import json
        rows = json.loads(out)["sessions"]
        equal([r["server"] for r in rows], ["s", "s"])
        rc, _, err = g.ctl("sessions", "end", rows[0]["id"])
        equal(rc, 0, err)
        equal(sorted([ping(g, one).status, ping(g, two).status]), [200, 404])
        equal(g.ctl("sessions", "end", "99.1")[0], 65)
        equal(g.ctl("sessions", "end", "x")[0], 64)
        assert len(g.ctl("sessions")[1].splitlines()) == 2
        eventually(lambda: g.metrics().total("mcpgate_sessions",
                                             server="s") == 1, 3, "the gauge")
        assert '\nmcpgate_sessions{server="s"} 1\n' in g.ctl("metrics")[1]


tap.main()
