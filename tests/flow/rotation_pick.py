#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rotation_pick -- which token is next, over all workers"""
import collections
import concurrent.futures
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, secret, server  # noqa: E402
from kit.pools import A, B, C, word  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream, plain  # noqa: E402

BOTH = (1, 4)


def gate_for(up, workers, *tokens, **more):
    return Gate(config({"s": server(up, pool(*tokens, **more))}), workers)


@test("round-robin goes a b c a b c", workers=BOTH)
def _(t):
    with Upstream() as up, gate_for(up, t.workers, A, B, C,
                                    rotationMode="round-robin") as g:
        for _ in range(6):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(word(up.tokens()), "abcabc")

        def said():
            return sorted(
                ln["token"] for ln in g.log_lines()
                if ln.get("event") == "request" and ln.get("server") == "s")
        eventually(lambda: len(said()) >= 6, 5, "the last access line")
        equal(said(), [0, 0, 1, 1, 2, 2])
        for n in range(3):
            g.log_has("using token index %d" % n)


@test("round-robin over kept connections too", workers=BOTH)
def _(t):
    with Upstream() as up, gate_for(up, t.workers, A, B, C,
                                    rotationMode="round-robin") as g:
        with g.conn() as one, g.conn() as two:
            for c in (one, two, one, two, one, two):
                r = c.begin("POST", "/s/mcp", keep=True, body={
                    "jsonrpc": "2.0", "id": 1, "method": "ping"}).rest()
                equal(r.status, 200)
        equal(word(up.tokens()), "abcabc")


@test("1000 requests draw 334, 333 and 333 times", workers=BOTH, limit=120)
def _(t):
    with Upstream() as up, gate_for(up, t.workers, A, B, C,
                                    rotationMode="round-robin") as g:
        def some(n):
            with g.conn() as c:
                return [c.begin("POST", "/s/mcp", keep=True, body={
                    "jsonrpc": "2.0", "id": 1, "method": "ping"}).rest()
                    .status for _ in range(n)]

        with concurrent.futures.ThreadPoolExecutor(8) as crew:
            got = sum(crew.map(some, [125] * 8), [])
        equal(set(got), {200})
        n = collections.Counter(up.tokens())
        equal((n[A], n[B], n[C]), (334, 333, 333))


@test("one token is static, several without a mode go round", workers=BOTH,
      rows=(("one", (A,), "aaa"), ("several", (A, B), "aba")))
def _(t):
    _, tokens, want = t.row
    with Upstream() as up, gate_for(up, t.workers, *tokens) as g:
        for _ in range(3):
            g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), want)
        equal("round-robin" in g.log_text(), len(tokens) > 1)   # W02


@test("an empty list sends no credential")
def _(t):
    with Upstream() as up, gate_for(up, 1) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(up.calls[0].all("authorization"), [])


@test("empty strings are skipped, duplicates stay", rows=(
    ("empty", (A, "", B), "aba"), ("duplicate", (A, A, B), "aab")))
def _(t):
    _, tokens, want = t.row
    with Upstream() as up, gate_for(up, 1, *tokens,
                                    rotationMode="round-robin") as g:
        for _ in range(3):
            g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), want)


@test("weights are smooth, disabled tokens never picked", workers=BOTH)
def _(t):
    tokens = [{"value": A, "weight": 2}, {"value": B},
              {"value": C, "disabled": True}]
    with Upstream() as up, gate_for(up, t.workers, *tokens,
                                    rotationMode="round-robin") as g:
        for _ in range(6):
            g.rpc("/s/mcp", "ping")
        got = word(up.tokens())
        equal(collections.Counter(got), {"a": 4, "b": 2})
        assert "bb" not in got and "aaa" not in got, got


@test("on-first-failed stays with the first", workers=BOTH)
def _(t):
    with Upstream() as up, gate_for(up, t.workers, A, B, C,
                                    rotationMode="on-first-failed") as g:
        for _ in range(5):
            g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "aaaaa")


@test("least-used takes the token with the fewest in flight", rows=(
    ("one worker", 1, {}), ("four workers", 4, {}),
    ("no shared state", 1, {"store": {"path": "/proc/nothing/state"}})))
def _(t):
    _, workers, gateway = t.row
    hold = Hold()

    def slow(q, out):
        if q.json["id"] == "slow":
            hold.wait()
        plain(q, out)

    with Upstream(slow) as up, Gate(config({"s": server(up, pool(
            A, B, rotationMode="least-used"))}, **gateway), workers) as g:
        with g.conn() as c:
            s = c.begin("POST", "/s/mcp", body={
                "jsonrpc": "2.0", "id": "slow", "method": "ping"})
            busy = up.wait(1).token
            for _ in range(3):
                g.rpc("/s/mcp", "ping")
            assert busy not in up.tokens()[1:], word(up.tokens())
            hold.go()
            equal(s.rest().status, 200)


@test("what a killed CGI process had in flight counts no more",
      rows=("cgi", "pool"))
def _(t):
    hold = Hold()
    slow, ping = ({"jsonrpc": "2.0", "id": n, "method": "ping"}
                  for n in ("slow", "ping"))
    head = {"Accept": "application/json, text/event-stream"}

    def script(q, out):
        if q.json["id"] == "slow":
            hold.wait()
        plain(q, out)

    with Upstream(script) as up, Gate(config({"s": server(up, pool(
            A, B, rotationMode="least-used"))}), mode=t.row) as g:
        p, body = g.cgi_begin("POST", "/s/mcp", head, slow)
        p.stdin.write(body)
        p.stdin.close()
        up.wait(1)
        p.kill()
        p.wait()
        p.stdout.close()
        hold.go()
        for _ in range(4):
            r = g.cgi("POST", "/s/mcp", head, ping)[0] if t.row == "cgi" \
                else g.rpc("/s/mcp", "ping")
            equal(r.status, 200)
        equal(word(up.tokens()), "ababa")


