#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_identity -- names that a proxy vouches for, and whoever pretends to

Rows: who is at the other end, the headers, the variables of the web server,
and what comes of it: the user, or the reason of the refusal.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, run, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

PEER, ELSE = "10.0.0.5", "192.0.2.9"
SECRET, HS = secret("proxy"), secret("hs-key-of-thirty-two-bytes")
STATUS = {"no_identity": 401, "bad_identity": 400, "bad_request": 400,
          "no_client_address": 500, "forbidden": 403, "invalid_token": 401,
          "token_expired": 401, "unauthenticated": 401}
NO, BAD, ALICE = "no_identity", "bad_identity", ("alice", "proxy")
USER = "X-Authenticated-User"


def user(value="alice", name=USER):
    return [(name, value)]


def is_user(value):
    return (value, "proxy")


def plain():
    yield PEER, user(), {}, ALICE
    for peer in ("::ffff:10.0.0.5", "::ffff:a00:5", " 10.0.0.5"):
        yield peer, user(), {}, ALICE
    for peer in ("10.0.0.6", "unix:", "::1", "127.0.0.1"):
        yield peer, user(), {}, NO
    for peer in (PEER + ":80", "[10.0.0.5]", "010.0.0.5", PEER + ", " + PEER):
        yield peer, user(), {}, "no_client_address"
    for peers in ([PEER, ELSE], [ELSE, PEER]):
        yield PEER, user(), {"REMOTE_ADDR": peers}, NO
    yield PEER, user(), {"REMOTE_ADDR": ["", PEER]}, ALICE
    yield PEER, user(), {"REMOTE_ADDR": [PEER, PEER]}, ALICE
    yield ELSE, user() + [("Remote-Addr", PEER)], {}, NO
    yield ELSE, user() + [("X-Forwarded-For", PEER)], {}, NO
    for v in ("(NULL)", "null", "--", "anonymous", "ALICE", "%61lice", "a+b",
              '"alice"', "DOM\\alice", "Alice B", "a;b", "a%2Cb", "a" * 256,
              "\xc3\xa9" * 128, "a\xc2\xa0b"):
        yield PEER, user(v), {}, is_user(v.encode("latin-1").decode())
    for v in ("", "  ", "(null)", "-", ",", "a,b", "alice,", '"a,b"'):
        yield PEER, user(v), {}, NO
    for v in ("a\tb", "a" * 257, "\xc3\xa9" * 129, "a\xc2\x80", "a\xc2\x9f",
              "\xe9", "\xc0\xaf", "\xed\xa0\x80", "\xff", "a\xc3"):
        yield PEER, user(v), {}, BAD
        yield ELSE, user(v), {}, NO
    for v in ("a\x7f", "a\1", "a\r\nX: y"):
        yield PEER, user(v), {}, "bad_request"
        yield ELSE, user(v), {}, "bad_request"
    yield PEER, user("\talice\t"), {}, ALICE
    yield PEER, user("") + user(), {}, ALICE
    yield PEER, user() + user(""), {}, ALICE
    yield PEER, user() + user("-"), {}, NO
    yield PEER, user() + user(), {}, NO
    yield ELSE, user() + user("root"), {}, NO
    yield PEER, [("Authorization", "Bearer x")], {}, NO
    for name in ("X_AUTHENTICATED_USER", "REMOTE_USER",
                 "REDIRECT_HTTP_X_AUTHENTICATED_USER"):
        yield PEER, [], {name: "root"}, NO
    for name in ("X_Authenticated_User", "x-authenticated-user",
                 "X.Authenticated.User", "X-Authenticated_User",
                 "x_authenticated-USER", "X~Authenticated~User"):
        yield PEER, user(name=name), {}, ALICE
        yield PEER, user() + user("root", name), {}, NO
        yield PEER, user("root", name) + user(), {}, NO


def vouched(value=SECRET, name="X-Vouch"):
    return [(name, value)]


def by_secret():
    yield ELSE, user() + vouched(), {}, ALICE
    yield ELSE, user() + vouched(name="x_vouch"), {}, ALICE
    yield ELSE, user() + vouched("  " + SECRET + " "), {}, ALICE
    yield ELSE, user(), {}, NO
    yield ELSE, vouched(), {}, NO
    yield ELSE, user(), {"X_VOUCH": SECRET}, NO
    for v in ("x" * len(SECRET), SECRET[:-1], SECRET + "x", SECRET.upper(),
              SECRET + ", " + SECRET):
        yield ELSE, user() + vouched(v), {}, NO
    for more in (vouched(), vouched("y"), vouched(name="X_VOUCH")):
        yield ELSE, user() + vouched() + more, {}, NO


