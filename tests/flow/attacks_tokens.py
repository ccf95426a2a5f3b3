#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_tokens -- tokens that are hostile, odd or merely unusual

Each is shown to servers that differ in where their keys come from, who
computes, and whether verdicts are kept; all must say the same, at the second
time, too.  What is right follows from the rules alone.
"""
import base64
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, signers, tap  # noqa: E402
from kit.gate import Gate, config, guard, server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.keys import b64  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

NOW = int(time.time())
ISS = "https://issuer.test/a"
OK, BAD, OLD = None, "invalid_token", "token_expired"
SAYS = 'Bearer realm="mcpgate", error="invalid_token", error_description="%s"'
SAID = {BAD: SAYS % "The access token is not valid",
        OLD: SAYS % "The access token expired"}
LETTERS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
           "0123456789-_")
PARAMETERS = {"sub": "alice", "iss": ISS, "aud": "gate", "exp": NOW + 3600}


def claims(*without, **more):
    rows = dict(PARAMETERS, **more)
    return {k: v for k, v in rows.items() if k not in without}


def text(extra, *without):
    """Claims with members that json.dumps() would not write."""
    return json.dumps(claims(*without))[:-1] + "," + extra + "}"


# ---- headers: text or members; @ is the algorithm -------------------------
def typs():
    good = ("JWT", "jwt", "JwT", "at+jwt", "AT+JWT", "application/at+jwt",
            "application/jwt", "APPLICATION/JWT")
    bad = ("", "JWS", "JOSE", "JOSE+JSON", "JWE", "dpop+jwt", "logout+jwt",
           "secevent+jwt", "id_token", "at+jwt ", " JWT", "JWT\t", "jwt+at",
           "application/", "application/application/jwt", "text/jwt", None,
           1, True, 1.5, [], ["JWT"], {"a": "JWT"})
    return [({"typ": v}, OK) for v in good] + [({"typ": v}, BAD)
                                               for v in bad]


def extensions():
    for v in ([], None, ["exp"], ["b64"], "exp", {}, 1, True, [""], False):
        yield {"crit": v}, BAD
    for v in (True, False, None, "true"):
        yield {"b64": v}, BAD
    for v in ("JWT", "jwt", "Jwt"):
        yield {"cty": v}, BAD
    yield {"cty": "json"}, OK
    for k, v in (("jwk", {"kty": "oct", "k": "AAAA"}), ("zip", "DEF"),
                 ("jku", "http://127.0.0.1:1/x"), ("x5c", ["MIIB"]),
                 ("x5u", "http://127.0.0.1:1/x"), ("x5t#S256", "x"),
                 ("jku", 5), ("enc", "x"), ("zzz", {"a": [1]})):
        yield {k: v}, OK


def kids():
    """Some that no key has: without names (PEM, secret) they do no harm."""
    for v in ("nope", "K", "k ", "other", "alien", "x" * 256,
              "../../etc/passwd", "' OR 1=1 --"):
        yield {"kid": v}, (BAD, OK)
    for v in ("", "x" * 257, "k\n", "k\0", "\t", "k\x7f", "k\xe9", "\1",
              "\u2028", None, 1, 1.0, True, ["k"], {"k": 1}, 0, False, []):
        yield {"kid": v}, BAD
    yield {"kid": "k"}, OK


def algorithms():
    for v in ("none", "None", "NONE", "nOnE", "", " @", "@ ", "@\0", "RS1",
              "HS256x", "HS1", "RSA1_5", "ES256K", "A128KW", "dir", "ed25519",
              "Ed25519", "Ed448", "*", "@,@", None, 1, True, [], ["@"],
              {"alg": "@"}, 0):
        yield {"alg": v}, BAD


def crooked():
    """As text or bytes."""
    for v in ('{"typ":"JWT"}', '{"Alg":"@"}', "{}", '["alg","@"]', '"@"',
              "null", "1", '{"alg":"none","alg":"@"}',
              '{"alg":"@","alg":"@"}', '{"alg":"@","\\u0061lg":"none"}',
              '{"alg":"@","typ":"JWT","typ":"JWT"}',
              '{"alg":"@","z":{"a":1,"a":2}}', '{"alg":"@","z":"a\\u0000"}',
              '{"alg":"@","alg\\u0000x":"none"}', '{"alg":"@","z":"\\ud800"}',
              '{"alg":"@"} x', '{"alg":"@"}{}', b'{"alg":"@"}\0',
              '{"alg":"@",}', '{"alg":"@"/*x*/}', '{"alg":"@"}//',
              "{'alg':'@'}", '\ufeff{"alg":"@"}', '\x0b{"alg":"@"}',
              '{"alg":"@","z":"a\tb"}', b'{"alg":"@","z":"\xe9"}',
              b'{"alg":"@","z":"\xc0\xaf"}', b'{"alg":"@","z":"\xed\xa0\x80"}',
              b'{"alg":"@","z":"\xf4\x90\x80\x80"}', '{"alg":"@"',
              '{"alg":"@"}'.encode("utf-16-le"), '{"alg":"@","z":NaN}',
              '{"alg":"@","z":-Infinity}', '{"alg":"@","z":01}',
              '{"alg":"@","z":-01}', '{"alg":"@","z":1.}',
              '{"alg":"@","z":.5}', '{"alg":"@","z":+1}',
              '{"alg":"@","z":1e}', '{"alg":"@","z":%s%s}' % (
                  "[" * 8, "]" * 8),
              '{"alg":"@","z":[%s]}' % ",".join("1" * 70),
              '{"alg":"@","z":"%s"}' % ("a" * 8200)):
        yield v, BAD
    for v in ('{"\\u0061lg":"@"}', '{"alg":"@","z":"\\ud83d\\ude00"}',
              ' \n\t\r{ "alg" : "@" } \n', '{"alg":"@","z":1e999}',
              '{"alg":"@","z":123456789012345678901234567890}',
              '{"alg":"@","z":%s%s}' % ("[" * 7, "]" * 7),
              '{"alg":"@","z":"%s"}' % ("a" * 7900)):
        yield v, OK


def headers():
    for members in (typs(), extensions(), kids(), algorithms()):
        for h, want in members:
            yield dict({"alg": "@"}, **h), claims(), None, want
    for h, want in crooked():
        yield h, claims(), None, want


# ---- claims ---------------------------------------------------------------
def payloads():
    for v in ("[]", '"x"', "{}", "1", "null", "hello", text('"sub":"admin"'),
              text('"exp":9999999999'), text('"\\u0073ub":"admin"'),
              text('"a":{"b":[{"c":1,"c":2}]}'), text('"z":"a\\u0000b"'),
              text('"sub\\u0000x":"admin"'), text('"z":"\\ud800"'),
              text('"\\ud800":1'), text('"z":1') + "{}", text('"z":NaN'),
              text('"z":1').encode() + b"\0", text(""), text('"z":1/**/'),
              "\ufeff" + text('"z":1'), text('"z":"@@"').encode().replace(
                  b"@@", b"\xff"), text('"z":%s%s' % ("[" * 16, "]" * 16)),
              text('"z":[%s]' % ",".join("1" * 2100))):
        yield v, BAD
    for v in (text('"z":1') + " \n", text('"z":1e999'),
              text('"z":123456789012345678901234567890'),
              text('"z":%s%s' % ("[" * 15, "]" * 15)),
              text('"z":[%s]' % ",".join("1" * 1900)),
              text('"z":"%s"' % ("a" * 8000))):
        yield v, OK


def times():
    for v in ("now-900", "1", "1e0", "0.5", "1e-5"):
        yield text('"exp":%s' % v.replace("now-900", str(NOW - 900)),
                   "exp"), OLD
    for v in ("%d.5" % (NOW + 900), "1e10", "99999999999.0", "253402300799",
              str(2**32 + 5), str(NOW + 900)):
        yield text('"exp":' + v, "exp"), OK
    for v in ("253402300800", "253402300799.5", "0", "-1", "-0", "0.0",
              "1e999", "-1e999", "9223372036854775808", "9" * 40,
              "18446744073709551616", str(2**64 + NOW + 100), "null",
              '"%d"' % (NOW + 900), "true", "[]", "[%d]" % (NOW + 900), "{}",
              '""', "NaN", "Infinity", "0xFFFFFFFF", "-1e-5"):
        yield text('"exp":' + v, "exp"), BAD
    for name in ("nbf", "iat"):
        for v in (str(NOW - 1000), "1", "%d.25" % (NOW - 1)):
            yield text('"%s":%s' % (name, v)), OK
        for v in (str(NOW + 900), "0", "-5", "253402300800", "253402300799",
                  '"1"', "null", "true", "[]", "{}", "1e999",
                  "18446744073709551617"):
            yield text('"%s":%s' % (name, v)), BAD
    yield claims("exp"), BAD


def issuers():
    for v in (ISS + "/", ISS.upper(), ISS[:-1], " " + ISS, ISS + " ",
              "http" + ISS[5:], "", "https://issuer.test", ISS + "\n", None,
              1, [ISS], {"a": ISS}, True):
        yield claims(iss=v), BAD
    yield claims("iss"), BAD


def audiences():
    for v in (["gate"], ["x", "gate"], ["gate", "gate"],
              ["a"] * 63 + ["gate"], ["gate", ""]):
        yield claims(aud=v), OK
    for v in ("", "Gate", "gate ", " gate", "gate x", "gate/", "gat", "*",
              [], ["x"], [""], ["GATE"], ["gate", 1], ["gate", None],
              [["gate"]], ["gate", ["x"]], ["gate", {}], {"gate": 1}, None, 1,
              True, {"0": "gate"}):
        yield claims(aud=v), BAD
    yield claims("aud"), BAD
    yield claims("aud", audience="gate"), BAD


def subjects():
    for v in ("x", "a" * 256, "\xe9" * 128, "a b", "auth0|1", "\U0001f600",
              "a,b", "a\xa0b"):
        yield claims(sub=v), OK
    for v in ("", "a" * 257, "\xe9" * 129, "a\n", "\1", "a\x7f", "a\x85",
              "a\x9f", "\t", None, 1, True, ["a"], {"a": 1}, 1.5,
              "a\r\nX: y"):
        yield claims(sub=v), BAD
    yield claims("sub", upn="a", email="a@b"), BAD


def kinds():
    for name in ("at_hash", "c_hash", "nonce"):
        for v in ("x", "", None, 1, [], False):
            yield claims(**{name: v}), BAD
    for v in ({"jkt": "x"}, {}, None, "x", False):
        yield claims(cnf=v), BAD
    for v in ({}, {"http://schemas.openid.net/event/backchannel-logout": {}}):
        yield claims(events=v, sid="x", jti="x"), BAD
    for more in ({"jti": "x" * 256}, {"azp": "x"}, {"scope": 5},
                 {"scp": {}}, {"groups": ["a", 1]}, {"groups": 7},
                 {"events": ["a"]}, {"sid": "x"}):
        yield claims(**more), OK


def bodies():
    for rows in (payloads(), times(), issuers(), audiences(), subjects(),
                 kinds()):
        for c, want in rows:
            yield {"alg": "@"}, c, None, want


# ---- the finished text ----------------------------------------------------
def raw(s):
    return base64.urlsafe_b64decode(s + "==")


def flipped(s, at):
    data = bytearray(raw(s))
    data[at] ^= 1
    return b64(bytes(data))


def spare(s):
    """A bit that means nothing, where there is one."""
    return s[:-1] + LETTERS[LETTERS.index(s[-1]) | 1] if len(s) % 4 \
        else s + "="


def standard(s):
    return s.replace("-", "+").replace("_", "/") if set(s) & set("-_") \
        else s + "+"


NONE = b64(b'{"alg":"none"}')
TWISTS = [
    "{h}=.{c}.{s}", "{h}==.{c}.{s}", "{h}.{c}=.{s}", "{h}.{c}.{s}=",
    "{h}.{c}.{s}==", "{h}.{c}.{s}.", ".{h}.{c}.{s}", "{h}.{c}.{s}.e30",
    "{h}.{c}.{s}.e30.e30", "{h}.{c}.", "{h}.{c}", "{h}..{s}", ".{c}.{s}",
    "{h}", "..", "{h}.{c}.{s}+", "{h}.{c}.{s}/", "{h}.{c}.{s}~",
    "{h}.{c}.{s}~WyJhIl0~", "{h}.{c}.{s}A", "{h}.{c}.{s}AAAA",
    "{c}.{h}.{s}", "{h}.{c}.-{s}", "{h}.{c}.{s}{h}.{c}.{s}", "{h}.{c}.A",
    "{h}.{c}.AA", NONE + ".{c}.{s}", NONE + ".{c}.", "{h}%2E{c}%2E{s}",
    "{h}.{c}.{s};a=b", "{h}.{c}.{s},{h}.{c}.{s}", "{h}. {c}.{s}",
    '"{h}.{c}.{s}"', "{h}.{c}.{s}\xe9", "{h}.{c}.{s} {h}.{c}.{s}",
    lambda h, c, s: "%s.%s.%s" % (h, c, s[:-4]),
    lambda h, c, s: "%s.%s.%s" % (h, c, s[:-1]),
    lambda h, c, s: "%s.%s.%s" % (h, c[:-1], s),
    lambda h, c, s: "%s.%s.%s" % (h, c, standard(s)),
    lambda h, c, s: "%s.%s.%s" % (h, c, spare(s)),
    lambda h, c, s: "%s.%s.%s" % (h, c, flipped(s, 0)),
    lambda h, c, s: "%s.%s.%s" % (h, c, flipped(s, -1)),
    lambda h, c, s: "%s.%s.%s" % (h, c, b64(bytes(len(raw(s))))),
    lambda h, c, s: "%s.%s.%s" % (h, c, b64(b"\xff" * len(raw(s)))),
    lambda h, c, s: "%s.%s.%s" % (h, c, b64(raw(s)[::-1])),
    lambda h, c, s: "%s.%s.%s" % (h, c, b64(b"\0" + raw(s))),
    lambda h, c, s: "%s.%s.%s" % (h, c, b64(raw(s) + b"\0")),
    lambda h, c, s: ("%s.%s.%s" % (h, c, s)).upper(),
    lambda h, c, s: "%s.%s.%s" % (h, b64(json.dumps(claims(
        sub="root")).encode()), s),
    lambda h, c, s: json.dumps({"protected": h, "payload": c,
                                "signature": s}).replace(" ", ""),
]


def twisted():
    for f in TWISTS:
        if isinstance(f, str):
            yield ({"alg": "@"}, claims(), lambda h, c, s, f=f: f.format(
                h=h, c=c, s=s), BAD)
        else:
            yield {"alg": "@"}, claims(), f, BAD


# ---- what only one kind of key can do wrong -------------------------------
SECRET = "0123456789abcdef" * 5


def rsa_odd(key, algs):
    wide = signers.number(key.n, 256)
    for size in (0, 8, 20, 31, 33, 64):
        yield "PS256", lambda d: key.pss("256", d, os.urandom(size)), BAD
    yield "PS256", lambda d: key.pss("256", d, mgf="384"), BAD
    yield "RS256", lambda d: key.pkcs1("256", d, ""), BAD
    yield "RS256", lambda d: key.pkcs1("256", d,
                                       signers.DER_OF["384"]), BAD
    for v in (0, 1, key.n - 1):
        yield algs[0], lambda d: signers.number(v, 256), BAD
    yield algs[0], lambda d: wide, BAD
    yield algs[0], lambda d: signers.number(
        int.from_bytes(key.sign(algs[0], d), "big") + key.n, 257), BAD
    for a in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
        yield a, lambda d: key.sign(a, d), OK if a in algs else BAD


def ec_odd(key, algs):
    alg, n = algs[0], key.n

    def with_pair(f):
        return lambda d: f(*key.pair(d))

    yield alg, with_pair(lambda r, s: key.join(r, n - s)), OK
    yield alg, with_pair(lambda r, s: key.join(s, r)), BAD
    yield alg, with_pair(lambda r, s: key.join(r, s, key.size + 1)), BAD
    yield alg, with_pair(lambda r, s: key.join(r + n, s, key.size + 1)), BAD
    yield alg, key.der, BAD
    for r, s in ((0, 0), (1, 1), (n, n), (0, 5), (5, 0), (n - 1, n - 1)):
        yield alg, lambda d: key.join(r, s), BAD
    for bits in {"256", "384", "512"} - {key.bits}:
        yield alg, lambda d: key.join(*key.pair(d, bits)), BAD
    for curve in set(signers.CURVES) - {key.curve}:
        yield alg, lambda d: signers.ec(curve).sign(alg, d), BAD
        yield ("ES" + signers.CURVES[curve][-1],
               lambda d: key.join(*key.pair(d)), BAD)


def ed_odd(key, algs):
    def bent(f):
        def sign(d):
            s = key.sign("EdDSA", d)
            return s[:32] + f(int.from_bytes(s[32:], "little")).to_bytes(
                32, "little")
        return sign

    yield "EdDSA", bent(lambda s: s + signers.ED_L), BAD
    yield "EdDSA", bent(lambda s: s | 1 << 255), BAD
    yield "EdDSA", lambda d: bytes(64), BAD
    yield "EdDSA", lambda d: b"\1" + bytes(63), BAD


def mac_odd(key, algs):
    for s in (b"", b"\0", SECRET[:-1].encode(), SECRET.upper().encode(),
              b"secret", SECRET.encode() + b"\n"):
        for a in algs:
            yield a, lambda d: signers.Mac(s).sign(a, d), BAD
    for a in algs:
        yield a, lambda d: key.sign(a, d)[:16], BAD


def confused(key, algs):
    """Public values as a secret."""
    jwk = key.jwk()
    for s in (key.public, key.public.strip(), json.dumps(jwk), "", "\0",
              "".join(key.public.split("\n")[1:-2]),
              json.dumps(key.jwk(kid="k")), raw(jwk.get("n") or jwk["x"]),
              key.public.replace("\n", "\r\n")):
        for a in ("HS256", "HS384", "HS512"):
            yield a, lambda d: signers.Mac(s).sign(a, d), BAD
        yield algs[0], lambda d: signers.Mac(s).sign("HS256", d), BAD


FAMILIES = {
    "HS": (lambda n: signers.Mac(SECRET if n == "a" else "x" * 64), mac_odd,
           ("HS256", "HS384", "HS512"), None, 1),
    "RS": (signers.rsa, rsa_odd, ("RS256", "RS384", "RS512"),
           signers.ed, 3),
    "PS": (signers.rsa, rsa_odd, ("PS256", "PS384", "PS512"),
           signers.ed, 7),
    "ES256": (lambda n: signers.ec("P-256", n), ec_odd, ("ES256",),
              signers.rsa, 5),
    "ES384": (lambda n: signers.ec("P-384", n), ec_odd, ("ES384",),
              signers.rsa, 16),
    "ES512": (lambda n: signers.ec("P-521", n), ec_odd, ("ES512",),
              signers.rsa, 16),
    "EdDSA": (signers.ed, ed_odd, ("EdDSA",), signers.rsa, 3),
}


def table(word):
    """(token, want); of the rows for all keys every so many only."""
    make, odd, algs, _, step = FAMILIES[word]
    key, other = make("a"), make("b")

    def fill(v):
        if isinstance(v, bytes):
            return v.replace(b"@", algs[0].encode())
        return (v if isinstance(v, str) else json.dumps(v)).replace(
            "@", algs[0])

    rows = list(headers()) + list(bodies()) + list(twisted())
    for h, c, twist, want in rows[step // 2::step]:
        token = signers.compact(fill(h), c, lambda d: key.sign(algs[0], d))
        yield twist(*token.split(".")) if twist else token, want
    for a in algs:
        yield guard(signers.compact({"alg": a, "kid": "k"}, claims(),
                                    lambda d: key.sign(a, d))), OK
        yield signers.compact({"alg": a, "kid": "k"}, claims(),
                              lambda d: other.sign(a, d)), BAD
        for b in set(algs) - {a}:
            yield signers.compact({"alg": a}, claims(),
                                  lambda d: key.sign(b, d)), BAD
    for f in (odd,) + ((confused,) if word != "HS" else ()):
        for a, sign, want in f(key, algs):      # lazily: each sees its values
            yield signers.compact({"alg": a}, claims(), sign), want


def servers(word, up, idp):
    make, _, algs, alien, _ = FAMILIES[word]
    if word == "HS":
        rows = [({"secret": SECRET}, "libjwt", "0s"),
                ({"secret": SECRET}, "auto", "60s"),
                ({"secret": SECRET}, "openssl", "60s")]
    else:
        doc = [make("a").jwk(kid="k"), make("b").jwk(kid="other"),
               alien("alien").jwk(kid="alien")]
        idp.jwks = lambda: {"keys": doc}
        pem, jwks = (os.path.join(keys.folder(), word + e)
                     for e in (".pem", ".json"))
        for path, data in ((pem, make("a").public),
                           (jwks, json.dumps(idp.jwks()))):
            with open(path, "w") as f:
                f.write(data)
            os.chmod(path, 0o644)
        rows = [({"publicKeyFile": pem}, "libjwt", "60s"),
                ({"publicKeyFile": pem}, "openssl", "0s"),
                ({"jwksFile": jwks}, "libjwt", "0s"),
                ({"jwksUrl": idp.url("/jwks")}, "auto", "60s")]
    conf = config({})
    for i, (source, backend, ttl) in enumerate(rows):
        conf["mcpServers"]["s%d" % i] = server(up, {"inboundAuth": {
            "strategy": "jwt", "verdictTtl": ttl, "jwt": dict({
                "issuer": [ISS], "audience": ["gate"], "backend": backend,
                "algorithms": list(algs)}, **source)}})
    return conf, ["jwks" not in "".join(s) for s, _, _ in rows], [
        2 if ttl != "0s" else 1 for _, _, ttl in rows]


@test("tokens that are odd", rows=tuple(FAMILIES), limit=90)
def _(t):
    n = 0
    with Upstream() as up, Idp() as idp:
        conf, nameless, times = servers(t.row, up, idp)
        with Gate(conf, 2) as g:
            for token, want in table(t.row):
                for i in range(len(times)):
                    right = want[nameless[i]] if isinstance(
                        want, tuple) else want
                    for _ in range(times[i]):
                        n += 1
                        r = g.rpc("/s%d/mcp" % i, "ping", headers={
                            "Authorization": "Bearer " + token})
                        equal((r.status, r.status != 200 and r.reason or None,
                               r.header("www-authenticate")),
                              (401 if right else 200, right,
                               SAID.get(right)), token[:3000])
        equal({c.target for c in idp.calls} - {"/jwks"}, set())
        assert idp.count("/jwks") <= 2
    t.say("%d requests" % n)


tap.main()
