# SPDX-License-Identifier: MIT
"""signers -- signatures of every algorithm, right and wrong, in plain Python

    key = rsa()
    key.sign("PS256", b"..."), key.jwk(kid="k"), key.public (PEM)
    compact({"alg": "PS256"}, {"sub": "alice"}, lambda d: key.sign("PS256", d))

For tests only: it is slow, and its timing tells the keys.
"""
import base64
import functools
import hashlib
import hmac
import json
import os
import re

from kit import keys
from kit.keys import b64

HASHES = {"256": hashlib.sha256, "384": hashlib.sha384,
          "512": hashlib.sha512}
DER_OF = {"256": "3031300d060960864801650304020105000420",
          "384": "3041300d060960864801650304020205000430",
          "512": "3051300d060960864801650304020305000440"}


def number(n, size=None):
    return n.to_bytes(size or (n.bit_length() + 7) // 8 or 1, "big")


def pem(der, label="PUBLIC KEY"):
    text = base64.encodebytes(der).decode().replace("\n", "")
    rows = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (
        label, "\n".join(rows), label)


class Rsa:
    def __init__(self, bits=2048, e=65537):
        text = keys.openssl("genrsa", "-traditional", str(bits)) \
            if e == 65537 else keys.openssl("genrsa", "-traditional", "-3",
                                            str(bits))
        out = keys.openssl("rsa", "-noout", "-text", stdin=text).decode()
        self.private = text
        self.public = keys.openssl("rsa", "-pubout", stdin=text).decode()

        def get(name):
            got = re.search(name + r":\s*((?:[0-9a-f]{2}:?\s*)+)", out)
            return int(re.sub(r"[:\s]", "", got.group(1)), 16)

        self.n, self.d = get("modulus"), get("privateExponent")
        self.p, self.q = get("prime1"), get("prime2")
        self.q_inverse = pow(self.q, -1, self.p)
        self.e = e if e == 65537 else 3
        self.size = (self.n.bit_length() + 7) // 8

    def power(self, m):
        """m^d, by the Chinese remainder theorem."""
        p, q, d = self.p, self.q, self.d
        a, b = pow(m, d % (p - 1), p), pow(m, d % (q - 1), q)
        return b + q * ((a - b) * self.q_inverse % p)

    def raw(self, m):
        return number(self.power(m), self.size)

    def pkcs1(self, bits, data, prefix=None):
        t = bytes.fromhex(DER_OF[bits] if prefix is None else prefix) \
            + HASHES[bits](data).digest()
        pad = b"\xff" * (self.size - len(t) - 3)
        return self.raw(int.from_bytes(b"\0\1" + pad + b"\0" + t, "big"))

    def pss(self, bits, data, salt=None, mgf=None):
        h, g = HASHES[bits], HASHES[mgf or bits]
        salt = os.urandom(h().digest_size) if salt is None else salt
        em_bits = self.n.bit_length() - 1
        em_len = (em_bits + 7) // 8
        m = h(b"\0" * 8 + h(data).digest() + salt).digest()
        db = b"\0" * (em_len - len(salt) - len(m) - 2) + b"\1" + salt
        mask = b"".join(g(m + i.to_bytes(4, "big")).digest()
                        for i in range(len(db) // 32 + 1))[:len(db)]
        masked = bytearray(x ^ y for x, y in zip(db, mask))
        masked[0] &= 0xFF >> (8 * em_len - em_bits)
        return self.raw(int.from_bytes(bytes(masked) + m + b"\xbc", "big"))

    def sign(self, alg, data):
        return self.pkcs1(alg[2:], data) if alg[0] == "R" \
            else self.pss(alg[2:], data)

    def jwk(self, **more):
        return dict({"kty": "RSA", "n": b64(number(self.n)),
                     "e": b64(number(self.e))}, **more)


CURVES = {
    "P-256": (int(
        "ffffffff00000001000000000000000000000000ffffffffffffffffffff"
        "ffff", 16),
      int(
        "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2"
        "604b", 16),
      int(
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63"
        "2551", 16),
      int(
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898"
        "c296", 16),
      int(
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf"
        "51f5", 16), 32, "256"),
    "P-384": (int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "fffeffffffff0000000000000000ffffffff", 16),
      int(
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013"
        "875ac656398d8a2ed19d2a85c8edd3ec2aef", 16),
      int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f437"
        "2ddf581a0db248b0a77aecec196accc52973", 16),
      int(
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e08254"
        "2a385502f25dbf55296c3a545e3872760ab7", 16),
      int(
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0"
        "b8c00a60b1ce1d7e819d7a431d7c90ea0e5f", 16), 48, "384"),
    "P-521": (int(
        "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "fffffffffff", 16),
      int(
        "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918e"
        "f109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451f"
        "d46b503f00", 16),
      int(
        "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb"
        "71e91386409", 16),
      int(
        "c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b"
        "4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e"
        "31c2e5bd66", 16),
      int(
        "11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd172"
        "73e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be9"
        "4769fd16650", 16), 66, "512"),
}


class Ec:
    def __init__(self, curve="P-256", d=None):
        self.curve = curve
        (self.p, self.b, self.n, gx, gy, self.size, self.bits) = CURVES[curve]
        self.g = (gx, gy)
        self.d = d or int.from_bytes(os.urandom(self.size), "big") \
            % (self.n - 1) + 1
        self.x, self.y = self.times(self.d, self.g)

    # Jacobian coordinates, a = -3
    def _double(self, P):
        x, y, z = P
        p = self.p
        if not y:
            return (1, 1, 0)
        d = z * z % p
        g = y * y % p
        b = x * g % p
        a = 3 * (x - d) * (x + d) % p
        x3 = (a * a - 8 * b) % p
        z3 = ((y + z) ** 2 - g - d) % p
        return (x3, (a * (4 * b - x3) - 8 * g * g) % p, z3)

    def _add(self, P, Q):
        p = self.p
        if not P[2]:
            return Q
        if not Q[2]:
            return P
        z1, z2 = P[2] * P[2] % p, Q[2] * Q[2] % p
        u1, u2 = P[0] * z2 % p, Q[0] * z1 % p
        s1, s2 = P[1] * z2 * Q[2] % p, Q[1] * z1 * P[2] % p
        if u1 == u2:
            return self._double(P) if s1 == s2 else (1, 1, 0)
        h, r = u2 - u1, s2 - s1
        h2 = h * h % p
        h3 = h * h2 % p
        v = u1 * h2 % p
        x = (r * r - h3 - 2 * v) % p
        return (x, (r * (v - x) - s1 * h3) % p, h * P[2] * Q[2] % p)

    def times(self, k, P):
        R, Q = (1, 1, 0), (P[0], P[1], 1)
        while k:
            if k & 1:
                R = self._add(R, Q)
            Q = self._double(Q)
            k >>= 1
        zi = pow(R[2], -1, self.p)
        return (R[0] * zi * zi % self.p, R[1] * zi ** 3 % self.p)

    def pair(self, data, bits=None):
        h = int.from_bytes(HASHES[bits or self.bits](data).digest(), "big")
        over = 8 * HASHES[bits or self.bits]().digest_size \
            - self.n.bit_length()
        if over > 0:
            h >>= over
        k = int.from_bytes(os.urandom(self.size + 8), "big") \
            % (self.n - 1) + 1
        r = self.times(k, self.g)[0] % self.n
        s = pow(k, -1, self.n) * (h + r * self.d) % self.n
        return r, s

    def join(self, r, s, size=None):
        size = size or self.size
        return number(r, size) + number(s, size)

    def sign(self, alg, data):
        return self.join(*self.pair(data, alg[2:]))

    def der(self, data):
        def integer(v):
            raw = number(v)
            raw = b"\0" + raw if raw[0] & 0x80 else raw
            return b"\2" + bytes([len(raw)]) + raw
        body = b"".join(integer(v) for v in self.pair(data))
        return b"\x30" + bytes([len(body)]) + body

    def jwk(self, **more):
        return dict({"kty": "EC", "crv": self.curve,
                     "x": b64(number(self.x, self.size)),
                     "y": b64(number(self.y, self.size))}, **more)

    @property
    def public(self):
        oid = {"P-256": "06082a8648ce3d030107", "P-384": "06052b81040022",
               "P-521": "06052b81040023"}[self.curve]
        inner = bytes.fromhex("06072a8648ce3d0201" + oid)
        point = b"\0\4" + number(self.x, self.size) + number(self.y,
                                                             self.size)

        def wrap(tag, body):
            n = len(body)
            head = bytes([n]) if n < 128 else bytes([0x81, n])
            return tag + head + body
        return pem(wrap(b"\x30", wrap(b"\x30", inner)
                        + wrap(b"\3", point)))


ED_P = 2**255 - 19
ED_L = 2**252 + 27742317777372353535851937790883648493
ED_D = -121665 * pow(121666, -1, ED_P) % ED_P


class Ed:
    def __init__(self, seed=None):
        self.seed = seed or os.urandom(32)
        h = hashlib.sha512(self.seed).digest()
        a = int.from_bytes(h[:32], "little")
        self.a = (a & (2**254 - 8)) | 2**254
        self.prefix = h[32:]
        gy = 4 * pow(5, -1, ED_P) % ED_P
        xx = (gy * gy - 1) * pow(ED_D * gy * gy + 1, -1, ED_P)
        x = pow(xx, (ED_P + 3) // 8, ED_P)
        if (x * x - xx) % ED_P:
            x = x * pow(2, (ED_P - 1) // 4, ED_P) % ED_P
        x = ED_P - x if x % 2 else x
        self.g = (x, gy, 1, x * gy % ED_P)
        self.point = self.pack(self.times(self.a))

    @staticmethod
    def _add(P, Q):
        a = (P[1] - P[0]) * (Q[1] - Q[0]) % ED_P
        b = (P[1] + P[0]) * (Q[1] + Q[0]) % ED_P
        c = 2 * P[3] * Q[3] * ED_D % ED_P
        d = 2 * P[2] * Q[2] % ED_P
        e, f, g, h = b - a, d - c, d + c, b + a
        return (e * f % ED_P, g * h % ED_P, f * g % ED_P, e * h % ED_P)

    def times(self, k):
        R, Q = (0, 1, 1, 0), self.g
        while k:
            if k & 1:
                R = self._add(R, Q)
            Q = self._add(Q, Q)
            k >>= 1
        return R

    @staticmethod
    def pack(P):
        zi = pow(P[2], -1, ED_P)
        x, y = P[0] * zi % ED_P, P[1] * zi % ED_P
        return (y | (x & 1) << 255).to_bytes(32, "little")

    def sign(self, alg, data):
        r = int.from_bytes(hashlib.sha512(self.prefix + data).digest(),
                           "little") % ED_L
        R = self.pack(self.times(r))
        h = int.from_bytes(hashlib.sha512(R + self.point + data).digest(),
                           "little")
        return R + ((r + h * self.a) % ED_L).to_bytes(32, "little")

    def jwk(self, **more):
        return dict({"kty": "OKP", "crv": "Ed25519",
                     "x": b64(self.point)}, **more)

    @property
    def public(self):
        return pem(bytes.fromhex("302a300506032b6570032100") + self.point)


class Mac:
    def __init__(self, secret):
        self.secret = secret if isinstance(secret, bytes) \
            else secret.encode()

    def sign(self, alg, data):
        return hmac.new(self.secret, data, HASHES[alg[2:]]).digest()

    def jwk(self, **more):
        return dict({"kty": "oct", "k": b64(self.secret)}, **more)


def compact(first, second, sign):
    """Bytes, text or JSON values as the two parts; sign(data) the third."""
    def part(v):
        if isinstance(v, bytes):
            return v
        return v.encode() if isinstance(v, str) else json.dumps(v).encode()

    data = b64(part(first)) + "." + b64(part(second))
    return data + "." + b64(sign(data.encode()))


@functools.lru_cache(None)
def rsa(name="a", bits=2048, e=65537):
    return Rsa(bits, e)


@functools.lru_cache(None)
def ec(curve="P-256", name="a"):
    return Ec(curve)


@functools.lru_cache(None)
def ed(name="a"):
    return Ed()
