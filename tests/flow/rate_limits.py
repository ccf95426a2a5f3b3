#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rate_limits -- exactly so many pass over all workers, and what the rest hear

Rates are so low that nothing comes back while a test runs.
"""
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
ALICE, BOB = secret("alice"), secret("bob")
TOKENS = {"strategy": "token", "token": {"values": [
    {"name": "alice", "value": ALICE}, {"name": "bob", "value": BOB}]}}


def gate(up, rate, workers=1, inbound=None, own=None, **more):
    options = {"security": {"rateLimit": rate}}
    if inbound is not None:
        options["inboundAuth"] = inbound
    conf = config({"s": server(up, own), "other": server(up)},
                  options=options, **more)
    return Gate(conf, workers)


def bearer(value):
    return {"Authorization": "Bearer " + value}


def ask(g, n=1, addr="192.0.2.7", headers=(), path="/s/mcp",
        method="ping", params=None):
    return [g.rpc(path, method, params, headers=headers, REMOTE_ADDR=addr)
            for _ in range(n)]


def statuses(replies):
    out = {}
    for r in replies:
        out[r.status] = out.get(r.status, 0) + 1
    return out


def crowd(g, n, threads=8, **more):
    """n requests of several clients at once, on connections of their own."""
    got, lock = [], threading.Lock()

    def work(count):
        for _ in range(count):
            r = ask(g, 1, **more)[0]
            with lock:
                got.append(r)

    crew = [threading.Thread(target=work, args=(n // threads,))
            for _ in range(threads)]
    for c in crew:
        c.start()
    for c in crew:
        c.join()
    return statuses(got)


@test("exactly the permitted number passes", workers=BOTH, rows=(
    ("server, burst", {"requestsPerMinute": 1, "burstSize": 20}, 20),
    ("server, hour", {"requestsPerHour": 15}, 15),
    ("server, day", {"requestsPerDay": 15}, 15),
    ("address, burst", {"perIpRequestsPerMinute": 1, "perIpBurstSize": 20},
     20),
    ("address, hour", {"perIpRequestsPerHour": 15}, 15),
    ("address, day", {"perIpRequestsPerDay": 15}, 15),
    ("caller, burst", {"perTokenRequestsPerMinute": 1,
                       "perTokenBurstSize": 20}, 20),
    ("caller, hour", {"perTokenRequestsPerHour": 15}, 15),
    ("caller, day", {"perTokenRequestsPerDay": 15}, 15),
    ("the narrowest of all", {
        "requestsPerMinute": 1, "burstSize": 30, "requestsPerDay": 18,
        "perIpRequestsPerMinute": 1, "perIpBurstSize": 25}, 18),
    ("snake", {"requests_per_minute": 1, "burst_size": 20}, 20),
    ("none", {"requestsPerMinute": 0}, 80)))
def _(t):
    _, rate, want = t.row
    with Upstream() as up, gate(up, rate, t.workers) as g:
        got = crowd(g, 80)
        equal(got.get(200), want)
        equal(got.get(429, 0), 80 - want)
        equal(len(up.calls), want)


@test("a limit of all servers together", workers=BOTH, rows=(
    ("burst", {"requestsPerMinute": 1, "burstSize": 20}, 20),
    ("minute", {"requestsPerMinute": 12}, 12),
    ("hour", {"requestsPerHour": 15}, 15), ("day", {"requestsPerDay": 15}, 15),
    ("the server's own is narrower", {"requestsPerDay": 40}, 2 * 18)))
def _(t):
    name, rate, want = t.row
    own = {"security": {"rateLimit": {"requestsPerDay": 18}}} \
        if "narrower" in name else {}
    with Upstream() as up, Gate(config(
            {"a": server(up, own), "b": server(up, own)}, rateLimit=rate),
            t.workers) as g:
        got = [g.rpc("/%s/mcp" % "ab"[i % 2], "ping") for i in range(60)]
        equal(statuses(got), {200: want, 429: 60 - want})
        equal(len(up.calls), want)
        last = got[-1]
        equal(last.reason, "rate_limited")
        word = "server" if own else "global"
        equal(last.json["error"]["message"],
              "rate limit exceeded (%s)" % word)
        equal(last.json["id"], 1)
        assert int(last.header("retry-after")) >= 1
        assert last.header("ratelimit").startswith('"default";r=0;t=')
        equal(g.metrics().total("mcpgate_rate_limited_total", scope=word),
              60 - want)
        equal(g.get("/health").status, 200)     # takes nothing


@test("without a burst as many as per minute", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"requestsPerMinute": 7}) as g:
        equal(statuses(ask(g, 10)), {200: 7, 429: 3})


@test("60 a minute, 10 at once: the 11th waits a second", workers=BOTH)
def _(t):
    with Upstream() as up, gate(up, {"requestsPerMinute": 60,
                                     "burstSize": 10}, t.workers) as g:
        began = time.monotonic()
        got = ask(g, 11)
        late = time.monotonic() - began > 0.9   # a second brings one more
        equal(statuses(got[:10]), {200: 10})
        assert late or got[-1].status == 429, statuses(got)
        assert got[-1].header("retry-after") == "1" or late
        time.sleep(1.05)
        equal(ask(g)[0].status, 200)


@test("whom a limit counts for", workers=(1,), rows=(
    ("an address", {"perIpRequestsPerDay": 3}, "192.0.2.7", "192.0.2.8",
     True),
    ("a network of six", {"perIpRequestsPerDay": 3}, "2001:db8:1:2::1",
     "2001:db8:1:2:ffff::9", False),
    ("the next network", {"perIpRequestsPerDay": 3}, "2001:db8:1:2::1",
     "2001:db8:1:3::1", True),
    ("mapped is four", {"perIpRequestsPerDay": 3}, "192.0.2.7",
     "::ffff:192.0.2.7", False),
    ("a server, whoever asks", {"requestsPerDay": 3}, "192.0.2.7",
     "192.0.2.8", False)))
def _(t):
    _, rate, first, second, free = t.row
    with Upstream() as up, gate(up, rate) as g:
        equal(statuses(ask(g, 4, first)), {200: 3, 429: 1})
        equal(ask(g, 1, second)[0].status, 200 if free else 429)
        equal(ask(g, 1, first, path="/other/mcp")[0].status, 200)


@test("callers", workers=BOTH)
def _(t):
    with Upstream() as up, gate(up, {"perTokenRequestsPerDay": 3},
                                t.workers, TOKENS) as g:
        equal(statuses(ask(g, 5, headers=bearer(ALICE))), {200: 3, 429: 2})
        equal(statuses(ask(g, 2, "192.0.2.8", bearer(ALICE))), {429: 2})
        equal(statuses(ask(g, 5, headers=bearer(BOB))), {200: 3, 429: 2})
        # who is nobody takes nothing from anybody
        equal(statuses(ask(g, 5)), {401: 5})


@test("limits before auth count who fails, too", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"perIpRequestsPerDay": 3},
                                inbound=TOKENS) as g:
        equal(statuses(ask(g, 5)), {401: 3, 429: 2})
        equal(ask(g, 1, headers=bearer(ALICE))[0].status, 429)
        equal(ask(g, 1, "192.0.2.8", bearer(ALICE))[0].status, 200)


@test("a limit that refuses takes nothing from the others", workers=(1,))
def _(t):
    rate = {"requestsPerDay": 10, "perIpRequestsPerDay": 3}
    with Upstream() as up, gate(up, rate) as g:
        equal(statuses(ask(g, 20)), {200: 3, 429: 17})
        equal(statuses(ask(g, 4, "192.0.2.8")), {200: 3, 429: 1})
        equal(statuses(ask(g, 4, "192.0.2.9")), {200: 3, 429: 1})
        equal(statuses(ask(g, 4, "192.0.2.10")), {200: 1, 429: 3})


@test("a later limit that refuses gives back what earlier ones took",
      workers=BOTH)
def _(t):
    tools = {"search": {"requestsPerDay": 2}}
    rate = {"requestsPerDay": 6, "perIpRequestsPerMinute": 1,
            "perIpBurstSize": 6, "perTokenRequestsPerHour": 4,
            "tools": tools}
    with Upstream() as up, gate(up, rate, t.workers, TOKENS) as g:
        got = [call(g, "search", headers=bearer(ALICE)) for _ in range(6)]
        equal(statuses(got), {200: 2, 429: 4})
        equal(got[-1].error["message"], "rate limit exceeded (tool)")
        got = ask(g, 6, headers=bearer(ALICE))
        equal(statuses(got), {200: 2, 429: 4})
        equal(got[-1].error["message"], "rate limit exceeded (token)")
        got = ask(g, 6, headers=bearer(BOB))
        equal(statuses(got), {200: 2, 429: 4})
        equal(len(up.calls), 6)


@test("the id of a refused request", workers=(1,), rows=(
    ("open", {"strategy": "none"}, "127.0.0.1", {}, "q-1"),
    ("local", {"strategy": "local"}, "127.0.0.1", {}, "q-1"),
    ("not local", {"strategy": "local"}, "192.0.2.7", {}, None),
    ("a credential that nobody has looked at", TOKENS, "192.0.2.7",
     bearer(ALICE), None)))
def _(t):
    _, inbound, addr, headers, want = t.row
    with Upstream() as up, gate(up, {"perIpRequestsPerDay": 1},
                                inbound=inbound) as g:
        r = [g.rpc("/s/mcp", "ping", id="q-1", headers=headers,
                   REMOTE_ADDR=addr) for _ in range(2)][1]
        equal((r.status, r.json.get("id")), (429, want))


@test("what is not counted", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"requestsPerDay": 3,
                                     "perIpRequestsPerDay": 3}) as g:
        for _ in range(5):
            equal(g.get("/health", REMOTE_ADDR="192.0.2.7").status, 200)
            assert g.call("OPTIONS", "/s/mcp",
                          REMOTE_ADDR="192.0.2.7").status == 204
        equal(statuses(ask(g, 4)), {200: 3, 429: 1})


@test("the gateway's own page has limits of its own", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"perIpRequestsPerDay": 3}) as g:
        got = [g.get("/version", REMOTE_ADDR="192.0.2.7") for _ in range(4)]
        equal(statuses(got), {200: 3, 429: 1})
        r = got[-1].json
        equal((r["reason"], r["error"]),
              ("rate_limited", "rate limit exceeded (ip)"))
        equal(statuses(ask(g, 4)), {200: 3, 429: 1})


@test("a server's own limits replace the gateway's", workers=(1,))
def _(t):
    own = {"security": {"rateLimit": {"requestsPerDay": 5}}}
    with Upstream() as up, gate(up, {"requestsPerDay": 2}, own=own) as g:
        equal(statuses(ask(g, 8)), {200: 5, 429: 3})
        equal(statuses(ask(g, 8, path="/other/mcp")), {200: 2, 429: 6})


@test("behind a trusted proxy the client is counted", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"perIpRequestsPerDay": 3},
                                trustedProxies=["10.0.0.1"]) as g:
        def via(addr, n):
            return statuses(ask(g, n, "10.0.0.1", {"X-Forwarded-For":
                                                   "8.8.8.8, " + addr}))

        equal(via("192.0.2.7", 4), {200: 3, 429: 1})
        equal(via("192.0.2.8", 4), {200: 3, 429: 1})
        # who lies about himself changes nothing
        equal(statuses(ask(g, 4, "192.0.2.9", {
            "X-Forwarded-For": "192.0.2.10"})), {200: 3, 429: 1})
        equal(statuses(ask(g, 1, "192.0.2.9", {
            "X-Forwarded-For": "192.0.2.11"})), {429: 1})


# ---- tools ---------------------------------------------------------------------
def call(g, name, **more):
    return ask(g, method="tools/call", params={"name": name}, **more)[0]


def batch(g, *names, **more):
    body = [{"jsonrpc": "2.0", "id": i, "method": "tools/call",
             "params": {"name": n}} for i, n in enumerate(names)]
    return g.post("/s/mcp", body, REMOTE_ADDR="192.0.2.7",
                  headers=[("MCP-Protocol-Version", "2025-03-26")], **more)


@test("tools", workers=BOTH, rows=(("caller", "caller", 200, 429),
                                   ("address", "ip", 429, 200),
                                   ("server", "server", 429, 429),
                                   ("preset is the caller", None, 200, 429)))
def _(t):
    _, key, bob_here, alice_there = t.row
    rule = {"requestsPerDay": 3}
    if key is not None:
        rule["key"] = key
    with Upstream() as up, gate(up, {"tools": {"search_*": rule}}, t.workers,
                                TOKENS) as g:
        equal(statuses([call(g, "search_%d" % i, headers=bearer(ALICE))
                        for i in range(5)]), {200: 3, 429: 2})
        equal(call(g, "other", headers=bearer(ALICE)).status, 200)
        equal(ask(g, headers=bearer(ALICE), method="tools/list")[0].status,
              200)
        equal(call(g, "search_1", headers=bearer(BOB)).status, bob_here)
        equal(call(g, "search_1", headers=bearer(ALICE),
                   addr="192.0.2.8").status, alice_there)


@test("all patterns that fit count", workers=(1,))
def _(t):
    rate = {"tools": {"*": {"requestsPerDay": 5},
                      "search": {"requestsPerDay": 2}}}
    with Upstream() as up, gate(up, rate) as g:
        equal(statuses([call(g, "search") for _ in range(4)]),
              {200: 2, 429: 2})
        equal(statuses([call(g, "other") for _ in range(5)]),
              {200: 3, 429: 2})


@test("each call of a batch counts", workers=(1,))
def _(t):
    rate = {"tools": {"search": {"requestsPerDay": 5}}}
    with Upstream() as up, gate(up, rate) as g:
        assert batch(g, "search", "other", "search").status == 200
        r = batch(g, "search", "search", "search", "search")
        equal((r.status, r.reason), (429, "rate_limited"))
        assert batch(g, "search", "search", "search").status == 200
        equal(batch(g, "search").status, 429)
        equal(len(up.calls), 2)


# ---- the reply --------------------------------------------------------------------
@test("what a refusal says", workers=(1,), rows=(
    ("server", {"requestsPerMinute": 4, "burstSize": 2}, "server", 4, 60,
     (14, 15)),
    ("ip", {"perIpRequestsPerHour": 2}, "ip", 2, 3600, (1, 3600)),
    ("token", {"perTokenRequestsPerDay": 2}, "token", 2, 86400, (1, 86400)),
    ("tool", {"tools": {"*": {"requestsPerMinute": 6, "burstSize": 2}}},
     "tool", 6, 60, (9, 10))))
def _(t):
    _, rate, scope, limit, window, wait = t.row
    with Upstream() as up, gate(up, rate) as g:
        got = [call(g, "x") for _ in range(3)]
        equal([r.status for r in got], [200, 200, 429])
        r = got[-1]
        e = r.error
        equal(e["message"], "rate limit exceeded (%s)" % scope)
        equal((e["code"], e["data"]["reason"]), (429, "rate_limited"))
        equal(r.json["id"], 1)
        left = e["data"]["retryAfterSeconds"]
        assert wait[0] <= left <= wait[1], left
        equal(r.header("retry-after"), str(left))
        equal(r.header("ratelimit-policy"),
              '"default";q=%d;w=%d' % (limit, window))
        equal(r.header("ratelimit"), '"default";r=0;t=%d' % left)
        equal(r.header("x-ratelimit-limit"), str(limit))
        equal(r.header("x-ratelimit-remaining"), "0")
        equal(r.header("x-ratelimit-reset"), str(left))
        equal(r.header("x-rate-limit-remaining"), "0")
        equal(r.header("cache-control"), "no-store")
        equal(got[0].header("ratelimit"), None)
        m = g.metrics()
        equal(m.total("mcpgate_rate_limited_total", server="s",
                      scope=scope), 1)
        equal(m.total("mcpgate_rate_limited_total"), 1)


@test("headers as configured", workers=(1,), rows=(
    ("both", 1, 1), ("draft", 1, 0), ("legacy", 0, 1), ("none", 0, 0)))
def _(t):
    word, draft, legacy = t.row
    with Upstream() as up, gate(up, {"requestsPerDay": 1,
                                     "headers": word}) as g:
        r = ask(g, 2)[1]
        equal(r.status, 429)
        assert int(r.header("retry-after")) >= 1
        for name, there in (("ratelimit", draft), ("ratelimit-policy", draft),
                            ("x-ratelimit-limit", legacy),
                            ("x-ratelimit-remaining", legacy),
                            ("x-ratelimit-reset", legacy),
                            ("x-rate-limit-remaining", legacy)):
            equal((name, len(r.all(name))), (name, there))


@test("in the style of the server", workers=(1,), rows=(
    ("http", "http", 429), ("rpc", "rpc", 200), ("tool", "tool", 200)))
def _(t):
    _, style, status = t.row
    rate = {"rateLimit": {"tools": {"*": {"requestsPerDay": 1}}}}
    with Upstream() as up, Gate(config({"s": server(up, {
            "errorStyle": style, "security": rate})})) as g:
        r = [call(g, "x") for _ in range(2)][1]
        equal(r.status, status)
        if style == "tool":
            equal(r.json["result"]["isError"], True)
            assert "rate limit exceeded (tool)" in \
                r.json["result"]["content"][0]["text"]
        else:
            equal(r.error["data"]["reason"], "rate_limited")
        equal(r.json["id"], 1)


@test("a client that asks what we speak hears 503", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"requestsPerDay": 1}) as g:
        ask(g)
        r = ask(g, method="server/discover", headers={
            "Mcp-Method": "server/discover",
            "MCP-Protocol-Version": "2026-07-28"})[0]
        equal((r.status, r.reason), (503, "rate_limited"))
        assert int(r.header("retry-after")) >= 1


@test("limits outlive workers and reloads", workers=(1,))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up)}, options={"security": {
            "rateLimit": {"requestsPerDay": 5}}})
        with Gate(conf, mortal=True) as g:
            equal(statuses(ask(g, 3)), {200: 3})
            pid = g.worker_pids()[0]
            g.kill(pid)
            eventually(lambda: g.worker_pids() not in ([], [pid])
                       and g.get("/health").status == 200)
            equal(statuses(ask(g, 1)), {200: 1})
            g.ctl("reload")
            equal(statuses(ask(g, 2)), {200: 1, 429: 1})


@test("four workers, some killed: never too many, few too few",
      workers=(4,))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up)}, options={"security": {
            "rateLimit": {"requestsPerDay": 200}}})
        with Gate(conf, 4, mortal=True) as g:
            passed, lock = [0, 0], threading.Lock()

            def work():
                for _ in range(60):
                    try:
                        ok = ask(g)[0].status == 200
                    except Exception:
                        with lock:
                            passed[1] += 1      # was on a killed worker
                        continue
                    with lock:
                        passed[0] += ok

            crew = [threading.Thread(target=work) for _ in range(6)]
            for c in crew:
                c.start()
            for _ in range(3):
                time.sleep(0.05)
                g.kill(g.worker_pids()[0])
            for c in crew:
                c.join()
            eventually(lambda: len(g.worker_pids()) == 4)
            passed[0] += statuses(ask(g, 210)).get(200, 0)
            assert 200 - passed[1] - 3 <= passed[0] <= 200, passed


tap.main()
