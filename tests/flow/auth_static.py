#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""auth_static -- none, local, static tokens and API keys"""
import hashlib
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
KEY, OTHER, WRONG = secret("key"), secret("other"), secret("wrong")


def with_auth(up, inbound):
    conf = config({"s": server(up)})
    if inbound is None:
        del conf["mcpProxy"]["options"]["inboundAuth"]
    else:
        conf["mcpProxy"]["options"]["inboundAuth"] = inbound
    return conf


def token(*values, **more):
    return {"strategy": "token", "token": dict({"values": list(values)},
                                               **more)}


def refused(r, status, reason, error=None):
    """The reply, its challenge, and nothing of the credential."""
    equal(r.status, status)
    equal(r.reason, reason)
    assert "id" not in r.json, "an unauthenticated body was parsed"
    assert b"canary" not in r.body
    if status == 401:
        challenge = r.header("www-authenticate")
        assert challenge.startswith('Bearer realm="mcpgate"'), challenge
        equal('error="' in challenge, error is not None)
        if error:
            assert 'error="%s"' % error in challenge, challenge


@test("without a rule only local clients are served", workers=BOTH, rows=(
    ("loopback", "127.0.0.1", (), 200), ("127.8.9.1", "127.8.9.1", (), 200),
    ("loopback 6", "::1", (), 200), ("elsewhere", "192.0.2.1", (), 401),
    ("mapped", "::ffff:192.0.2.1", (), 401),
    ("X-Forwarded-For", "127.0.0.1", (("X-Forwarded-For", "127.0.0.1"),),
     401),
    ("Forwarded", "127.0.0.1", (("Forwarded", "for=x"),), 401),
    ("X-Real-IP", "127.0.0.1", (("X-Real-IP", "127.0.0.1"),), 401),
    ("Via", "127.0.0.1", (("Via", "1.1 p"),), 401),
    ("underscores", "127.0.0.1", (("X_Forwarded_For", "1.2.3.4"),), 401)))
def _(t):
    _, peer, headers, status = t.row
    with Upstream() as up, Gate(with_auth(up, None), t.workers) as g:
        r = g.rpc("/s/mcp", "ping", headers=headers, REMOTE_ADDR=peer)
        equal(r.status, status)
        equal(len(up.calls), 1 if status == 200 else 0)
        assert "only local clients are served" in g.log_text()     # W07


@test("none is open", rows=("127.0.0.1", "192.0.2.1"))
def _(t):
    with Upstream() as up, Gate(with_auth(up, {"strategy": "none"})) as g:
        equal(g.rpc("/s/mcp", "ping", REMOTE_ADDR=t.row).status, 200)
        assert "is open to everybody" in g.log_text()               # W08


@test("the forms of an Authorization header", workers=BOTH, rows=(
    ("right", ["Bearer " + KEY], 200, None),
    ("another one", ["Bearer " + OTHER], 200, None),
    ("lower case scheme", ["bearer " + KEY], 200, None),
    ("several blanks", ["Bearer   " + KEY], 200, None),
    ("blank behind", ["Bearer " + KEY + " "], 200, None),
    ("none", [], 401, None),
    ("wrong", ["Bearer " + WRONG], 401, "invalid_token"),
    ("prefix of it", ["Bearer " + KEY[:-1]], 401, "invalid_token"),
    ("longer", ["Bearer " + KEY + "x"], 401, "invalid_token"),
    ("Basic", ["Basic dXNlcjpwYXNz"], 401, None),
    ("bare", [KEY], 401, None), ("scheme alone", ["Bearer"], 401,
                                 "invalid_token"),
    ("tab", ["Bearer\t" + KEY], 401, None),
    ("two joined", ["Bearer %s, Bearer %s" % (KEY, KEY)], 401,
     "invalid_token"),
    ("two headers", ["Bearer " + KEY, "Bearer " + OTHER], 401,
     "invalid_token"),
    ("the same twice", ["Bearer " + KEY, "Bearer " + KEY], 401,
     "invalid_token"),
    ("quotes", ['Bearer "%s"' % KEY], 401, "invalid_token"),
    ("not ASCII", ["Bearer \xe9" + KEY], 401, "invalid_token")))
def _(t):
    name, values, status, error = t.row
    with Upstream() as up, Gate(with_auth(up, token(KEY, OTHER)),
                                t.workers) as g:
        r = g.rpc("/s/mcp", "ping",
                  headers=[("Authorization", v) for v in values])
        if status == 200:
            equal(r.status, 200)
            equal(len(up.calls), 1)
            return
        if name == "tab":
            equal(r.status, 401)
        else:
            refused(r, 401, "invalid_token" if error else
                    "unauthenticated", error)
        equal(up.calls, [])


