#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""selftest -- pages that show an administrator how requests arrive"""
import base64
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, guard, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402

ADMIN = secret("admin")
KEY = secret("hs-key-of-thirty-two-bytes")
AUTH = {"Authorization": "Bearer " + ADMIN}
BOTH = (1, 4)


def admin(inbound=None, more=None, **gateway):
    gateway.setdefault("streaming", "on")
    conf = config({"s": server("http://127.0.0.1:9/")}, **gateway)
    conf["mcpProxy"]["admin"] = dict(
        {"enabled": True, "tokens": [ADMIN]}, **(more or {}))
    if inbound is not None:
        conf["mcpProxy"]["options"]["inboundAuth"] = inbound
    return conf


BY_JWT = {"strategy": "jwt", "jwt": {"secret": KEY, "audience": "gate"}}


def jwt(scope):
    return {"Authorization": "Bearer " + keys.hs256(
        KEY, keys.claims(scope=scope))}


@test("the names of headers, not their values", workers=BOTH)
def _(t):
    with Gate(admin(), t.workers) as g:
        r = g.get("/selftest/headers", dict(AUTH, Cookie="secret-cookie",
                                            X_Odd="v"))
        equal(r.status, 200)
        equal(r.json["authorization"], True)
        equal(r.json["streaming"], True)
        equal(r.json["server"], "test/1")
        equal(r.json["peer"], "127.0.0.1")
        equal(sorted(r.json["headers"]), ["authorization", "cookie", "host",
                                          "x-odd"])
        assert b"secret-cookie" not in r.body
        equal(r.header("cache-control"), "no-store")


# waits: local well
@test("five ticks, one after the other", workers=BOTH)
def _(t):
    with Gate(admin(), t.workers) as g:
        began = time.monotonic()
        r = g.get("/selftest/stream", AUTH)
        took = time.monotonic() - began
        equal(r.header("content-type"), "text/event-stream")
        equal([e["data"] for e in r.events()],
              ['{"tick":%d}' % n for n in range(1, 6)])
        assert 0.9 < took < 8 * tap.SLOW, took


# waits: local gone
@test("a client that leaves ends its ticks")
def _(t):
    with Gate(admin()) as g:
        with g.conn() as c:
            s = c.begin("GET", "/selftest/stream", list(AUTH.items()))
            equal(s.event()["data"], '{"tick":1}')
        equal(g.access(status=499)["reason"], "client_gone")


# waits: local deadline
@test("the time of a call is the time of a self-test")
def _(t):
    with Gate(admin(limits={"requestTime": "1s"})) as g:
        began = time.monotonic()
        r = g.get("/selftest/stream", AUTH)
        assert time.monotonic() - began < 5 * tap.SLOW
        equal(r.header("content-type"), "text/event-stream")


# waits: local fault
@test("a drain ends the ticks in order")
def _(t):
    with Gate(admin(drainTime="100ms"), mortal=True) as g:
        with g.conn() as c:
            s = c.begin("GET", "/selftest/stream", list(AUTH.items()))
            equal(s.event()["data"], '{"tick":1}')
            g.signal(signal.SIGTERM)
            assert len(s.rest().events()) < 4
        equal(g.proc.wait(10), 0)


@test("who may not", rows=(
    ("no credential", {}, {}, 401), ("a wrong one", {
        "Authorization": "Bearer nonsense"}, {}, 401),
    ("another address", AUTH, {"REMOTE_ADDR": "192.0.2.7"}, 403),
    ("moved by the web server", {},
     {"REDIRECT_HTTP_AUTHORIZATION": "bearer  " + ADMIN}, 200),
    ("twice the same, moved", AUTH,
     {"REDIRECT_HTTP_AUTHORIZATION": AUTH["Authorization"]}, 200),
    ("two that differ", AUTH,
     {"REDIRECT_HTTP_AUTHORIZATION": "Bearer nonsense"}, 401),
    ("a tab", {"Authorization": "Bearer\t" + ADMIN}, {}, 401),
    ("a blank and a tab", {"Authorization": "Bearer \t" + ADMIN}, {}, 401),
    ("another scheme", {"Authorization": "Token " + ADMIN}, {}, 401),
    ("one too few", {"Authorization": "Bearer " + ADMIN[:-1]}, {}, 401),
    ("a caller without the scope", "other", {}, 403),
    ("a caller with the scope", "mcpgate:admin", {}, 200)))
def _(t):
    _, headers, more, status = t.row
    if isinstance(headers, str):
        headers = jwt(headers)
    with Gate(admin(BY_JWT)) as g:
        for page in ("/selftest/headers", "/selftest/stream"):
            equal(g.get(page, headers, **more).status, status)
            equal(g.call("POST", page, headers, b"{}", **more).status, 405)


@test("an address that is refused is a violation", workers=BOTH)
def _(t):
    with Gate(admin(BY_JWT), t.workers) as g:
        for _ in range(3):
            r = g.get("/selftest/headers", AUTH, REMOTE_ADDR="192.0.2.7")
            equal((r.status, r.reason), (403, "address_denied"))
        m = g.metrics()
        equal(m.total("mcpgate_security_violations_total",
                      reason="address_denied"), 3)
        equal(m.total("mcpgate_ip_blocked_total", server="gateway"), 3)


@test("an open gateway has closed self-tests")
def _(t):
    with Gate(admin()) as g:
        equal(g.get("/selftest/headers").status, 403)


@test("without admin.enabled there are none")
def _(t):
    with Gate(admin(more={"enabled": False})) as g:
        equal(g.get("/selftest/headers", AUTH).status, 404)
        equal(g.get("/selftest/stream", AUTH).status, 404)


