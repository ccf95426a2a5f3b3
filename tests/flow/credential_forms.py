#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""credential_forms -- every form of a credential, with its status, its
reason and its challenge"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, guard, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KEY, OTHER, API = secret("key"), secret("other"), secret("api")
HS = secret("hs-key-of-thirty-two-bytes")
REALM = 'Bearer realm="mcpgate"'
INVALID = REALM + ', error="invalid_token", ' \
    'error_description="The access token is not valid"'
EXPIRED = REALM + ', error="invalid_token", ' \
    'error_description="The access token expired"'
TWICE = REALM + ', error="invalid_request"'
NONE = (401, "unauthenticated", REALM)
BAD = (401, "invalid_token", INVALID)
TWO = (400, "invalid_request", TWICE)
GOOD = (200, None, None)
B, R = "Authorization", "REDIRECT_HTTP_AUTHORIZATION"
P = "Proxy-Authorization"
LONG = guard("x" * 4097)


def bearer(value, word="Bearer "):
    return [(B, word + value)]


# name, headers, variables of the web server, query, what comes of it
FORMS = (
    ("right", bearer(KEY), {}, "", GOOD),
    ("lower case", bearer(KEY, "bearer "), {}, "", GOOD),
    ("upper case", bearer(KEY, "BEARER "), {}, "", GOOD),
    ("mixed case", bearer(KEY, "bEaReR "), {}, "", GOOD),
    ("two blanks", bearer(KEY, "Bearer  "), {}, "", GOOD),
    ("nine blanks", bearer(KEY, "Bearer" + 9 * " "), {}, "", GOOD),
    ("blank behind", bearer(KEY + " "), {}, "", GOOD),
    ("blanks behind", bearer(KEY + "   "), {}, "", GOOD),
    ("blank in front", [(B, " Bearer " + KEY)], {}, "", GOOD),

    ("nothing", [], {}, "", NONE),
    ("empty", [(B, "")], {}, "", NONE),
    ("blanks", [(B, "   ")], {}, "", NONE),
    ("bare token", [(B, KEY)], {}, "", NONE),
    ("Basic", [(B, "Basic dXNlcjpwYXNz")], {}, "", NONE),
    ("Basic with the key", [(B, "Basic " + KEY)], {}, "", NONE),
    ("Digest", [(B, 'Digest username="a"')], {}, "", NONE),
    ("DPoP", [(B, "DPoP " + KEY)], {}, "", NONE),
    ("Token", [(B, "Token " + KEY)], {}, "", NONE),
    ("ApiKey", [(B, "ApiKey " + KEY)], {}, "", NONE),
    ("Negotiate", [(B, "Negotiate YII=")], {}, "", NONE),
    ("Bearers", bearer(KEY, "Bearers "), {}, "", NONE),
    ("Beare", bearer(KEY, "Beare "), {}, "", NONE),
    ("Bearer:", bearer(KEY, "Bearer: "), {}, "", NONE),
    ("Bearer=", bearer(KEY, "Bearer="), {}, "", NONE),
    ("tab for the blank", bearer(KEY, "Bearer\t"), {}, "", NONE),
    ("tab and blank", bearer(KEY, "Bearer\t "), {}, "", NONE),

    ("scheme alone", [(B, "Bearer")], {}, "", BAD),
    ("scheme alone, lower case", [(B, "bearer")], {}, "", BAD),
    ("scheme and blanks", [(B, "Bearer   ")], {}, "", BAD),
    ("blank and tab", bearer(KEY, "Bearer \t"), {}, "", BAD),
    ("wrong", bearer(OTHER), {}, "", BAD),
    ("shorter", bearer(KEY[:-1]), {}, "", BAD),
    ("longer", bearer(KEY + "x"), {}, "", BAD),
    ("with padding", bearer(KEY + "="), {}, "", BAD),
    ("other case", bearer(KEY.upper()), {}, "", BAD),
    ("padding alone", bearer("="), {}, "", BAD),
    ("padding in front", bearer("=" + KEY), {}, "", BAD),
    ("padding in the middle", bearer("a=" + KEY), {}, "", BAD),
    ("comma", bearer(KEY + ","), {}, "", BAD),
    ("joined", bearer(KEY + ", Bearer " + KEY), {}, "", BAD),
    ("joined with Basic", bearer(KEY + ", Basic eA=="), {}, "", BAD),
    ("second token", bearer(KEY + " " + KEY), {}, "", BAD),
    ("quotes", bearer('"' + KEY + '"'), {}, "", BAD),
    ("token=", bearer('token="' + KEY + '"'), {}, "", BAD),
    ("key=value behind", bearer(KEY + " realm=x"), {}, "", BAD),
    ("Bearer twice", bearer("Bearer " + KEY), {}, "", BAD),
    ("percent", bearer(KEY.replace("-", "%2D")), {}, "", BAD),
    ("semicolon", bearer(KEY + ";"), {}, "", BAD),
    ("not ASCII", bearer("\xe9" + KEY), {}, "", BAD),
    ("UTF-8", bearer(KEY + "\xc3\xbc"), {}, "", BAD),
    ("a NUL, escaped", bearer(KEY + "\\0"), {}, "", BAD),
    ("JSON", bearer('{"token":"x"}'), {}, "", BAD),
    ("too long", bearer(LONG), {}, "", BAD),

    ("two headers", bearer(KEY) + bearer(OTHER), {}, "", BAD),
    ("the same twice", bearer(KEY) + bearer(KEY), {}, "", BAD),
    ("good, then Basic", bearer(KEY) + [(B, "Basic eA==")], {}, "", BAD),
    ("Basic, then good", [(B, "Basic eA==")] + bearer(KEY), {}, "", BAD),
    ("empty, then good", [(B, "")] + bearer(KEY), {}, "", GOOD),
    ("good, then empty", bearer(KEY) + [(B, "")], {}, "", GOOD),

    ("redirected", [], {R: "Bearer " + KEY}, "", GOOD),
    ("redirected, wrong", [], {R: "Bearer " + OTHER}, "", BAD),
    ("redirected, Basic", [], {R: "Basic eA=="}, "", NONE),
    ("redirected and the same", bearer(KEY), {R: "Bearer " + KEY}, "",
     GOOD),
    ("redirected and another", bearer(KEY), {R: "Bearer " + OTHER}, "",
     BAD),
    ("redirected twice over", [], {"REDIRECT_" + R: "Bearer " + KEY}, "",
     NONE),
    ("AUTHORIZATION", [], {"AUTHORIZATION": "Bearer " + KEY}, "", NONE),
    ("PHP_AUTH_PW", [], {"PHP_AUTH_PW": KEY}, "", NONE),
    ("REMOTE_USER", [], {"REMOTE_USER": "token:0"}, "", NONE),
    ("AUTH_TYPE", [], {"AUTH_TYPE": "Bearer", "REMOTE_USER": KEY}, "",
     NONE),

    ("Proxy-Authorization", [(P, "Bearer " + KEY)], {}, "", NONE),
    ("X-Authorization", [("X-Authorization", "Bearer " + KEY)], {}, "",
     NONE),
    ("X-Forwarded-Authorization",
     [("X-Forwarded-Authorization", "Bearer " + KEY)], {}, "", NONE),
    ("X-Auth-Token", [("X-Auth-Token", KEY)], {}, "", NONE),
    ("Authentication", [("Authentication", "Bearer " + KEY)], {}, "", NONE),
    ("cookie", [("Cookie", "access_token=" + KEY)], {}, "", NONE),
    ("cookie Authorization", [("Cookie", "Authorization=Bearer " + KEY)],
     {}, "", NONE),
    ("query access_token", [], {}, "access_token=" + KEY, NONE),
    ("query token", [], {}, "token=" + KEY, NONE),
    ("query Authorization", [], {}, "Authorization=Bearer%20" + KEY, NONE),
    ("query and header", bearer(KEY), {}, "access_token=" + OTHER, GOOD),
)


