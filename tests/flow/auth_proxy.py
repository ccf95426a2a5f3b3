#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""auth_proxy -- identities that a web server or proxy vouches for"""
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

BOTH = (1, 4)
GATE_SECRET = secret("gate-secret")
HS_KEY = secret("hs-key-for-dual-mode")
PEER = "10.0.0.5"


def with_proxy(up, proxy, strategy="proxy", **more):
    conf = config({"s": server(up)})
    conf["mcpProxy"]["options"]["inboundAuth"] = dict(
        {"strategy": strategy, "proxy": proxy}, **more)
    return conf


def by_peer(**more):
    return dict({"userHeader": "X-Authenticated-User",
                 "trustedPeers": [PEER]}, **more)


def user(value="alice", name="X-Authenticated-User"):
    return [(name, value)]


@test("a trusted peer names the user", workers=BOTH, rows=(
    ("trusted", PEER, user(), 200), ("another peer", "10.0.0.6", user(),
                                     401),
    ("no peer", "", user(), 401), ("no header", PEER, [], 401),
    ("empty", PEER, user(""), 401), ("blanks", PEER, user("  "), 401),
    ("underscores", PEER, user(name="X_Authenticated_User"), 200),
    ("two", PEER, user() + user("bob"), 401),
    ("two spellings", PEER, user() + user("bob", "X_Authenticated_User"),
     401),
    ("the same twice", PEER, user() + user(), 401),
    ("joined", PEER, user("alice, bob"), 401),
    ("(null)", PEER, user("(null)"), 401), ("-", PEER, user("-"), 401),
    ("256 bytes", PEER, user("a" * 256), 200),
    ("257 bytes", PEER, user("a" * 257), 400),
    ("UTF-8", PEER, user("j\xc3\xb6rg"), 200),
    ("not UTF-8", PEER, user("j\xf6rg"), 400),
    ("C1 control", PEER, user("a\xc2\x85b"), 400),
    ("tab", PEER, user("a\tb"), 400), ("percent", PEER, user("a%20b"),
                                       200)))
def _(t):
    name, peer, headers, status = t.row
    with Upstream() as up, Gate(with_proxy(up, by_peer()),
                                t.workers) as g:
        r = g.rpc("/s/mcp", "ping", headers=headers, REMOTE_ADDR=peer)
        equal(r.status, status)
        equal(len(up.calls), 1 if status == 200 else 0)
        if status == 401:
            equal(r.reason, "no_identity")
        elif status == 400:
            equal(r.reason, "bad_identity")
        if name == "trusted":
            line = g.access(server="s")
            equal((line["user"], line["how"]), ("alice", "proxy"))
            assert "x-authenticated-user" not in up.calls[0].names
        if name in ("no header", "another peer"):
            m = g.metrics()
            assert m.total("mcp_proxy_header_missing", server="s") >= 1


@test("the shared secret", workers=BOTH, rows=(
    ("right", GATE_SECRET, 200), ("wrong", secret("bad"), 401),
    ("absent", None, 401), ("prefix", GATE_SECRET[:-1], 401),
    ("twice", [GATE_SECRET, GATE_SECRET], 401)))
def _(t):
    _, value, status = t.row
    proxy = {"userHeader": "X-Authenticated-User",
             "secretHeader": "X-Gate-Secret", "secret": GATE_SECRET}
    headers = user()
    for v in value if isinstance(value, list) else [value]:
        if v is not None:
            headers.append(("X-Gate-Secret", v))
    with Upstream() as up, Gate(with_proxy(up, proxy), t.workers) as g:
        r = g.rpc("/s/mcp", "ping", headers=headers)
        equal(r.status, status)
        if status == 200:
            assert "x-gate-secret" not in up.calls[0].names


@test("peer and secret: both must hold", rows=(
    ("both", PEER, GATE_SECRET, 200), ("peer only", PEER, None, 401),
    ("secret only", "10.0.0.6", GATE_SECRET, 401)))
