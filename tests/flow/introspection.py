#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""introspection -- tokens that an endpoint is asked about (RFC 7662)"""
import json
import os
import shutil
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, guard, run, secret, server  # noqa: E402
from kit.proxy import Proxy  # noqa: E402
from kit.idp import OPENID, Idp, basic  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
SECRET = secret("introspection:client&secret")
STATIC = secret("static-token")


def with_idp(up, idp, strategy="introspection", more=None, **options):
    conf = config({"s": server(up)})
    block = {"endpoint": idp.url("/introspect"), "clientId": "gate:way",
             "clientSecret": SECRET, "timeout": "2s"}
    block.update(more or {})
    conf["mcpProxy"]["options"]["inboundAuth"] = dict(
        {"strategy": strategy,
         "introspection": {k: v for k, v in block.items()
                           if v is not None}}, **options)
    return conf


def ask(g, token, path="/s/mcp", **more):
    return g.rpc(path, "ping", headers={"Authorization": "Bearer " + token},
                 **more)


def opaque(word="opaque"):
    return guard("tok-" + secret(word)[7:])


def now(seconds):
    return int(time.time()) + seconds


@test("what the endpoint says", workers=BOTH, rows=(
    ("active", {"active": True, "sub": "alice"}, 200, "alice"),
    ("active alone", {"active": True}, 200, "introspection:nameless"),
    ("username", {"active": True, "username": "al"}, 200, "al"),
    ("client_id", {"active": True, "client_id": "app"}, 200, "app"),
    ("all of it", {"active": True, "sub": "alice", "exp": now(600),
                   "nbf": now(-5), "iat": now(-5), "iss": "x",
                   "token_type": "bearer", "scope": "a b"}, 200, "alice"),
    ("inactive", {"active": False}, 401, "invalid_token"),
    ("active as text", {"active": "true", "sub": "alice"}, 401,
     "invalid_token"),
    ("active 1", {"active": 1}, 401, "invalid_token"),
    ("active null", {"active": None}, 401, "invalid_token"),
    ("no active", {"sub": "alice"}, 401, "invalid_token"),
    ("active twice", '{"active":true,"active":true}', 401, "invalid_token"),
    ("a NUL", '{"active":true,"sub":"a\\u0000"}', 401, "invalid_token"),
    ("expired", {"active": True, "sub": "a", "exp": now(-120)}, 401,
     "token_expired"),
    ("exp as text", {"active": True, "exp": str(now(600))}, 401,
     "invalid_token"),
    ("not yet", {"active": True, "nbf": now(600)}, 401, "invalid_token"),
    ("iat as text", {"active": True, "iat": "1"}, 401, "invalid_token"),
    ("iss a number", {"active": True, "iss": 1}, 401, "invalid_token"),
    ("cnf", {"active": True, "cnf": {"jkt": "x"}}, 401, "invalid_token"),
    ("DPoP", {"active": True, "token_type": "DPoP"}, 401, "invalid_token"),
    ("sub a number", {"active": True, "sub": 5}, 401, "invalid_token"),
    ("sub with a control", {"active": True, "sub": "a\n"}, 401,
     "invalid_token"),
    ("status 204", 204, 503, "auth_unavailable"),
    ("status 400", 400, 503, "auth_unavailable"),
    ("status 401", 401, 503, "auth_unavailable"),
    ("status 403", 403, 503, "auth_unavailable"),
    ("status 404", 404, 503, "auth_unavailable"),
    ("status 429", 429, 503, "auth_unavailable"),
    ("status 500", 500, 503, "auth_unavailable"),
    ("not JSON", "<html>", 503, "auth_unavailable"),
    ("cut short", '{"active":tru', 503, "auth_unavailable"),
    ("an array", "[]", 503, "auth_unavailable"),
    ("text", '"active"', 503, "auth_unavailable"),
    ("nothing", "", 503, "auth_unavailable")))