BY_TOKEN = {"strategy": "token", "token": {"values": [KEY]}}
BY_QUERY = dict(BY_TOKEN, allowQueryToken=True)
BY_BARE = dict(BY_TOKEN, allowBareToken=True)
BY_BOTH = {"strategy": ["apikey", "token"], "token": {"values": [KEY]},
           "apikey": {"values": [API]}}
BY_HEADER = dict(BY_TOKEN, header="X-Gate-Auth")
BY_KEY = {"strategy": "apikey", "apikey": {"values": [API]}}
OPTIONAL = {"strategy": ["token", "none"], "token": {"values": [KEY]}}
JWT = {"strategy": "jwt", "jwt": {"secret": HS, "algorithms": ["HS256"]}}

X = "X-API-Key"
OTHERS = (
    ("query: right", "q", [], {}, "access_token=" + KEY, GOOD),
    ("query: wrong", "q", [], {}, "access_token=" + OTHER, BAD),
    ("query: escaped", "q", [], {},
     "access_token=" + KEY.replace("-", "%2D"), GOOD),
    ("query: a broken escape", "q", [], {}, "access_token=" + KEY + "%2",
     BAD),
    ("query: empty", "q", [], {}, "access_token=", NONE),
    ("query: twice", "q", [], {}, "access_token=%s&access_token=%s" %
     (KEY, KEY), TWO),
    ("query: and header", "q", bearer(KEY), {}, "access_token=" + KEY, TWO),
    ("query: and a malformed header", "q", bearer("a,b"), {},
     "access_token=" + KEY, TWO),
    ("query: and Basic", "q", [(B, "Basic eA==")], {},
     "access_token=" + KEY, GOOD),
    ("query: token", "q", [], {}, "token=" + KEY, NONE),
    ("query: Access_Token", "q", [], {}, "Access_Token=" + KEY, NONE),
    ("query: with a comma", "q", [], {}, "access_token=a,b", BAD),

    ("bare: right", "b", [(B, KEY)], {}, "", GOOD),
    ("bare: with scheme", "b", bearer(KEY), {}, "", GOOD),
    ("bare: wrong", "b", [(B, OTHER)], {}, "", BAD),
    ("bare: Basic", "b", [(B, "Basic eA==")], {}, "", NONE),
    ("bare: joined", "b", [(B, KEY + "," + KEY)], {}, "", BAD),

    ("key: right", "k", [(X, API)], {}, "", GOOD),
    ("key: other letters in the name", "k", [("x-api-KEY", API)], {}, "",
     GOOD),
    ("key: blanks around", "k", [(X, "  " + API + "  ")], {}, "", GOOD),
    ("key: wrong", "k", [(X, OTHER)], {}, "", BAD),
    ("key: empty", "k", [(X, "")], {}, "", NONE),
    ("key: twice", "k", [(X, API), (X, API)], {}, "", BAD),
    ("key: twice, underscores", "k", [(X, API), ("X_API_Key", OTHER)], {},
     "", BAD),
    ("key: joined", "k", [(X, API + ", " + API)], {}, "", BAD),
    ("key: with scheme", "k", [(X, "Bearer " + API)], {}, "", BAD),
    ("key: two words", "k", [(X, API + " " + API)], {}, "", BAD),
    ("key: quotes", "k", [(X, '"' + API + '"')], {}, "", BAD),
    ("key: not ASCII", "k", [(X, API + "\xe9")], {}, "", BAD),
    ("key: as bearer", "k", bearer(API), {}, "", NONE),
    ("key: in the query", "k", [], {}, "api_key=" + API, NONE),
    ("key: in a cookie", "k", [("Cookie", "X-API-Key=" + API)], {}, "",
     NONE),
    ("key: a variable", "k", [], {"X_API_KEY": API}, "", NONE),
    ("key: redirected", "k", [], {"REDIRECT_HTTP_X_API_KEY": API}, "",
     NONE),

    ("both: token", "2", bearer(KEY), {}, "", GOOD),
    ("both: key", "2", [(X, API)], {}, "", GOOD),
    ("both at once", "2", bearer(KEY) + [(X, API)], {}, "", TWO),
    ("both, the token wrong", "2", bearer(OTHER) + [(X, API)], {}, "", TWO),
    ("both, the token malformed", "2", bearer("a,b") + [(X, API)], {}, "",
     TWO),
    ("both, Basic", "2", [(B, "Basic eA=="), (X, API)], {}, "", GOOD),
    ("both, exchanged", "2", [(B, "Bearer " + API)], {}, "", BAD),

    ("own header: with scheme", "h", [("X-Gate-Auth", "Bearer " + KEY)],
     {}, "", GOOD),
    ("own header: bare", "h", [("X-Gate-Auth", KEY)], {}, "", GOOD),
    ("own header: another scheme", "h", [("X-Gate-Auth", "Basic " + KEY)],
     {}, "", BAD),
    ("own header: comma", "h", [("X-Gate-Auth", KEY + "," + KEY)], {}, "",
     BAD),
    ("own header: twice", "h", [("X-Gate-Auth", KEY),
                                ("X_Gate_Auth", KEY)], {}, "", BAD),
    ("own header: in Authorization", "h", bearer(KEY), {}, "", NONE),

    ("optional: nothing", "o", [], {}, "", GOOD),
    ("optional: right", "o", bearer(KEY), {}, "", GOOD),
    ("optional: Basic", "o", [(B, "Basic eA==")], {}, "", GOOD),
    ("optional: wrong", "o", bearer(OTHER), {}, "", BAD),
    ("optional: malformed", "o", [(B, "Bearer")], {}, "", BAD),
    ("optional: twice", "o", bearer(KEY) + bearer(KEY), {}, "", BAD),
)


