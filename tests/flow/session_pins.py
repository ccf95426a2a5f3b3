#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""session_pins -- which replies bind a session to its token, and which do not"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, server  # noqa: E402
from kit.pools import A, B, C, word  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream, by_token, with_session  # noqa: E402

ROUND = pool(A, B, C, rotationMode="round-robin")
SESSION = {"Mcp-Session-Id": "S1"}
MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {}}


def used(up):
    return word(up.tokens())


@test("a session ends only when the upstream agrees", rows=(
    ("no DELETE here", 405, "aaaaa"), ("in trouble", 500, "aaaaa"),
    ("ended", 200, "aaa")))
def _(t):
    _, status, want = t.row

    def script(q, out):
        if q.method == "DELETE":
            return out.status(status)
        return out.result({"protocolVersion": "2025-06-18"}, headers=[
            ("Mcp-Session-Id", "S1")])

    with Upstream(script) as up, \
            Gate(config({"s": server(up, ROUND)})) as g:
        session = g.session("/s/mcp")
        g.rpc("/s/mcp", "x", headers=session)
        g.call("DELETE", "/s/mcp", session)
        for _ in range(2):
            equal(g.rpc("/s/mcp", "x", headers=session).status,
                  404 if status == 200 else 200)
        equal(used(up), want)


@test("a session whose token was refused has ended here too",
      workers=(1, 4), rows=(
          ("on-first-failed", 401), ("on-first-failed", 403),
          ("least-used", 401), ("random", 401)))
def _(t):
    mode, status = t.row
    bad = {}
    with Upstream(with_session(by_token(bad))) as up, \
            Gate(config({"s": server(up, pool(A, B, rotationMode=mode))}),
                 t.workers) as g:
        session = g.session("/s/mcp")
        equal(g.rpc("/s/mcp", "x", headers=session).status, 200)
        its = up.tokens()[0]
        bad[its] = status
        for _ in range(2 * t.workers):
            r = g.rpc("/s/mcp", "x", headers=session)
            equal((r.status, r.reason), (404, "session_not_found"))
        equal(up.tokens()[2:], [its])           # asked once, and no other
        equal(g.metrics().total("mcpgate_sessions", server="s"), 0)
        bad.clear()
        equal(g.rpc("/s/mcp", "x", headers=session).status, 404)
        again = g.session("/s/mcp")
        equal(g.rpc("/s/mcp", "x", headers=again).status, 200)
        equal(g.metrics().total("mcpgate_sessions", server="s"), 1)


@test("a modern request has no session, whatever it says")
def _(t):
    def script(q, out):
        if q.json["id"] == 9:
            return out.status(404)
        return out.result({}, headers=[("Mcp-Session-Id", "S2")])

    head = dict(SESSION, **{"MCP-Protocol-Version": "2026-07-28",
                            "Mcp-Method": "tools/list"})
    with Upstream(script) as up, \
            Gate(config({"s": server(up, ROUND)})) as g:
        for id in (1, 2, 3, 9):
            r = g.rpc("/s/mcp", "tools/list", {"_meta": MODERN}, id=id,
                      headers=head)
            equal(r.header("mcp-session-id"), None)
        assert r.reason != "session_not_found", r.body
        equal(used(up), "abca")
        assert all(c.header("mcp-session-id") is None for c in up.calls)


@test("a session id sent twice is refused", workers=(1,), rows=(
    ("in two lines", [("Mcp-Session-Id", "a"), ("Mcp-Session-Id", "b")], 400),
    ("the same twice", [("Mcp-Session-Id", "a")] * 2, 400),
    ("in one line, as servers join them", [("Mcp-Session-Id", "a, b")], 400),
    ("in two spellings", [("Mcp-Session-Id", "a"), ("Mcp_Session_Id", "b")],
     400),
    ("nobody's, once", [("Mcp-Session-Id", "a")], 404)))
def _(t):
    _, headers, status = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        for method in ("POST", "GET", "DELETE"):
            rows = headers + [("Accept", "application/json, "
                               "text/event-stream")]
            body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            r = g.call(method, "/s/mcp", rows,
                       body if method == "POST" else b"")
            equal(r.status, status)
        equal(up.calls, [])


tap.main()
