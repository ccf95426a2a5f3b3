#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""inbound_cgi -- who may come in, when each request is a process of its own:
what one of them has learnt the next ones know"""
import json
import os
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream, plain, with_session  # noqa: E402

KEY, API, ASK = secret("key"), secret("api"), secret("ask-the-server")
HS = secret("hs-key-of-32-bytes-more")
ACCEPT = {"Accept": "application/json, text/event-stream",
          "Content-Type": "application/json"}
START = {"protocolVersion": "2025-11-25", "capabilities": {},
         "clientInfo": {"name": "t", "version": "1"}}


def bearer(token):
    return {"Authorization": "Bearer " + token}


def ask(g, path="/s/mcp", rpc="ping", params=None, headers=None, **more):
    """One process: its reply."""
    body = {"jsonrpc": "2.0", "id": 7, "method": rpc}
    if params is not None:
        body["params"] = params
    r, code = g.cgi("POST", path, dict(ACCEPT, **(headers or {})), body,
                    **more)
    equal(code, 0, "exit status")
    return r


def gate(servers, **more):
    return Gate(config(servers, **more), mode="cgi")


def inbound(**rule):
    return {"inboundAuth": rule}


TOKEN = {"strategy": "token", "token": {"values": [
    {"name": "ci", "value": KEY, "scopes": ["mcp"]}]}}


@test("tokens, keys and signed tokens")
def _(t):
    rsa = keys.rsa()
    with Upstream() as up, gate({
            "tok": server(up, inbound(**TOKEN)),
            "key": server(up, inbound(strategy="apikey",
                                      apikey={"value": API})),
            "hs": server(up, inbound(strategy="jwt", jwt={
                "secret": HS, "audience": ["gate"]})),
            "pem": server(up, inbound(strategy="jwt", jwt={
                "publicKeyFile": rsa.public, "audience": ["gate"]}))}) as g:
        good = {"tok": bearer(KEY), "key": {"X-API-Key": API},
                "hs": bearer(keys.hs256(HS, keys.claims())),
                "pem": bearer(keys.rs256(rsa, keys.claims()))}
        for name, headers in good.items():
            path = "/%s/mcp" % name
            for _ in range(2):      # the second one finds a kept verdict
                equal(ask(g, path, headers=headers).status, 200)
            r = ask(g, path)
            equal((r.status, r.reason), (401, "unauthenticated"))
            equal(r.header("www-authenticate"), 'Bearer realm="mcpgate"')
            r = ask(g, path, headers={n: v[:-4] + "AAAA"
                                      for n, v in headers.items()})
            equal((r.status, r.reason), (401, "invalid_token"))
        expired = bearer(keys.hs256(HS, keys.claims(exp=5)))
        r = ask(g, "/hs/mcp", headers=expired)
        equal((r.status, r.reason), (401, "token_expired"))


@test("introspection: one process asks, the next ones know")
def _(t):
    with Idp() as idp, Upstream() as up:
        rule = inbound(strategy="introspection", introspection={
            "endpoint": idp.url("/introspect"), "clientId": "gate",
            "clientSecret": ASK})
        idp.answers["good"] = {"active": True, "sub": "alice"}
        with gate({"s": server(up, rule)}) as g:
            for _ in range(3):
                equal(ask(g, headers=bearer("good")).status, 200)
            equal(idp.count("/introspect"), 1)
            for _ in range(3):
                r = ask(g, headers=bearer("other"))
                equal((r.status, r.reason), (401, "invalid_token"))
            equal(idp.count("/introspect"), 2)
            idp.die()
            equal(ask(g, headers=bearer("good")).status, 200)
            r = ask(g, headers=bearer("third"))
            equal((r.status, r.reason), (503, "auth_unavailable"))
            assert int(r.header("retry-after")) >= 1


@test("limits count over processes", rows=("server", "ip", "token", "global"))
def _(t):
    rate = {"server": {"requestsPerMinute": 1, "burstSize": 5},
            "ip": {"perIpRequestsPerHour": 5},
            "token": {"perTokenRequestsPerDay": 5}, "global": {}}[t.row]
    more = {"rateLimit": {"requestsPerDay": 5}} if t.row == "global" else {}
    options = dict(inbound(**TOKEN), security={"rateLimit": rate})
    with Upstream() as up, gate({"s": server(up, options)}, **more) as g:
        got, lock = [], threading.Lock()

        def work():
            for _ in range(4):
                r = ask(g, headers=bearer(KEY))
                with lock:
                    got.append(r)

        crew = [threading.Thread(target=work) for _ in range(3)]
        for c in crew:
            c.start()
        for c in crew:
            c.join()
        equal(sorted(r.status for r in got), [200] * 5 + [429] * 7)
        r = [r for r in got if r.status == 429][0]
        equal(r.json["error"]["message"], "rate limit exceeded (%s)" % t.row)
        assert int(r.header("retry-after")) >= 1


@test("bans, revocations and lists")
def _(t):
    options = dict(inbound(**TOKEN), security={"ipDeny": ["192.0.2.1"]})
    with Upstream() as up, gate({"s": server(up, options)}) as g:
        equal(ask(g, headers=bearer(KEY)).status, 200)
        r = ask(g, headers=bearer(KEY), REMOTE_ADDR="192.0.2.1")
        equal((r.status, r.reason), (403, "address_denied"))
        equal(g.ctl("ip", "ban", "127.0.0.1")[0], 0)
        equal(ask(g, headers=bearer(KEY)).reason, "address_denied")
        equal(g.ctl("ip", "remove", "127.0.0.1")[0], 0)
        equal(ask(g, headers=bearer(KEY)).status, 200)
        equal(g.ctl("revoke", "--user", "token:ci")[0], 0)
        r = ask(g, headers=bearer(KEY))
        equal((r.status, r.reason), (401, "token_revoked"))


@test("a session goes on in the next process, and ends")
def _(t):
    two = {"strategy": "token", "token": {"values": [
        {"name": "ci", "value": KEY}, {"name": "other", "value": API}]}}
    with Upstream(with_session(plain)) as up, \
            gate({"s": server(up, inbound(**two))}) as g:
        r = ask(g, rpc="initialize", params=START, headers=bearer(KEY))
        equal(r.status, 200)
        held = {"Mcp-Session-Id": r.header("mcp-session-id")}
        equal(ask(g, headers=dict(bearer(KEY), **held)).status, 200)
        r = ask(g, headers=dict(bearer(API), **held))
        equal((r.status, r.reason), (404, "session_not_found"))
        r, _ = g.cgi("DELETE", "/s/mcp", dict(bearer(KEY), **held))
        equal(r.status, 200)
        r = ask(g, headers=dict(bearer(KEY), **held))
        equal((r.status, r.reason), (404, "session_not_found"))


@test("tools that are not to be seen")
def _(t):
    def script(q, out):
        if q.json["method"] == "tools/list":
            return out.result({"tools": [{"name": "echo"}, {"name": "rm"},
                                         {"name": "peek"}]})
        return out.result({"content": []})

    options = dict(inbound(publicTools=["peek"], **TOKEN),
                   toolFilter={"mode": "block", "list": ["rm"]})
    with Upstream(script) as up, gate({"s": server(up, options)}) as g:
        def names(headers):
            r = ask(g, rpc="tools/list", headers=headers)
            return [x["name"] for x in r.json["result"]["tools"]]

        equal(names(bearer(KEY)), ["echo", "peek"])
        equal(names({}), ["peek"])
        call = {"rpc": "tools/call", "headers": bearer(KEY)}
        r = ask(g, params={"name": "rm"}, **call)
        equal(r.json["error"]["message"], "Unknown tool: rm")
        equal(ask(g, params={"name": "echo"}, **call).status, 200)
        equal(ask(g, rpc="tools/call", params={"name": "echo"}).status, 401)
        equal(ask(g, rpc="tools/call", params={"name": "peek"}).status, 200)


@test("origins, preflights, headers")
def _(t):
    options = dict(inbound(**TOKEN), security={"cors": {
        "enabled": True, "allowedOrigins": ["https://a.test"]}})
    with Upstream() as up, gate({"s": server(up, options)}) as g:
        r, _ = g.cgi("OPTIONS", "/s/mcp", {
            "Origin": "https://a.test",
            "Access-Control-Request-Method": "POST"})
        equal(r.status, 204)
        equal(r.header("access-control-allow-origin"), "https://a.test")
        r = ask(g, headers={"Origin": "https://b.test"})
        equal((r.status, r.reason), (403, "origin_denied"))
        r = ask(g, headers={"Origin": "https://a.test"})
        equal(r.status, 401)
        equal(r.header("access-control-allow-origin"), "https://a.test")
        equal(r.header("x-content-type-options"), "nosniff")


@test("the environment of the server's administrator is not read")
def _(t):
    env = {"MCP_CLIENT_AUTH_ENABLED": "false", "TRUST_PROXY_AUTH": "true",
           "MCP_AUTH_TOKEN": API, "AUTH_HEADER_NAME": "X-Other",
           "MCPGATE_ENV_OVERRIDES": "true"}
    with Upstream() as up, gate({"s": server(up)},
                                options=inbound(**TOKEN)) as g:
        equal(ask(g, headers=bearer(KEY), env=env).status, 200)
        equal(ask(g, headers={"X-Authenticated-User": "root"},
                  env=env).status, 401)
        equal(ask(g, headers=bearer(API), env=env).status, 401)
        assert "overrides" not in g.log_text()
        equal(json.loads(g.cgi("GET", "/health")[0].body)["status"], "ok")


tap.main()