def world(up):
    conf = config({"s": server(up, {"inboundAuth": BY_TOKEN})})
    for name, inbound in (("q", BY_QUERY), ("b", BY_BARE), ("k", BY_KEY),
                          ("2", BY_BOTH), ("h", BY_HEADER),
                          ("o", OPTIONAL), ("j", JWT)):
        conf["mcpServers"][name] = server(up, {"inboundAuth": inbound})
    conf["mcpProxy"]["limits"] = {"token": 4096}
    return conf


def check(g, up, name, path, headers, variables, query, want):
    status, reason, challenge = want
    seen = len(up.calls)
    r = g.rpc("/%s/mcp%s" % (path, "?" + query if query else ""), "ping",
              headers=headers, **variables)
    equal((r.status, r.reason if r.status != 200 else None,
           r.header("www-authenticate")), want, name)
    if status == 200:
        equal(len(up.calls), seen + 1, name)
        return
    equal(len(up.calls), seen, name)
    assert "id" not in r.json, name
    equal(r.header("cache-control"), "no-store", name)
    for value in (KEY, OTHER, API):
        assert value.encode() not in r.body, name
        assert value not in repr(r.headers), name


@test("forms of a bearer token", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(world(up), t.workers) as g:
        for name, headers, variables, query, want in FORMS:
            check(g, up, name, "s", headers, variables, query, want)


@test("other places", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(world(up), t.workers) as g:
        for row in OTHERS:
            check(g, up, *row)


def told(r):
    """All that a caller can see of a refusal, but for its number."""
    body = r.json
    body["error"]["data"].pop("requestId")
    rows = sorted((n.lower(), v) for n, v in r.headers
                  if n.lower() not in ("x-request-id", "mcpgate-request-id",
                                       "date"))
    return r.status, body, rows


@test("refusals say nothing about why", workers=(1,))
def _(t):
    """A wrong key, a key of somebody else, a key that is nearly right."""
    with Upstream() as up, Gate(world(up)) as g:
        def ask(path, headers):
            return told(g.rpc(path, "ping", headers=headers))

        first = ask("/s/mcp", bearer(OTHER))
        for value in (API, KEY[:-1], KEY + "x", "x", HS):
            equal(ask("/s/mcp", bearer(value)), first)
        first = ask("/k/mcp", [(X, OTHER)])
        for value in (KEY, API[:-1], API + "x", "x"):
            equal(ask("/k/mcp", [(X, value)]), first)


@test("up to the signature every JWT is refused in the same words",
      workers=(1,))
def _(t):
    good = keys.hs256(HS, keys.claims())
    head, body, sig = good.split(".")
    tokens = {
        "another key": keys.hs256("y" * 40, keys.claims()),
        "another key, another user": keys.hs256(
            "y" * 40, keys.claims(sub="root")),
        "another key, expired": keys.hs256("y" * 40, keys.claims(exp=1)),
        "no signature": head + "." + body + ".",
        "none": keys.unsigned(keys.claims()),
        "another alg": keys.hs256(HS, keys.claims(), alg="HS384"),
        "typ": keys.hs256(HS, keys.claims(), typ="dpop+jwt"),
        "crit": keys.hs256(HS, keys.claims(), crit=["exp"]),
        "kid": keys.hs256(HS, keys.claims(), kid=5),
        "two parts": head + "." + body,
        "four parts": good + "." + sig,
        "no dots": "opaque", "not base64url": good + "+",
        "not JSON": "eA." + body + "." + sig}
    with Upstream() as up, Gate(world(up)) as g:
        def ask(token):
            return told(g.rpc("/j/mcp", "ping", headers=bearer(token)))

        equal(g.rpc("/j/mcp", "ping", headers=bearer(good)).status, 200)
        first = ask(tokens["another key"])
        for name, token in tokens.items():
            equal(ask(guard(token) if len(token) > 40 else token), first,
                  name)
        late = g.rpc("/j/mcp", "ping", headers=bearer(
            keys.hs256(HS, keys.claims(exp=1))))
        equal((late.reason, late.header("www-authenticate")),
              ("token_expired", EXPIRED))


FORM = "application/x-www-form-urlencoded"


@test("who calls is asked before what he brings and takes", rows=(
    ("a token in a form", "POST", {"Content-Type": FORM},
     b"access_token=" + KEY.encode(), 415),
    ("text", "POST", {"Content-Type": "text/plain"}, b"{}", 415),
    ("no type for him", "POST", {"Content-Type": "application/json",
                                 "Accept": "text/html"}, b"{}", 406),
    ("a browser", "GET", {"Accept": "text/html"}, b"", 406)))
def _(t):
    _, method, headers, body, status = t.row
    with Upstream() as up, Gate(config({"s": server(up, {
            "inboundAuth": {"strategy": "token", "token": {
                "values": [KEY]}}})})) as g:
        r = g.call(method, "/s/mcp", headers, body)
        equal((r.status, r.reason), (401, "unauthenticated"))
        equal(r.header("www-authenticate"), 'Bearer realm="mcpgate"')
        r = g.call(method, "/s/mcp", dict(
            headers, Authorization="Bearer " + KEY), body)
        equal(r.status, status)
        equal(up.calls, [])


tap.main()