def by_both():
    yield PEER, user() + vouched(), {}, ALICE
    yield PEER, user(), {}, NO
    yield ELSE, user() + vouched(), {}, NO


def by_prefix():
    for peer in ("10.0.0.7", "2001:db8::1",
                 "2001:0db8:0000:0000:0000:0000:0000:0001"):
        yield peer, user(), {}, ALICE
    for peer in ("10.0.0.8", "2001:db9::1", "::ffff:10.0.0.8"):
        yield peer, user(), {}, NO


def by_variable():
    yield ELSE, [], {"REMOTE_USER": "alice"}, ALICE
    yield ELSE, [], {"REMOTE_USER": "cn=a,dc=b"}, is_user("cn=a,dc=b")
    yield ELSE, [("Remote-User", "root")], {"REMOTE_USER": "alice"}, ALICE
    for v in ("", "  ", "(null)", "-"):
        yield ELSE, [], {"REMOTE_USER": v}, NO
    for v in ("a\tb", "a" * 257, "\xe9"):
        yield ELSE, [], {"REMOTE_USER": v}, BAD
    for headers in ([("Remote-User", "root")], user(),
                    [("Authorization", "Basic YTpi")]):
        yield ELSE, headers, {}, NO
    for name in ("REDIRECT_REMOTE_USER", "LOGON_USER", "AUTH_USER"):
        yield ELSE, [], {name: "root"}, NO


def peer_elsewhere():
    yield ELSE, user(), {"MCPGATE_PEER_ADDR": PEER}, ALICE
    yield PEER, user(), {}, NO
    yield PEER, user() + [("Mcpgate-Peer-Addr", PEER)], {}, NO
    yield PEER, user(), {"REDIRECT_MCPGATE_PEER_ADDR": PEER}, NO
    yield PEER, user(), {"MCPGATE_PEER_ADDR": [PEER, ELSE]}, NO


def lists():
    yield PEER, user("alice, bob"), {}, ALICE
    yield PEER, user(), {}, ALICE
    for v in (",bob", "-,bob"):
        yield PEER, user(v), {}, NO
    yield PEER, user() + user("bob"), {}, NO
    yield PEER, user("a\tb,c"), {}, BAD


def payloads():
    def pack(v):
        return keys.b64(v.encode() if isinstance(v, str) else
                        json.dumps(v).encode())

    yield PEER, user(pack({"sub": "alice"})), {}, ALICE
    yield PEER, user(pack({"sub": "a,b"})), {}, is_user("a,b")
    yield ELSE, user(pack({"sub": "alice"})), {}, NO
    for v in ({"x": 1}, {"sub": ""}, {"sub": "-"}):
        yield PEER, user(pack(v)), {}, NO
    for v in ({"sub": 5}, {"sub": None}, [1], "{", '{"sub":"a"}x',
              '{"sub":"a","sub":"b"}', '{"sub":"a","sub\\u0000":"b"}',
              {"sub": "a\n"}, {"sub": "a" * 257}):
        yield PEER, user(pack(v)), {}, BAD
    for v in (pack({"sub": "alic"}) + "=", "alice",
              "a." + pack({"sub": "alice"}) + ".b"):
        yield PEER, user(v), {}, BAD


def groups(value, name="X-Groups"):
    return user() + [(name, value)]


def members():
    many = ["g%d" % i for i in range(64)]
    for v in ("staff, ops", ",,ops,,", ",".join(many[:63] + ["ops"])):
        yield PEER, groups(v), {}, ALICE
    for v in ("staff", "OPS", "", "op"):
        yield PEER, groups(v), {}, "forbidden"
    for v in (",".join(many + ["ops"]), "ops," + "a" * 257, "ops,a\tb",
              "ops,\xe9"):
        yield PEER, groups(v), {}, BAD
    for name in ("X-Groups", "X_Groups"):
        yield PEER, groups("ops") + [(name, "staff")], {}, NO
    yield ELSE, groups("ops"), {}, NO
    yield PEER, user(), {"X_GROUPS": "ops"}, "forbidden"


def pretended():
    """Groups of a client beside a name of the web server's."""
    yield ELSE, [("X-Groups", "ops")], {"REMOTE_USER": "alice"}, "forbidden"


def mails():
    for v in ("a@b", "-", ""):
        yield PEER, user() + [("X-Email", v)], {}, ALICE
    yield PEER, user() + [("X-Email", "\xff")], {}, BAD
    yield PEER, user() + [("X-Email", "a,b")], {}, NO
    yield PEER, user() + [("X-Email", "a@b")] * 2, {}, NO


