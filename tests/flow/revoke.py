#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""revoke -- who was sent away is refused by all workers, from the next
request on, through the cache of verdicts and after a restart"""
import json
import os
import pwd
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, guard, program, run, secret, \
    server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.tap import Skip, equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

RSA = keys.rsa()
STATIC = secret("static")


def jwt(**claims):
    claims.setdefault("exp", int(time.time()) + 3600)
    return guard(keys.rs256(RSA, keys.claims(**claims)))


def conf(up):
    return config({"s": server(up)}, options={"inboundAuth": {
        "strategy": ["token", "jwt"],
        "token": {"values": [{"name": "ci", "value": STATIC}]},
        "jwt": {"publicKeyFile": RSA.public, "audience": ["gate"],
                "issuer": "https://issuer.test", "algorithms": ["RS256"]}}})


def ctl(g, *words, stdin="", code=0):
    rc, out, err = g.ctl(*words, stdin=stdin.encode())
    equal(rc, code, "mcpgatectl %s: %s" % (" ".join(words), err))
    return out


def call(g, token):
    return g.rpc("/s/mcp", "ping", headers={
        "Authorization": "Bearer " + token})


def refused(g, token):
    """By every worker."""
    for _ in range(12):
        r = call(g, token)
        equal(r.status, 401)
        equal(r.json["error"]["data"]["reason"], "token_revoked")
        assert 'error="invalid_token"' in r.header("www-authenticate")


def let_in(g, token):
    equal({call(g, token).status for _ in range(12)}, {200})


@test("a token id is refused")
def _(t):
    with Upstream() as up, Gate(conf(up), workers=3) as g:
        bad, good = jwt(jti="id-1"), jwt(jti="id-2")
        let_in(g, bad)
        ctl(g, "revoke", "--jti", "id-1")
        refused(g, bad)
        let_in(g, good)
        refused(g, jwt(jti="id-1", extra=1))


@test("a token is refused, however it is known")
def _(t):
    with Upstream() as up, Gate(conf(up), workers=3) as g:
        bad, good = jwt(nr=1), jwt(nr=2)
        let_in(g, bad)
        ctl(g, "revoke", "--token", "-", stdin=bad + "\n")
        refused(g, bad)
        let_in(g, good)
        ctl(g, "revoke", "--token", "-", stdin=STATIC)
        refused(g, STATIC)
        with open(g.state + ".revoked") as f:
            assert bad not in f.read(), "a token on disk"


@test("a token as it stands in a header", rows=(
    ("scheme", "Bearer %s", 0), ("lower case", "bearer  %s", 0),
    ("line ends", "%s\r\n", 0), ("blanks", "  %s  \n", 0),
    ("two", "%s %s", 65), ("scheme alone", "Bearer ", 65)))
def _(t):
    _, form, code = t.row
    with Upstream() as up, Gate(conf(up)) as g:
        bad = jwt(nr=3)
        ctl(g, "revoke", "--token", "-", code=code,
            stdin=form.replace("%s", bad))
        ctl(g, "revoke", "--token", "-", code=code,
            stdin=form.replace("%s", STATIC))
        (let_in if code else refused)(g, bad)
        (let_in if code else refused)(g, STATIC)


@test("a token id is refused whoever issued it, or of one issuer")
def _(t):
    one, two = "https://one.test", "https://two.test"
    with Upstream() as up, Idp() as idp:
        c = conf(up)
        del c["mcpProxy"]["options"]["inboundAuth"]["jwt"]["issuer"]
        c["mcpServers"]["i"] = server(up, {"inboundAuth": {
            "strategy": "introspection", "introspection": {
                "endpoint": idp.url("/introspect"), "clientId": "gate",
                "clientSecret": secret("client")}}})
        for token, more in (("a", {"iss": one}), ("b", {}),
                            ("c", {"iss": two})):
            idp.answers[token] = dict({"active": True, "jti": "id"}, **more)
        with Gate(c, workers=2) as g:
            def opaque(token):
                return g.rpc("/i/mcp", "ping", headers={
                    "Authorization": "Bearer " + token}).status

            tokens = [jwt(jti="id", iss=i) for i in (one, two, None)]
            for token in tokens:
                let_in(g, token)
            equal([opaque(o) for o in "abc"], [200] * 3)
            ctl(g, "revoke", "--jti", "id", "--iss", one)
            refused(g, tokens[0])
            let_in(g, tokens[1])
            equal([opaque(o) for o in "abc"], [401, 200, 200])
            ctl(g, "revoke", "--jti", "id")
            for token in tokens:
                refused(g, token)
            equal([opaque(o) for o in "abc"], [401] * 3)


@test("what a user was given before is refused")
def _(t):
    with Upstream() as up, Gate(conf(up), workers=3) as g:
        now = int(time.time())
        old = jwt(sub="mallory", iat=now - 100)
        undated = jwt(sub="mallory", iat=None)
        let_in(g, old)
        ctl(g, "revoke", "--user", "mallory", "--before", time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 10)))
        refused(g, old)
        refused(g, undated)
        let_in(g, jwt(sub="mallory", iat=now - 5))
        let_in(g, jwt(sub="alice", iat=now - 100))
        ctl(g, "revoke", "--user", "token:ci")
        refused(g, STATIC)


@test("for a time")
def _(t):
    with Upstream() as up, Gate(conf(up), workers=2) as g:
        bad = jwt(jti="short")
        ctl(g, "revoke", "--jti", "short", "--for", "2s")
        refused(g, bad)
        time.sleep(3)
        let_in(g, bad)


@test("a restart and the loss of the state file change nothing")
def _(t):
    with Upstream() as up, Gate(conf(up), workers=2) as g:
        bad = jwt(jti="kept")
        ctl(g, "revoke", "--jti", "kept")
        g.end()
        g.start()
        refused(g, bad)
        g.end()
        os.unlink(g.state)
        g.start()
        refused(g, bad)


@test("a journal that cannot be read stops the start")
def _(t):
    with Upstream() as up, Gate(conf(up)) as g:
        ctl(g, "revoke", "--jti", "x")
        g.end()
        with open(g.state + ".revoked", "a") as f:
            f.write("rubbish\n")
        rc, _, said = run(["--config", g.file, "--listen",
                           "unix:" + g.socket, "--workers", "1"])
        equal(rc, 74)
        assert "cannot read the revocations" in said, said
        reply, _ = g.cgi("POST", "/s/mcp", {
            "Authorization": "Bearer " + STATIC}, b"{}")
        assert reply.status >= 500, reply.status
        os.unlink(g.state + ".revoked")
        g.start()


@test("the journal is the gateway's own, whatever mcpgatectl is told", rows=(
    ("another store.path", {"mcpProxy": {"store": {
        "path": "/nonexistent/state"}}}),
    ("no store.path", {}), ("none at all", None)))
def _(t):
    _, other = t.row
    with Upstream() as up, Gate(conf(up)) as g:
        bad, name = jwt(jti="kept"), os.path.join(g.dir, "other.json")
        with open(name, "w", opener=lambda p, how: os.open(p, how, 0o600)) \
                as f:
            f.write(json.dumps(dict({"mcpServers": {"s": {
                "url": "http://u.test/"}}}, **(other or {}))))
        words = ["--config", name] if other is not None else []
        done = subprocess.run([program("mcpgatectl"), "--state", g.state,
                               "revoke", "--jti", "kept"] + words,
                              env=dict(g.env, HOME=g.dir), timeout=20)
        equal(done.returncode, 0)
        refused(g, bad)
        g.end()
        os.unlink(g.state)
        g.start()
        refused(g, bad)


@test("in words, too", rows=("jti", "subject", "token-file"))
def _(t):
    with Upstream() as up, Gate(conf(up)) as g:
        token = jwt(jti="one")
        let_in(g, token)
        file = os.path.join(g.dir, "token")
        with open(file, "w", opener=lambda p, how: os.open(p, how, 0o600)) \
                as f:
            f.write(token + "\n")
        ctl(g, "revoke", t.row, {"jti": "one", "subject": "alice",
                                 "token-file": file}[t.row],
            "--until", "2031-01-31T00:00:00Z")
        refused(g, token)
        os.unlink(file)
        ctl(g, "revoke", t.row, code=64)
        ctl(g, "revoke", "nothing", "x", code=64)


@test("the list, and wrong words")
def _(t):
    with Upstream() as up, Gate(conf(up)) as g:
        ctl(g, "revoke", "--jti", "one", "--until", "2031-01-31T00:00:00Z")
        ctl(g, "revoke", "--user", "bob")
        text = ctl(g, "revoke", "list")
        assert "2031-01-31T00:00:00Z jti one\n" in text, text
        rows = json.loads(ctl(g, "--json", "revoke", "list"))["revoked"]
        equal([r["kind"] for r in rows], ["jti", "user"])
        equal([r["until"] for r in rows], ["2031-01-31T00:00:00Z", None])
        equal(rows[0]["before"], None)
        assert rows[1]["before"].endswith("Z"), rows
        ctl(g, "revoke", code=64)
        ctl(g, "revoke", "--jti", "a", "--user", "b", code=64)
        ctl(g, "revoke", "--jti", "a", "--for", "soon", code=64)
        ctl(g, "revoke", "--token", "/nonexistent", code=66)


@test("what would revoke nobody, or others than are meant, is not done",
      rows=("--jti|", "--user|", "--token|", "jti|", "subject|",
            "--user|eve|--iss|https://i.example", "list|x",
            "--jti|a|--before|2031-01-31T00:00:00Z", "list|--jti|a"))
def _(t):
    with Upstream() as up, Gate(conf(up)) as g:
        ctl(g, "revoke", *t.row.split("|"), code=64)
        rows = json.loads(ctl(g, "--json", "revoke", "list"))["revoked"]
        equal(rows, [])


class ByRule(Gate):
    """Nobody's, with the state where it lies when nobody says where."""

    def complete(self, conf):
        conf = super().complete(conf)
        del conf["mcpProxy"]["store"]
        return conf

    def write(self, conf, text=None):
        super().write(conf, text)
        shutil.chown(self.file, "nobody")


@test("a directory that somebody made in our name stops nobody")
def _(t):
    place = "/dev/shm/mcpgate-%d" % pwd.getpwnam("nobody").pw_uid
    if os.geteuid() != 0 or os.path.exists(place):
        raise Skip("only root has more than one name")
    os.mkdir(place, 0o700)
    try:
        with Upstream() as up, ByRule(conf(up), args=[
                "--user", "nobody"]) as g:
            let_in(g, STATIC)
            g.log_has("cannot open the shared state")
    finally:
        os.rmdir(place)


tap.main()