def _(t):
    _, peer, value, status = t.row
    proxy = by_peer(secretHeader="X-Gate-Secret", secret=GATE_SECRET)
    headers = user() + ([("X-Gate-Secret", value)] if value else [])
    with Upstream() as up, Gate(with_proxy(up, proxy)) as g:
        equal(g.rpc("/s/mcp", "ping", headers=headers,
                    REMOTE_ADDR=peer).status, status)


@test("a parameter of the web server", workers=BOTH, rows=(
    ("set", {"MCPGATE_USER": "alice"}, [], 200),
    ("empty", {"MCPGATE_USER": ""}, [], 401), ("absent", {}, [], 401),
    ("empty, then set", {"MCPGATE_USER": ["", "alice"]}, [], 200),
    ("as a header", {}, [("MCPGATE-USER", "alice")], 401),
    ("redirected", {"REDIRECT_MCPGATE_USER": "alice"}, [], 401)))
def _(t):
    _, more, headers, status = t.row
    with Upstream() as up, Gate(with_proxy(
            up, {"param": "MCPGATE_USER"}), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping", headers=headers,
                    **more).status, status)


@test("a parameter, and what is written beside it", rows=(
    ("the secret", {"secretHeader": "X-Gate-Secret",
                    "secret": GATE_SECRET}, PEER, GATE_SECRET, 200),
    ("no secret", {"secretHeader": "X-Gate-Secret",
                   "secret": GATE_SECRET}, PEER, None, 401),
    ("another secret", {"secretHeader": "X-Gate-Secret",
                        "secret": GATE_SECRET}, PEER, "x" * 32, 401),
    ("the peer", {"trustedPeers": [PEER]}, PEER, None, 200),
    ("another peer", {"trustedPeers": [PEER]}, "10.0.0.6", None, 401)))
def _(t):
    _, more, peer, value, status = t.row
    headers = [("X-Gate-Secret", value)] if value else []
    with Upstream() as up, Gate(with_proxy(up, dict(
            {"param": "MCPGATE_USER"}, **more))) as g:
        r = g.rpc("/s/mcp", "ping", headers=headers, REMOTE_ADDR=peer,
                  MCPGATE_USER="alice")
        equal(r.status, status)
        if status == 401:
            equal(r.reason, "no_identity")


@test("the gateway's proxies are no condition for a parameter", workers=(1,))
def _(t):
    with Upstream() as up:
        conf = with_proxy(up, {"param": "MCPGATE_USER"})
        conf["mcpProxy"]["trustedProxies"] = [PEER]
        with Gate(conf) as g:
            equal(g.rpc("/s/mcp", "ping", REMOTE_ADDR="10.0.0.6",
                        MCPGATE_USER="alice").status, 200)


@test("REMOTE_USER, the last one counts")
def _(t):
    with Upstream() as up, Gate(with_proxy(
            up, {"param": "REMOTE_USER"})) as g:
        equal(g.rpc("/s/mcp", "ping", REMOTE_USER="").status, 401)
        r = g.rpc("/s/mcp", "ping", REMOTE_USER=["first", "last"])
        equal(r.status, 200)
        equal(g.access(server="s", status=200)["user"], "last")


@test("the peer's own variable counts when it is named")
def _(t):
    proxy = by_peer(peerParam="MCPGATE_PEER_ADDR")
    with Upstream() as up, Gate(with_proxy(up, proxy)) as g:
        equal(g.rpc("/s/mcp", "ping", headers=user(),
                    REMOTE_ADDR=PEER).status, 401)
        equal(g.rpc("/s/mcp", "ping", headers=user(),
                    MCPGATE_PEER_ADDR=PEER).status, 200)