GOOD = keys.hs256(HS, keys.claims())
WRONG = keys.hs256("x" * 40, keys.claims())
PAST = keys.hs256(HS, keys.claims(exp=1000))


def bearer(value):
    return [("Authorization", value)]


def dual():
    """A credential that is there must be good; there is no way back."""
    for headers in ([], user("bob"), user("\xff"), user() + user("b")):
        yield PEER, bearer("Bearer " + GOOD) + headers, {}, ("alice", "jwt")
    yield ELSE, bearer("Bearer " + GOOD) + user("b"), {}, ("alice", "jwt")
    for v in ("Bearer " + WRONG, "Bearer xyz", "Bearer", "bearer  ",
              "Bearer a, Bearer b", 'Bearer "x"'):
        yield PEER, bearer(v) + user(), {}, "invalid_token"
        yield ELSE, bearer(v) + user(), {}, "invalid_token"
    yield PEER, bearer("Bearer " + PAST) + user(), {}, "token_expired"
    yield PEER, bearer("Bearer " + GOOD) * 2 + user(), {}, "invalid_token"
    yield (PEER, user(), {"REDIRECT_HTTP_AUTHORIZATION": "Bearer zz"},
           "invalid_token")
    for v in ("Basic x", GOOD):
        yield PEER, bearer(v) + user("bob"), {}, is_user("bob")
    yield PEER, user("bob"), {}, is_user("bob")
    yield ELSE, user("bob"), {}, NO
    yield PEER, [], {}, NO


def optional():
    yield PEER, user(), {}, ALICE
    yield PEER, [], {}, ("anonymous", "none")
    yield PEER, user() + user(), {}, NO
    yield PEER, user("\xff"), {}, BAD
    yield PEER, user("a,b"), {}, NO


VOUCH = {"secretHeader": "X-Vouch", "secret": SECRET}
HERE = {"trustedPeers": [PEER]}
JWT = {"secret": HS, "algorithms": ["HS256"], "audience": ["gate"]}
OPS = {"allowGroups": ["ops"]}
WORLDS = (
    ("a peer", plain, HERE, {}), ("a secret", by_secret, VOUCH, {}),
    ("both", by_both, dict(HERE, **VOUCH), {}),
    ("prefixes", by_prefix,
     {"trustedPeers": ["10.0.0.4/30", "2001:db8::/32"]}, {}),
    ("a variable", by_variable, {"param": "REMOTE_USER"}, {}),
    ("a peer elsewhere", peer_elsewhere,
     dict(HERE, peerParam="MCPGATE_PEER_ADDR"), {}),
    ("a list", lists, dict(HERE, format="list"), {}),
    ("a payload", payloads, dict(HERE, format="jwt-payload"), {}),
    ("groups", members, dict(HERE, groupsHeader="X-Groups"), OPS),
    ("groups beside a variable", pretended,
     {"param": "REMOTE_USER", "groupsHeader": "X-Groups"}, OPS),
    ("e-mail", mails, dict(HERE, emailHeader="X-Email"), {}),
    ("dual", dual, HERE, {"strategy": ["jwt", "proxy"], "jwt": JWT}),
    ("optional", optional, HERE, {"strategy": ["proxy", "none"]}),
)


def rule(proxy, more):
    return dict({"strategy": "proxy", "proxy": proxy}, **more)


@test("whom a proxy names", rows=WORLDS)
def _(t):
    _, rows, proxy, more = t.row
    with Upstream() as up, Gate(config({"s": server(up, {
            "inboundAuth": rule(proxy, more)})})) as g:
        for peer, headers, variables, want in rows():
            r = g.rpc("/s/mcp", "ping", headers=headers,
                      **dict({"REMOTE_ADDR": peer}, **variables))
            what = "%.300r" % ((peer, headers, variables),)
            if isinstance(want, tuple):
                equal(r.status, 200, what)
                line = g.access(request_id=r.header("x-request-id"))
                equal((line["user"], line["how"]), want, what)
                continue
            equal((r.status, r.reason), (STATUS[want], want), what)
            if want == NO:
                equal(r.header("www-authenticate"), 'Bearer realm="mcpgate"')
            elif want == BAD:
                equal(r.header("www-authenticate"), None)


# A caller, what he is called, and whether a rule for `token:ci`, `apikey:k`
# or `anonymous` means him.
CALLED = (
    ("the token", "token:ci", True), ("the key", "apikey:k", True),
    ("nobody", "anonymous", True),
    ("a proxy, token", "token:ci", False),
    ("a proxy, key", "apikey:k", False),
    ("a proxy, nobody", "anonymous", False),
    ("a jwt, token", "token:ci", False), ("a jwt, key", "apikey:k", False),
    ("a jwt, nobody", "anonymous", False))


