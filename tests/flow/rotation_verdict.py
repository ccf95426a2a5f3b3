#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rotation_verdict -- what an upstream's answer does to token and request"""
import concurrent.futures
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, server  # noqa: E402
from kit.pools import A, B, C, FIRST, ROUND, word  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Hold, Upstream, by_token  # noqa: E402

BOTH = (1, 4)


def answer(status, *headers, body=b""):
    return lambda q, out: out.status(status, headers, body)


def no_challenge(r):
    equal(r.all("www-authenticate"), [])
    assert b"canary" not in r.body


# waits: forward well
@test("a refused token is replaced within the same request", workers=BOTH,
      rows=(401, 403))
def _(t):
    with Upstream(by_token({A: t.row})) as up, Gate(
            config({"s": server(up, pool(A, B, C, **FIRST))}),
            t.workers) as g:
        r = g.rpc("/s/mcp", "ping", id="x")
        equal(r.status, 200)
        equal(r.json["id"], "x")
        equal(word(up.tokens()), "ab")
        for _ in range(3):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(word(up.tokens()), "abbbb")
        equal(up.calls[0].body, up.calls[1].body)
        g.log_has("token index 0 refused (%d), cooling for 60s" % t.row)
        line = g.access(attempts=2)
        equal(line["token"], 1)
        equal(line["status"], 200)


@test("the next attempt does not meet the end of the refusal's connection",
      workers=(1,), rows=(401, 403))
def _(t):
    def refuses(q, out):
        out.status(t.row)
        out.gone(0.5)           # reads no further request
        out.close = True

    with Upstream(by_token({A: refuses})) as up, Gate(
            config({"s": server(up, pool(A, B, **FIRST))})) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(word(up.tokens()), "ab")
        equal([c.conn for c in up.calls], [1, 2])
        # and later ones go on with the connection that is kept
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(up.calls[2].conn, 2)


@test("all refused: exactly so many calls, then told", workers=BOTH, rows=(
    ("three", (A, B, C), {"maxRetries": 3}, "abc"),
    ("default", (A, B, C), {}, "abc"),
    ("two attempts", (A, B, C), {"maxRetries": 2}, "ab"),
    ("no retry", (A, B, C), {"maxRetries": 1}, "a"),
    ("more than tokens", (A, B), {"maxRetries": 9}, "ab"),
    ("a token listed twice", (A, A, B), {}, "aab")))
def _(t):
    _, tokens, more, want = t.row
    with Upstream(by_token({}, answer(
            401, ("WWW-Authenticate", 'Bearer realm="theirs"')))) as up, \
            Gate(config({"s": server(up, pool(*tokens, **FIRST, **more))}),
                 t.workers) as g:
        r = g.rpc("/s/mcp", "ping", id=5)
        equal(word(up.tokens()), want)
        equal(r.status, 502)
        equal(r.json["id"], 5)
        equal(r.error["code"], -32603)
        data = r.error["data"]
        no_challenge(r)
        if len(want) > 1 or "maxRetries" in more:
            equal(data["reason"], "tokens_exhausted")
            equal(r.error["message"],
                  "all authentication tokens failed after %d attempts"
                  % len(want))
            equal(data["statuses"], [401] * len(want))
            equal(data["attempts"], len(want))
            # a token that was not tried is there at once
            least = 1 if len(want) == len(tokens) else 0
            assert least <= data["retryAfterSeconds"] <= 60, data
            g.log_has("all authentication tokens failed after %d attempts"
                      % len(want))


@test("round-robin answers a refusal without a retry", workers=BOTH)
def _(t):
    with Upstream(by_token({B: 401})) as up, Gate(
            config({"s": server(up, pool(A, B, C, **ROUND))}),
            t.workers) as g:
        equal([g.rpc("/s/mcp", "ping").status for _ in range(2)],
              [200, 502])
        equal(word(up.tokens()), "ab")
        # b cools and is passed over
        for _ in range(6):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        assert "b" not in word(up.tokens())[2:], word(up.tokens())


@test("round-robin's refusal has its own words")
def _(t):
    with Upstream(by_token({}, answer(401))) as up, Gate(
            config({"s": server(up, pool(A, B, **ROUND))})) as g:
        r = g.rpc("/s/mcp", "ping", id=1)
        equal(r.status, 502)
        equal(r.reason, "upstream_auth")
        equal(r.error["message"], "upstream rejected our credentials")


@test("skipFailed off keeps the strict order", workers=BOTH)
def _(t):
    with Upstream(by_token({B: 401})) as up, Gate(
            config({"s": server(up, pool(A, B, C, skipFailed=False,
                                         **ROUND))}), t.workers) as g:
        got = [g.rpc("/s/mcp", "ping").status for _ in range(6)]
        equal(word(up.tokens()), "abcabc")
        equal(got, [200, 502, 200, 200, 502, 200])


@test("retryInRequest decides", workers=BOTH, rows=(
    ("round-robin on", dict(ROUND, retryInRequest=True), "ab", 200),
    ("round-robin off", dict(ROUND, retryInRequest=False), "a", 502),
    ("on-first-failed off", dict(FIRST, retryInRequest=False), "a", 502),
    ("least-used", {"rotationMode": "least-used"}, "ab", 200)))
def _(t):
    _, mode, want, status = t.row
    with Upstream(by_token({A: 401})) as up, Gate(
            config({"s": server(up, pool(A, B, **mode))}), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, status)
        equal(word(up.tokens()), want)