@test("authRequired false lets local clients in, nobody else", rows=(
    ({}, 200), ({"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, 401)))
def _(t):
    conf = admin(BY_JWT, {"authRequired": False})
    with Gate(conf) as g:
        equal(g.get("/selftest/headers", **t.row[0]).status, t.row[1])


# ---- user and password ------------------------------------------------------------
WORD = secret("pass:words")
BASIC = {"basic": {"user": "ann", "password": WORD}}
REALM = 'Basic realm="mcpgate", charset="UTF-8"'


def basic(user, word, scheme="Basic", pad=True):
    text = base64.b64encode(("%s:%s" % (user, word)).encode()).decode()
    guard(text)
    return {"Authorization": scheme + " " + (
        text if pad else text.rstrip("="))}


def challenges(r):
    return r.all("www-authenticate")


@test("user and password", workers=BOTH, rows=(
    ("right", basic("ann", WORD), 200),
    ("another case of the scheme", basic("ann", WORD, "bASIC"), 200),
    ("two blanks", basic("ann", WORD, "Basic "), 200),
    ("an admin token instead", AUTH, 200),
    ("nothing", {}, 401),
    ("another word", basic("ann", WORD[:-1]), 401),
    ("a longer one", basic("ann", WORD + "x"), 401),
    ("another user", basic("Ann", WORD), 401),
    ("no user", basic("", WORD), 401),
    ("no word", basic("ann", ""), 401),
    ("no colon", {"Authorization": "Basic YW5u"}, 401),
    ("not base64", {"Authorization": "Basic ann:" + WORD}, 401),
    ("without its padding", basic("ann", WORD, pad=False), 401),
    ("nothing but the scheme", {"Authorization": "Basic"}, 401),
    ("the word as a token", {"Authorization": "Bearer " + WORD}, 401)))
def _(t):
    _, headers, status = t.row
    for inbound in (BY_JWT, None):
        with Gate(admin(inbound, BASIC), t.workers) as g:
            for page in ("/selftest/headers", "/selftest/stream"):
                r = g.get(page, headers)
                equal(r.status, status)
                if status == 401:
                    equal(challenges(r)[0], REALM)
                    equal(r.header("cache-control"), "no-store")
            if status == 401 and "Basic" in headers.get("Authorization", ""):
                equal(r.reason, "invalid_token")
                equal(g.metrics().total("mcp_auth_failures_total",
                                        server="gateway", strategy="basic",
                                        reason="invalid_token"), 2)


@test("the challenge of user and password stands beside that of tokens")
def _(t):
    with Gate(admin(BY_JWT, BASIC)) as g:
        equal(challenges(g.get("/selftest/headers")),
              [REALM, 'Bearer realm="mcpgate"'])
        # on pages of administrators alone
        equal(challenges(g.get("/version")), ['Bearer realm="mcpgate"'])
        equal(challenges(g.rpc("/s/mcp", "ping")),
              ['Bearer realm="mcpgate"'])
    with Gate(admin(BY_JWT)) as g:
        equal(challenges(g.get("/selftest/headers")),
              ['Bearer realm="mcpgate"'])


@test("user and password are for no other route", rows=(
    ("a server", "/s/mcp"), ("a page", "/version")))
def _(t):
    _, path = t.row
    with Gate(admin(BY_JWT, BASIC)) as g:
        for who in (basic("ann", WORD), basic("ann", ""), basic("", WORD)):
            r = g.rpc(path, "ping", headers=who) if path == "/s/mcp" else \
                g.get(path, who)
            equal((r.status, challenges(r)),
                  (401, ['Bearer realm="mcpgate"']))


@test("user and password from the environment")
def _(t):
    env = {"BASIC_AUTH_USER": "bob", "BASIC_AUTH_PASSWORD": WORD}
    with Gate(admin(BY_JWT), env=env) as g:
        equal(g.get("/selftest/headers", basic("bob", WORD)).status, 200)
        equal(g.get("/selftest/headers", basic("ann", WORD)).status, 401)


@test("who guesses passwords has to wait")
def _(t):
    far = {"REMOTE_ADDR": "192.0.2.7"}
    inbound = dict(BY_JWT, failures={"perIpPerMinute": 1, "burst": 2})
    more = dict(BASIC, allowIps=["192.0.2.0/24", "127.0.0.1"])
    with Gate(admin(inbound, more)) as g:
        for _ in range(2):
            equal(g.get("/selftest/headers", basic("ann", "no"),
                        **far).status, 401)
        for who in (basic("ann", "no"), basic("ann", WORD)):
            r = g.get("/selftest/headers", who, **far)
            equal((r.status, r.reason), (429, "rate_limited"))
            assert int(r.header("retry-after")) >= 1
        # tokens cannot be guessed, and nobody here has failed
        equal(g.get("/selftest/headers", AUTH, **far).status, 200)
        for _ in range(5):
            equal(g.get("/selftest/headers", basic("ann", "no")).status, 401)
        equal(g.get("/selftest/headers", basic("ann", WORD)).status, 200)


@test("where streams are off it says so")
def _(t):
    with Gate(admin(streaming="off")) as g:
        r = g.get("/selftest/stream", AUTH)
        equal((r.status, r.json), (200, {"streaming": False}))


@test("/version tells header names to administrators alone", rows=(
    ("mcpgate:admin", True), ("mcp", False)))
def _(t):
    scope, tells = t.row
    with Gate(admin(BY_JWT)) as g:
        r = g.get("/version", dict(jwt(scope), Cookie="value-of-cookie"))
        equal(r.status, 200)
        equal(r.json["name"], "mcpgate")
        equal(r.json.get("headers"),
              ["host", "authorization", "cookie"] if tells else None)
        assert b"value-of-cookie" not in r.body
        equal(g.call("HEAD", "/version", jwt(scope)).body, b"")


tap.main()
