#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""inbound_stays -- what a caller came in with has no way upstream"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KEY, POOL = secret("inbound"), secret("pool")
HS_KEY = secret("hs-key-of-the-assertions")
ASSERTION = "cf-access-jwt-assertion"


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


def asserted(strategy, **proxy):
    rule = {"strategy": strategy, "jwt": {
        "secret": HS_KEY, "algorithms": ["HS256"], "audience": ["gate"],
        "profile": "cloudflare"}}
    if proxy:
        rule["proxy"] = proxy
    return rule


@test("an assertion has no way upstream, wherever it is read", rows=(
    ("the header of a profile", ASSERTION, ASSERTION, asserted("jwt"),
     None),
    ("a header of jwt", "X-Mine", "X-Mine", {
        "strategy": "jwt", "jwt": {
            "secret": HS_KEY, "algorithms": ["HS256"], "audience": ["gate"],
            "header": "X-Mine", "prefix": ""}}, None),
    ("its value elsewhere", ASSERTION, "X-Copy", asserted("jwt"), None),
    ("for the upstream", ASSERTION, "X-Upstream-Authorization",
     asserted("jwt"), None),
    ("a preset", ASSERTION, ASSERTION, asserted(
        "proxy", preset="cloudflare"), "alice"),
    ("a preset, its value elsewhere", ASSERTION, "X-Copy", asserted(
        "proxy", preset="cloudflare"), None),
    ("a signed header", "X-Signed", "X-Copy", asserted(
        "proxy", format="jwt", userHeader="X-Signed"), None),
    ("a preset that is not in use", ASSERTION, "X-Copy", asserted(
        ["jwt", "proxy"], preset="cloudflare"), None)))
def _(t):
    _, header, listed, inbound, seen = t.row
    token = keys.hs256(HS_KEY, keys.claims())
    passed = [] if listed == "X-Upstream-Authorization" else [listed]
    options = {"inboundAuth": inbound, "passthrough": {
        "enabled": True, "headers": passed + ["X-Other"],
        "rename": {p: "X-New" for p in passed}}}
    with Upstream() as up, Gate(config({"s": server(up, options)})) as g:
        r = g.rpc("/s/mcp", "x", headers={header: token, listed: token,
                                          "X-Other": "yes"})
        equal(r.status, 200)
        call = up.calls[0]
        equal(call.header("x-other"), "yes")
        assert token not in repr(call.headers)
        equal(call.header(listed), seen)


@test("the inbound credential in another header", rows=(
    ("bare", "X-Other", KEY), ("with a scheme", "X-Other", "Token " + KEY),
    ("inside", "X-Other", "key=%s;v=1" % KEY),
    ("renamed", "X-Renamed", KEY),
    ("for the upstream", "X-Upstream-Authorization", "Bearer " + KEY)))
@test("an API key in another header", rows=(
    ("bare", "X-Other", KEY), ("with a scheme", "X-Other", "Bearer " + KEY),
    ("for the upstream", "X-Upstream-Authorization", "ApiKey " + KEY)))
def _(t):
    _, header, value = t.row
    inbound = {"strategy": "apikey", "apiKey": {"values": [KEY]}}
    login = {"X-API-Key": KEY}
    if "API key" not in t.name:
        inbound = {"strategy": "token", "token": {"values": [KEY]}}
        login = {"Authorization": "Bearer " + KEY}
    options = {"inboundAuth": inbound, "auth": {"tokens": [POOL]},
               "passthrough": {"enabled": True, "headers": ["X-Other"],
                               "rename": {"X-Renamed": "X-New"}}}
    with Upstream() as up, Gate(config({"s": server(up, options)})) as g:
        equal(g.rpc("/s/mcp", "x", headers=dict(login, **{header: value}))
              .status, 200)
        assert KEY not in repr(up.calls[0].headers)
        g.log_has("dropped: it holds the caller's own credential")
        equal(up.tokens(), [""] if "upstream" in t.name else [POOL])


@test("a token of the query in a header", rows=(
    ("bare", "X-Other", KEY), ("with a scheme", "X-Other", "Token " + KEY),
    ("renamed", "X-Renamed", KEY),
    ("for the upstream", "X-Upstream-Authorization", "Bearer " + KEY)))
def _(t):
    _, header, value = t.row
    options = {"inboundAuth": {"strategy": "token", "allowQueryToken": True,
                               "token": {"values": [KEY]}},
               "auth": {"tokens": [POOL]},
               "passthrough": {"enabled": True, "headers": ["X-Other"],
                               "rename": {"X-Renamed": "X-New"}}}
    with Upstream() as up, Gate(config({"s": server(up, options)})) as g:
        for query in ("access_token=" + KEY,
                      "a=1&access%%5ftoken=%%63%s&b" % KEY[1:]):
            equal(g.rpc("/s/mcp?" + query, "x", headers={header: value})
                  .status, 200)
        assert KEY not in repr([(c.line, c.headers) for c in up.calls])
        equal(up.tokens(), [""] * 2 if "upstream" in t.name else [POOL] * 2)


@test("the inbound credential behind many that are none", rows=(
    ("in the query", "?" + "&".join(["access_token=none"] * 16), []),
    ("in headers", "", [("X-API-Key", "none")] * 16)))
def _(t):
    _, query, more = t.row
    options = {"inboundAuth": {"strategy": "token", "token": {
        "header": "X-Tok", "prefix": "", "values": [KEY]}},
        "passthrough": {"enabled": True, "headers": ["X-Other"]}}
    with Upstream() as up, Gate(config({"s": server(up, options)})) as g:
        equal(g.rpc("/s/mcp" + query, "x", headers=more + [
            ("X-Tok", KEY), ("X-Other", KEY)]).status, 200)
        assert KEY not in repr(up.calls[0].headers)


@test("an outbound token is presented, wherever: its list is withdrawn",
      rows=(("X-API-Key", "%s"), ("Authorization", "Token %s"),
            ("Authorization", "Basic %s"),
            ("X-Upstream-Authorization", "Bearer %s"),
            ("X-Upstream-Authorization", "%s"), ("the query", "%s")))
def _(t):
    name, form = t.row

    def ask(value):
        if name == "the query":
            return g.rpc("/s/mcp?access_token=" + value.replace(" ", "+"),
                         "x")
        return g.rpc("/s/mcp", "x", headers={name: value})

    with Upstream() as up, Gate(config({"s": server(up, {
            "authTokens": [POOL]})})) as g:
        equal(ask("Bearer other").status, 200)
        equal(ask(form % POOL).status, 401)
        g.log_has("list withdrawn")
        r = g.rpc("/s/mcp", "x")
        equal((r.status, r.reason), (502, "credential_withdrawn"))
        equal(len(up.calls), 1)


tap.main()
