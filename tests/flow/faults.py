#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""faults -- each row of the table of faults, as a client reads it

tests/lint/faults.sh asks for a row here, or for a unit test of the kind.
"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, keys, tap  # noqa: E402
from kit.gate import Gate, config, free_port, pool, run, secret, \
    server  # noqa: E402
from kit.proxy import Proxy  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Hold, Upstream, by_method  # noqa: E402

KEY, OUT, HS = secret("key"), secret("out"), secret("hs-key-of-32-bytes-more")
MODERN, P = "2026-07-28", "io.modelcontextprotocol/"
JSON = "application/json"


def table():
    """Kind -> (HTTP status, code, reason, message), as the program prints."""
    rows = {}
    for line in run(["--faults"])[1].splitlines():
        cell = [c.strip().strip("`") for c in line.strip("|").split("|")]
        if len(cell) == 5 and cell[0].isupper() and cell[1].isdigit():
            rows[cell[0]] = (int(cell[1]), int(cell[2]), cell[3], cell[4])
    assert len(rows) > 40, rows
    return rows


TABLE = table()


def inbound(**how):
    return {"inboundAuth": how}


def servers(up):
    dead = "http://127.0.0.1:%d/mcp" % free_port()
    jwt = {"secret": HS, "algorithms": ["HS256"], "audience": ["gate"],
           "issuer": "https://issuer.test"}
    token = {"values": [{"name": "ci", "value": KEY, "scopes": ["mcp"]}]}
    return {
        "s": server(up),
        "pool": server(up, pool(OUT, rotationMode="on-first-failed")),
        "round": server(up, pool(OUT, rotationMode="round-robin")),
        "old": server(up, {"authTokens": [OUT + "-old"]}),
        "key": server(up, inbound(strategy="token", token=token)),
        "scope": server(up, inbound(strategy="token", token=token,
                                    requiredScopes=["mcp", "x"])),
        "deny": server(up, inbound(strategy="token", token=token,
                                   denyUsers=["*"])),
        "jwt": server(up, inbound(strategy="jwt", jwt=jwt)),
        "proxy": server(up, inbound(strategy="proxy", proxy={
            "userHeader": "X-User", "trustedPeers": ["127.0.0.1"]})),
        "down": server(dead),
        "via": server(up, {"proxy": {"url": dead[:-4]}}),
        "short": server(up, {}, timeout="300ms"),
        "closed": {"url": "http://127.0.0.1:9/sse", "transportType": "sse"},
    }


def modern(method="tools/list", version=MODERN, claim=True, **heads):
    meta = {P + "protocolVersion": version, P + "clientCapabilities": {}}
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": method}
    headers.update(heads)
    return ("s", {"jsonrpc": "2.0", "id": 1, "method": method,
                  "params": {"_meta": meta} if claim else {}}, headers)


def ask(name, method="ping", **headers):
    return (name, {"jsonrpc": "2.0", "id": 1, "method": method}, headers)


def bearer(token):
    return {"Authorization": "Bearer " + token}


def signed(**more):
    return bearer(keys.hs256(HS, keys.claims(**more)))


# kind -> (server, body, headers): a POST that brings it about
POSTS = {
    "PARSE_ERROR": ("s", b"{", {}),
    "INVALID_REQUEST": ("s", {"id": 1}, {}),
    "BATCH_REFUSED": ("s", [ask("s")[1]], {
        "MCP-Protocol-Version": "2025-06-18"}),
    "BAD_REQUEST": ask("s", **{"MCP-Protocol-Version": "latest"}),
    "BAD_IDENTITY": ask("proxy", **{"X-User": "a\tb"}),
    "HEADER_MISMATCH": modern(**{"Mcp-Method": "other"}),
    "VERSION_UNSUPPORTED": modern(version="2099-01-01"),
    "META_MISSING": modern(claim=False),
    "UNKNOWN_METHOD": modern("ping"),
    "UNAUTHENTICATED": ask("key"),
    "INVALID_TOKEN": ask("key", Authorization="Bearer guess"),
    "TOKEN_SIGNATURE": ask("jwt", **bearer(
        keys.hs256("y" * 40, keys.claims()))),
    "TOKEN_CLAIMS": ask("jwt", **signed(aud="other")),
    "TOKEN_EXPIRED": ask("jwt", **signed(exp=int(time.time()) - 600)),
    "NO_IDENTITY": ask("proxy"),
    "INSUFFICIENT_SCOPE": ask("scope", **bearer(KEY)),
    "FORBIDDEN": ask("deny", **bearer(KEY)),
    "ORIGIN_DENIED": ask("s", Origin="https://evil.example"),
    "SESSION_NOT_FOUND": ask("s", **{"Mcp-Session-Id": "x" * 1025}),
    "NOT_ACCEPTABLE": ask("s", Accept="text/html"),
    "UNSUPPORTED_MEDIA": ask("s", **{"Content-Type": "text/plain"}),
    "TOO_LARGE": ("s", b" " * (5 << 20), {}),
    "HEADERS_TOO_LARGE": ask("s", **{"X-Long": "x" * 17000}),
    "TOKENS_EXHAUSTED": ask("pool", "status 401"),
    "UPSTREAM_AUTH": ask("round", "status 401"),
    "PROXY_AUTH": ask("s", "status 407"),
    "PROXY_FAILED": ask("via"),
    "UPSTREAM_DOWN": ask("down"),
    "UPSTREAM_PROTOCOL": ask("s", "text"),
    "UPSTREAM_ERROR": ask("s", "status 500"),
    "UPSTREAM_LIMITED": ask("s", "status 429"),
    "UPSTREAM_TIMEOUT": ask("short", "slow"),
    "SERVER_INVALID": ask("closed"),
}

