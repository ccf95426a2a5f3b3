#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""jwks_age -- how often an unknown key is asked for, and how long keys serve
that cannot be fetched again (these wait for real time to pass)"""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate  # noqa: E402
from kit.idp import Idp, ask, conf_of  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
REST = 30               # seconds between two fetches because of a kid
STALE = 10              # the least that jwt.maxStale may be


@test("invented kids cost one fetch in 30 seconds, and a new key works then",
      limit=120)
def _(t):
    stranger = keys.rsa("second")
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), 4) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            began = time.monotonic()
            equal(ask(g, idp.token("x", key=stranger)).status, 401)
            forced = time.monotonic()
            equal(idp.count("/jwks"), 2)
            idp.rotate("k1", "k2")
            new = idp.token("k2")
            i = 0
            while time.monotonic() < began + REST - 1:
                i += 1
                equal(ask(g, idp.token("x%d" % i, key=stranger)).status, 401)
                equal(ask(g, new).status, 401)
                equal(idp.count("/jwks"), 2)
                time.sleep(0.5)
            time.sleep(max(0, forced + REST + 0.2 - time.monotonic()))
            equal(ask(g, new).status, 200)
            equal(idp.count("/jwks"), 3)
            for i in range(8):
                equal(ask(g, idp.token("y%d" % i, key=stranger)).status, 401)
            equal(idp.count("/jwks"), 3)


def told(g, url):
    """What /ready and status say about the one set: how many, which."""
    r = g.get("/ready")
    equal(r.status, 200)
    code, out, _ = g.ctl("status", "--json")
    equal(code, 0)
    return (json.loads(r.body).get("staleKeySets", 0),
            [s["stale"] for s in json.loads(out)["keySets"]
             if s["url"] == url])


@test("an endpoint is gone: keys serve up to maxStale, then 503, then again",
      workers=BOTH, limit=90)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        url = idp.url("/jwks")
        with Gate(conf_of(up, idp, maxStale="%ds" % STALE), t.workers) as g:
            began = time.monotonic()
            token = idp.token("k1")
            equal(ask(g, token).status, 200)
            good = time.monotonic()
            equal(told(g, url), (0, [False]))
            idp.die()
            equal(ask(g, idp.token("k2", key=keys.rsa("second"))).status,
                  401)
            while time.monotonic() < began + STALE - 1:
                equal(told(g, url), (1, [True]))
                equal(ask(g, token).status, 200)
                equal(ask(g, idp.token("k1", jti=str(time.time()))).status,
                      200)
                time.sleep(0.4)
            time.sleep(max(0, good + STALE + 0.1 - time.monotonic()))
            for kid in ("k1", "k1", "k2"):
                r = ask(g, idp.token(kid, key=keys.rsa()))
                equal(r.status, 503)
                equal(r.reason, "auth_unavailable")
                assert 1 <= int(r.header("retry-after")) <= 30, r.headers
                equal(r.header("www-authenticate"), None)
            equal(ask(g, token).status, 503)        # its verdict was kept
            equal(told(g, url), (1, [True]))
            idp.live()
            eventually(lambda: ask(g, token).status == 200, 10,
                       "the recovery")
            equal(told(g, url), (0, [False]))


@test("an endpoint that lives: keys are fetched before maxStale is over",
      workers=BOTH, limit=60)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp, maxStale="%ds" % STALE), t.workers) as g:
            began = time.monotonic()
            while time.monotonic() < began + STALE + 3:
                equal(ask(g, idp.token("k1", jti=str(time.time()))).status,
                      200)
                time.sleep(0.3)
            assert 2 <= idp.count("/jwks") <= 4, idp.count("/jwks")


tap.main()