@test("a list, and groups", rows=(
    ("first of a list", {"format": "list"}, user("alice, bob"), {}, 200),
    ("in the group", {"groupsHeader": "X-Groups"},
     user() + [("X-Groups", "staff,ops")], {"allowGroups": ["ops"]}, 200),
    ("not in it", {"groupsHeader": "X-Groups"},
     user() + [("X-Groups", "staff")], {"allowGroups": ["ops"]}, 403)))
def _(t):
    _, proxy, headers, more, status = t.row
    with Upstream() as up, Gate(with_proxy(up, by_peer(**proxy),
                                           **more)) as g:
        equal(g.rpc("/s/mcp", "ping", headers=headers,
                    REMOTE_ADDR=PEER).status, status)


@test("what may not start", rows=(
    ("nobody is trusted", {"userHeader": "X-User"}, "E41", 78),
    ("everybody is", {"userHeader": "X-User",
                      "trustedPeers": ["0.0.0.0/0"]}, "E41", 78),
    ("everybody with a secret", {
        "userHeader": "X-User", "trustedPeers": ["0.0.0.0/0"],
        "secretHeader": "X-S", "secret": GATE_SECRET}, None, 0),
    ("both places", {"userHeader": "X-User", "param": "REMOTE_USER"},
     None, 78),
    ("param of a header", {"param": "HTTP_X_USER"}, None, 78),
    ("param that nobody reads", {"param": "REDIRECT_REMOTE_USER"}, None,
     78),
    ("a bad block", by_peer(trustedPeers=["10.0.0.256"]), None, 78)))
def _(t):
    _, proxy, _, code = t.row
    with Gate(with_proxy("http://127.0.0.1:9/mcp", proxy),
              mode="cgi") as g:
        got, _, err = run(["-t", "--config", g.file])
        equal(got, code)
        if code:
            assert "config.json:" in err, err


def dual(up):
    return with_proxy(up, by_peer(), ["jwt", "proxy"],
                      jwt={"secret": HS_KEY, "algorithms": ["HS256"],
                           "audience": ["gate"]})


@test("dual mode: a bearer is judged, without a way back", workers=BOTH,
      rows=(
          ("bearer", "good", [], "127.0.0.1", 200, "jwt"),
          ("both", "good", user("bob"), PEER, 200, "jwt"),
          ("header alone", None, user("bob"), PEER, 200, "proxy"),
          ("bad bearer and header", "bad", user("bob"), PEER, 401, None),
          ("expired bearer and header", "old", user("bob"), PEER, 401,
           None),
          ("Basic and header", "basic", user("bob"), PEER, 200, "proxy"),
          ("neither", None, [], PEER, 401, None),
          ("header of a stranger", None, user("bob"), "10.9.9.9", 401,
           None)))
def _(t):
    _, bearer, headers, peer, status, how = t.row
    value = {
        "good": "Bearer " + keys.hs256(HS_KEY, keys.claims()),
        "bad": "Bearer " + keys.hs256("x" * 40, keys.claims()),
        "old": "Bearer " + keys.hs256(HS_KEY, keys.claims(exp=1000)),
        "basic": "Basic dXNlcjpwdw=="}.get(bearer)
    rows = list(headers) + ([("Authorization", value)] if value else [])
    with Upstream() as up, Gate(dual(up), t.workers) as g:
        r = g.rpc("/s/mcp", "ping", headers=rows, REMOTE_ADDR=peer)
        equal(r.status, status)
        if how:
            if t.row[0] == "both":
                g.log_has("names another user")
            else:
                equal(g.log_count("names another user"), 0)
            line = g.access(server="s", status=200)
            equal(line["how"], how)
            equal(line["user"], "alice" if how == "jwt" else "bob")


def b64(value):
    return keys.b64(json.dumps(value).encode())


PRESETS = {
    "oauth2-proxy": ("X-Auth-Request-User", "X-Auth-Request-Email",
                     "X-Auth-Request-Groups"),
    "authelia": ("Remote-User", "Remote-Email", "Remote-Groups"),
    "kong": ("X-Consumer-Username", None, "X-Consumer-Groups"),
    "istio": ("X-Jwt-Payload", None, None)}