@test("REDIRECT_HTTP_AUTHORIZATION counts, others do not", workers=(1,))
def _(t):
    with Upstream() as up, Gate(with_auth(up, token(KEY))) as g:
        r = g.rpc("/s/mcp", "ping",
                  REDIRECT_HTTP_AUTHORIZATION="Bearer " + KEY)
        equal(r.status, 200)
        r = g.rpc("/s/mcp", "ping",
                  REDIRECT_REDIRECT_HTTP_AUTHORIZATION="Bearer " + KEY)
        equal(r.status, 401)
        r = g.rpc("/s/mcp", "ping",
                  headers={"Authorization": "Bearer " + WRONG},
                  REDIRECT_HTTP_AUTHORIZATION="Bearer " + KEY)
        equal(r.status, 401)


@test("a token in the query is not looked at, unless told to",
      rows=(("off", False, None, 401), ("on", True, None, 200),
            ("on, and in the header", True, "Bearer " + KEY, 400)))
def _(t):
    _, allow, header, status = t.row
    inbound = dict(token(KEY), allowQueryToken=allow)
    with Upstream() as up, Gate(with_auth(up, inbound)) as g:
        r = g.rpc("/s/mcp?access_token=" + KEY, "ping",
                  headers={"Authorization": header} if header else {})
        equal(r.status, status)


@test("a bare token counts when told to")
def _(t):
    inbound = dict(token(KEY), allowBareToken=True)
    with Upstream() as up, Gate(with_auth(up, inbound)) as g:
        equal(g.rpc("/s/mcp", "ping",
                    headers={"Authorization": KEY}).status, 200)


@test("another header, another prefix", rows=(
    ("prefix", {"header": "X-Gate-Key", "prefix": "Key"}, "Key " + KEY,
     200),
    ("bare", {"header": "X-Gate-Key", "prefix": ""}, KEY, 200),
    ("wrong prefix", {"header": "X-Gate-Key", "prefix": "Key"},
     "Other " + KEY, 401)))
def _(t):
    _, more, value, status = t.row
    with Upstream() as up, Gate(with_auth(up, token(KEY, **more))) as g:
        equal(g.rpc("/s/mcp", "ping",
                    headers={"X-Gate-Key": value}).status, status)
        equal(g.rpc("/s/mcp", "ping", headers={
            "Authorization": "Bearer " + KEY}).status, 401)


@test("a hashed token, a named one, one that has ended", workers=BOTH)
def _(t):
    hashed, ended = secret("hashed"), secret("ended")
    ancient = secret("ancient")
    inbound = token(
        {"name": "ci", "value": KEY},
        {"name": "old", "value": ended, "expires": "2020-01-01T00:00:00Z"},
        {"name": "oldest", "value": ancient,
         "expires": "1970-01-01T00:00:00Z"},
        sha256=[hashlib.sha256(hashed.encode()).hexdigest()])
    with Upstream() as up, Gate(with_auth(up, inbound), t.workers) as g:
        def ask(value):
            return g.rpc("/s/mcp", "ping",
                         headers={"Authorization": "Bearer " + value})

        equal(ask(KEY).status, 200)
        line = g.access(user="token:ci")
        equal(line["how"], "token")
        equal(ask(hashed).status, 200)
        for value in (ended, ancient):
            r = ask(value)
            equal((r.status, r.reason), (401, "token_expired"))


PLAIN = "Authorization carries letters, digits and -._~+/ alone"
LISTS = "no header carries a comma or a quote"


@test("a value that its header cannot bring is told at the start", rows=(
    ("a letter too odd", token(KEY, KEY + "!"), (1, PLAIN)),
    ("a colon", token({"value": "ci:" + KEY}), (0, PLAIN)),
    ("an equals sign within", token("a=" + KEY), (0, PLAIN)),
    ("those at the end", token(KEY + "=="), None),
    ("all that may stand there", token("aZ09-._~+/" + KEY), None),
    ("in a header of its own", token(KEY + "!:", header="X-T"), None),
    ("a comma there", token(KEY + ",x", header="X-T"), (0, LISTS)),
    ("a digest", token("sha256:" + "0" * 64), None),
    ("a key", {"strategy": "apikey", "apikey": {"value": KEY + "!"}}, None),
    ("a quote", {"strategy": "apikey", "apikey": {"values": [
        KEY, KEY + '"']}}, (1, LISTS)),
    ("a key in Authorization", {"strategy": "apikey", "apikey": {
        "value": KEY + "!", "header": "authorization"}}, (0, PLAIN))))
def _(t):
    _, inbound, says = t.row
    with Gate(with_auth("http://127.0.0.1:9/", inbound)) as g:
        text = g.log_text()
        if says is None:
            assert "carries" not in text, text
        else:
            assert '"token %d" is ignored: %s' % says in text, text


@test("a server's list replaces the inherited one, or adds", workers=(1,),
      rows=(("replace", "replace", 401), ("append", "append", 200)))
def _(t):
    _, merge, status = t.row
    with Upstream() as up:
        conf = with_auth(up, token(KEY))
        conf["mcpServers"]["s"]["options"] = {
            "inboundAuth": token(OTHER, merge=merge)}
        with Gate(conf) as g:
            def ask(value):
                return g.rpc("/s/mcp", "ping", headers={
                    "Authorization": "Bearer " + value}).status

            equal(ask(OTHER), 200)
            equal(ask(KEY), status)


