#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""error_styles -- the same refusal as a status, as an error, as a result"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

P = "io.modelcontextprotocol/"
META = {P + "protocolVersion": "2026-07-28", P + "clientCapabilities": {}}
STYLES = ("http", "rpc", "tool")


def styled(up, style, inbound=None):
    conf = config({"s": server(up, {"errorStyle": style})})
    if inbound is not None:
        conf["mcpProxy"]["options"]["inboundAuth"] = inbound
    return conf


def modern(method, name=None):
    rows = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    if name is not None:
        rows["Mcp-Name"] = name
    return rows


@test("an upstream that is down", rows=STYLES)
def _(t):
    with Gate(styled("http://127.0.0.1:9/", t.row)) as g:
        r = g.rpc("/s/mcp", "ping", id="i-1")
        equal(r.status, 502 if t.row == "http" else 200)
        equal(r.json["id"], "i-1")
        equal(r.reason, "upstream_down")
        equal(r.error["code"], -32603)
        r = g.rpc("/s/mcp", "tools/call", {"name": "x", "arguments": {}})
        equal(r.status, 502 if t.row == "http" else 200)
        if t.row != "tool":
            equal(r.reason, "upstream_down")
            return
        equal(r.json, {"jsonrpc": "2.0", "id": 1, "result": {
            "content": [{"type": "text",
                         "text": "upstream is not reachable"}],
            "isError": True}})


@test("a result of the modern era is complete")
def _(t):
    with Gate(styled("http://127.0.0.1:9/", "tool")) as g:
        r = g.rpc("/s/mcp", "tools/call",
                  {"name": "x", "arguments": {}, "_meta": META},
                  headers=modern("tools/call", "x"))
        equal(r.status, 200)
        equal(r.json["result"]["resultType"], "complete")
        equal(r.json["result"]["isError"], True)


@test("an unknown method is no lost session", rows=STYLES)
def _(t):
    with Upstream() as up, Gate(styled(up, t.row)) as g:
        r = g.rpc("/s/mcp", "ping", {"_meta": META},
                  headers=modern("ping"))
        equal(r.error["code"], -32601)
        equal(r.status, 404 if t.row == "http" else 200)


@test("what stays a status in every style", rows=STYLES)
def _(t):
    locked = {"strategy": "token", "token": {"values": ["0123456789abcdef-s"]}}
    with Upstream() as up, Gate(styled(up, t.row, locked)) as g:
        ask = {"name": "x", "arguments": {}}
        r = g.rpc("/s/mcp", "tools/call", ask)
        equal((r.status, r.reason), (401, "unauthenticated"))
        assert r.header("www-authenticate").startswith("Bearer")
        r = g.rpc("/s/mcp", "tools/call", ask,
                  headers={"Origin": "https://evil.test"})
        equal((r.status, r.reason), (403, "origin_denied"))
        auth = {"Authorization": "Bearer 0123456789abcdef-s"}
        r = g.rpc("/s/mcp", "tools/call", ask,
                  headers=dict(auth, **{"Mcp-Session-Id": "x y"}))
        equal((r.status, r.reason), (404, "session_not_found"))


@test("without an id there is nobody to tell but by status", rows=STYLES)
def _(t):
    with Upstream() as up, Gate(styled(up, t.row)) as g:
        equal(g.post("/s/mcp", b"{").status, 400)


tap.main()
