#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""told -- what the log lines and the metrics say, and what they hide"""
import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, secret, server  # noqa: E402
from kit.metrics import Metrics  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream, by_token  # noqa: E402

BOTH = (1, 4)
A, B = secret("a"), secret("b")
KEY = secret("inbound")
FIRST = pool(A, B, rotationMode="on-first-failed")


def locked(up, options=None, **gateway):
    conf = config({"s": server(up, options or FIRST)}, **gateway)
    conf["mcpProxy"]["options"]["inboundAuth"] = {
        "strategy": "token",
        "token": {"values": [{"name": "ci", "value": KEY}]}}
    return conf


LOGIN = {"Authorization": "Bearer " + KEY}


@test("the access line of a call", workers=BOTH)
def _(t):
    with Upstream(by_token({A: 401})) as up, Gate(locked(up),
                                                  t.workers) as g:
        r = g.rpc("/s/mcp", "tools/call", {"name": "echo"}, headers=dict(
            LOGIN, **{"X-Request-Id": "rid-1"}))
        equal(r.status, 200)
        line = g.access(request_id="rid-1")
        want = {"server": "s", "method": "tools/call", "tool": "echo",
                "user": "token:ci", "how": "token", "client": "127.0.0.1",
                "status": 200, "token": 1, "attempts": 2, "event": "request",
                "level": "info"}
        equal({k: line.get(k) for k in want}, want)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            line["ts"]), line["ts"]
        assert line["pid"] in g.pids
        assert line["generation"] >= 1
        assert line["ms"] >= line["upstream_ms"] >= 0
        equal(line["bytes"], len(r.body))


@test("each attempt names its token by index", workers=BOTH)
def _(t):
    with Upstream(by_token({A: 401})) as up, Gate(locked(up),
                                                  t.workers) as g:
        g.rpc("/s/mcp", "ping", headers=LOGIN)
        g.log_has("using token index 0")
        g.log_has("using token index 1")
        g.log_has("token index 0 refused (401), cooling for 60s")


@test("what happens to a token is told behind the attempt", workers=(1,), rows=(
    ("one refused", {A: 401}, [
        "using token index 0", "token index 0 refused (401), cooling for 60s",
        "using token index 1"]),
    ("all refused", {A: 401, B: 403}, [
        "using token index 0", "token index 0 refused (401), cooling for 60s",
        "using token index 1", "token index 1 refused (403), cooling for 60s",
        "all authentication tokens failed after 2 attempts "
        "(statuses: [401 403])",
        "all authentication tokens failed after 2 attempts"]),
    ("not marked", {A: 429}, ["using token index 0",
                              "request refused: upstream_limited"])))
def _(t):
    _, answers, want = t.row
    with Upstream(by_token(answers)) as up, Gate(locked(up)) as g:
        g.rpc("/s/mcp", "ping", headers=LOGIN)
        g.access(server="s")
        equal([x["msg"] for x in g.log_lines() if x.get("server") == "s"
               and x.get("event") in ("token", "request")], want)


@test("a refusal is told with its reason and step", workers=BOTH, rows=(
    ("no credential", {}, "/s/mcp", 401, "unauthenticated", "auth"),
    ("wrong credential", {"Authorization": "Bearer nonsense-x"}, "/s/mcp",
     401, "invalid_token", "auth"),
    ("no route", LOGIN, "/x", 404, "not_found", "route")))
def _(t):
    _, headers, path, status, reason, step = t.row
    with Upstream() as up, Gate(locked(up), t.workers) as g:
        g.rpc(path, "ping", headers=headers)
        line = g.access(status=status)
        equal(line["reason"], reason)
        equal(line["step"], step)
        equal(line["level"], "warn")
        assert "nonsense" not in g.log_text()


@test("refusals are written also with the access log off", workers=(1,))
def _(t):
    with Upstream() as up, Gate(locked(
            up, dict(FIRST, logEnabled=False))) as g:
        g.rpc("/s/mcp", "ping", headers=LOGIN)
        g.rpc("/s/mcp", "ping")
        line = g.access(server="s")
        equal(line["status"], 401)
        equal([x for x in g.log_lines() if x.get("event") == "request"
               and x.get("status") == 200 and x.get("server") == "s"], [])


