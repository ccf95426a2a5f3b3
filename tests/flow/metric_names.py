#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""metric_names -- every metric that is promised is there, with its labels and
no others, once what it counts has happened"""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, free_port, pool, secret, \
    server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream, plain, with_session  # noqa: E402

KEY, OUT, HS = secret("key"), secret("out"), secret("hs-key-of-32-bytes-more")

# name -> labels; "x_bucket" and so on stand for histograms
PROMISED = {
    "mcp_auth_attempts_total": "server strategy",
    "mcp_auth_success_total": "server strategy",
    "mcp_auth_failures_total": "server strategy reason",
    "mcp_proxy_header_missing": "server",
    "mcp_auth_latency_seconds_bucket": "server strategy le",
    "mcp_authenticated_requests_total": "server user",
    "mcpgate_requests_total": "server method code",
    "mcpgate_request_duration_seconds_bucket": "server method code le",
    "mcpgate_tool_calls_total": "server tool",
    "mcpgate_tool_errors_total": "server tool",
    "mcpgate_upstream_duration_seconds_bucket": "server le",
    "mcpgate_upstream_errors_total": "server reason",
    "mcpgate_token_uses_total": "server token status",
    "mcpgate_token_failures_total": "server token status",
    "mcpgate_token_state": "server token state",
    "mcpgate_token_cooldown_seconds": "server token",
    "mcpgate_token_rotations_total": "server reason",
    "mcpgate_tokens_exhausted_total": "server",
    "mcpgate_rate_limited_total": "server scope",
    "mcpgate_ip_blocked_total": "server",
    "mcpgate_tokens_generated_total": "",
    "mcpgate_tokens_revoked_total": "",
    "mcpgate_security_violations_total": "reason",
    "mcpgate_last_violation_timestamp_seconds": "reason",
    "mcpgate_sessions": "server",
    "mcpgate_streams": "server",
    "mcpgate_in_flight": "server",
    "mcpgate_cache_hits_total": "server cache",
    "mcpgate_cache_misses_total": "server cache",
    "mcpgate_audit_dropped_total": "",
    "mcpgate_store_errors_total": "",
    "mcpgate_ratelimit_table_full_total": "",
    "mcpgate_config_last_reload_successful": "",
    "mcpgate_config_generation": "",
    "mcpgate_build_info": "version",
}


def script(q, out):
    """The method says what is answered."""
    if q.method == "POST" and q.json["method"] == "no":
        return out.status(401)
    return with_session(plain)(q, out)


def bearer(token):
    return {"Authorization": "Bearer " + token}


def conf(up):
    token = {"values": [{"name": "ci", "value": KEY}]}
    rate = {"rateLimit": {"requestsPerMinute": 1, "burstSize": 1}}
    return config({
        "s": server(up, pool(OUT, OUT + "2", rotationMode="on-first-failed")),
        "key": server(up, {"inboundAuth": {"strategy": "token",
                                           "token": token}}),
        "jwt": server(up, {"inboundAuth": {"strategy": "jwt", "jwt": {
            "secret": HS, "algorithms": ["HS256"], "audience": ["gate"],
            "issuer": "https://issuer.test"}}}),
        "proxy": server(up, {"inboundAuth": {"strategy": "proxy", "proxy": {
            "userHeader": "X-User", "trustedPeers": ["127.0.0.1"]}}}),
        "once": server(up, {"security": rate}),
        "ips": server(up, {"security": {"ipDeny": ["127.0.0.1"]}}),
        "down": server("http://127.0.0.1:%d/mcp" % free_port()),
    }, metrics={"userLabel": True, "toolLabel": True})


def happen(g):
    """One of everything."""
    g.rpc("/s/mcp", "no")
    for headers in (bearer(KEY), bearer("guess")):
        g.rpc("/key/mcp", "tools/call", {"name": "echo"}, headers=headers)
    token = bearer(keys.hs256(HS, keys.claims()))
    for _ in range(2):
        g.rpc("/jwt/mcp", "ping", headers=token)
        g.rpc("/once/mcp", "ping")
    g.rpc("/proxy/mcp", "ping")
    g.rpc("/ips/mcp", "ping")
    g.rpc("/down/mcp", "ping")
    g.session("/s/mcp")
    g.ctl("token", "new")
    g.ctl("revoke", "--user", "x")


@test("all of them", workers=(1, 4))
def _(t):
    with Upstream(script) as up, Gate(conf(up), t.workers) as g:
        happen(g)
        m = eventually(lambda: g.metrics() if g.metrics().total(
            "mcpgate_upstream_errors_total") >= 1 else None, 5, "the counts")
        for name, labels in sorted(PROMISED.items()):
            rows = [set(ls) for n, ls, _ in m.rows if n == name]
            assert rows, name + " is not told"
            equal({frozenset(r) for r in rows},
                  {frozenset(labels.split())}, name)


def under_way(g):
    m = g.metrics()
    return {(s, kind): m.total("mcpgate_" + kind, server=s)
            for s in ("a", "b") for kind in ("in_flight", "streams")}


def load(a=0, b=0, streams=0):
    return {("a", "in_flight"): a, ("b", "in_flight"): b,
            ("a", "streams"): 0, ("b", "streams"): streams}


@test("what is under way, by server", workers=(1, 3))
def _(t):
    hold = Hold()

    def script(q, out):
        if q.method == "GET":
            out.sse()
            out.event({"n": 1})
        hold.wait()
        if q.method == "POST":
            plain(q, out)

    call = [("Accept", "application/json, text/event-stream"),
            ("Content-Type", "application/json")]
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    with Upstream(script) as up:
        both = config({"a": server(up), "b": server(up)})
        with Gate(both, t.workers) as g:
            equal(under_way(g), load())
            calls = [g.conn() for _ in range(4)]
            waits = [c.begin("POST", "/%s/mcp" % s, call, ping)
                     for c, s in zip(calls, "aaab")]
            stream = g.conn()
            stream.begin("GET", "/b/mcp",
                         [("Accept", "text/event-stream")]).event()
            eventually(lambda: under_way(g) == load(3, 1, 1), 5, "the counts")
            equal(g.metrics().total("mcpgate_in_flight", server=""), 1)
            g.reload(config({"b": server(up)}))
            m = g.metrics()
            equal({ls["server"] for n, ls, _ in m.rows
                   if n == "mcpgate_in_flight"}, {"", "b"})
            equal(m.total("mcpgate_in_flight", server=""), 4)
            equal(m.total("mcpgate_streams", server="b"), 1)
            g.reload(both)
            eventually(lambda: under_way(g) == load(3, 1, 1), 5, "the counts")
            text = g.ctl("metrics")[1]
            assert 'mcpgate_in_flight{server="a"} 3' in text, text
            hold.go()
            equal({w.rest().status for w in waits}, {200})
            stream.close()
            eventually(lambda: under_way(g) == load(), 5, "none is left")
            for c in calls:
                c.close()


@test("what a killed worker carried counts no more", workers=(2,))
def _(t):
    hold = Hold()

    def script(q, out):
        hold.wait()

    call = [("Accept", "application/json, text/event-stream"),
            ("Content-Type", "application/json")]
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    with Upstream(script) as up, Gate(config({"a": server(up)}),
                                      t.workers) as g:
        conns = [g.conn() for _ in range(6)]
        for c in conns:
            c.begin("POST", "/a/mcp", call, ping)
        eventually(lambda: g.metrics().total("mcpgate_in_flight", server="a")
                   == 6, 5, "six calls")
        g.mortal = True
        for pid in g.worker_pids():
            g.kill(pid)
        eventually(lambda: g.metrics().total("mcpgate_in_flight", server="a")
                   == 0, 10, "none is left")
        hold.go()
        for c in conns:
            c.close()


@test("verdicts that were kept are told from new ones")
def _(t):
    with Upstream(plain) as up, Gate(conf(up)) as g:
        token = bearer(keys.hs256(HS, keys.claims()))
        for _ in range(5):
            equal(g.rpc("/jwt/mcp", "ping", headers=token).status, 200)
        m = g.metrics()
        equal(m.total("mcpgate_cache_misses_total", server="jwt",
                      cache="verdict"), 1)
        equal(m.total("mcpgate_cache_hits_total", server="jwt",
                      cache="verdict"), 4)


VIOLATIONS = {
    "origin_denied": ("s", {"Origin": "https://evil.example"}),
    "address_denied": ("ips", {}),
    "malformed_credential": ("key", bearer("a b")),
    "bad_identity": ("proxy", {"X-User": "x" * 300}),
    "repeated_identity": ("proxy", [("X-User", "a"), ("X-User", "b")]),
}


@test("a violation, and its time", rows=sorted(VIOLATIONS))
def _(t):
    name, headers = VIOLATIONS[t.row]
    with Upstream(plain) as up, Gate(conf(up)) as g:
        began = int(time.time())
        r = g.rpc("/%s/mcp" % name, "ping", headers=headers)
        assert r.status >= 400
        m = eventually(lambda: g.metrics() if g.metrics().total(
            "mcpgate_security_violations_total") else None, 5, "the count")
        equal(m.total("mcpgate_security_violations_total", reason=t.row), 1)
        equal(m.total("mcpgate_security_violations_total"), 1)
        at = m.total("mcpgate_last_violation_timestamp_seconds",
                     reason=t.row)
        assert began <= at <= time.time(), at


@test("two credentials are one violation")
def _(t):
    with Upstream(plain) as up, Gate(config({"s": server(up, {
            "inboundAuth": {"strategy": ["token", "apikey"], "token": {
                "values": [KEY]}, "apikey": {
                    "header": "X-API-Key",
                    "values": [KEY + "-2"]}}})})) as g:
        r = g.rpc("/s/mcp", "ping", headers=dict(
            bearer(KEY), **{"X-API-Key": KEY + "-2"}))
        equal(r.status, 400)
        equal(g.metrics().total("mcpgate_security_violations_total",
                                reason="repeated_credential"), 1)


@test("a journal of revocations that nobody can read")
def _(t):
    with Upstream(plain) as up, Gate(conf(up)) as g:
        g.ctl("revoke", "--user", "x")
        with open(g.state + ".revoked", "a") as f:
            f.write("rubbish\n")
        eventually(lambda: g.metrics().total("mcpgate_store_errors_total")
                   >= 1, 5, "the count")
        g.log_has("cannot read the revocations")
        equal(g.rpc("/s/mcp", "ping").status, 200)


@test("no series twice, and help for each")
def _(t):
    with Upstream(script) as up, Gate(conf(up)) as g:
        happen(g)
        m = g.metrics()
        rows = [json.dumps([n, sorted(ls.items())]) for n, ls, _ in m.rows]
        equal(len(rows), len(set(rows)))
        for name in m.names():
            base = name
            for end in ("_bucket", "_sum", "_count"):
                if name.endswith(end) and "# TYPE %s " % name not in m.text:
                    base = name[:-len(end)]
            assert "# HELP %s " % base in m.text, base
            equal(m.text.count("# TYPE %s " % base), 1, base)


@test("the calls of a batch are counted one by one")
def _(t):
    def each(q, out):
        out.json([{"jsonrpc": "2.0", "id": m["id"], "result": {"content": []}}
                  for m in q.json])

    filtered = {"toolFilter": {"mode": "block", "list": ["rm"]}}
    with Upstream(each) as up, Gate(config({"a": server(up, filtered)},
                                             metrics={"toolLabel": True})) \
            as g:
        g.post("/a/mcp", [{"jsonrpc": "2.0", "id": i, "method": "tools/call",
                           "params": {"name": name}}
                          for i, name in enumerate(("rm", "ok", "ok"))])
        m = g.metrics()
        for tool, calls, errors in (("rm", 1, 1), ("ok", 2, 0)):
            equal(m.total("mcpgate_tool_calls_total", server="a", tool=tool),
                  calls)
            equal(m.total("mcpgate_tool_errors_total", server="a",
                          tool=tool), errors)


@test("a batch of which nothing is left is counted once")
def _(t):
    filtered = {"toolFilter": {"mode": "block", "list": ["rm"]}}
    with Upstream(plain) as up, Gate(config({"a": server(up, filtered)})) as g:
        g.post("/a/mcp", [{"jsonrpc": "2.0", "id": i, "method": "tools/call",
                           "params": {"name": "rm"}} for i in range(2)])
        m = g.metrics()
        for name in ("calls", "errors"):
            equal(m.total("mcpgate_tool_%s_total" % name, server="a"), 2)


tap.main()
