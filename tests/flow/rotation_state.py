#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rotation_state -- cooling, reviving, and what survives"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, secret, server  # noqa: E402
from kit.pools import A, B, C, FIRST, ROUND, word  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream, by_token, plain  # noqa: E402

BOTH = (1, 4)


def one(up, *tokens, **more):
    return config({"s": server(up, pool(*tokens, **more))})


@test("a cooled token comes back", workers=BOTH)
def _(t):
    bad = {A: 401}
    with Upstream(by_token(bad)) as up, Gate(
            one(up, A, B, tokenCooldown="500ms", **ROUND), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 502)
        for _ in range(3):
            g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "abbb")
        bad.clear()
        time.sleep(0.6)
        for _ in range(4):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(word(up.tokens())[4:].count("a"), 2)
        g.log_has("token index 0 is usable again")


@test("each failure in a row cools twice as long, up to the maximum")
def _(t):
    with Upstream(by_token({A: 401})) as up, Gate(
            one(up, A, B, tokenCooldown="200ms", tokenCooldownMax="400ms",
                **ROUND)) as g:
        for _ in range(3):
            n = len([x for x in up.tokens() if x == A])
            eventually(lambda: g.rpc("/s/mcp", "ping").status == 502
                       or len([x for x in up.tokens() if x == A]) > n, 3)
        eventually(lambda: g.log_text().count("cooling for 400ms") == 2, 3,
                   "the third failure's line")
        equal(g.log_text().count("cooling for 200ms"), 1)


@test("on-first-failed stays where it is, preferPrimary goes back",
      workers=BOTH, rows=(("stays", False, "b"), ("back", True, "a")))
def _(t):
    _, prefer, want = t.row
    bad = {A: 401}
    with Upstream(by_token(bad)) as up, Gate(
            one(up, A, B, tokenCooldown="300ms", preferPrimary=prefer,
                **FIRST), t.workers) as g:
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "ab")
        bad.clear()
        time.sleep(0.4)
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens())[-1], want)


@test("Retry-After of a refusal is the cooldown", workers=BOTH)
def _(t):
    more = dict(FIRST, rotateOn=[401, 403, 429])
    bad = {A: lambda q, out: out.status(429, [("Retry-After", "1")])}
    with Upstream(by_token(bad)) as up, Gate(
            one(up, A, B, preferPrimary=True, **more), t.workers) as g:
        g.rpc("/s/mcp", "ping")
        bad.clear()
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "abb")
        time.sleep(1.1)
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens())[-1], "a")


@test("retryAfterMax bounds the rest, not what is read", rows=(
    ("off", 0, "7", "7s"), ("below a second", "500ms", "7", "500ms"),
    ("beyond a day", "168h", "172800", "172800s"),
    ("over it", "2s", "7", "2s"), ("as it is preset", "1h", "7200", "3600s")))
def _(t):
    _, most, said, rest = t.row
    quota = {A: lambda q, out: out.status(403, [("Retry-After", said)])}
    with Upstream(by_token(quota)) as up, Gate(
            one(up, A, B, retryAfterMax=most, **FIRST)) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        g.log_has("token index 0 is out of quota (403), cooling for " + rest)


@test("with nobody usable the first to come back gets one attempt",
      workers=BOTH)
def _(t):
    with Upstream(by_token({A: 401, B: 401})) as up, Gate(
            one(up, A, B, **FIRST), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 502)
        equal(word(up.tokens()), "ab")
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 502)
        equal(word(up.tokens()), "aba")
        equal(r.error["data"]["attempts"], 1)


@test("a restart keeps the turn and the cooling", workers=BOTH)
def _(t):
    bad = {A: 401}
    with Upstream(by_token(bad)) as up, Gate(
            one(up, A, B, C, **ROUND), t.workers) as g:
        for _ in range(2):
            g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "ab")
        bad.clear()
        g.end()
        g.start()
        for _ in range(3):
            g.rpc("/s/mcp", "ping")
        got = word(up.tokens())[2:]
        equal(got[0], "c")
        assert "a" not in got, got


@test("a reload keeps the turn, finds tokens by value", workers=BOTH)
def _(t):
    bad = {A: 401}
    with Upstream(by_token(bad)) as up, Gate(
            one(up, A, B, **FIRST), t.workers) as g:
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "ab")
        bad.clear()
        g.reload(one(up, C, A, B, **FIRST))
        # a still cools; b is current, wherever it stands in the list
        for _ in range(t.workers + 1):
            g.rpc("/s/mcp", "ping")
        equal(set(word(up.tokens())[2:]), {"b"})
        g.reload(one(up, C, A, **FIRST))
        for _ in range(t.workers + 1):
            g.rpc("/s/mcp", "ping")
        equal(set(word(up.tokens())[-t.workers:]), {"c"})


