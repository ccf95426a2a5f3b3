# SPDX-License-Identifier: MIT
"""keys -- key pairs, certificates and JWTs, made with the openssl command"""
import base64
import functools
import hashlib
import hmac
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time

from kit.gate import guard


def openssl(*args, stdin=b""):
    done = subprocess.run(["openssl"] + list(args), input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Rsa:
    """An RSA key pair in a directory."""

    alg = "RS256"

    def __init__(self, folder, name="rsa"):
        self.private = os.path.join(folder, name + ".key")
        self.public = os.path.join(folder, name + ".pem")
        openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt",
                "rsa_keygen_bits:2048", "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)
        os.chmod(self.public, 0o644)

    def sign(self, data):
        return openssl("dgst", "-sha256", "-sign", self.private, stdin=data)

    def jwk(self, kid):
        """The public key as a JWK."""
        text = openssl("rsa", "-pubin", "-in", self.public, "-modulus",
                       "-noout").decode()
        n = bytes.fromhex(text.strip().split("=")[1])
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
                "n": b64(n), "e": b64(b"\1\0\1")}


class Ec:
    """A P-256 key pair."""

    alg = "ES256"

    def __init__(self, folder, name="ec"):
        self.private = os.path.join(folder, name + ".key")
        self.public = os.path.join(folder, name + ".pem")
        openssl("genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)
        os.chmod(self.public, 0o644)

    def sign(self, data):
        der = openssl("dgst", "-sha256", "-sign", self.private, stdin=data)
        return b"".join(_der_numbers(der))

    def jwk(self, kid):
        der = openssl("pkey", "-pubin", "-in", self.public, "-pubout",
                      "-outform", "DER")
        return {"kty": "EC", "crv": "P-256", "use": "sig", "kid": kid,
                "x": b64(der[-64:-32]), "y": b64(der[-32:])}


class Ed25519:
    """An Ed25519 key pair."""

    alg = "EdDSA"

    def __init__(self, folder, name="ed"):
        self.folder = folder
        self.private = os.path.join(folder, name + ".key")
        self.public = os.path.join(folder, name + ".pem")
        openssl("genpkey", "-quiet", "-algorithm", "ED25519", "-out",
                self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)
        os.chmod(self.public, 0o644)

    def sign(self, data):
        fd, path = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        try:
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey",
                           self.private, "-in", path)
        finally:
            os.unlink(path)

    def jwk(self, kid):
        der = openssl("pkey", "-pubin", "-in", self.public, "-pubout",
                      "-outform", "DER")
        return {"kty": "OKP", "crv": "Ed25519", "kid": kid,
                "x": b64(der[-32:])}


def _der_numbers(der):
    """The two numbers of an ECDSA signature, 32 bytes each."""
    at = 2
    for _ in range(2):
        n = der[at + 1]
        yield der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + n


def claims(**more):
    now = int(time.time())
    rows = {"sub": "alice", "iss": "https://issuer.test", "aud": "gate",
            "iat": now, "exp": now + 600}
    rows.update(more)
    return {k: v for k, v in rows.items() if v is not None}


def _token(head, body, sign):
    first = b64(json.dumps(head).encode()) + "." + b64(
        json.dumps(body).encode())
    return guard(first + "." + b64(sign(first.encode())))


def hs256(key, body, **head):
    return _token(dict({"alg": "HS256", "typ": "JWT"}, **head), body,
                  lambda d: hmac.new(key.encode(), d,
                                     hashlib.sha256).digest())


def rs256(rsa, body, **head):
    return _token(dict({"alg": "RS256", "typ": "JWT"}, **head), body,
                  rsa.sign)


def signed(key, body, **head):
    """By a key of any kind, with its own algorithm."""
    return _token(dict({"alg": key.alg, "typ": "JWT"}, **head), body,
                  key.sign)


def unsigned(body):
    return _token({"alg": "none", "typ": "JWT"}, body, lambda d: b"")


@functools.lru_cache(None)
def folder():
    """A directory for keys that lives as long as the test program."""
    where = tempfile.mkdtemp(prefix="mcpgate-keys-")
    os.chmod(where, 0o755)
    import atexit
    atexit.register(shutil.rmtree, where, True)
    return where


@functools.lru_cache(None)
def rsa(name="rsa"):
    return Rsa(folder(), name)


@functools.lru_cache(None)
def ec(name="ec"):
    return Ec(folder(), name)


@functools.lru_cache(None)
def ed25519(name="ed"):
    return Ed25519(folder(), name)


@functools.lru_cache(None)
def authority():
    """(CA file, server context) for https://localhost and 127.0.0.1."""
    d = folder()
    ca, key, cert = (os.path.join(d, n) for n in
                     ("ca.pem", "server.key", "server.pem"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", key, "-out", cert)
    shutil.copy(cert, ca)
    os.chmod(ca, 0o644)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return ca, context
