#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""room -- calls that became streams take room, too"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream, lasting  # noqa: E402


@test("calls and streams together are limited, and the room comes back")
def _(t):
    conf = config({}, limits={"inFlight": 2, "streams": 1})
    with Upstream(lasting) as up:
        conf["mcpServers"]["s"] = server(up)
        with Gate(conf) as g:
            open_ones = []
            for _ in range(3):
                c = g.conn()
                s = c.begin("POST", "/s/mcp", body={
                    "jsonrpc": "2.0", "id": 1, "method": "x"})
                equal(s.event()["data"], '{"n": 1}')
                open_ones.append(c)
            r = g.rpc("/s/mcp", "x")
            equal((r.status, r.reason), (503, "overloaded"))
            equal(r.header("retry-after"), "1")
            equal(g.get("/health").status, 200)
            open_ones.pop().close()

            def again():
                c = g.conn()
                s = c.begin("POST", "/s/mcp", body={
                    "jsonrpc": "2.0", "id": 1, "method": "x"})
                good = s.head().status == 200
                c.close()
                return good

            eventually(again, 5, "room")
            for c in open_ones:
                c.close()


tap.main()
