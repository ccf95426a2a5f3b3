#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_keys -- key sets with odd entries beside good ones

An entry that is not usable verifies nothing and harms no other; which keys a
token is tried with follows from its kid.
"""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, signers, tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.keys import b64  # noqa: E402
from kit.signers import number  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

ISS = "https://issuer.test/a"
CLAIMS = {"sub": "alice", "iss": ISS, "aud": "gate",
          "exp": int(time.time()) + 3600}
ALGS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "ES512", "EdDSA"]
A, B, C = signers.rsa(), signers.rsa("b"), signers.rsa("c")
K, K3, K5 = signers.ec(), signers.ec("P-384"), signers.ec("P-521")
D, MAC = signers.ed(), signers.Mac(b"x" * 64)
HUSH = b64(b"a secret that somebody has published")


class Fixed:
    """Whoever knows no secret: always this signature."""

    def __init__(self, signature):
        self.signature = signature

    def sign(self, alg, data):
        return self.signature


def rsa(*without, **more):
    rows = dict(A.jwk(kid="odd"), **more)
    return {k: v for k, v in rows.items() if k not in without}


def ec(*without, **more):
    rows = dict(K.jwk(kid="odd"), **more)
    return {k: v for k, v in rows.items() if k not in without}


def ed(**more):
    return dict(D.jwk(kid="odd"), **more)


def usable():
    """(entry, who signs, with what)"""
    for more in ({}, {"use": "sig"}, {"key_ops": ["verify"]},
                 {"key_ops": ["sign", "verify"]}, {"alg": "RS256"},
                 {"x5c": ["junk"], "x5t": "z", "x5u": "http://127.0.0.1:1/"},
                 {"zzz": {"a": [1]}, "exp": 1, "revoked": {"at": 1}},
                 {"d": HUSH, "p": HUSH, "q": "x", "dp": "x"},
                 {"n": b64(bytes(100) + number(A.n))},
                 {"e": b64(b"\0\0\0\1\0\1")}):
        yield rsa(**more), A, "RS256"
    yield rsa(alg="RS384"), A, "RS384"
    yield rsa(alg="PS512"), A, "PS512"
    small = signers.rsa("e3", 2048, 3)
    yield small.jwk(kid="odd"), small, "RS256"
    yield ec(alg="ES256", d=HUSH), K, "ES256"
    yield K3.jwk(kid="odd"), K3, "ES384"
    yield K5.jwk(kid="odd"), K5, "ES512"
    yield ed(), D, "EdDSA"
    yield ed(alg="EdDSA"), D, "EdDSA"


def bad_rsa():
    for v in ("enc", "SIG", "", "sig ", None, 1, ["sig"], {}, True):
        yield rsa(use=v)
    for v in ([], ["sign"], ["Verify"], "verify", None, {}, ["verify", 1],
              [None, "verify"], 1, [["verify"]], True):
        yield rsa(key_ops=v)
    yield rsa(use="enc", key_ops=["verify"])
    for v in ("RS384", "PS256", "HS256", "ES256", "EdDSA", "none", "rs256",
              "RSA-OAEP", "", "RS256 ", None, 1, ["RS256"], "RSA1_5"):
        yield rsa(alg=v)
    for v in ("rsa", "Rsa", "RSA ", "", None, 1, ["RSA"], "EC", "oct", "OKP"):
        yield rsa(kty=v)
    for v in (None, 1, [], {}, "", "x" * 257, "a\n", "\xe9", True):
        yield rsa(kid=v)
    for name in ("kty", "n", "e"):
        yield rsa(name)
    for v in (None, 1, "", "!", "AQAB=", "AQAB\n", "A", [1], {}):
        yield rsa(n=v)
        yield rsa(e=v)
    yield rsa(n=A.jwk()["n"] + "==")
    yield rsa(n=b64(number(A.n + 1)))
    yield rsa(n=b64(b"\1" + b"\xff" * 1024))
    for v in (0, 1, 2, 4, 65536, 2**32, 2**32 + 1, 2**33 + 1):
        yield rsa(e=b64(number(v)))


def unusable():
    for entry in bad_rsa():
        yield entry, A, "RS256"
    for bits in (1024, 2040):
        weak = signers.rsa("weak", bits)
        yield weak.jwk(kid="odd"), weak, "RS256"
    for alg in ("HS256", "RS256"):
        yield dict(MAC.jwk(kid="odd"), alg=alg), MAC, "HS256"
    for more in ({"alg": "ES384"}, {"alg": "RS256"}, {"alg": "ES256K"},
                 {"x": K.jwk()["y"], "y": K.jwk()["x"]},
                 {"y": b64(number(K.p - K.y, 32))}):
        yield ec(**more), K, "ES256"
    for v in ("p-256", "P256", "secp256r1", "P-384", "P-521", "secp256k1",
              "", None, 1, "Ed25519", "X25519"):
        yield ec(crv=v), K, "ES256"
    for name in ("crv", "x", "y"):
        yield ec(name), K, "ES256"
    for name in "xy":
        v = number(getattr(K, name), 32)
        for bent in (v[1:], b"\0" + v, v + b"\0", bytes(32), b"",
                     number(K.p, 32), bytes([v[0] ^ 1]) + v[1:]):
            yield ec(**{name: b64(bent)}), K, "ES256"
    for v in ("Ed448", "ed25519", "X25519", "ED25519", "", None, "P-256"):
        yield ed(crv=v), D, "EdDSA"
    for v in (D.point[:31], D.point + b"\0", b"", D.point * 2):
        yield ed(x=b64(v)), D, "EdDSA"
    for alg in ("ES256", "Ed25519"):
        yield ed(alg=alg), D, "EdDSA"


# Everything is a signature by one of these points.
SMALL = ("00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f",
         "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
         "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
         "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f")


def small():
    for text in SMALL:
        for top in (0, 0x80):
            p = bytearray(bytes.fromhex(text))
            p[31] |= top
            for r in (b"\1" + bytes(31), bytes(p)):
                yield ed(x=b64(bytes(p))), Fixed(r + bytes(32)), "EdDSA"


def entries():
    """(set, [(kid, who signs, with what, good)])"""
    good = B.jwk(kid="g")
    for rows, fine in ((usable(), True), (unusable(), False),
                       (small(), False)):
        for entry, who, alg in rows:
            kid = entry["kid"] if fine else "odd"
            asks = [(kid, who, alg, fine), ("g", B, "RS256", True)]
            yield [entry, good], asks
            yield [good, entry], asks[::-1]
    for entry in (None, 1, "x", [], [rsa()], True, {}, {"keys": [rsa()]}):
        yield [entry, good], [("g", B, "RS256", True)]


MANY = [signers.ec("P-256", "m%d" % i) for i in range(9)]
M = [k.jwk(kid="m%d" % i) for i, k in enumerate(MANY)]
OFF = dict(K.jwk(kid="k"), y=b64(bytes(31) + b"\1"))
CROWD = [K.jwk(kid="f%d" % i) for i in range(64)]
SETS = (
    ([A.jwk(kid="k"), B.jwk(kid="k")],
     [("k", A, "RS256", 1), ("k", B, "RS256", 1), ("k", C, "RS256", 0),
      (None, A, "RS256", 1)]),
    ([K.jwk(kid="k"), A.jwk(kid="k")],
     [("k", A, "RS256", 1), ("k", K, "ES256", 1)]),
    ([OFF, K.jwk(kid="k")], [("k", K, "ES256", 1)]),
    ([A.jwk(), B.jwk()],
     [("any", A, "RS256", 1), (None, B, "RS256", 1), ("any", C, "RS256", 0)]),
    ([A.jwk(), B.jwk(kid="b")],
     [("any", A, "RS256", 0), (None, A, "RS256", 1), ("b", B, "RS256", 1),
      ("b", A, "RS256", 0)]),
    # without a name eight are tried, with one all that have it
    (M[:8], [(None, MANY[7], "ES256", 1), ("m3", MANY[3], "ES256", 1)]),
    (M, [(None, MANY[0], "ES256", 0), ("m8", MANY[8], "ES256", 1)]),
    (M[:8] + [A.jwk(kid="a"), D.jwk()],
     [(None, MANY[7], "ES256", 1), (None, A, "RS256", 1)]),
    ([OFF] + M[:8], [(None, MANY[7], "ES256", 1)]),
    ([k.jwk(kid="same") for k in MANY],
     [("same", MANY[8], "ES256", 1), ("same", MANY[0], "ES256", 1),
      (None, MANY[0], "ES256", 0)]),
    ([k.jwk() for k in MANY], [("x", MANY[0], "ES256", 0)]),
    ([], [("k", A, "RS256", 0), (None, A, "RS256", 0)]),
    ([A.jwk(kid="a", use="enc")], [("a", A, "RS256", 0)]),
    ([OFF], [("k", K, "ES256", 0), (None, K, "ES256", 0)]),
    # 64 usable ones count
    (CROWD[:63] + [A.jwk(kid="l")], [("l", A, "RS256", 1)]),
    (CROWD + [A.jwk(kid="l")],
     [("l", A, "RS256", 0), ("f63", K, "ES256", 1)]),
    (CROWD[:63] + [{"kty": "x"}, A.jwk(kid="l")], [("l", A, "RS256", 1)]),
    ([A.jwk(kid="e%d" % i, use="enc") for i in range(300)]
     + [A.jwk(kid="l")], [("l", A, "RS256", 1)]),
    ([B.jwk(kid="e%d" % i) for i in range(60)] + [A.jwk(kid="l")]
     + [B.jwk(kid="h%d" % i) for i in range(240)],
     [("l", A, "RS256", 1), ("h200", B, "RS256", 0)]),
    ([A.jwk(kid="l", x5c=["A" * 900000])], [("l", A, "RS256", 1)]),
)

GOOD = json.dumps(A.jwk(kid="l"))
DOCUMENTS = (
    "{", "[%s]", "%s", '{"keys":{"l":%s}}', '{"keys":null}', '{"keys":"x"}',
    '{"Keys":[%s]}', '{"keys":[],"keys":[%s]}', '{"keys":[%s]}x',
    '{"keys":[%s]}\0', '\ufeff{"keys":[%s]}', '{"keys":[%s]/**/}', "", " ",
    "null", '{"keys":[%s,{"kty":"x","kty":"y"}]}', "<html></html>",
    '{"keys":[%s],"a\\u0000":1}', '{"keys":[%s],"a":[[[[[[[[]]]]]]]]}',
    '{"keys":[%s],"a":[' + ",".join("1" * 21000) + "]}",
    '{"keys":[%s]}' + " " * (1 << 20))


def server_of(up, **source):
    return server(up, {"inboundAuth": {"strategy": "jwt", "jwt": dict(
        {"issuer": [ISS], "audience": ["gate"], "algorithms": ALGS},
        **source)}})


def put(name, text):
    path = os.path.join(keys.folder(), name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o644)
    return path


def ask(g, name, kid, who, alg):
    head = {"alg": alg} if kid is None else {"alg": alg, "kid": kid}
    token = signers.compact(head, CLAIMS, lambda d: who.sign(alg, d))
    return g.rpc("/%s/mcp" % name, "ping",
                 headers={"Authorization": "Bearer " + token})


def try_sets(sets, fetched):
    """At most 200 of them."""
    conf = config({})
    with Upstream() as up, Idp() as idp:
        for i, (entries, _) in enumerate(sets):
            name, text = "s%d" % i, json.dumps({"keys": entries})
            idp.lies["/" + name] = lambda q, out, text=text: out.body(
                200, text)
            conf["mcpServers"][name] = server_of(up, **(
                {"jwksUrl": idp.url("/" + name)} if fetched else
                {"jwksFile": put(name + ".json", text)}))
        with Gate(conf, 1) as g:
            for i, (entries, asks) in enumerate(sets):
                for kid, who, alg, good in asks:
                    r = ask(g, "s%d" % i, kid, who, alg)
                    equal((r.status, None if good else r.reason),
                          (200, None) if good else (401, "invalid_token"),
                          "%s of %.900s" % (kid, json.dumps(entries)))
            log = g.log_text()
            with open(g.state, "rb") as f:
                assert HUSH.encode() not in f.read()
        strange = [c.target for c in idp.calls
                   if not c.target.startswith("/s")]
        equal(strange, [])
        return log


@test("an odd entry beside a good one", rows=("from a file", "fetched"),
      limit=120)
def _(t):
    rows, log = list(entries()), ""
    fetched = t.row == "fetched"
    if fetched:
        rows = rows[::5]
    for at in range(0, len(rows), 200):
        log += try_sets(rows[at:at + 200], fetched)
    assert "holds private members, which are ignored" in log
    assert HUSH not in log


@test("which keys a token is tried with", rows=("from a file", "fetched"))
def _(t):
    try_sets(SETS, t.row == "fetched")


@test("documents that are no key set")
def _(t):
    texts = [d.replace("%s", GOOD) for d in DOCUMENTS]
    conf = config({})
    with Upstream() as up, Idp() as idp:
        for i, text in enumerate(texts):
            idp.lies["/d%d" % i] = lambda q, out, text=text: out.body(
                200, text.encode())
            conf["mcpServers"]["u%d" % i] = server_of(
                up, jwksUrl=idp.url("/d%d" % i))
            conf["mcpServers"]["f%d" % i] = server_of(
                up, jwksFile=put("d%d.json" % i, text))
        with Gate(conf, 1) as g:
            for i, text in enumerate(texts):
                for name, reason in (("u", "auth_unavailable"),
                                     ("f", "server_invalid")):
                    r = ask(g, name + str(i), "l", A, "RS256")
                    equal((r.status, r.reason), (503, reason), text[:80])
                    assert r.header("retry-after")
                    equal(r.header("www-authenticate"), None)


tap.main()
