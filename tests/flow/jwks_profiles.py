#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""jwks_profiles -- Cloudflare Access, AWS load balancers, RFC 9068"""
import json
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, run  # noqa: E402
from kit.idp import Idp, balancer_token, judged  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
CERTS = "/cdn-cgi/access/certs"
KID = "01234567-89ab-cdef-0123-456789abcdef"
NEXT = "11234567-89ab-cdef-0123-456789abcdef"
ARN = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/b"


def ask(g, name, value):
    return g.rpc("/s/mcp", "ping", headers={name: value})


# ---- Cloudflare ---------------------------------------------------------
@test("cloudflare: keys, header and prefix by themselves", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.lies[CERTS] = lambda q, out: out.json(
            dict(idp.jwks(), public_certs=[{"kid": "k1", "cert": "x"}]))
        conf = judged(up, profile="cloudflare", issuer=idp.issuer,
                       audience=["tag"])
        with Gate(conf, t.workers) as g:
            token = idp.token("k1", aud=["tag"], type="app")
            for _ in range(4):
                equal(ask(g, "Cf-Access-Jwt-Assertion", token).status, 200)
            equal(idp.count(CERTS), 1)
            equal(ask(g, "Authorization", "Bearer " + token).status, 401)
            equal(ask(g, "Cf-Access-Jwt-Assertion",
                      idp.token("k1", aud=["x"])).status, 401)
            equal(ask(g, "Cf-Access-Authenticated-User-Email",
                      "a@b.test").status, 401)


@test("the preset of a proxy: the signed header names the user",
      workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.lies[CERTS] = lambda q, out: out.json(idp.jwks())
        conf = judged(up, issuer=idp.issuer, audience=["tag"])
        conf["mcpProxy"]["options"]["inboundAuth"].update(
            strategy="proxy", proxy={"preset": "cloudflare"})
        with Gate(conf, t.workers) as g:
            token = idp.token("k1", aud=["tag"], type="app")
            equal(ask(g, "Cf-Access-Jwt-Assertion", token).status, 200)
            equal(g.access(server="s")["how"], "proxy")
            for name, value in (
                    ("Authorization", "Bearer " + token),
                    ("Cf-Access-Authenticated-User-Email", "a@b.test"),
                    ("Cf-Access-Jwt-Assertion",
                     idp.token("k1", aud=["x"])),
                    ("Cf-Access-Jwt-Assertion", "alice")):
                equal(ask(g, name, value).status, 401)
            equal(idp.count(CERTS), 1)


# ---- AWS ----------------------------------------------------------------
def balancer(up, idp, **more):
    return judged(up, **dict({
        "profile": "aws-alb", "jwksUrl": idp.url("/alb"), "signer": ARN,
        "region": "eu-west-1", "issuer": "https://idp.test"}, **more))


def claims(**more):
    now = int(time.time())
    rows = {"sub": "alice", "email": "a@b.test", "exp": now + 300,
            "iss": "https://idp.test"}
    rows.update(more)
    return {k: v for k, v in rows.items() if v is not None}


def head(**more):
    now = int(time.time())
    rows = {"signer": ARN, "iss": "https://idp.test", "client": "c1",
            "exp": now + 300}
    rows.update(more)
    return {k: v for k, v in rows.items() if v is not None}


@test("aws-alb: padded token, key by kid", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        with Gate(balancer(up, idp), t.workers) as g:
            for i in range(6):      # every length of padding
                token = balancer_token(key, KID, head(),
                                       claims(pad="x" * i))
                r = ask(g, "X-Amzn-Oidc-Data", token)
                equal(r.status, 200)
            equal(idp.count("/alb/" + KID), 1)
            equal(g.access(server="s")["user"], "alice")
            other = idp.add(NEXT, keys.ec("second"))
            token = balancer_token(other, NEXT, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", token).status, 200)
            token = balancer_token(key, KID, head(), claims(pad="old"))
            equal(ask(g, "X-Amzn-Oidc-Data", token).status, 200)
            equal(idp.count("/alb/" + KID), 1)


@test("aws-alb by the preset of a proxy", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        conf = balancer(up, idp)
        inbound = conf["mcpProxy"]["options"]["inboundAuth"]
        inbound.update(strategy="proxy", proxy={"preset": "aws-alb"})
        del inbound["jwt"]["profile"]
        with Gate(conf, t.workers) as g:
            token = balancer_token(key, KID, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", token).status, 200)
            line = g.access(server="s")
            equal((line["user"], line["how"]), ("alice", "proxy"))
            equal(ask(g, "X-Amzn-Oidc-Identity", "alice").status, 401)
            bad = balancer_token(key, KID, head(signer="x"), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", bad).status, 401)


@test("aws-alb: what is refused", rows=(
    ("another signer", {"signer": ARN + "x"}, {}, 0),
    ("no signer", {"signer": None}, {}, 0),
    ("expired in the header", {"exp": 5}, {}, 0),
    ("exp is text", {"exp": "9999999999"}, {}, 0),
    ("expired in the payload", {}, {"exp": 5}, 0),
    ("another issuer in the header", {"iss": "https://x.test"}, {}, 0),
    ("another issuer in the payload", {}, {"iss": "https://x.test"}, 0),
    ("another client", {"client": "c2"}, {}, 0),
    ("no client", {"client": None}, {}, 0),
    ("no subject", {}, {"sub": None}, 0),
    ("another key", {}, {}, 1)))
def _(t):
    name, h, c, fetches = t.row
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        if name == "another key":
            key = keys.ec("second")
        with Gate(balancer(up, idp, audience=["c1"])) as g:
            r = ask(g, "X-Amzn-Oidc-Data", balancer_token(
                key, KID, head(**h), claims(**c)))
            equal(r.status, 401)
            equal(len(idp.calls), fetches)
            good = balancer_token(keys.ec(), KID, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", good).status, 200)


@test("aws-alb: exp and iss of the header alone are enough")
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        with Gate(balancer(up, idp)) as g:
            token = balancer_token(key, KID, head(),
                                   claims(exp=None, iss=None))
            equal(ask(g, "X-Amzn-Oidc-Data", token).status, 200)
            token = balancer_token(key, KID, head(exp=None),
                                   claims(exp=None))
            equal(ask(g, "X-Amzn-Oidc-Data", token).status, 401)


@test("aws-alb: a kid never becomes another path", rows=(
    "../../etc/passwd", "01234567-89AB-cdef-0123-456789abcdef", "",
    KID + "0", KID[:-1], "01234567/89ab-cdef-0123-456789abcdef", None))
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        with Gate(balancer(up, idp)) as g:
            r = ask(g, "X-Amzn-Oidc-Data", balancer_token(
                key, t.row, head(), claims()))
            equal(r.status, 401)
            equal(idp.calls, [])


@test("aws-alb: an unknown kid is asked for once", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        with Gate(balancer(up, idp), t.workers) as g:
            good = balancer_token(key, KID, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", good).status, 200)
            for i in range(6):
                token = balancer_token(key, "2%d" % i + KID[2:], head(),
                                       claims())
                equal(ask(g, "X-Amzn-Oidc-Data", token).status, 401)
            equal(len(idp.calls), 2)
            equal(g.get("/ready").body, b'{"status":"ok"}')
            equal(ask(g, "X-Amzn-Oidc-Data", good).status, 200)


def forged(i):
    return balancer_token(keys.ec("second"), "%08x" % i + KID[8:], head(),
                          claims())


@test("aws-alb: another's unknown kid keeps nobody out", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        with Gate(balancer(up, idp), t.workers) as g:
            equal(ask(g, "X-Amzn-Oidc-Data", forged(1)).status, 503)
            good = balancer_token(key, KID, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", good).status, 200)
            equal(idp.count("/alb/" + KID), 1)
            g.log_has("no such key")
            equal(ask(g, "X-Amzn-Oidc-Data", forged(2)).status, 401)


@test("aws-alb: nor do many of them", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        with Gate(balancer(up, idp), t.workers) as g:
            got = []
            threads = [threading.Thread(target=lambda i=i: got.append(ask(
                g, "X-Amzn-Oidc-Data", forged(i)).status))
                for i in range(12)]
            for thread in threads:
                thread.start()
            good = balancer_token(key, KID, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", good).status, 200)
            for thread in threads:
                thread.join()
            assert set(got) <= {401, 503}, got
            assert len(idp.calls) <= 13, len(idp.calls)


@test("aws-alb: a key that is on its way is fetched once", workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        idp.delay = 0.3
        with Gate(balancer(up, idp), t.workers) as g:
            good = balancer_token(key, KID, head(), claims())
            got = []
            threads = [threading.Thread(target=lambda: got.append(ask(
                g, "X-Amzn-Oidc-Data", good).status)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            equal(got, [200] * 8)
            equal(idp.count("/alb/" + KID), 1)


@test("aws-alb: a new kid is fetched when it is another's turn")
def _(t):
    with Idp() as idp, Upstream() as up:
        key = idp.add(KID, keys.ec())
        with Gate(balancer(up, idp)) as g:
            good = balancer_token(key, KID, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", good).status, 200)
            equal(ask(g, "X-Amzn-Oidc-Data", forged(1)).status, 401)
            begun = time.monotonic()
            other = idp.add(NEXT, keys.ec("third"))
            fresh = balancer_token(other, NEXT, head(), claims())
            equal(ask(g, "X-Amzn-Oidc-Data", fresh).status, 401)
            for i in range(2, 8):
                equal(ask(g, "X-Amzn-Oidc-Data", forged(i)).status, 401)
            equal(len(idp.calls), 2)
            time.sleep(max(0, 30.5 - (time.monotonic() - begun)))
            equal(ask(g, "X-Amzn-Oidc-Data", forged(9)).status, 401)
            equal(ask(g, "X-Amzn-Oidc-Data", fresh).status, 200)
            equal(ask(g, "X-Amzn-Oidc-Data", good).status, 200)
            equal(len(idp.calls), 10)   # eight kids, in one turn


@test("aws-alb: other algorithms are refused at the start")
def _(t):
    with Idp() as idp, Upstream() as up:
        path = os.path.join(keys.folder(), "algorithms.json")
        with open(path, "w") as f:
            json.dump(balancer(up, idp, algorithms=["RS256"]), f)
        os.chmod(path, 0o600)
        code, _, err = run(["-t", "--config", path])
        equal(code, 78)
        assert "profile aws-alb signs with ES256 alone" in err, err


# ---- RFC 9068 -----------------------------------------------------------
@test("rfc9068: an access token and nothing else", rows=(
    ("complete", {}, "at+jwt", 200), ("full type", {},
                                      "application/at+jwt", 200),
    ("usual type", {}, "JWT", 401), ("no jti", {"jti": None}, "at+jwt", 401),
    ("no client", {"client_id": None}, "at+jwt", 401),
    ("client is a number", {"client_id": 7}, "at+jwt", 401),
    ("no iat", {"iat": None}, "at+jwt", 401),
    ("no aud", {"aud": None}, "at+jwt", 401),
    ("no sub", {"sub": None}, "at+jwt", 401)))
def _(t):
    _, more, typ, status = t.row
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        conf = judged(up, profile="rfc9068", issuer=idp.issuer,
                       audience=["gate"], jwksUrl=idp.url("/jwks"))
        with Gate(conf) as g:
            token = idp.token("k1", head={"typ": typ}, **dict(
                {"jti": "1", "client_id": "c"}, **more))
            equal(ask(g, "Authorization", "Bearer " + token).status, status)


tap.main()