def called(who, name):
    kind = who.split(",")[0]
    if kind == "a proxy":
        return user(name)
    return {"the token": [("Authorization", "Bearer " + SECRET)],
            "the key": [("X-API-Key", SECRET)],
            "a jwt": [("Authorization", "Bearer " + keys.hs256(
                HS, keys.claims(sub=name)))]}.get(kind, [])


@test("a name of another kind is no other's name", rows=CALLED)
def _(t):
    who, name, means = t.row
    one = [{"name": "ci", "value": SECRET}]
    rule_of = dict(strategy=["token", "jwt", "apikey", "proxy", "none"],
                   token={"values": one}, jwt=JWT, proxy=HERE,
                   apikey={"values": [{"name": "k", "value": SECRET}]})
    names = ["token:ci", "apikey:k", "anonymous"]
    servers = {
        "open": {}, "all": {"allowUsers": ["*"]},
        "named": {"allowUsers": names}, "globs": {"allowUsers": [
            "tok*", "?pikey:?", "an*"]}, "denied": {"denyUsers": names}}
    with Upstream() as up:
        conf = {k: server(up, {"inboundAuth": dict(rule_of, **v)})
                for k, v in servers.items()}
        for k, effect in (("rule", "allow"), ("ban", "deny")):
            conf[k] = server(up, {"inboundAuth": rule_of, "policy": [
                {"effect": effect, "tools": ["*"], "users": names}] + (
                    [{"effect": "allow", "tools": ["*"]}]
                    if effect == "deny" else [])})
        with Gate(config(conf)) as g:
            def call(k):
                r = g.rpc("/%s/mcp" % k, "tools/call", {"name": "x"},
                          headers=called(who, name), REMOTE_ADDR=PEER)
                return r.status if r.status != 200 or "error" not in r.json \
                    else r.json["error"]["code"]

            no = 401 if who == "nobody" else 403
            equal([call(k) for k in ("open", "all")], [200, 200])
            equal([call(k) for k in ("named", "globs")],
                  [200 if means else no] * 2)
            equal(call("denied"), no)
            equal([call("rule") == 200, call("ban") == 200],
                  [means, False])


E41 = "proxy authentication needs trustedPeers, trustedProxies, a secret " \
    "or proxy.param"
ALL = ("0.0.0.0/0", "::/0", "1.2.3.4/0", "::ffff:0:0/96")
STARTS = [
    ({"userHeader": "X-U"}, E41), ({}, E41), ({"trustedPeers": []}, E41),
    (VOUCH, None), ({"trustedPeers": ["unix:"]}, None), (HERE, None),
    ({"param": "REMOTE_USER"}, None), ({"param": ""}, ""),
    ({"param": "HTTP_X_USER"}, "cannot be a header here"),
    ({"param": "http_x_user"}, "cannot be a header here"),
    ({"param": "REDIRECT_REMOTE_USER"}, "cannot be a header here"),
    (dict(HERE, secretHeader="X-S"), "proxy needs proxy.secret"),
    ({"secret": SECRET}, "proxy needs proxy.secretHeader"),
    ({"secretHeader": "X-S", "secret": "x" * 15}, "shorter than 16 bytes"),
    ({"secretHeader": "X-S", "secret": "x" * 16}, None),
    ({"secretHeader": "X-S", "secret": "CHANGE_ME_at_once_please"},
     "a published sample"),
    (dict(HERE, peerParam="HTTP_X_REAL_IP"), "cannot be a header here"),
    (dict(HERE, format="json"), "is not a known word"),
    (dict(HERE, userHeader="X User"), "cannot be a header here"),
    ({"trustedPeers": ["localhost"]}, "is not an address or CIDR block"),
    ({"format": "jwt"}, "jwt needs"),
] + [({"trustedPeers": [p]}, E41) for p in ALL] \
    + [({"trustedPeers": [PEER, p]}, E41) for p in ALL] \
    + [(dict({"trustedPeers": [p]}, **VOUCH), None) for p in ALL]


@test("what may start")
def _(t):
    for proxy, says in STARTS:
        conf = config({"s": server("http://127.0.0.1:9/mcp", {
            "inboundAuth": rule(proxy, {})})})
        with Gate(conf, mode="cgi") as g:
            code, _, err = run(["-t", "--config", g.file])
        equal(code, 0 if says is None else 78, repr(proxy))
        assert says is None or says in err, (proxy, err)


tap.main()