@test("least-used spreads idle tokens evenly", workers=BOTH)
def _(t):
    with Upstream() as up, gate_for(up, t.workers, A, B, C,
                                    rotationMode="least-used") as g:
        for _ in range(9):
            g.rpc("/s/mcp", "ping")
        equal(collections.Counter(word(up.tokens())),
              {"a": 3, "b": 3, "c": 3})


@test("random uses every token", workers=BOTH)
def _(t):
    with Upstream() as up, gate_for(up, t.workers, A, B, C,
                                    rotationMode="random") as g:
        for _ in range(60):
            g.rpc("/s/mcp", "ping")
        n = collections.Counter(word(up.tokens()))
        assert min(n["a"], n["b"], n["c"]) >= 5, n


@test("the token goes where it belongs", rows=(
    ("another header", {"header": "X-API-Key", "prefix": ""}),
    ("another scheme", {"prefix": "Token"}),
    ("query", {"query": "key"})))
def _(t):
    _, more = t.row
    with Upstream() as up, gate_for(up, 1, A, B, rotationMode="round-robin",
                                    **more) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        q = up.calls[0]
        if "query" in more:
            equal(q.target, "/mcp?key=" + A)
            equal(q.all("authorization"), [])
        elif "header" in more:
            equal(q.header("x-api-key"), A)
            equal(q.all("authorization"), [])
        else:
            equal(q.header("authorization"), "Token " + A)


@test("two servers never share their state", workers=BOTH)
def _(t):
    with Upstream() as up:
        p = pool(A, B, rotationMode="round-robin")
        conf = config({"s": server(up, p), "t": server(up, p)})
        with Gate(conf, t.workers) as g:
            for path in ("/s/mcp", "/t/mcp", "/s/mcp", "/t/mcp"):
                g.rpc(path, "ping")
            equal(word(up.tokens()), "aabb")


@test("the client's own upstream credential does not draw", workers=BOTH)
def _(t):
    mine, key = secret("mine"), secret("inbound")
    with Upstream() as up:
        conf = config({"s": server(up, pool(A, B,
                                            rotationMode="round-robin"))})
        conf["mcpProxy"]["options"]["inboundAuth"] = {
            "strategy": "token", "token": {"values": [key]}}
        with Gate(conf, t.workers) as g:
            login = ("Authorization", "Bearer " + key)
            own = ("X-Upstream-Authorization", "Bearer " + mine)
            g.rpc("/s/mcp", "ping", headers=[login])
            g.rpc("/s/mcp", "ping", headers=[login, own])
            g.rpc("/s/mcp", "ping", headers=[login])
            equal(up.tokens(), [A, mine, B])
            for q in up.calls:
                equal(q.all("x-upstream-authorization"), [])


@test("an anonymous caller's X-Upstream-Authorization is dropped")
def _(t):
    mine = secret("anonymous")
    with Upstream() as up, gate_for(up, 1, A) as g:
        g.rpc("/s/mcp", "ping", headers={
            "X-Upstream-Authorization": "Bearer " + mine})
        equal(up.tokens(), [A])


@test("tools without credential do not draw", workers=BOTH)
def _(t):
    with Upstream() as up:
        options = dict(pool(A, B, rotationMode="round-robin"),
                       noCredentialTools=["get_*"])
        with Gate(config({"s": server(up, options)}), t.workers) as g:
            def call(tool):
                return g.rpc("/s/mcp", "tools/call",
                             {"name": tool, "arguments": {}})

            call("put_x")
            call("get_x")
            call("put_x")
            equal(word(up.tokens()), "a-b")


@test("tools without credential in a batch", workers=(1,), rows=(
    ("alone", ["get_x", "get_y"], 200, [""]),
    ("with a notification", ["get_x", None], 200, [""]),
    ("among others", ["get_x", "put_x"], 400, []),
    ("others alone", ["put_x", "put_y"], 200, [A])))
def _(t):
    _, tools, status, tokens = t.row
    batch = [{"jsonrpc": "2.0", "id": i, "method": "tools/call",
              "params": {"name": tool, "arguments": {}}} if tool else
             {"jsonrpc": "2.0", "method": "notifications/x"}
             for i, tool in enumerate(tools)]
    with Upstream() as up:
        options = dict(pool(A, B), noCredentialTools=["get_*"])
        with Gate(config({"s": server(up, options)})) as g:
            r = g.post("/s/mcp", batch)
            equal(r.status, status)
            equal([x or "" for x in up.tokens()], tokens)
            if status == 400:
                equal(r.error["message"], "batch not accepted")


@test("headers.Authorization gives way to the pool")
def _(t):
    static = secret("static")
    with Upstream() as up:
        conf = config({"s": server(up, pool(A), headers={
            "Authorization": "Bearer " + static, "X-Other": "kept"})})
        with Gate(conf) as g:
            g.rpc("/s/mcp", "ping")
            equal(up.tokens(), [A])
            equal(up.calls[0].header("x-other"), "kept")
            g.log_has("headers.Authorization ignored")          # W01


@test("headers.Authorization alone is the credential")
def _(t):
    static = secret("alone")
    with Upstream() as up:
        conf = config({"s": server(up, headers={
            "Authorization": "Bearer " + static})})
        with Gate(conf) as g:
            g.rpc("/s/mcp", "ping")
            equal(up.tokens(), [static])


tap.main()
