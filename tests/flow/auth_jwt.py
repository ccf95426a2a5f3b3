#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""auth_jwt -- signed tokens: HS256, RS256 by PEM and by key set"""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, guard, run, secret, \
    server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
KEY = secret("hs-key-of-thirty-two-bytes")
ISSUER = "https://issuer.test"


def with_jwt(up, jwt, **more):
    conf = config({"s": server(up)})
    conf["mcpProxy"]["options"]["inboundAuth"] = dict(
        {"strategy": "jwt", "jwt": dict(
            {"audience": ["gate"], "issuer": ISSUER}, **jwt)}, **more)
    return conf


def by_secret(up, **more):
    return with_jwt(up, dict({"secret": KEY, "algorithms": ["HS256"]},
                             **more))


def by_pem(up, **more):
    return with_jwt(up, dict({"publicKeyFile": keys.rsa().public,
                              "algorithms": ["RS256"]}, **more))


def key_set(*jwks):
    path = os.path.join(keys.folder(), "set-%d.json" % len(jwks))
    with open(path, "w") as f:
        json.dump({"keys": list(jwks)}, f)
    os.chmod(path, 0o644)
    return path


def ask(g, token):
    return g.rpc("/s/mcp", "ping",
                 headers={"Authorization": "Bearer " + token})


def now(seconds):
    return int(time.time()) + seconds


@test("HS256 claims", workers=BOTH, rows=(
    ("good", {}, 200, None), ("expired", {"exp": now(-120)}, 401,
                              "token_expired"),
    ("expired within the leeway", {"exp": now(-20)}, 200, None),
    ("no exp", {"exp": None}, 401, "invalid_token"),
    ("exp is text", {"exp": "9999999999"}, 401, "invalid_token"),
    ("not yet", {"nbf": now(600)}, 401, "invalid_token"),
    ("from the future", {"iat": now(600)}, 401, "invalid_token"),
    ("another audience", {"aud": "other"}, 401, "invalid_token"),
    ("one of several audiences", {"aud": ["x", "gate"]}, 200, None),
    ("no audience", {"aud": None}, 401, "invalid_token"),
    ("another issuer", {"iss": ISSUER + "/"}, 401, "invalid_token"),
    ("no subject", {"sub": None}, 401, "invalid_token"),
    ("empty subject", {"sub": ""}, 401, "invalid_token")))
def _(t):
    _, claims, status, reason = t.row
    with Upstream() as up, Gate(by_secret(up), t.workers) as g:
        r = ask(g, keys.hs256(KEY, keys.claims(**claims)))
        equal(r.status, status)
        if status == 200:
            equal(g.access(server="s")["user"], "alice")
            assert up.calls[0].all("authorization") == []
        else:
            equal(r.reason, reason)
            challenge = r.header("www-authenticate")
            assert 'error="invalid_token"' in challenge, challenge
            equal(up.calls, [])


def broken(token, part):
    parts = token.split(".")
    last = parts[part]
    parts[part] = last[:-2] + ("AA" if last[-2:] != "AA" else "BB")
    return guard(".".join(parts))


@test("what is no valid HS256 token", workers=BOTH, rows=(
    "another key", "signature changed", "claims changed", "alg none",
    "alg none without a point", "HS512", "two parts", "four parts",
    "not base64url", "padding", "crit", "no alg", "twice alg"))
