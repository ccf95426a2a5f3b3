#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""inbound_stays -- what a caller came in with has no way upstream"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KEY = secret("inbound")


@test("a listed header that holds the inbound credential", rows=(
    ("an API key", "X-Key", {"strategy": "apikey", "apiKey": {
        "header": "X-Key", "values": [KEY]}}),
    ("an API key in its usual place", "X-API-Key", {
        "strategy": "apikey", "apiKey": {"values": [KEY]}}),
    ("a token", "X-Tok", {"strategy": "token", "token": {
        "header": "X-Tok", "prefix": "", "values": [KEY]}}),
    ("the proxy's secret", "X-Gate-Secret", {"strategy": "proxy", "proxy": {
        "userHeader": "X-User", "trustedPeers": ["127.0.0.1"],
        "secretHeader": "X-Gate-Secret", "secret": KEY}})))
def _(t):
    _, header, inbound = t.row
    options = {"inboundAuth": inbound, "passthrough": {
        "enabled": True, "headers": [header.lower(), "X-Other"],
        "rename": {header: "X-New"}}}
    with Upstream() as up, Gate(config({"s": server(up, options)})) as g:
        r = g.rpc("/s/mcp", "x", headers={header: KEY, "X-User": "u",
                                          "X-Other": "yes"})
        equal(r.status, 200)
        equal(up.calls[0].header("x-other"), "yes")
        assert KEY not in repr(up.calls[0].headers)


tap.main()
