#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""jwks_fetch -- key sets by URL: first need, rotation, one fetch for all"""
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, server  # noqa: E402
from kit.idp import Idp, ask  # noqa: E402
from kit.idp import conf_of as idp_conf  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream  # noqa: E402

BOTH = (1, 4)
ALL = ["RS256", "ES256", "EdDSA"]


def conf_of(up, idp, **jwt):
    return idp_conf(up, idp, **dict({"algorithms": ALL}, **jwt))


def together(fns):
    """Runs all at once; their results."""
    out = [None] * len(fns)

    def run(i):
        out[i] = fns[i]()

    threads = [threading.Thread(target=run, args=(i,))
               for i in range(len(fns))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    return out


# waits: auth well
@test("a set is fetched at first need, once", workers=BOTH,
      rows=("RS256", "ES256", "EdDSA"))
def _(t):
    key = {"RS256": keys.rsa, "ES256": keys.ec, "EdDSA": keys.ed25519}[t.row]()
    with Idp() as idp, Upstream() as up:
        idp.add("k1", key)
        with Gate(conf_of(up, idp), t.workers) as g:
            equal(idp.count("/jwks"), 0)
            token = idp.token("k1")
            for _ in range(8):
                equal(ask(g, token).status, 200)
            equal(idp.count("/jwks"), 1)
            equal(g.access(server="s")["user"], "alice")
            call = idp.calls[0]
            equal(call.method, "GET")
            for name in ("authorization", "cookie", "x-request-id"):
                assert name not in call.names, call.headers


@test("all who come at once wait for one fetch", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.delay = 0.4
        with Gate(conf_of(up, idp), t.workers) as g:
            token = idp.token("k1")
            got = together([lambda: ask(g, token)] * 24)
            equal([r.status for r in got], [200] * 24)
            equal(idp.count("/jwks"), 1)


@test("a new key works at its first use, with one fetch", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), t.workers) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            old = idp.token("k1", jti="not cached")
            idp.rotate("k1", "k2")
            token = idp.token("k2")
            got = together([lambda: ask(g, token)] * 12)
            equal([r.status for r in got], [200] * 12)
            equal(idp.count("/jwks"), 2)
            for _ in range(8):      # the key that is gone, in all workers
                equal(ask(g, old).status, 401)
            equal(idp.count("/jwks"), 2)


@test("a removed key ends cached verdicts, too", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), t.workers) as g:
            old = idp.token("k1")
            for _ in range(8):
                equal(ask(g, old).status, 200)
            idp.rotate("k1", "k2")
            equal(ask(g, idp.token("k2")).status, 200)
            for _ in range(8):
                equal(ask(g, old).status, 401)


@test("invented kids cost two fetches at most", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        stranger = keys.rsa("second")
        with Gate(conf_of(up, idp), t.workers) as g:
            tokens = [idp.token("x%d" % i, key=stranger) for i in range(20)]
            got = together([lambda k=k: ask(g, k) for k in tokens])
            equal([r.status for r in got], [401] * 20)
            for k in tokens:
                r = ask(g, k)
                equal(r.status, 401)
                equal(r.reason, "invalid_token")
            equal(ask(g, idp.token("k1")).status, 200)
            assert idp.count("/jwks") <= 2, idp.count("/jwks")


@test("tokens that are refused anyway cause no fetch", workers=BOTH, rows=(
    ("expired", {"exp": 5}), ("another issuer", {"iss": "https://x.test"}),
    ("another audience", {"aud": "other"}), ("no subject", {"sub": None}),
    ("not yet", {"nbf": int(time.time()) + 900})))
def _(t):
    _, claims = t.row
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), t.workers) as g:
            r = ask(g, idp.token("k1", **claims))
            equal(r.status, 401)
            assert b"signature" in r.body, r.body
            equal(idp.count("/jwks"), 0)
            equal(ask(g, idp.token("k1")).status, 200)
            r = ask(g, idp.token("k9", key=keys.rsa("second"), **claims))
            equal(r.status, 401)
            equal(idp.count("/jwks"), 1)


@test("neither do HS256 and malformed ones")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp)) as g:
            body = keys.claims(iss=idp.issuer)
            good = idp.token("k1")
            for token in (keys.hs256("k" * 40, body, kid="k1"),
                          keys.unsigned(body), good + "=", good[:-4],
                          good.replace(".", "..", 1)):
                if token != good[:-4]:
                    equal(ask(g, token).status, 401)
            equal(idp.count("/jwks"), 0)


