#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""jwks_discovery -- where an issuer says that its keys are, and what it may
not say"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate  # noqa: E402
from kit.idp import OAUTH, OPENID, Idp, ask, judged  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)


def conf_of(up, *issuers, **jwt):
    return judged(up, **dict({"audience": ["gate"], "issuer": list(issuers)},
                             **jwt))


@test("the first document that is there counts", workers=BOTH, rows=(
    ("no path, OAuth", "", {OAUTH}, [OAUTH]),
    ("no path, OpenID", "", {OPENID}, [OAUTH, OPENID]),
    ("both", "", {OAUTH, OPENID}, [OAUTH]),
    ("a path, OAuth", "/realms/a", {OAUTH + "/realms/a"},
     [OAUTH + "/realms/a"]),
    ("a path, OpenID inserted", "/realms/a", {OPENID + "/realms/a"},
     [OAUTH + "/realms/a", OPENID + "/realms/a"]),
    ("a path, OpenID appended", "/realms/a", {"/realms/a" + OPENID},
     [OAUTH + "/realms/a", OPENID + "/realms/a", "/realms/a" + OPENID]),
    ("a slash at the end", "/t/", {"/t" + OPENID},
     [OAUTH + "/t", OPENID + "/t", "/t" + OPENID])))
def _(t):
    _, path, there, asked = t.row
    with Idp(path=path) as idp, Upstream() as up:
        idp.add("k1")
        idp.meta_at = there
        with Gate(conf_of(up, idp.issuer), t.workers) as g:
            for _ in range(4):
                equal(ask(g, idp.token("k1")).status, 200)
            equal([c.target for c in idp.calls], asked + ["/jwks"])


@test("metadata are believed for a while, keys are not", workers=(1,))
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp.issuer), t.workers) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            idp.rotate("k1", "k2")
            equal(ask(g, idp.token("k2")).status, 200)
            equal(idp.count("/jwks"), 2)
            equal(idp.count(OPENID), 1)


@test("a first document that is wrong is passed over", rows=(
    ("another issuer", lambda idp: lambda q, out: out.json(
        dict(idp.metadata(), issuer="https://evil.test"))),
    ("a slash more", lambda idp: lambda q, out: out.json(
        dict(idp.metadata(), issuer=idp.issuer + "/"))),
    ("garbage", lambda idp: "garbage"),
    ("redirect", lambda idp: "redirect")))
def _(t):
    _, lie = t.row
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.lies[OAUTH] = lie(idp)
        with Gate(conf_of(up, idp.issuer)) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            equal(idp.count("/elsewhere"), 0)


@test("no document that can be believed: 503", rows=(
    ("another issuer", {"issuer": "https://evil.test"}, "another issuer"),
    ("no issuer", {"issuer": None}, "another issuer"),
    ("no jwks_uri", {"jwks_uri": None}, "no jwks_uri"),
    ("jwks_uri is a number", {"jwks_uri": 7}, "no text"),
    ("jwks_uri elsewhere in here", {"jwks_uri": "http://127.0.0.1:1/jwks"},
     "port"),
    ("jwks_uri private, https", {"jwks_uri": "https://10.0.0.1/jwks"},
     "private address"),
    ("jwks_uri by name", {"jwks_uri": "https://localhost/jwks"},
     "private address"),
    ("jwks_uri metadata service",
     {"jwks_uri": "https://169.254.169.254/jwks"}, "private address"),
    ("jwks_uri of another scheme", {"jwks_uri": "file:///etc/passwd"},
     "not a URL"),
    ("jwks_uri with a user", {"jwks_uri": "https://a@keys.test/"},
     "not a URL")))
def _(t):
    _, meta, why = t.row
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.meta = meta
        with Gate(conf_of(up, idp.issuer)) as g:
            r = ask(g, idp.token("k1"))
            equal(r.status, 503)
            equal(r.reason, "auth_unavailable")
            g.log_has(why)
            equal(idp.count("/jwks"), 0)


@test("the length of metadata stands at its limit", rows=(
    ("at", 0, 200), ("above", 1, 503)))
def _(t):
    _, more, status = t.row
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        doc = json.dumps(dict(idp.metadata(), pad=""))
        pad = "x" * (65536 - len(doc) + more)
        doc = json.dumps(dict(idp.metadata(), pad=pad))
        equal(len(doc), 65536 + more)
        idp.lies[OAUTH] = lambda q, out: out.body(200, doc)
        idp.lies[OPENID] = 404
        with Gate(conf_of(up, idp.issuer)) as g:
            equal(ask(g, idp.token("k1")).status, status)


@test("jwksHosts pins where the set may lie", rows=(
    ("listed", ["127.0.0.1"], 200), ("not listed", ["keys.test"], 503)))
def _(t):
    _, hosts, status = t.row
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp.issuer, jwksHosts=hosts)) as g:
            equal(ask(g, idp.token("k1")).status, status)
            equal(idp.count("/jwks"), 1 if status == 200 else 0)


@test("several issuers have a set each", workers=BOTH)
def _(t):
    with Idp() as one, Idp() as two, Upstream() as up:
        one.add("k1")
        two.add("k1", keys.rsa("second"))
        with Gate(conf_of(up, one.issuer, two.issuer), t.workers) as g:
            for _ in range(4):
                equal(ask(g, one.token("k1")).status, 200)
                equal(ask(g, two.token("k1")).status, 200)
            # keys of one say nothing about tokens of the other
            equal(ask(g, two.token("k1", key=keys.rsa())).status, 401)
            equal(ask(g, one.token("k1", key=keys.rsa("second"))).status,
                  401)
            equal(ask(g, one.token("k1", iss="https://x.test")).status, 401)
            equal((one.count("/jwks"), two.count("/jwks")), (1, 1))
            two.die()
            equal(ask(g, one.token("k1", jti="2")).status, 200)


@test("issuers that cannot be asked are refused at the start", rows=(
    "http://idp.test", "idp.test", "https://idp.test/?a=b",
    "https://user@idp.test"))
def _(t):
    with Upstream() as up:
        g = Gate(conf_of(up, t.row), wait=False)
        try:
            equal(g.proc.wait(15), 78)
            assert "E62" in g.log_text() or "https URL" in g.log_text()
        finally:
            g.proc = None


tap.main()