# Its sentence names what the upstream or the proxy said.
LONGER = {"UPSTREAM_ERROR": " with status 500", "PROXY_FAILED": ": ",
          "TOKENS_EXHAUSTED": " after "}


def matches(kind, r):
    status, code, reason, message = TABLE[kind]
    equal(r.status, status)
    equal(r.reason, reason)
    e = r.json["error"]
    if isinstance(e, dict):
        equal(e["code"], code)
        e = e["message"]
    want = message + LONGER.get(kind, "")
    assert e == want or (kind in LONGER and e.startswith(want)), (e, want)


@test("by a POST", rows=sorted(POSTS))
def _(t):
    name, body, headers = POSTS[t.row]
    with Upstream(by_method) as up, Gate(config(servers(up))) as g:
        matches(t.row, g.post("/%s/mcp" % name, body, headers))


@test("by a method or a path", rows=(
    ("NOT_FOUND", "GET", "/nobody"), ("METHOD_NOT_ALLOWED", "PUT", "/s/mcp"),
    ("URI_TOO_LARGE", "GET", "/s/mcp?" + "x" * 4096),
    ("WEBSOCKET", "GET", "/ws")))
def _(t):
    kind, method, path = t.row
    with Upstream(by_method) as up, Gate(config(servers(up))) as g:
        matches(kind, g.call(method, path))


@test("CREDENTIAL_WITHDRAWN")
def _(t):
    with Upstream(by_method) as up, Gate(config(servers(up))) as g:
        g.post("/old/mcp", ask("old")[1], bearer(OUT + "-old"))
        matches("CREDENTIAL_WITHDRAWN", g.post("/old/mcp", ask("old")[1]))


@test("OVERLOADED")
def _(t):
    hold = Hold()

    def waits(q, out):
        hold.wait()
        out.result()

    conf = {"limits": {"inFlight": 1}}
    with Upstream(waits) as up, Gate(config(servers(up), **conf)) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", body=ask("s")[1])
        up.wait(1)
        matches("OVERLOADED", g.post("/s/mcp", ask("s")[1]))
        hold.go()
        s.rest()


@test("CLIENT_GONE")
def _(t):
    with Upstream(by_method) as up, Gate(config(servers(up))) as g:
        with fcgi.Conn(g.socket) as c:
            c.begin("POST", "/s/mcp", body=ask("s", "slow")[1])
            up.wait(1)
        line = g.access(reason=TABLE["CLIENT_GONE"][2])
        equal(line["status"], TABLE["CLIENT_GONE"][0])


@test("UPSTREAM_TLS")
def _(t):
    _, context = keys.authority()
    with Upstream(tls=context) as up, Gate(config({"s": server(
            up.url(host="localhost"))})) as g:
        matches("UPSTREAM_TLS", g.rpc("/s/mcp", "ping"))


@test("PROXY_AUTH of a proxy with a login")
def _(t):
    with Proxy(user="u", password="p") as p, Upstream(by_method) as up, \
            Gate(config({"s": server(up, {"proxy": {"url": p.url()}})})) as g:
        matches("PROXY_AUTH", g.rpc("/s/mcp", "ping"))


tap.main()
