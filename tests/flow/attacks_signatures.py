#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_signatures -- values at the edges of each algorithm

In the manner of the Wycheproof project, made here: for an (r, s) of our
choice the key is computed for which it is a signature; RSA blocks are bent
before they are signed.  Both backends, by a key file, must agree.
"""
import hashlib
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, signers, tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.keys import b64  # noqa: E402
from kit.signers import DER_OF, ED_L, ED_P, HASHES, number  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

CLAIMS = {"sub": "alice", "aud": "gate", "exp": int(time.time()) + 3600}
ALGS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "ES512", "EdDSA"]


def signed_part(alg, kid, **more):
    return ".".join(b64(json.dumps(v).encode()) for v in (
        {"alg": alg, "kid": kid}, dict(CLAIMS, **more)))


# ---- ECDSA ----------------------------------------------------------------
def digest_of(curve, data):
    h = int.from_bytes(HASHES[curve.bits](data.encode()).digest(), "big")
    return h >> max(0, int(curve.bits) - curve.n.bit_length())


def key_for(curve, r, s, data, x=None):
    """The public point for which (r, s) signs data; None: there is none."""
    p, x = curve.p, r if x is None else x
    y = pow(x ** 3 - 3 * x + curve.b, (p + 1) // 4, p)
    if (y * y - x ** 3 + 3 * x - curve.b) % p:
        return None
    one = pow(r, -1, curve.n)
    a = curve.times(s * one % curve.n, (x, y))
    b = curve.times(-digest_of(curve, data) * one % curve.n, curve.g)
    x, y, z = curve._add(a + (1,), b + (1,))
    z = pow(z, -1, p)
    return x * z * z % p, y * z ** 3 % p


def edges(curve):
    """(r, s, x of R)"""
    n, p, some = curve.n, curve.p, curve.n // 3
    yield 1, some, None
    yield 2 ** (8 * curve.size - 20), some, None      # begins with zeros
    for s in (1, 2, n - 1, n // 2, n // 2 + 1, 2 ** (8 * curve.size - 24)):
        yield some, s, None
    yield n - 200, some, None
    if p > n:
        yield 1, some, n + 1        # the x of R is over the order


def bent(curve, r, s):
    """Other spellings of such a pair, and what is none."""
    n, size, join = curve.n, curve.size, curve.join
    yield join(r, n - s), True
    yield join(n - r, s), False
    yield join(r, s, size + 1), False
    yield join(r, s) + b"\0", False
    yield join(r, s)[1:], False
    for a, b in ((r + n, s), (r, s + n)):
        if max(a, b) < 256 ** size:
            yield join(a, b), False
    if r != s:
        yield join(s, r), False


def fixed(curve):
    n, p, top = curve.n, curve.p, 256 ** curve.size - 1
    for r in (0, 1, n - 1, n, n + 1, p - 1, p, top):
        for s in (0, 1, n - 1, n, p, top):
            yield curve.join(r, s)


def ecdsa(name):
    curve = signers.Ec(name)
    alg, kid = "ES" + curve.bits, "own"
    data = signed_part(alg, kid)
    yield curve.jwk(kid=kid), data, curve.sign(alg, data.encode()), True
    for sig in fixed(curve):
        yield None, data, sig, False
    z = digest_of(curve, data)
    far = -z * pow(curve.d, -1, curve.n) % curve.n      # R would be infinity
    yield None, data, curve.join(far, 1), False
    r, s = curve.pair(data.encode())
    for bad in (0, curve.n):
        yield None, data, curve.join(r, bad), False
        yield None, data, curve.join(bad, s), False
    for i, (r, s, x) in enumerate(edges(curve)):
        step, data, point = 0, "", None
        while point is None:        # not each number is the x of a point
            data = signed_part(alg, "e%d" % i, step=step)
            point = key_for(curve, r + step, s, data, x and x + step)
            step += 1
        r += step - 1
        jwk = {"kty": "EC", "crv": name, "kid": "e%d" % i,
               "x": b64(number(point[0], curve.size)),
               "y": b64(number(point[1], curve.size))}
        yield jwk, data, curve.join(r, s), True
        for sig, good in bent(curve, r, s):
            yield None, data, sig, good


# ---- RSA ------------------------------------------------------------------
def block(size, text, pad=None, head=b"\0\1"):
    if pad is None:
        pad = b"\xff" * (size - len(text) - len(head) - 1)
    return head + pad + b"\0" + text


def infos(bits, digest):
    """What stands where the name of the hash and the hash belong."""
    whole = bytes.fromhex(DER_OF[bits])
    oid = whole[4:whole.index(b"\5\0")]
    n = len(digest)
    yield b"\x30" + bytes([len(oid) + 4 + n, 0x30, len(oid)]) + oid \
        + b"\4" + bytes([n]) + digest                   # without NULL
    yield digest
    yield b"\4" + bytes([n]) + digest
    yield b"\x30\x81" + whole[1:] + digest              # a longer length
    yield b"\x30\x80" + whole[2:] + digest + b"\0\0"    # none
    yield b"\x30" + bytes([whole[1] + 4]) + whole[2:] + digest + b"\5\0\5\0"
    yield bytes.fromhex("3021300906052b0e03021a05000414") + digest[:20]


def blocks(size, bits, digest):
    good = bytes.fromhex(DER_OF[bits]) + digest
    for info in infos(bits, digest):
        yield block(size, info)
    pad = b"\xff" * (size - len(good) - 4)
    yield block(size, good, head=b"\0\2")
    yield block(size, good, pad + b"\xfe")
    yield block(size, good, b"\x7f" + pad)
    yield block(size, good, bytes(len(pad) + 1), b"\0\0")
    for fill in (b"\0", b"\x5a"):       # little padding, something behind
        yield block(size, good, b"\xff" * 8).ljust(size, fill)


def respelled(key, sig):
    """Numbers that are the same, or look like it."""
    n, size, s = key.n, key.size, int.from_bytes(sig, "big")
    yield number(n - s, size)
    if s + n < 256 ** size:
        yield number(s + n, size)
    yield from (b"\0" + sig, sig + b"\0", sig[:-1], sig[::-1])


def pkcs1(key, kid):
    for bits in ("256", "384", "512"):
        data = signed_part("RS" + bits, kid)
        digest = HASHES[bits](data.encode()).digest()
        sig = key.pkcs1(bits, data.encode())
        yield data, sig, True
        for b in blocks(key.size, bits, digest):
            yield data, key.raw(int.from_bytes(b, "big")), False
        for other in {"256", "384", "512"} - {bits}:
            yield data, key.pkcs1(other, data.encode()), False
        yield data, key.pkcs1(bits, digest), False
        yield data, key.pss(bits, data.encode()), False
        for bad in respelled(key, sig):
            yield data, bad, False
    for v in (0, 1, 2, key.n - 1, key.n, key.n + 1, 256 ** key.size - 1):
        yield signed_part("RS256", kid), number(v, key.size), False


def pss(key, kid):
    for bits in ("256", "384", "512"):
        data, n = signed_part("PS" + bits, kid), int(bits) // 8
        raw = data.encode()
        for salt in (bytes(n), b"\xff" * n, os.urandom(n)):
            yield data, key.pss(bits, raw, salt), True
        for size in (0, 1, 20, n - 1, n + 1, key.size - n - 2):
            yield data, key.pss(bits, raw, os.urandom(size)), False
        for mgf in {"256", "384", "512"} - {bits}:
            yield data, key.pss(bits, raw, mgf=mgf), False
        yield data, key.pkcs1(bits, raw), False
        for bad in respelled(key, key.pss(bits, raw)):
            yield data, bad, False


def zero_in_front(key, kid):
    """As long as any other: the zero counts."""
    for i in range(5000):
        data = signed_part("RS256", kid, i=i)
        sig = key.pkcs1("256", data.encode())
        if sig[0] == 0:
            yield data, sig, True
            yield data, sig[1:], False
            return


def rsa(bits):
    key = signers.rsa("edges", bits)
    jwk = key.jwk(kid="rsa")
    for rows in (pkcs1, pss) + ((zero_in_front,) if bits == 2048 else ()):
        for data, sig, good in rows(key, "rsa"):
            yield jwk, data, sig, good
            jwk = None
    for i, e in enumerate((b"\1", b"\0\0\0\1")):        # whoever likes signs
        data = signed_part("RS256", "one%d" % i)
        yield dict(key.jwk(kid="one%d" % i), e=b64(e)), data, block(
            key.size, bytes.fromhex(DER_OF["256"])
            + hashlib.sha256(data.encode()).digest()), False


# ---- Ed25519 --------------------------------------------------------------
def domain_separated(key, data, dom):
    """Ed25519ctx and Ed25519ph: other signatures by the same key."""
    r = 12345
    R = key.pack(key.times(r))
    h = int.from_bytes(hashlib.sha512(dom + R + key.point + data).digest(),
                       "little")
    return R + ((r + h * key.a) % ED_L).to_bytes(32, "little")


def ed25519():
    key = signers.ed("edges")
    data = signed_part("EdDSA", "ed")
    raw = data.encode()
    sig = key.sign("EdDSA", raw)
    R, S = sig[:32], int.from_bytes(sig[32:], "little")

    def le(v):
        return v.to_bytes(32, "little")

    yield key.jwk(kid="ed"), data, sig, True
    bad = [R + le(S + i * ED_L) for i in range(1, 15)]
    bad += [R + le(v) for v in (0, 1, ED_L - 1, ED_L, ED_L - S, 2 ** 252,
                                2 ** 255 - 1, 2 ** 256 - 1)]
    bad += [R + le(S | 1 << b) for b in (253, 254, 255)]
    bad += [le(v) + le(s) for s in (0, S) for v in (
        0, 1, ED_P - 1, ED_P, ED_P + 1, 2 ** 255 - 1)]
    bad += [bytes(R[:31]) + bytes([R[31] ^ 0x80]) + sig[32:], sig[32:] + R,
            R + sig[:31:-1], sig[:-1], sig + b"\0", R, R + R,
            key.sign("EdDSA", hashlib.sha512(raw).digest())]
    dom = b"SigEd25519 no Ed25519 collisions"
    bad += [domain_separated(key, raw, dom + b"\0\0"), domain_separated(
        key, hashlib.sha512(raw).digest(), dom + b"\1\0")]
    for b in bad:
        yield None, data, b, False


FAMILIES = {"P-256": ecdsa, "P-384": ecdsa, "P-521": ecdsa,
            "RSA 2048": lambda _: rsa(2048), "RSA 2049": lambda _: rsa(2049),
            "Ed25519": lambda _: ed25519()}


@test("signatures at the edges", rows=tuple(FAMILIES), limit=90)
def _(t):
    rows = list(FAMILIES[t.row](t.row))
    path = os.path.join(keys.folder(), "edges.json")
    with open(path, "w") as f:
        json.dump({"keys": [jwk for jwk, _, _, _ in rows if jwk]}, f)
    os.chmod(path, 0o644)
    conf = config({})
    with Upstream() as up:
        for backend in ("libjwt", "openssl"):
            conf["mcpServers"][backend] = server(up, {"inboundAuth": {
                "strategy": "jwt", "verdictTtl": "0s", "jwt": {
                    "jwksFile": path, "audience": ["gate"],
                    "backend": backend, "algorithms": ALGS}}})
        with Gate(conf) as g:
            for i, (_, data, sig, good) in enumerate(rows):
                for backend in conf["mcpServers"]:
                    r = g.rpc("/%s/mcp" % backend, "ping", headers={
                        "Authorization": "Bearer " + data + "." + b64(sig)})
                    equal((r.status, None if good else r.reason),
                          (200, None) if good else (401, "invalid_token"),
                          "%d of %s, %s: %s" % (i, t.row, backend,
                                                sig.hex()))
    t.say("%d signatures" % len(rows))


tap.main()