def _(t):
    _, answer, status, word = t.row
    token = opaque()
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp), t.workers) as g:
        idp.answers[token] = answer
        r = ask(g, token)
        equal(r.status, status)
        equal(idp.count("/introspect"), 1)
        equal(idp.count("/elsewhere"), 0)
        if status == 200:
            line = g.access(server="s")
            equal((line["user"], line["how"]), (word, "introspection"))
            assert up.calls[0].all("authorization") == []
            return
        equal(r.reason, word)
        equal(up.calls, [])
        challenge = r.header("www-authenticate")
        if status == 401:
            assert 'error="invalid_token"' in challenge, challenge
        else:
            equal(challenge, None)
            equal(r.header("retry-after"), "5")
        m = g.metrics()
        equal(m.total("mcp_auth_failures_total", server="s",
                      strategy="introspection", reason=word), 1)


# waits: auth fault, waits: auth deadline
@test("what is no answer", workers=BOTH, rows=(
    "redirect", "huge", "drop", "stall", "dead"))
def _(t):
    token = opaque()
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp), t.workers) as g:
        idp.answers[token] = {"active": True}
        if t.row == "dead":
            idp.die()
        else:
            idp.lies["/introspect"] = t.row
        began = time.monotonic()
        r = ask(g, token)
        took = time.monotonic() - began
        equal((r.status, r.reason), (503, "auth_unavailable"))
        equal(r.header("retry-after"), "5")
        equal(idp.count("/elsewhere"), 0)
        equal(up.calls, [])
        if t.row == "stall":
            assert 1.8 < took < 4 * tap.SLOW, took
        g.log_has("no answer")


@test("how we log in", workers=(1,), rows=("basic", "post", "bearer"))
def _(t):
    token = opaque()
    more = {"authStyle": t.row}
    if t.row == "bearer":
        more["clientId"] = None
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp, more=more)) as g:
        idp.answers[token] = {"active": True}
        equal(ask(g, token).status, 200)
        call, form = idp.calls[0], idp.forms()[0]
        equal(call.method, "POST")
        equal(form["token"], token)
        equal(form["token_type_hint"], "access_token")
        equal(call.header("accept"), "application/json")
        equal(call.header("content-type"),
              "application/x-www-form-urlencoded")
        assert token not in call.target
        if t.row == "basic":
            equal(call.header("authorization"), basic("gate:way", SECRET))
        elif t.row == "bearer":
            equal(call.header("authorization"), "Bearer " + SECRET)
        else:
            equal(call.header("authorization"), None)
            equal((form["client_id"], form["client_secret"]),
                  ("gate:way", SECRET))


@test("a secret that no header can bring stops the start", rows=(
    ("a line feed", "bearer", SECRET + "\n", 78),
    ("a blank", "bearer", "a b" + SECRET, 78),
    ("in a form", "post", SECRET + "\n", 0),
    ("in base64", "basic", SECRET + "\n", 0)))
def _(t):
    _, style, word, code = t.row
    where = tempfile.mkdtemp()
    t.after(lambda: shutil.rmtree(where))
    path = os.path.join(where, "c.json")
    with Idp() as idp:
        conf = with_idp("http://127.0.0.1:9/", idp, more={
            "authStyle": style, "clientSecret": word})
    with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        json.dump(conf, f)
    rc, _, err = run(["--check-config", "--config", path])
    equal(rc, code, err)
    equal("introspection.clientSecret: token 0 holds characters that a "
          "header cannot carry" in err, code != 0)
    assert SECRET not in err