@test("presets of known proxies", workers=(1,), rows=sorted(PRESETS))
def _(t):
    name, email, groups = PRESETS[t.row]
    value = b64({"sub": "alice"}) if t.row == "istio" else "alice"
    more = {"allowGroups": ["ops"]} if groups else {}
    with Upstream() as up, Gate(with_proxy(
            up, {"preset": t.row, "trustedPeers": [PEER]}, **more)) as g:
        rows = [(name, value)]
        if groups:
            equal(g.rpc("/s/mcp", "ping", headers=rows,
                        REMOTE_ADDR=PEER).status, 403)
            rows.append((groups, "staff,ops"))
        if email:
            rows.append((email, "a@x"))
        r = g.rpc("/s/mcp", "ping", headers=rows, REMOTE_ADDR=PEER)
        equal(r.status, 200)
        line = g.access(server="s", status=200)
        equal((line["user"], line["how"]), ("alice", "proxy"))
        for n in (name, email, groups):
            assert n is None or n.lower() not in up.calls[0].names
        for peer, headers in (("10.0.0.6", rows), (PEER, user("root")),
                              (PEER, rows + [(name, value)])):
            equal(g.rpc("/s/mcp", "ping", headers=headers,
                        REMOTE_ADDR=peer).status, 401)


@test("what is written beside a preset counts", workers=(1,))
def _(t):
    proxy = {"preset": "authelia", "userHeader": "X-Who",
             "trustedPeers": [PEER]}
    with Upstream() as up, Gate(with_proxy(up, proxy)) as g:
        equal(g.rpc("/s/mcp", "ping", headers=user(name="Remote-User"),
                    REMOTE_ADDR=PEER).status, 401)
        equal(g.rpc("/s/mcp", "ping", headers=user(name="X-Who"),
                    REMOTE_ADDR=PEER).status, 200)


@test("a preset trusts nobody by itself", workers=(1,), rows=(
    ("oauth2-proxy", 78), ("authelia", 78), ("kong", 78), ("istio", 78),
    ("none", 78)))
def _(t):
    word, code = t.row
    with Gate(with_proxy("http://127.0.0.1:9/mcp", {"preset": word}),
              mode="cgi") as g:
        got, _, err = run(["-t", "--config", g.file])
        equal(got, code)
        assert "proxy authentication needs trustedPeers" in err, err


def signed(up, strategy="proxy", **more):
    return with_proxy(up, dict({"userHeader": "X-Identity",
                                "format": "jwt"}, **more), strategy,
                      token={"values": [GATE_SECRET]},
                      jwt={"secret": HS_KEY, "algorithms": ["HS256"],
                           "issuer": "https://issuer.test",
                           "audience": ["gate"]})


@test("a signed header needs no trusted peer", workers=BOTH, rows=(
    ("good", lambda: keys.hs256(HS_KEY, keys.claims()), 200, None),
    ("another key", lambda: keys.hs256("x" * 40, keys.claims()), 401,
     "invalid_token"),
    ("unsigned", lambda: keys.unsigned(keys.claims()), 401,
     "invalid_token"),
    ("another audience", lambda: keys.hs256(HS_KEY, keys.claims(
        aud="other")), 401, "invalid_token"),
    ("another issuer", lambda: keys.hs256(HS_KEY, keys.claims(
        iss="https://evil.test")), 401, "invalid_token"),
    ("expired", lambda: keys.hs256(HS_KEY, keys.claims(exp=1000)), 401,
     "token_expired"),
    ("a plain name", lambda: "alice", 401, "invalid_token"),
    ("nobody", lambda: "-", 401, "no_identity"),
    ("nothing", lambda: "", 401, "no_identity")))