@test("API keys", workers=BOTH, rows=(
    ("right", {"X-API-Key": KEY}, 200), ("second", {"X-API-Key": OTHER},
                                         200),
    ("underscores", {"X_API_Key": KEY}, 200),
    ("wrong", {"X-API-Key": WRONG}, 401), ("none", {}, 401),
    ("with scheme", {"X-API-Key": "Bearer " + KEY}, 401),
    ("as bearer", {"Authorization": "Bearer " + KEY}, 401)))
def _(t):
    _, headers, status = t.row
    inbound = {"strategy": "apikey", "apikey": {"values": [KEY, OTHER]}}
    with Upstream() as up, Gate(with_auth(up, inbound), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping", headers=headers).status, status)
        equal(len(up.calls), 1 if status == 200 else 0)


@test("an API key sent twice is refused")
def _(t):
    inbound = {"strategy": "apikey", "apikey": {"values": [KEY]}}
    with Upstream() as up, Gate(with_auth(up, inbound)) as g:
        r = g.rpc("/s/mcp", "ping", headers=[("X-API-Key", KEY),
                                             ("X_API_Key", KEY)])
        equal(r.status, 401)


@test("scopes and users", rows=(
    ("has all", ["mcp", "x"], {}, 200), ("lacks one", ["mcp"], {}, 403),
    ("denied", ["mcp", "x"], {"denyUsers": ["token:c*"]}, 403),
    ("not allowed", ["mcp", "x"], {"allowUsers": ["alice"]}, 403),
    ("nobody", ["mcp", "x"], {"allowUsers": []}, 403),
    ("allowed", ["mcp", "x"], {"allowUsers": ["token:ci"]}, 200)))
def _(t):
    name, scopes, more, status = t.row
    inbound = dict(token({"name": "ci", "value": KEY, "scopes": scopes}),
                   requiredScopes=["mcp", "x"], **more)
    with Upstream() as up, Gate(with_auth(up, inbound)) as g:
        r = g.rpc("/s/mcp", "ping",
                  headers={"Authorization": "Bearer " + KEY})
        equal(r.status, status)
        if name == "lacks one":
            equal(r.reason, "insufficient_scope")
            challenge = r.header("www-authenticate")
            assert 'error="insufficient_scope"' in challenge
            assert 'scope="mcp x"' in challenge, challenge
        elif status == 403:
            equal(r.reason, "forbidden")


@test("the credential is asked for on every method", workers=(1,),
      rows=("GET", "DELETE", "POST"))
def _(t):
    with Upstream() as up, Gate(with_auth(up, token(KEY))) as g:
        r = g.call(t.row, "/s/mcp", body=b"{}" if t.row == "POST" else b"")
        equal(r.status, 401)
        equal(up.calls, [])


@test("authTokens: outbound here, and never both ways", workers=BOTH)
def _(t):
    a, b = secret("out-a"), secret("out-b")
    with Upstream() as up:
        conf = config({"s": server(up, {"authTokens": [a, b]})})
        with Gate(conf, t.workers) as g:
            assert "is mapped to auth.tokens" in g.log_text()       # W03
            for _ in range(2):
                equal(g.rpc("/s/mcp", "ping").status, 200)
            equal(up.tokens(), [a, b])
            r = g.rpc("/s/mcp", "ping",
                      headers={"Authorization": "Bearer " + a})
            equal(r.status, 401)
            g.log_has("list withdrawn")                              # L05
            equal([(x["level"], x["msg"]) for x in g.log_lines()
                   if "list withdrawn" in x.get("msg", "")][:1],
                  [("error", 'a client presented an authTokens value of "s": '
                    "list withdrawn; set legacyAuthTokens")])
            for _ in range(t.workers + 1):
                r = g.rpc("/s/mcp", "ping")
                equal((r.status, r.reason), (502, "credential_withdrawn"))
            equal(len(up.calls), 2)


@test("authTokens: inbound where the rule says so", rows=(
    ("of the gateway", True, {}, {}),
    ("beside auth", False, {"auth": {"tokens": [OTHER]}}, {}),
    ("by hand", False, {"legacyAuthTokens": "inbound"}, {})))
def _(t):
    _, above, more, _ = t.row
    with Upstream() as up:
        conf = config({"s": server(up, dict(more))})
        del conf["mcpProxy"]["options"]["inboundAuth"]
        place = conf["mcpProxy"] if above else conf["mcpServers"]["s"]
        place["options"]["authTokens"] = [KEY]
        with Gate(conf) as g:
            equal(g.rpc("/s/mcp", "ping").status, 401)
            equal(g.rpc("/s/mcp", "ping", headers={
                "Authorization": "Bearer " + KEY}).status, 200)
            assert KEY not in repr(up.calls[0].headers)
            if "legacyAuthTokens" not in more:
                assert "that clients send" in g.log_text()           # W04


tap.main()