@test("audience, issuer, scopes", rows=(
    ("aud fits", {"aud": ["x", "gate"]}, {"audience": ["gate"]}, {}, 200),
    ("another aud", {"aud": "other"}, {"audience": ["gate"]}, {}, 401),
    ("no aud", {}, {"audience": ["gate"]}, {}, 401),
    ("iss fits", {"iss": "ISSUER"}, {"issuer": "ISSUER"}, {}, 200),
    ("no iss", {}, {"issuer": "ISSUER"}, {}, 200),
    ("another iss", {"iss": "ISSUER/"}, {"issuer": "ISSUER"}, {}, 401),
    ("scope", {"scope": "a mcp"}, {}, {"requiredScopes": ["mcp"]}, 200),
    ("scope lacks", {"scope": "a"}, {}, {"requiredScopes": ["mcp"]}, 403),
    ("no scope", {}, {}, {"requiredScopes": ["mcp"]}, 403),
    ("groups", {"groups": ["ops"]}, {}, {"allowGroups": ["ops"]}, 200),
    ("no group", {}, {}, {"allowGroups": ["ops"]}, 403)))
def _(t):
    _, said, more, inbound, status = t.row
    token = opaque()
    with Upstream() as up, Idp() as idp:
        def real(rows):
            return {k: v.replace("ISSUER", idp.issuer)
                    if isinstance(v, str) else v for k, v in rows.items()}

        idp.answers[token] = dict({"active": True, "sub": "alice"},
                                  **real(said))
        with Gate(with_idp(up, idp, more=real(more), **inbound)) as g:
            for _ in range(2):
                equal(ask(g, token).status, status)
            equal(idp.count("/introspect"), 1)


@test("answers are kept for all workers, as long as they may be",
      workers=BOTH)
def _(t):
    good, bad, short = opaque("good"), opaque("bad"), opaque("short")
    more = {"cacheTtl": "3s", "negativeTtl": "2s"}
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp, more=more), t.workers) as g:
        idp.answers[good] = {"active": True, "sub": "alice"}
        idp.answers[short] = {"active": True, "exp": now(2) + 0.5}
        for _ in range(12):
            equal(ask(g, good).status, 200)
            equal(ask(g, bad).status, 401)
        equal(idp.count("/introspect"), 2)
        time.sleep(3.2)
        idp.answers[good], idp.answers[bad] = {"active": False}, \
            {"active": True, "sub": "bob"}
        equal(ask(g, good).status, 401)
        equal(ask(g, bad).status, 200)
        equal(idp.count("/introspect"), 4)


@test("without a cache every request is asked about", workers=BOTH)
def _(t):
    token, bad = opaque(), opaque("bad")
    more = {"cacheTtl": "0", "negativeTtl": "0"}
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp, more=more), t.workers) as g:
        idp.answers[token] = {"active": True, "sub": "alice"}
        for i in range(4):
            equal(ask(g, token).status, 200)
            equal(ask(g, bad).status, 401)
            equal(idp.count("/introspect"), 2 * i + 2)
        idp.answers[token] = {"active": False}
        equal(ask(g, token).status, 401)


@test("cache on or off: the same words", workers=BOTH, rows=(
    {"active": False}, {"active": True, "exp": now(-500)},
    {"active": True, "exp": "1"}, {"active": True, "cnf": {}},
    {"active": True, "sub": "alice"}))
def _(t):
    said = []
    for ttl in ("0", "5s"):
        token = opaque()
        more = {"cacheTtl": ttl, "negativeTtl": ttl}
        with Upstream() as up, Idp() as idp, \
                Gate(with_idp(up, idp, more=more), t.workers) as g:
            idp.answers[token] = t.row
            for _ in range(2 * t.workers):
                r = ask(g, token)
                said.append((r.status, r.header("www-authenticate"),
                             r.status == 200 or (r.reason, r.json["error"][
                                 "message"])))
    equal(len(set(said)), 1)


def together(g, token, n, seconds=20):
    got, lock = [], threading.Lock()

    def one():
        try:
            r = ask(g, token)
            word = (r.status, r.reason if r.status != 200 else None)
        except Exception as e:         # noqa: B902
            word = repr(e)
        with lock:
            got.append(word)

    threads = [threading.Thread(target=one) for _ in range(n)]
    for th in threads:
        th.start()
    for th in threads:
        th.join(seconds)
    return got


