#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""error_texts -- error bodies are JSON whatever stands in them"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402


@test("a request id with quotes", rows=("/nobody", "/s/mcp"))
def _(t):
    id = 'a","b\\'
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.call("PUT", t.row, {"X-Request-Id": id})
        told = json.loads(r.body)
        equal(r.header("x-request-id"), id)
        equal(told.get("requestId") or told["error"]["data"]["requestId"],
              id)
        equal(g.access(status=r.status)["request_id"], id)


@test("a wait that the upstream names is told in seconds", rows=(
    ("seconds", 503, "7", "7"), ("of a 429", 429, "7", "7"),
    ("a date", 503, "Wed, 21 Oct 2099 07:28:00 GMT", "604800"),
    ("nonsense", 503, "soon", None),
    ("with another status", 409, "7", None)))
def _(t):
    _, status, said, want = t.row

    def script(q, out):
        out.json({"jsonrpc": "2.0", "id": 1, "error": {}}, status,
                 [("Retry-After", said)])

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "x")
        equal((r.status, r.header("retry-after")), (status, want))


@test("a long query is refused in its route's form", rows=(
    ("a server", "/s/mcp", -32600), ("nobody", "/nobody", None)))
def _(t):
    _, path, code = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.get(path + "?" + "x" * 5000)
        equal((r.status, r.reason), (414, "too_large"))
        equal(r.error["code"] if code else None, code)


tap.main()