@test("documents that are none leave the old set", rows=(
    "garbage", "redirect", "huge", 500, 404, 204, "drop", "no keys",
    "not an object"))
def _(t):
    lie = {"no keys": lambda q, out: out.json({"key": []}),
           "not an object": lambda q, out: out.json([])}.get(t.row, t.row)
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), 2) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            idp.lies["/jwks"] = lie
            idp.add("k2", keys.rsa("second"))
            equal(ask(g, idp.token("k2")).status, 401)
            equal(idp.count("/jwks"), 2)
            equal(idp.count("/elsewhere"), 0)
            equal(ask(g, idp.token("k1", jti="1")).status, 200)
            g.log_has("cannot fetch the keys of")
            equal(g.log_count("cannot fetch the keys of"), 1)


@test("an empty set is a set")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), 2) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            idp.lies["/jwks"] = "empty"
            equal(ask(g, idp.token("k2", key=keys.rsa("second"))).status,
                  401)
            equal(ask(g, idp.token("k1")).status, 401)


@test("bad entries harm no good ones")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        good = idp.jwks()["keys"]
        bad = [{"kty": "oct", "k": "eA", "kid": "o"}, 7, {"kty": "RSA"},
               {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
               dict(good[0], use="enc", kid="e")]
        idp.lies["/jwks"] = lambda q, out: out.json({"keys": bad + good})
        with Gate(conf_of(up, idp)) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            equal(ask(g, idp.token("e", key=keys.rsa())).status, 401)


@test("a set with certificates is kept without them")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        big = [dict(k, x5c=["A" * 30000] * 4) for k in idp.jwks()["keys"]]
        idp.lies["/jwks"] = lambda q, out: out.json({"keys": big})
        with Gate(conf_of(up, idp), 2) as g:
            for _ in range(4):
                equal(ask(g, idp.token("k1")).status, 200)
            equal(idp.count("/jwks"), 1)


@test("nothing but http on loopback and https is asked", rows=(
    ("http elsewhere", "http://192.0.2.1/jwks", {}),
    ("user in the URL", "https://a:b@127.0.0.1/jwks", {}),
    ("another scheme", "ftp://127.0.0.1/jwks", {})))
def _(t):
    _, url, more = t.row
    with Idp() as idp, Upstream() as up:
        conf = conf_of(up, idp, jwksUrl=url, **more)
        g = Gate(conf, wait=False)
        try:
            equal(g.proc.wait(15), 78)
        finally:
            g.proc = None


@test("two servers with one URL share its set", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        conf = conf_of(up, idp)
        conf["mcpServers"]["t"] = server(up, {"jwtAudience": ["other"]})
        with Gate(conf, t.workers) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            r = g.rpc("/t/mcp", "ping", headers={
                "Authorization": "Bearer " + idp.token("k1", aud="other")})
            equal(r.status, 200)
            r = g.rpc("/t/mcp", "ping", headers={
                "Authorization": "Bearer " + idp.token("k1")})
            equal(r.status, 401)
            equal(idp.count("/jwks"), 1)


@test("a reload keeps what was fetched", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), t.workers) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            g.reload(conf_of(up, idp, leeway="30s"))
            for _ in range(4):
                equal(ask(g, idp.token("k1")).status, 200)
            equal(idp.count("/jwks"), 1)


# waits: auth gone
@test("who leaves while keys are fetched leaves nothing behind")
def _(t):
    hold = Hold()
    with Idp() as idp, Upstream() as up:
        idp.add("k1")

        def slow(q, out):
            hold.wait()
            out.json(idp.jwks())

        idp.lies["/jwks"] = slow
        with Gate(conf_of(up, idp)) as g:
            conns = [g.conn() for _ in range(4)]
            for c in conns:
                c.begin("POST", "/s/mcp", [
                    ("Authorization", "Bearer " + idp.token("k1")),
                    ("Accept", "application/json, text/event-stream"),
                    ("Content-Type", "application/json")],
                    b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
            eventually(lambda: idp.count("/jwks") == 1, 5, "the fetch")
            for c in conns:
                c.close()
            hold.go()
            equal(ask(g, idp.token("k1")).status, 200)
            equal(idp.count("/jwks"), 1)


tap.main()