@test("a hundred at once are one question", workers=BOTH, rows=(
    ("active", {"active": True, "sub": "a"}, {}, 200),
    ("inactive", {"active": False}, {}, 401),
    ("active, not kept", {"active": True, "sub": "a"},
     {"cacheTtl": "0", "negativeTtl": "0"}, 200),
    ("inactive, not kept", {"active": False},
     {"cacheTtl": "0", "negativeTtl": "0"}, 401),
    ("no answer", 500, {}, 503)), limit=60)
def _(t):
    name, answer, more, status = t.row
    token = opaque()
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp, more=more), t.workers) as g:
        idp.answers[token] = answer
        idp.delay = 1.0
        got = together(g, token, 100)
        equal({w[0] for w in got}, {status})
        equal(len(got), 100)
        equal(idp.count("/introspect"), 1)


@test("after an outage", workers=BOTH)
def _(t):
    token, other = opaque(), opaque("other")
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp), t.workers) as g:
        for tok in (token, other):
            idp.answers[tok] = {"active": True, "sub": "alice"}
        idp.die()
        for _ in range(3):
            r = ask(g, token)
            equal((r.status, r.reason), (503, "auth_unavailable"))
        idp.live()
        eventually(lambda: ask(g, token).status == 200, 8)
        equal(ask(g, other).status, 200)


@test("the endpoint rests after a failure", workers=BOTH)
def _(t):
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp), t.workers) as g:
        idp.lies["/introspect"] = 500
        for i in range(20):
            equal(ask(g, opaque()).status, 503)
        assert idp.count("/introspect") <= 2, idp.count("/introspect")
        equal(up.calls, [])


@test("which strategy a value belongs to", workers=(1,))
def _(t):
    hs = secret("hs-key-of-thirty-two-bytes")
    with Upstream() as up, Idp() as idp:
        conf = with_idp(up, idp, strategy=["token", "jwt", "introspection"],
                        token={"values": [STATIC]},
                        jwt={"secret": hs, "algorithms": ["HS256"]})
        alone = {"inboundAuth": {"strategy": "introspection",
                                 "introspection": conf["mcpProxy"][
                                     "options"]["inboundAuth"][
                                         "introspection"]}}
        conf["mcpServers"]["o"] = server(up, alone)
        made = keys.hs256(hs, keys.claims())
        with Gate(conf) as g:
            idp.answers[made] = {"active": True, "sub": "bob"}
            equal(ask(g, STATIC).status, 200)
            equal(ask(g, made).status, 200)
            equal(ask(g, made[:-6] + "AAAAAA").status, 401)
            equal(idp.count("/introspect"), 0)
            equal(ask(g, opaque()).status, 401)
            equal(idp.count("/introspect"), 1)
            # alone: also what looks like a JWT
            equal(ask(g, made, "/o/mcp").status, 200)
            equal(idp.count("/introspect"), 2)
            equal([x["user"] for x in (g.access(server="o"),)], ["bob"])
            m = g.metrics()
            for strategy, n in (("token", 1), ("jwt", 2),
                                ("introspection", 1)):
                equal(m.total("mcp_auth_attempts_total", server="s",
                              strategy=strategy), n, strategy)


@test("nothing malformed is sent", workers=(1,), rows=(
    "Bearer ", "Bearer a,b", 'Bearer "x"', "Bearer a b", "Basic eDp5",
    "Bearer \xe9", None))
def _(t):
    with Upstream() as up, Idp() as idp, Gate(with_idp(up, idp)) as g:
        r = g.rpc("/s/mcp", "ping", headers={"Authorization": t.row}
                  if t.row else {})
        equal(r.status, 401)
        equal(idp.calls, [])


@test("a token of the longest length, and one longer", workers=(1,), rows=(
    ("at", 0, 200), ("above", 1, 401)))