def _(t):
    _, make, status, reason = t.row
    with Upstream() as up, Gate(signed(up), t.workers) as g:
        value = make()
        for _ in range(t.workers + 1):      # also from the verdict cache
            r = g.rpc("/s/mcp", "ping", headers=[("X-Identity", value)],
                      REMOTE_ADDR="203.0.113.5")
            equal(r.status, status)
        if reason:
            equal(r.reason, reason)
            return
        line = g.access(server="s")
        equal((line["user"], line["how"]), ("alice", "proxy"))
        assert "x-identity" not in up.calls[0].names
        twice = [("X-Identity", value)] * 2
        equal(g.rpc("/s/mcp", "ping", headers=twice).status, 401)
        equal(g.rpc("/s/mcp", "ping", headers=[
            ("Authorization", "Bearer " + value)]).status, 401)


@test("a signed header, and conditions that are written", workers=(1,),
      rows=(("peer", {"trustedPeers": [PEER]}, PEER, None, 200),
            ("another peer", {"trustedPeers": [PEER]}, "10.0.0.6", None,
             401),
            ("secret", {"secretHeader": "X-S", "secret": GATE_SECRET},
             "10.0.0.6", GATE_SECRET, 200),
            ("no secret", {"secretHeader": "X-S", "secret": GATE_SECRET},
             "10.0.0.6", None, 401)))
def _(t):
    _, more, peer, value, status = t.row
    token = keys.hs256(HS_KEY, keys.claims())
    rows = [("X-Identity", token)] + ([("X-S", value)] if value else [])
    with Upstream() as up, Gate(signed(up, **more)) as g:
        equal(g.rpc("/s/mcp", "ping", headers=rows,
                    REMOTE_ADDR=peer).status, status)


@test("dual mode is counted by the strategy that decided", workers=(1,))
def _(t):
    with Upstream() as up, Gate(dual(up)) as g:
        good = "Bearer " + keys.hs256(HS_KEY, keys.claims())
        bad = "Bearer " + keys.hs256("x" * 40, keys.claims())
        for rows, n in (([("Authorization", good)], 3),
                        ([("Authorization", bad)], 2),
                        (user("bob"), 4), ([], 1)):
            for _ in range(n):
                g.rpc("/s/mcp", "ping", headers=rows, REMOTE_ADDR=PEER)
        m = g.metrics()

        def n(name, **labels):
            return m.total("mcp_auth_" + name, server="s", **labels)

        equal(n("attempts_total", strategy="jwt"), 6)       # and nothing
        equal(n("success_total", strategy="jwt"), 3)
        equal(n("failures_total", strategy="jwt",
                reason="invalid_token"), 2)
        equal(n("failures_total", strategy="jwt", reason="no_identity"), 1)
        equal(n("attempts_total", strategy="proxy"), 4)
        equal(n("success_total", strategy="proxy"), 4)
        equal(n("attempts_total", strategy="none"), 0)
        equal(m.total("mcp_proxy_header_missing", server="s"), 1)


@test("nobody in a header is told", workers=(1,), rows=("-", "(null)"))
def _(t):
    with Upstream() as up, Gate(with_proxy(up, by_peer())) as g:
        equal(g.rpc("/s/mcp", "ping", headers=user(t.row),
                    REMOTE_ADDR=PEER).status, 401)
        g.log_has("identity header says")


@test("the verified identity may be told to the upstream", workers=(1,))
def _(t):
    with Upstream() as up:
        conf = with_proxy(up, by_peer(userHeader="X-Employee-Id"))
        conf["mcpServers"]["s"]["options"]["passthrough"] = {
            "enabled": True, "headers": ["X-Employee-Id"]}
        with Gate(conf) as g:
            g.rpc("/s/mcp", "ping", headers=user(name="X-Employee-Id"),
                  REMOTE_ADDR=PEER)
            equal(up.calls[0].header("x-employee-id"), "alice")


tap.main()