def _(t):
    good = keys.hs256(KEY, keys.claims())
    head, body, sig = good.split(".")
    made = {
        "another key": lambda: keys.hs256("y" * 40, keys.claims()),
        "signature changed": lambda: broken(good, 2),
        "claims changed": lambda: ".".join(
            [head, keys.b64(json.dumps(keys.claims(sub="root")).encode()),
             sig]),
        "alg none": lambda: keys.unsigned(keys.claims()),
        "alg none without a point":
            lambda: keys.unsigned(keys.claims()).rstrip("."),
        "HS512": lambda: keys.hs256(KEY, keys.claims(), alg="HS512"),
        "two parts": lambda: head + "." + body,
        "four parts": lambda: good + "." + sig,
        "not base64url": lambda: good[:-3] + "+/=",
        "padding": lambda: good + "=",
        "crit": lambda: keys.hs256(KEY, keys.claims(), crit=["b64"],
                                   b64=True),
        "no alg": lambda: keys.hs256(KEY, keys.claims(), alg=None),
        "twice alg": lambda: twice_alg(body)}[t.row]()
    guard(made)
    with Upstream() as up, Gate(by_secret(up), t.workers) as g:
        r = ask(g, made)
        equal(r.status, 401)
        equal(r.reason, "invalid_token")
        equal(up.calls, [])


def twice_alg(body):
    import hashlib
    import hmac
    first = keys.b64(b'{"alg":"none","alg":"HS256"}') + "." + body
    return first + "." + keys.b64(hmac.new(
        KEY.encode(), first.encode(), hashlib.sha256).digest())


@test("RS256 by PEM", workers=BOTH, rows=(
    "good", "another key", "key as HMAC secret", "expired"))
def _(t):
    rsa = keys.rsa()
    with open(rsa.public) as f:
        pem = f.read()
    token = {
        "good": lambda: keys.rs256(rsa, keys.claims()),
        "another key": lambda: keys.rs256(keys.rsa("second"),
                                          keys.claims()),
        "key as HMAC secret": lambda: keys.hs256(pem, keys.claims()),
        "expired": lambda: keys.rs256(rsa, keys.claims(exp=now(-120)))}[
            t.row]()
    with Upstream() as up, Gate(by_pem(up), t.workers) as g:
        r = ask(g, token)
        equal(r.status, 200 if t.row == "good" else 401)
        if t.row == "good":
            for _ in range(4):      # from the verdict cache
                equal(ask(g, token).status, 200)


@test("RS256 by key set", workers=BOTH, rows=(
    ("kid of the first", "k1", 200), ("kid of the second", "k2", 200),
    ("unknown kid", "k3", 401), ("no kid", None, 200),
    ("kid of another key", "swap", 401)))
def _(t):
    _, kid, status = t.row
    one, two = keys.rsa(), keys.rsa("second")
    path = key_set(one.jwk("k1"), two.jwk("k2"), {"kty": "oct", "k": "eA",
                                                  "kid": "k4"})
    signer = two if kid in ("k2", None) else one
    head = {"kid": {"swap": "k2"}.get(kid, kid)} if kid else {}
    conf = None
    with Upstream() as up:
        conf = with_jwt(up, {"jwksFile": path, "algorithms": ["RS256"]})
        with Gate(conf, t.workers) as g:
            equal(ask(g, keys.rs256(signer, keys.claims(), **head)).status,
                  status)


@test("more claims", rows=(
    ("groups", {"groups": ["ops"]}, {}, {"allowGroups": ["ops"]}, 200),
    ("no group", {}, {}, {"allowGroups": ["ops"]}, 403),
    ("scope text", {"scope": "a mcp"}, {}, {"requiredScopes": ["mcp"]},
     200),
    ("scope lacks", {"scope": "a"}, {}, {"requiredScopes": ["mcp"]}, 403),
    ("identity claim", {"email": "a@x"}, {"identityClaim": "email"}, {},
     200),
    ("required claim", {"tenant": "t1"}, {"claims": {"tenant": "t1"}}, {},
     200),
    ("required claim differs", {"tenant": "t2"},
     {"claims": {"tenant": "t1"}}, {}, 401),
    ("jti missing", {}, {"requireJti": True}, {}, 401),
    ("too old", {"iat": now(-7200)}, {"maxAge": "1h"}, {}, 401)))
