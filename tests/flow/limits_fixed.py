#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""limits_fixed -- maxima that no key changes, and presets: at, and one above"""
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, guard, run, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

HS = secret("hs-key-of-thirty-two-bytes")
URL = "http://127.0.0.1:9/mcp"
EX_CONFIG = 78


@test("MAX_REQUEST_ID", rows=(("at", 128, True), ("above", 129, False)))
def _(t):
    _, n, believed = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "ping", headers={"X-Request-Id": "x" * n})
        equal(r.header("x-request-id") == "x" * n, believed)
        equal(up.calls[0].header("x-request-id") == "x" * n, believed)


@test("MAX_SESSION_ID", rows=(
    ("at", 1024, True), ("above", 1025, False)))
def _(t):
    _, n, told = t.row
    with Upstream(lambda q, out: out.result(headers=[
            ("Mcp-Session-Id", "x" * n)])) as up, \
            Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "initialize", {"protocolVersion": "2025-11-25"})
        equal(r.header("mcp-session-id") is not None, told)


def token_of(n):
    """A good token of exactly so many bytes."""
    for kid in ("", "a", "ab", "abc"):
        head = {"kid": kid} if kid else {}
        pad = (n - len(keys.hs256(HS, keys.claims(pad=""), **head))) * 3 // 4
        for more in range(-4, 5):
            made = keys.hs256(HS, keys.claims(pad="x" * (pad + more)),
                              **head)
            if len(made) == n:
                return guard(made)
    raise AssertionError("no token of %d bytes" % n)


@test("TOKEN_DEFAULT", rows=(("at", 16384, 200), ("above", 16385, 401)))
def _(t):
    _, n, status = t.row
    with Upstream() as up:
        conf = config({"s": server(up)})
        conf["mcpProxy"]["options"]["inboundAuth"] = {
            "strategy": "jwt", "jwt": {
                "secret": HS, "algorithms": ["HS256"], "audience": ["gate"],
                "issuer": "https://issuer.test"}}
        with Gate(conf) as g:
            equal(g.rpc("/s/mcp", "ping", headers={
                "Authorization": "Bearer " + token_of(n)}).status, status)


@test("REPLY_DEFAULT", rows=(("at", 0, 200), ("above", 1, 502)))
def _(t):
    _, more, status = t.row
    size = (8 << 20) + more - len("data: ")     # the line is what counts

    def script(q, out):
        text = '{"jsonrpc":"2.0","id":1,"result":""}'
        text = text.replace('""', '"%s"' % ("x" * (size - len(text))))
        assert len(text) == size
        out.sse()
        out.event(text)
        out.end()

    with Upstream(script) as up, Gate(config({"s": server(up)},
                                             streaming="off")) as g:
        equal(g.rpc("/s/mcp", "x").status, status)


# ---- configurations ---------------------------------------------------------
def check(text, good):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "c.json")
        with open(path, "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        os.chmod(path, 0o600)
        code, out, err = run(["-t", "--config", path], cwd=d)
        equal(code, 0 if good else EX_CONFIG, err)
        return err


def limits(**more):
    return config({"s": server(URL)}, limits=more)


def deep(n):
    """An ignored value so deep that the file has n levels."""
    text = json.dumps(config({"s": server(URL)}))
    return text[:-1] + ', "x-a": ' + "[" * (n - 1) + "]" * (n - 1) + "}"


def values(n):
    """A file with n values, as many as its own scan counts."""
    text = json.dumps(config({"s": server(URL)}))
    return text[:-1] + ', "x-a": [' + ",".join(["1"] * n) + "]}"


def servers(n):
    return config({"s%d" % i: server(URL) for i in range(n)})


def sized(n):
    text = json.dumps(config({"s": server(URL)}))
    return text + " " * (n - len(text))


@test("of a configuration", rows=(
    ("MAX_TOKEN", lambda n: limits(token=n), 32768),
    ("BODY_CEILING", lambda n: limits(requestBody=n), 64 << 20),
    ("MAX_CONFIG", sized, 4 << 20),
    ("MAX_CONFIG_DEPTH", deep, 32),
    ("MAX_SERVERS", servers, 256)))
def _(t):
    _, make, n = t.row
    check(make(n), True)
    check(make(n + 1), False)


def count(x):
    kids = x.values() if isinstance(x, dict) else \
        x if isinstance(x, list) else ()
    return 1 + sum(count(k) for k in kids)


@test("MAX_CONFIG_VALUES")
def _(t):
    own = count(json.loads(values(0)))
    check(values(100000 - own), True)
    check(values(100001 - own), False)


@test("MAX_KEY_SET", rows=(("at", 1 << 20, True), ("above", (1 << 20) + 1,
                                                   False)))
def _(t):
    _, n, good = t.row
    text = json.dumps({"keys": [keys.rsa().jwk("k")]})
    path = os.path.join(keys.folder(), "set.json")
    with open(path, "w") as f:
        f.write(text + " " * (n - len(text)))
    os.chmod(path, 0o644)
    conf = config({"s": server(URL)})
    conf["mcpProxy"]["options"]["inboundAuth"] = {
        "strategy": "jwt", "jwt": {"jwksFile": path, "audience": ["gate"],
                                   "issuer": "https://issuer.test"}}
    check(conf, good)


tap.main()