@test("text from outside cannot make a line of its own", workers=(1,))
def _(t):
    evil = 'a"}\n{"event":"request","forged":true}\r\x1b[31m\u2028é'
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        g.rpc("/s/mcp", "tools/call", {"name": evil})
        g.rpc("/s/mcp", evil)
        eventually(lambda: len([x for x in g.log_lines()
                                if x.get("server") == "s"]) >= 2)
        assert not any("forged" in x for x in g.log_lines())
        for ch in ("\x1b", "\r"):
            assert ch not in g.log_text()
        g.rpc("/s/mcp", "x" * 100000)
        for line in g.log_text().split("\n"):
            assert len(line.encode()) <= 4096, len(line)


@test("formats", workers=(1,), rows=("logfmt", "plain", "text"))
def _(t):
    with Upstream() as up, Gate(locked(
            up, log={"format": t.row})) as g:
        g.rpc("/s/mcp", "tools/call", {"name": "echo one"}, headers=LOGIN)
        text = g.log_has("using token index 0") and g.log_text()
        line = [x for x in text.splitlines() if "tools/call" in x][0]
        assert not line.startswith("{")
        if t.row == "logfmt":
            assert "status=200" in line and 'tool="echo one"' in line, line


@test("user names may be hashed", workers=(1,))
def _(t):
    with Upstream() as up, Gate(locked(
            up, log={"principals": "hash"})) as g:
        g.rpc("/s/mcp", "ping", headers=LOGIN)
        line = g.access(server="s")
        assert line["user"] and "ci" not in line["user"], line


@test("the level holds back what is less", workers=(1,))
def _(t):
    with Upstream() as up, Gate(locked(up, log={"level": "warn"})) as g:
        g.rpc("/s/mcp", "ping", headers=LOGIN)
        g.rpc("/s/mcp", "ping")
        g.access(status=401)
        assert '"status":200' not in g.log_text()


@test("metrics count what happened, over all workers", workers=BOTH)
def _(t):
    with Upstream(by_token({A: 401})) as up, Gate(locked(up),
                                                  t.workers) as g:
        for _ in range(5):
            g.rpc("/s/mcp", "ping", headers=LOGIN)
        g.rpc("/s/mcp", "tools/call", {"name": "x"}, headers=LOGIN)
        g.rpc("/s/mcp", "ping")
        m = g.metrics()

        def total(name, **labels):
            return m.total(name, server="s", **labels)

        equal(total("mcpgate_requests_total", code="200"), 6)
        equal(total("mcpgate_requests_total", code="401"), 1)
        equal(total("mcpgate_requests_total", method="tools/call"), 1)
        equal(total("mcpgate_tool_calls_total"), 1)
        equal(total("mcp_auth_attempts_total"), 7)
        equal(total("mcp_auth_success_total", strategy="token"), 6)
        equal(total("mcp_auth_failures_total"), 1)
        equal(total("mcp_auth_latency_seconds_count"), 7)
        equal(total("mcpgate_request_duration_seconds_count"), 7)
        assert total("mcpgate_upstream_duration_seconds_count") >= 6
        equal(total("mcpgate_token_uses_total", token="1"), 6)
        equal(total("mcpgate_token_failures_total", token="0"), 1)
        equal(total("mcpgate_token_rotations_total"), 1)
        assert total("mcpgate_token_cooldown_seconds", token="0") > 0
        equal(m.total("mcpgate_config_last_reload_successful"), 1)
        assert m.total("mcpgate_config_generation") >= 1
        equal(m.total("mcpgate_build_info"), 1)


@test("exhaustion and upstream errors are counted", workers=BOTH)
def _(t):
    with Upstream(by_token({A: 401, B: 403})) as up, Gate(
            config({"s": server(up, FIRST),
                    "t": server("http://127.0.0.1:9/mcp")}),
            t.workers) as g:
        g.rpc("/s/mcp", "ping")
        g.rpc("/t/mcp", "ping")     # counted when the reply has left
        eventually(lambda: g.metrics().total(
            "mcpgate_upstream_errors_total", server="t"), 5, "the count")
        m = g.metrics()
        equal(m.total("mcpgate_tokens_exhausted_total", server="s"), 1)
        equal(m.total("mcpgate_upstream_errors_total", server="t",
                      reason="upstream_down"), 1)
        g.log_has("(statuses: [401 403])")


SCOPE = ("WWW-Authenticate", 'Bearer error="insufficient_scope"')