@test("everything else is neither retried nor marked", workers=BOTH, rows=(
    ("429", answer(429, ("Retry-After", "7")), 429),
    ("402", answer(402), 502),
    ("407", answer(407), 502),
    ("400", answer(400), 400), ("404", answer(404), 404),
    ("409", answer(409), 409), ("422", answer(422), 422),
    ("500", answer(500), 502), ("502", answer(502), 502),
    ("503", answer(503), 503), ("504", answer(504), 504),
    ("a tool's error", lambda q, out: out.result({"isError": True}), 200)))
def _(t):
    name, first, status = t.row
    with Upstream(by_token({A: first})) as up, Gate(
            config({"s": server(up, pool(A, B, **FIRST))}), t.workers) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, status)
        if name == "429":
            equal(r.header("retry-after"), "7")
            equal(r.reason, "upstream_limited")
        equal(word(up.tokens()), "a")
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "aa")
        assert "cooling" not in g.log_text()


@test("a 4xx comes with its JSON body, others without")
def _(t):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {
        "code": -32000, "message": "m"}}).encode()

    def script(q, out):
        if q.json["id"] == 1:
            out.body(400, body)
        else:
            out.body(400, b"<html>internal 10.0.0.9</html>",
                     kind="text/html")

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "ping", id=1)
        equal((r.status, r.body), (400, body))
        r = g.rpc("/s/mcp", "ping", id=2)
        equal(r.status, 400)
        assert b"10.0.0.9" not in r.body
        equal(r.json["id"], 2)


SCOPE = ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="w"')


@test("insufficient_scope tries the next token and marks none",
      workers=BOTH)
def _(t):
    with Upstream(by_token({A: answer(403, SCOPE)})) as up, Gate(
            config({"s": server(up, pool(A, B, **FIRST))}), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(word(up.tokens()), "ab")
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "abab")
        assert "cooling" not in g.log_text()


@test("insufficient_scope with every token is upstream_auth")
def _(t):
    with Upstream(by_token({}, answer(403, SCOPE))) as up, Gate(
            config({"s": server(up, pool(A, B, **FIRST))})) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 502)
        equal(word(up.tokens()), "ab")
        no_challenge(r)


@test("402 and 429 rotate when they are listed", workers=BOTH,
      rows=(402, 429))
def _(t):
    more = dict(FIRST, rotateOn=[401, 403, t.row])
    with Upstream(by_token({A: t.row})) as up, Gate(
            config({"s": server(up, pool(A, B, **more))}), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(word(up.tokens()), "ab")
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens()), "abb")
        g.log_has("token index 0")


@test("429 from all is a 429")
def _(t):
    more = dict(FIRST, rotateOn=[429])
    with Upstream(by_token({}, answer(429, ("Retry-After", "9")))) as up, \
            Gate(config({"s": server(up, pool(A, B, **more))})) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 429)
        assert 1 <= int(r.header("retry-after")) <= 9
        equal(word(up.tokens()), "ab")


LISTED = {"rotateOn": [401, 403, 429]}


@test("a 429 tells the client what the upstream said", rows=(
    ("no pool", None, "7200", "7200"),
    ("not listed", {}, "7200", "7200"),
    ("not listed, a longer rest is off", {"retryAfterMax": 0}, "7", "7"),
    ("not listed, a rest below a second", {"retryAfterMax": "500ms"}, "7",
     "7"),
    ("listed", LISTED, "7200", "7200"),
    ("listed, a longer rest is off", dict(LISTED, retryAfterMax=0), "7",
     "7"),
    ("no pool, no word", None, None, "1"),
    ("not listed, no word", {}, None, "1"),
    ("listed, no word: the rest", LISTED, None, "60")))
def _(t):
    _, more, said, want = t.row
    headers = [("Retry-After", said)] if said else []
    options = None if more is None else pool(A, B, **dict(FIRST, **more))
    with Upstream(answer(429, *headers)) as up, \
            Gate(config({"s": server(up, options)})) as g:
        r = g.rpc("/s/mcp", "ping")
        equal((r.status, r.reason), (429, "upstream_limited"))
        equal(r.header("retry-after"), want)
        equal(r.error["data"]["retryAfterSeconds"], int(want))


@test("rotateOn without 403 leaves it alone")
def _(t):
    more = dict(FIRST, rotateOn=[401])
    with Upstream(by_token({A: 403})) as up, Gate(
            config({"s": server(up, pool(A, B, **more))})) as g:
        equal(g.rpc("/s/mcp", "ping").status, 502)
        equal(word(up.tokens()), "a")


@test("twenty refusals at once move on by one", workers=BOTH)
def _(t):
    hold = Hold()

    def refuse(q, out):
        hold.wait()
        out.status(401)

    with Upstream(by_token({A: refuse})) as up, Gate(
            config({"s": server(up, pool(A, B, C, **FIRST))}),
            t.workers) as g:
        with concurrent.futures.ThreadPoolExecutor(20) as crew:
            jobs = [crew.submit(g.rpc, "/s/mcp", "ping")
                    for _ in range(20)]
            up.wait(20)
            hold.go()
            equal({j.result().status for j in jobs}, {200})
        equal(word(up.tokens()).count("c"), 0)
        g.rpc("/s/mcp", "ping")
        equal(word(up.tokens())[-1], "b")


@test("no attempt after the time is up", workers=BOTH)
def _(t):
    def refuse(q, out):
        tap.time.sleep(0.55)
        out.status(401)

    with Upstream(by_token({A: refuse, B: refuse})) as up, Gate(
            config({"s": server(up, pool(A, B, C, **FIRST),
                                timeout="600ms")}), t.workers) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 504)
        equal(r.reason, "upstream_timeout")
        equal(word(up.tokens()), "a")
        m = g.metrics()
        equal(m.total("mcpgate_token_failures_total"), 1)
        equal(m.total("mcpgate_token_rotations_total"), 0)


tap.main()