@test("a shorter list is served at once", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(one(up, A, B, C, **ROUND),
                                t.workers) as g:
        for _ in range(3):
            g.rpc("/s/mcp", "ping")
        g.reload(one(up, B, **ROUND))
        up.forget()
        for _ in range(4):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(word(up.tokens()), "bbbb")


def sessions(bad=None):
    """Gives a session id at initialize; bad tokens are refused."""
    count = [0]

    def script(q, out):
        if bad and q.token in bad:
            return out.status(401)
        if q.method == "POST" and q.json.get("method") == "initialize":
            count[0] += 1
            return out.result(
                {"protocolVersion": "2025-11-25", "capabilities": {},
                 "serverInfo": {"name": "u", "version": "1"}},
                headers=[("Mcp-Session-Id", "up-session-%d" % count[0])])
        return plain(q, out)

    return script


def initialize(g):
    r = g.rpc("/s/mcp", "initialize", {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"}})
    equal(r.status, 200)
    return [("Mcp-Session-Id", r.header("mcp-session-id")),
            ("MCP-Protocol-Version", "2025-11-25")]


@test("a session keeps its token", workers=BOTH)
def _(t):
    with Upstream(sessions()) as up, Gate(one(up, A, B, C, **ROUND),
                                          t.workers) as g:
        first, second = initialize(g), initialize(g)
        for _ in range(3):
            equal(g.rpc("/s/mcp", "ping", headers=first).status, 200)
            equal(g.rpc("/s/mcp", "ping", headers=second).status, 200)
        equal(word(up.tokens()), "ababababab"[:8])
        for q in up.calls[2::2]:
            equal(q.header("mcp-session-id"), "up-session-1")
        equal(g.call("DELETE", "/s/mcp", first).status, 200)
        equal(word(up.tokens())[-1], "a")


@test("sticky none draws for each request", workers=BOTH)
def _(t):
    with Upstream(sessions()) as up, Gate(
            one(up, A, B, sticky="none", **ROUND), t.workers) as g:
        s = initialize(g)
        for _ in range(3):
            g.rpc("/s/mcp", "ping", headers=s)
        equal(word(up.tokens()), "abab")


@test("sticky principal: one caller, one token", workers=BOTH)
def _(t):
    keys = [secret("caller%d" % i) for i in range(16)]
    with Upstream() as up:
        conf = one(up, A, B, C, sticky="principal", **ROUND)
        conf["mcpProxy"]["options"]["inboundAuth"] = {
            "strategy": "token", "token": {"values": [
                {"name": "n%d" % i, "value": k}
                for i, k in enumerate(keys)]}}
        with Gate(conf, t.workers) as g:
            seen = {}
            for _ in range(3):
                for k in keys:
                    g.rpc("/s/mcp", "ping",
                          headers={"Authorization": "Bearer " + k})
                    seen.setdefault(k, set()).add(up.calls[-1].token)
            equal({len(v) for v in seen.values()}, {1})
            assert len(set.union(*seen.values())) > 1


@test("a session whose token is refused is over", workers=BOTH)
def _(t):
    bad = set()
    with Upstream(sessions(bad)) as up, Gate(
            one(up, A, B, sessionFailover="404", **FIRST), t.workers) as g:
        s = initialize(g)
        bad.add(A)
        r = g.rpc("/s/mcp", "ping", headers=s, id=3)
        equal(r.status, 404)
        equal(r.reason, "session_not_found")
        equal(r.json["id"], 3)
        s = initialize(g)
        equal(g.rpc("/s/mcp", "ping", headers=s).status, 200)
        equal(word(up.tokens())[-1], "b")


@test("the upstream's 404 for a session comes down, the pin goes",
      workers=BOTH)
def _(t):
    lost = []

    def script(q, out):
        if lost and q.method == "POST" and q.header("mcp-session-id"):
            return out.status(404)
        return sessions()(q, out)

    with Upstream(script) as up, Gate(one(up, A, B, **ROUND),
                                      t.workers) as g:
        s = initialize(g)
        lost.append(1)
        r = g.rpc("/s/mcp", "ping", headers=s)
        equal(r.status, 404)
        equal(r.reason, "session_not_found")
        assert "cooling" not in g.log_text()


tap.main()