@test("what marks no token is no failure of it", workers=BOTH, rows=(
    ("429", {}, (429, []), 0), ("402", {}, (402, []), 0),
    ("403, not listed", {"rotateOn": [401]}, (403, []), 0),
    ("a scope is missing", {}, (403, [SCOPE]), 1)))
def _(t):
    _, more, (status, headers), rotations = t.row
    options = pool(A, B, rotationMode="on-first-failed", **more)
    with Upstream(by_token({A: lambda q, out: out.status(
            status, headers)})) as up, \
            Gate(config({"s": server(up, options)}), t.workers) as g:
        g.rpc("/s/mcp", "ping")
        m = g.metrics()
        equal(m.total("mcpgate_token_uses_total", token="0",
                      status=str(status)), 1)
        equal(m.total("mcpgate_token_failures_total"), 0)
        equal(m.total("mcpgate_token_rotations_total", reason="403"),
              rotations)
        equal(m.total("mcpgate_token_state", token="0", state="usable"), 1)


@test("a rotation names the status it follows", workers=BOTH,
      rows=(401, 402, 403, 429))
def _(t):
    options = pool(A, B, rotationMode="on-first-failed",
                   rotateOn=[401, 402, 403, 429])
    with Upstream(by_token({A: t.row})) as up, \
            Gate(config({"s": server(up, options)}), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 200)
        m = g.metrics()
        for name in ("mcpgate_token_rotations_total",
                     "mcpgate_token_failures_total"):
            equal(m.total(name), 1)
        equal(m.total("mcpgate_token_rotations_total", reason=str(t.row)), 1)


@test("a token that the configuration disables is told as disabled")
def _(t):
    options = pool(A, {"value": B, "disabled": True})
    with Upstream() as up, Gate(config({"s": server(up, options)})) as g:
        g.rpc("/s/mcp", "ping")
        for m in (g.metrics(), Metrics(g.ctl("metrics")[1])):
            for token, state in (("0", "usable"), ("1", "disabled")):
                got = {ls["state"]: n for name, ls, n in m.rows
                       if name == "mcpgate_token_state"
                       and ls["token"] == token}
                equal(got, dict({"usable": 0, "cooling": 0, "disabled": 0},
                                **{state: 1}))
        for pools in (json.loads(g.ctl("--json", "pool")[1]),
                      json.loads(g.ctl("--json", "status")[1])["pools"]):
            equal([k["state"] for k in pools[0]["tokens"]],
                  ["usable", "disabled"])


@test("the last violation has its time", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        name = "mcpgate_last_violation_timestamp_seconds"
        equal(g.metrics().total(name), 0)
        began = int(time.time())
        equal(g.rpc("/s/mcp", "x", headers={
            "Origin": "https://evil.example"}).status, 403)
        eventually(lambda: began <= g.metrics().total(name)
                   <= time.time() + 1, 5, "the time")


@test("metrics are valid text, no client text is a label", workers=(1,))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        g.rpc("/s/mcp", 'ev"il\n', headers={"X-Request-Id": "zzz"})
        g.rpc("/s/mcp", "tools/call", {"name": "secret-tool"})
        g.rpc("/nobody-here", "ping")
        text = g.metrics_text()
        for line in text.splitlines():
            assert re.fullmatch(
                r"# (HELP|TYPE) .*|[a-zA-Z_:][a-zA-Z0-9_:]*"
                r"(\{[a-zA-Z_]+=\"[^\"\\\n]*\"(,[a-zA-Z_]+=\"[^\"\\\n]*\")*"
                r"\})? [0-9eE+.-]+(Inf|NaN)?", line), line
        for word in ("il", "zzz", "secret-tool", "nobody-here"):
            assert not re.search(r'"[^"]*%s[^"]*"' % re.escape(word),
                                 text) or word == "il", word


@test("security headers are on every reply", workers=(1,), rows=(
    ("call", "/s/mcp", 200), ("refusal", "/nobody", 404),
    ("page", "/health", 200)))
def _(t):
    _, path, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.get(path) if path == "/health" else g.rpc(path, "ping")
        equal(r.status, status)
        equal(r.header("x-content-type-options"), "nosniff")
        if path != "/health":
            equal(r.header("cache-control"), "no-store")
        size = sum(len(n) + len(v) + 4 for n, v in r.headers)
        assert size < 3072, size


tap.main()