def _(t):
    _, more, status = t.row
    with Upstream() as up, Idp() as idp:
        conf = with_idp(up, idp)
        conf["mcpProxy"]["limits"] = {"token": 4096}
        token = guard("x" * (4096 + more))
        with Gate(conf) as g:
            idp.answers[token] = {"active": True}
            equal(ask(g, token).status, status)
            equal(idp.count("/introspect"), 1 if status == 200 else 0)


@test("TLS is verified", workers=(1,), rows=(
    ("its authority is known", True, "localhost", 200),
    ("unknown", False, "localhost", 503)))
def _(t):
    _, known, host, status = t.row
    ca, context = keys.authority()
    token = opaque()
    with Upstream() as up, Idp(tls=context, host=host) as idp:
        env = {"SSL_CERT_FILE": ca} if known else {}
        with Gate(with_idp(up, idp), env=env) as g:
            idp.answers[token] = {"active": True}
            equal(ask(g, token).status, status)


@test("the way leads through the outbound proxy of the server",
      workers=(1,))
def _(t):
    token = opaque()
    with Upstream() as up, Idp() as idp, Proxy() as p:
        conf = with_idp(up, idp)
        conf["mcpServers"]["s"]["options"]["proxy"] = {
            "url": p.url()}
        with Gate(conf) as g:
            idp.answers[token] = {"active": True}
            ask(g, token)
            assert p.asked, "the proxy was not asked"


@test("the longest answer, and one byte more", workers=(1,), rows=(
    ("at", 0, 200), ("above", 1, 503)))
def _(t):
    _, more, status = t.row
    token, head = opaque(), '{"active":true,"x":"'
    with Upstream() as up, Idp() as idp, Gate(with_idp(up, idp)) as g:
        idp.answers[token] = head + "y" * (65536 + more - len(head) - 2) \
            + '"}'
        equal(ask(g, token).status, status)


@test("the issuer names the endpoint", workers=BOTH, rows=(
    ("named", {}, 200), ("not named", {"introspection_endpoint": None}, 503),
    ("another issuer", {"issuer": "https://evil.test"}, 503)))
def _(t):
    _, meta, status = t.row
    token, other = opaque(), opaque("other")
    with Upstream() as up, Idp() as idp:
        idp.meta = meta
        conf = with_idp(up, idp, more={"endpoint": None,
                                       "issuer": idp.issuer})
        with Gate(conf, t.workers) as g:
            for tok in (token, other):
                idp.answers[tok] = {"active": True, "sub": "alice",
                                    "iss": idp.issuer}
            equal(ask(g, token).status, status)
            if status == 200:
                equal(ask(g, other).status, 200)
                assert 1 <= idp.count(OPENID) <= t.workers
                equal(idp.count("/introspect"), 2)
            else:
                equal(idp.count("/introspect"), 0)


@test("a reload changes the rules at once", workers=BOTH)
def _(t):
    token = opaque()
    with Upstream() as up, Idp() as idp, \
            Gate(with_idp(up, idp), t.workers) as g:
        idp.answers[token] = {"active": True, "sub": "a", "aud": "gate"}
        equal(ask(g, token).status, 200)
        g.reload(with_idp(up, idp, more={"audience": ["other"]}))
        eventually(lambda: ask(g, token).status == 401, 5)
        for _ in range(2 * t.workers):
            equal(ask(g, token).status, 401)


@test("an endpoint that has closed a kept connection is asked on another")
def _(t):
    seen = []

    def script(q, out):
        seen.append(q.target)
        if len(seen) == 2:              # on the connection of the first
            return out.drop()
        return out.json({"active": True, "sub": "alice"})

    with Upstream() as up, Upstream(script) as endpoint:
        conf = config({"s": server(up, {"inboundAuth": {
            "strategy": "introspection", "introspection": {
                "endpoint": endpoint.url("/ask"), "clientId": "c",
                "clientSecret": secret("client")}}})})
        with Gate(conf) as g:
            for token in ("first", "second"):
                equal(ask(g, opaque(token)).status, 200)
        equal(len(seen), 3)


tap.main()