def _(t):
    name, claims, jwt, inbound, status = t.row
    with Upstream() as up:
        conf = by_secret(up, **jwt)
        conf["mcpProxy"]["options"]["inboundAuth"].update(inbound)
        with Gate(conf) as g:
            r = ask(g, keys.hs256(KEY, keys.claims(**claims)))
            equal(r.status, status)
            if name == "identity claim":
                equal(g.access(server="s")["user"], "a@x")


@test("a cached verdict ends with the token", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(by_secret(up, leeway=0), t.workers) as g:
        token = keys.hs256(KEY, keys.claims(exp=now(2)))
        equal(ask(g, token).status, 200)
        time.sleep(3)
        for _ in range(t.workers):
            equal(ask(g, token).status, 401)


@test("a cached verdict of one server is not another's", workers=BOTH)
def _(t):
    with Upstream() as up:
        conf = by_secret(up)
        conf["mcpServers"]["t"] = server(up, {"jwtAudience": ["other"]})
        with Gate(conf, t.workers) as g:
            token = keys.hs256(KEY, keys.claims())
            for _ in range(3):
                equal(ask(g, token).status, 200)
                r = g.rpc("/t/mcp", "ping", headers={
                    "Authorization": "Bearer " + token})
                equal(r.status, 401)


def of_length(size):
    """A good token of so many bytes, or of one less."""
    pad, made, n = {"pad": "h" * (size // 3)}, "", size // 4
    while len(made) < size:     # a jump to close below it, then steps
        last, made = made, keys.hs256(KEY, keys.claims(pad="x" * n), **pad)
        n += max(1, (size - 8 - len(made)) * 3 // 4)
    return made if len(made) == size else last


@test("the length of a token stands at its limit", rows=(
    ("at", 4096, 0, 200), ("above", 4096, 2, 401),
    ("longer than other headers", 20000, 0, 200),
    ("above that", 20000, 2, 401), ("longer than any", 20000, 20, 431)))
def _(t):
    _, limit, more, status = t.row
    with Upstream() as up:
        conf = by_secret(up)
        conf["mcpProxy"]["limits"] = {"token": limit}
        with Gate(conf) as g:
            equal(ask(g, of_length(limit + more)).status, status)


def put(name, text):
    path = os.path.join(keys.folder(), name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o644)
    return path


@test("keys in files that cannot be used", rows=(
    ("no PEM", "publicKeyFile", "hello\n", "no PEM block"),
    ("a private key", "publicKeyFile", None,
     "a private key stands where a public one belongs"),
    ("no JSON", "jwksFile", "hello\n", "unexpected character"),
    ("no set", "jwksFile", "{}", "")))
def _(t):
    _, where, text, why = t.row
    if text is None:
        with open(keys.rsa().private) as f:
            text = f.read()
    jwt = {where: put("bad.key", text), "audience": ["gate"]}
    rule = {"inboundAuth": {"strategy": "jwt", "jwt": jwt}}
    says = "failed to initialize clients: %s: jwt keys: " + why
    with Upstream() as up:
        conf = config({"s": server(up, rule), "t": server(up)})
        with Gate(conf) as g:           # that server alone is closed
            r = ask(g, "a.b.c")
            equal((r.status, r.reason), (503, "server_invalid"))
            equal(g.rpc("/t/mcp", "ping").status, 200)
            code, out, err = run(["-t", "--config", g.file])
            equal((code, out), (78, ""))
            assert says % "s" in err, err
            stern = config({"s": server(up, dict(rule, panicIfInvalid=True))})
            g.reload(stern, good=False)
            assert says % "s" in g.log_text()
            equal(g.rpc("/t/mcp", "ping").status, 200)
        for bad, name in ((stern, "s"), (config(
                {"t": server(up)}, options=rule), "mcpProxy")):
            file = put("bad.json", json.dumps(bad))
            os.chmod(file, 0o600)
            code, _, err = run(["--config", file, "--listen",
                                "unix:" + file + ".sock"])
            equal(code, 78)
            assert says % name in err, err


tap.main()
