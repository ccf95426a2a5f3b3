#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tokens -- what mcpgatectl mints is let in, and its verify says what the
gateway says; its deeds are counted and on record"""
import json
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

ISS = "https://issuer.test"
STATIC = secret("static")
LONG = secret("hs" + "-of-many-bytes" * 5)
HERE = tempfile.mkdtemp(prefix="mcpgate-tokens-")


def pair(name, *how):
    """(private file, public file) by openssl."""
    private, public = (os.path.join(HERE, name + e) for e in (".key", ".pem"))
    if not os.path.exists(private):
        keys.openssl("genpkey", "-quiet", *how, "-out", private)
        keys.openssl("pkey", "-in", private, "-pubout", "-out", public)
        os.chmod(private, 0o600)
        os.chmod(public, 0o644)
    return private, public


def rsa():
    return pair("rsa", "-algorithm", "RSA", "-pkeyopt",
                "rsa_keygen_bits:2048")


def curve(name):
    return pair(name, "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:" + name)


def hmac_file(n=None):
    path = os.path.join(HERE, "hs")
    with open(path, "w") as f:
        f.write(LONG[:n] + "\n")
    os.chmod(path, 0o600)
    return path


KEYS = {
    "RS256": rsa, "RS384": rsa, "RS512": rsa,
    "PS256": rsa, "PS384": rsa, "PS512": rsa,
    "ES256": lambda: curve("P-256"), "ES384": lambda: curve("P-384"),
    "ES512": lambda: curve("P-521"),
    "EdDSA": lambda: pair("ed", "-algorithm", "ED25519"),
}
ALGS = sorted(KEYS) + ["HS256", "HS384", "HS512"]


def conf(up, alg, jwt=None, **more):
    jwt = dict({"audience": ["gate"], "issuer": ISS, "algorithms": [alg]},
               **(jwt or {}))
    if alg.startswith("HS"):
        jwt["secret"] = LONG
    else:
        jwt["publicKeyFile"] = KEYS[alg]()[1]
    return config({"s": server(up)}, options={"inboundAuth": {
        "strategy": ["token", "jwt"],
        "token": {"values": [{"name": "ci", "value": STATIC}]},
        "jwt": jwt}}, **more)


def key_of(alg):
    return hmac_file() if alg.startswith("HS") else KEYS[alg]()[0]


def mint(g, alg, *more, code=0, key=None):
    rc, out, err = g.ctl(
        "token", "mint", "--sub", "alice", "--aud", "gate", "--iss", ISS,
        "--alg", alg, "--key", key or key_of(alg), *more)
    equal(rc, code, err)
    return err if code else out.strip()


def verify(g, token, *more, code=0):
    rc, out, err = g.ctl("--json", "token", "verify", *more,
                         stdin=token.encode() + b"\n")
    equal(rc, code, out + err)
    return json.loads(out)


def call(g, token):
    return g.rpc("/s/mcp", "ping", headers={
        "Authorization": "Bearer " + token})


def payload(token):
    import base64
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@test("a token of each algorithm is let in", rows=ALGS)
def _(t):
    with Upstream() as up, Gate(conf(up, t.row)) as g:
        token = mint(g, t.row, "--kid", "k1", "--scope", "a b")
        equal(call(g, token).status, 200)
        said = verify(g, token)
        for k, v in {"valid": True, "user": "alice", "strategy": "jwt",
                     "issuer": ISS, "alg": t.row, "kid": "k1", "key": 0,
                     "scopes": ["a", "b"], "groups": []}.items():
            equal(said[k], v, k)
        assert 3590 < said["expiresAt"] - time.time() < 3610
        head, body, sign = token.split(".")
        sign = ("A" if sign[0] != "A" else "B") + sign[1:]
        said = verify(g, ".".join((head, body, sign)), code=1)
        equal((said["valid"], said["reason"]), (False, "invalid_token"))


@test("claims have their types")
def _(t):
    with Upstream() as up, Gate(conf(up, "HS256")) as g:
        token = mint(g, "HS256", "--claim", "n=12", "--claim", "yes=true",
                     "--claim", 'list=["a","b"]', "--claim", "word=a=b",
                     "--claim", "zip=007", "--claim", "none=null",
                     "--claim", 'quoted="q"', "--claim", "empty=",
                     "--ttl", "10m", "--jti", "one")
        c = payload(token)
        now = int(time.time())
        assert now - 2 <= c.pop("iat") <= now
        assert now + 598 <= c.pop("exp") <= now + 600
        equal(c, {"sub": "alice", "aud": "gate", "iss": ISS, "jti": "one",
                  "n": 12, "yes": True, "list": ["a", "b"], "word": "a=b",
                  "zip": "007", "none": None, "quoted": "q", "empty": ""})
        a, b = (payload(mint(g, "HS256"))["jti"] for _ in range(2))
        assert a != b and len(a) == 22
        c = payload(mint(g, "HS256", "--claim", "exp=5"))
        equal(c["exp"], 5)


@test("what mint does not do", rows=(
    ("a name twice", ("--claim", "sub=bob"), 64, "twice"),
    ("no name", ("--claim", "=x"), 64, "NAME=VALUE"),
    ("no value", ("--claim", "x"), 64, "NAME=VALUE"),
    ("a short time", ("--ttl", "10ms"), 64, "--ttl"),
    ("no time", ("--ttl", "soon"), 64, "--ttl"),
    ("a wild kid", ("--kid", "a\nb"), 64, "--kid"),
    ("too many claims", ("--claim", "x=1") * 33, 64, "at most"),
    ("long claims", ("--claim", "x=" + "y" * 12300), 65, "longer"),
    ("no algorithm", ("--alg", "none"), 64, "--alg"),
    ("another curve", ("--alg", "ES384"), 65, "does not fit"),
    ("another kind", ("--alg", "EdDSA"), 65, "does not fit"),
    ("no file", ("--key", "/nonexistent"), 66, "cannot open"),
    ("no variable", ("--key", "env:NOBODY_SET_THIS"), 66, "not set")))
def _(t):
    _, more, code, words = t.row
    with Upstream() as up, Gate(conf(up, "ES256")) as g:
        assert words in mint(g, "ES256", *more, code=code)


@test("secrets and keys that will not do")
def _(t):
    with Upstream() as up, Gate(conf(up, "HS512")) as g:
        for alg, n in (("HS256", 32), ("HS384", 48), ("HS512", 64)):
            mint(g, alg, key=hmac_file(n))
            assert "short" in mint(g, alg, key=hmac_file(n - 1), code=65)
        path = hmac_file()
        os.chmod(path, 0o604)
        assert "chmod" in mint(g, "HS256", key=path, code=77)
        small, _ = pair("small", "-algorithm", "RSA", "-pkeyopt",
                        "rsa_keygen_bits:1024")
        assert "fit" in mint(g, "RS256", key=small, code=65)
        public = os.path.join(HERE, "public")
        shutil.copy(rsa()[1], public)
        os.chmod(public, 0o600)
        assert "private" in mint(g, "RS256", key=public, code=65)
        g.env["MINT_KEY"] = LONG
        equal(call(g, mint(g, "HS512", key="env:MINT_KEY")).status, 200)
        equal(g.ctl("token", "mint", "--sub", "x")[0], 64)


@test("verify says why not", rows=(
    ("expired", ("--claim", "exp=1000"), "token_expired"),
    ("audience", ("--aud", "other"), "invalid_token"),
    ("issuer", ("--iss", "https://other.test"), "invalid_token"),
    ("not yet", ("--claim", "nbf=99999999999"), "invalid_token")))
def _(t):
    _, more, reason = t.row
    with Upstream() as up, Gate(conf(up, "ES256")) as g:
        token = mint(g, "ES256", *more)
        said = verify(g, token, code=1)
        equal((said["valid"], said["reason"]), (False, reason))
        equal(call(g, token).json["error"]["data"]["reason"], reason)
        rc, out, _ = g.ctl("token", "verify", "-", stdin=token.encode())
        equal(rc, 1)
        assert out.startswith("not valid: " + reason), out


@test("verify: static tokens, rules of a server, revocations, wrong words")
def _(t):
    with Upstream() as up:
        c = conf(up, "ES256")
        c["mcpServers"]["strict"] = server(up, {"inboundAuth": {
            "strategy": "jwt", "requiredScopes": ["x"], "jwt": {
                "publicKeyFile": KEYS["ES256"]()[1], "audience": ["gate"],
                "issuer": ISS, "algorithms": ["ES256"]}}})
        with Gate(c) as g:
            said = verify(g, STATIC)
            equal((said["user"], said["strategy"], said["key"],
                   said["expiresAt"]), ("token:ci", "token", 0, None))
            equal(verify(g, "guess", code=1)["reason"], "invalid_token")
            token = mint(g, "ES256", "--jti", "gone")
            equal(verify(g, token, "--server", "s")["valid"], True)
            equal(verify(g, token, "--server", "strict",
                         code=1)["reason"], "insufficient_scope")
            equal(g.ctl("revoke", "--jti", "gone")[0], 0)
            equal(verify(g, token, code=1)["reason"], "token_revoked")
            equal(g.ctl("token", "verify", "--server", "nobody",
                        stdin=b"x")[0], 65)
            equal(g.ctl("token", "verify", "x")[0], 64)
            equal(g.ctl("token", "verify", stdin=b"")[0], 65)


@test("verify: a credential of any strategy, wherever the server looks for it")
def _(t):
    key = secret("api-key")
    with Upstream() as up:
        c = conf(up, "ES256")
        c["mcpProxy"]["options"]["inboundAuth"].update(
            strategy=["token", "apikey", "jwt"], apikey={"value": key},
            token={"values": [{"name": "ci", "value": STATIC}],
                   "header": "X-Token", "prefix": ""})
        with Gate(c) as g:
            token, past = mint(g, "ES256"), mint(g, "ES256", "--claim",
                                                 "exp=1000")
            for value, how, who, place in (
                    (STATIC, "token", "token:ci", ("X-Token", "")),
                    (key, "apikey", "apikey:0", ("X-API-Key", "")),
                    (token, "jwt", "alice", ("Authorization", "Bearer "))):
                said = verify(g, value)
                equal((said["strategy"], said["user"]), (how, who))
                equal(g.rpc("/s/mcp", "ping", headers={
                    place[0]: place[1] + value}).status, 200)
            equal(verify(g, past, code=1)["reason"], "token_expired")
            equal(verify(g, "guess", code=1)["reason"], "invalid_token")
            forged = token.rsplit(".", 1)[0] + "." + "A" * 86
            equal(verify(g, forged, code=1)["detail"], "signature")


@test("keys that the workers have fetched are known, others are not")
def _(t):
    with Idp() as idp, Upstream() as up:
        c = config({"s": server(up)}, options={"inboundAuth": {
            "strategy": "jwt", "jwt": {
                "jwksUrl": idp.url("/jwks"), "allowInsecure": True,
                "audience": ["gate"], "issuer": idp.issuer}}})
        idp.add("k1", keys.rsa())
        with Gate(c) as g:
            token = idp.token("k1")
            rc, out, _ = g.ctl("--json", "token", "verify",
                               stdin=token.encode())
            if rc != 0:                 # nobody has fetched them yet
                equal(rc, 69)
                equal(json.loads(out)["reason"], "auth_unavailable")
            equal(call(g, token).status, 200)
            equal(verify(g, token)["user"], "alice")


@test("token new, with its digest")
def _(t):
    import hashlib
    with Upstream() as up, Gate(conf(up, "ES256")) as g:
        token, digest = g.ctl("token", "new", "--sha256")[1].split()
        equal(hashlib.sha256(token.encode()).hexdigest(), digest)
        both = json.loads(g.ctl("--json", "token", "new", "--sha256")[1])
        equal(sorted(both), ["sha256", "token"])


@test("what was made and taken away is counted")
def _(t):
    with Upstream() as up, Gate(conf(up, "ES256")) as g:
        m = g.metrics()
        for name in ("generated", "revoked"):
            name = "mcpgate_tokens_%s_total" % name
            assert name in m.names(), name
            equal(m.total(name), 0)
        g.ctl("token", "new")
        mint(g, "ES256")
        g.ctl("revoke", "--jti", "x")
        m = g.metrics()
        equal(m.total("mcpgate_tokens_generated_total"), 2)
        equal(m.total("mcpgate_tokens_revoked_total"), 1)
        call(g, "guess")
        g.rpc("/s/mcp", "ping", headers={"Origin": "https://evil.example"})
        g.rpc("/s/mcp", "ping", headers={"Authorization": "Bearer a b"})

        def look():
            rc, out, err = g.ctl("--json", "status")
            equal(rc, 0, err)
            s = json.loads(out)["security"]
            return s if s["security_violations"] >= 2 else None

        s = eventually(look, 5, "the counts")
        stamp = s.pop("last_violation")
        assert stamp.startswith("20") and stamp.endswith("Z"), stamp
        equal(s, {"authentication_attempts": 2, "authentication_failures": 2,
                  "rate_limit_exceeded": 0, "ip_blocked": 0,
                  "tokens_generated": 2, "tokens_revoked": 1,
                  "security_violations": 2})


@test("the faults of late, newest first, while a worker sleeps",
      workers=(1, 4))
def _(t):
    import signal
    with Upstream() as up, Gate(conf(up, "ES256"), t.workers) as g:
        equal(json.loads(g.ctl("--json", "errors")[1]), {"errors": []})
        r = call(g, "guess")
        g.get("/nobody")
        eventually(lambda: len(json.loads(g.ctl("--json", "errors")[1])
                               ["errors"]) == 2, 5, "both")
        for pid in g.pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            rc, out, err = g.ctl("errors")
            rows = json.loads(g.ctl("--json", "errors")[1])["errors"]
        finally:
            for pid in g.pids:
                os.kill(pid, signal.SIGCONT)
        equal(rc, 0, err)
        equal([x["reason"] for x in rows], ["not_found", "invalid_token"])
        first = rows[1]
        equal((first["server"], first["step"], first["status"],
               first["requestId"]), ("s", "auth", 401,
                                     r.header("x-request-id")))
        lines = out.splitlines()
        equal(len(lines), 2)
        assert "not_found" in lines[0] and "invalid_token" in lines[1], out


def on_record(g, n):
    with open(g.audit) as f:
        rows = [json.loads(ln) for ln in f]
    rows = [r for r in rows if r["type"] == "admin"]
    equal(len(rows), n)
    return rows


def audited(t, up, path=None, **more):
    where = tempfile.mkdtemp(prefix="mcpgate-audit-")
    os.chmod(where, 0o700)
    t.after(lambda: shutil.rmtree(where, ignore_errors=True))
    file = path or os.path.join(where, "audit.jsonl")
    g = Gate(conf(up, "ES256", audit=dict({"enabled": True, "sinks": [
        {"type": "json", "path": file}]}, **more)), dir=where)
    g.audit = file
    return g


@test("deeds are on record, looks are not")
def _(t):
    with Upstream() as up, audited(t, up) as g:
        for words in (("ip", "list"), ("status",), ("revoke", "list"),
                      ("sessions",), ("errors",), ("token", "new"),
                      ("ip", "ban", "192.0.2.1"),
                      ("ip", "clear", "192.0.2.99"),
                      ("revoke", "--user", "mallory"), ("reload",),
                      ("ip", "ban")):
            g.ctl(*words)
        mint(g, "ES256")
        rows = on_record(g, 5)
        equal([(r["action"], r["resource"], r["success"], r["error"])
               for r in rows], [
            ("ip ban", "192.0.2.1", True, None),
            ("ip clear", "192.0.2.99", False, "bad_data"),
            ("revoke", "user mallory", True, None),
            ("reload", None, True, None),
            ("token mint", "user alice", True, None)])
        equal({r["strategy"] for r in rows}, {"mcpgatectl"})
        assert all(r["user"] for r in rows)


@test("required: no deed without a record")
def _(t):
    with Upstream() as up, audited(t, up, required=True) as g:
        equal(g.ctl("ip", "ban", "192.0.2.1")[0], 0)
        on_record(g, 2)
    with Upstream() as up, audited(t, up, "/dev/full", required=True) as g:
        rc, _, err = g.ctl("ip", "ban", "192.0.2.1")
        equal(rc, 74)
        assert "not done" in err, err
        equal(g.ctl("ip", "list")[1], "")
    with Upstream() as up, audited(t, up, "/dev/full") as g:
        rc, _, err = g.ctl("ip", "ban", "192.0.2.1")
        equal(rc, 74)
        assert "192.0.2.1" in g.ctl("ip", "list")[1]


try:
    tap.main()
finally:
    shutil.rmtree(HERE, ignore_errors=True)
