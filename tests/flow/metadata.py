#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""metadata -- RFC 9728: who issues tokens for a server, and who is told"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
KEY = secret("hs-key-of-thirty-two-bytes")
ISSUER = "https://issuer.test/realm"
BASE = "https://gate.test/gw"
WELL = "/.well-known/oauth-protected-resource"
JWT = {"strategy": "jwt", "jwt": {"issuer": ISSUER, "secret": KEY}}
# nothing of what a client says may end in a document or a challenge
EVIL = {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http",
        "Forwarded": "host=evil.test", "X-Forwarded-Prefix": "/evil",
        "X-Original-URL": "/evil", "Origin": "https://evil.test"}


class Mounted(Gate):
    """Its own pages lie below the mount."""

    def get(self, uri, headers=(), **more):
        if uri in ("/health", "/metrics"):
            uri = "/gw" + uri
        return super().get(uri, headers, **more)


def conf_of(up, inbound=None, two=True, base=BASE, **options):
    servers = {"s": server(up), "a/b": server(up)} if two else \
        {"s": server(up)}
    more = {"baseURL": base} if base else {}
    conf = config(servers, options=options, **more)
    conf["mcpProxy"]["options"]["inboundAuth"] = inbound or JWT
    return conf


def closed(**more):
    return conf_of("http://127.0.0.1:9/", **more)


@test("a document of a server", workers=BOTH, rows=(
    ("/gw" + WELL + "/s/mcp", "/s/mcp"), ("/gw" + WELL + "/s", "/s"),
    ("/gw" + WELL + "/s/mcp/", "/s/mcp"), (WELL + "/gw/s/mcp", "/s/mcp"),
    (WELL + "/gw/s", "/s"), ("/gw" + WELL + "/a/b/mcp", "/a/b/mcp"),
    (WELL + "/gw/a/b", "/a/b"), ("/gw" + WELL + "/s/mcp?x=1", "/s/mcp")))
def _(t):
    path, rest = t.row
    with Mounted(closed(), t.workers) as g:
        r = g.get(path, EVIL, HTTP_HOST="evil.test")
        equal(r.status, 200)
        equal(r.json, {"resource": BASE + rest,
                       "authorization_servers": [ISSUER],
                       "bearer_methods_supported": ["header"]})
        equal(r.header("content-type"), "application/json")
        equal(r.header("cache-control"), "public, max-age=3600")
        equal(r.header("access-control-allow-origin"), "*")
        equal(r.header("access-control-allow-credentials"), None)
        equal(r.header("x-content-type-options"), "nosniff")


@test("one server alone is the resource of the mount", rows=(
    ("/gw" + WELL, ""), ("/gw" + WELL + "/", ""), ("/gw" + WELL + "/mcp",
                                                   "/mcp"),
    (WELL + "/gw", ""), (WELL + "/gw/mcp", "/mcp"), (WELL, "")))
def _(t):
    path, rest = t.row
    with Mounted(closed(two=False)) as g:
        equal(g.get(path).json["resource"], BASE + rest)


@test("behind the root of a host", rows=(
    (WELL + "/s/mcp", "/s/mcp"), (WELL + "/s", "/s")))
def _(t):
    with Gate(closed(base="https://gate.test")) as g:
        equal(g.get(t.row[0]).json["resource"],
              "https://gate.test" + t.row[1])


@test("no document", rows=(
    ("of nobody", "/gw" + WELL + "/x/mcp", {}),
    ("of the mount, with two servers", "/gw" + WELL, {}),
    ("at the root, with two servers", WELL, {}),
    ("of a longer path", "/gw" + WELL + "/s/mcp/x", {}),
    ("of another mount", WELL + "/gwx/s/mcp", {}),
    ("of no mount", WELL + "/s/mcp", {}),
    ("without an issuer", "/gw" + WELL + "/s/mcp",
     {"inbound": {"strategy": "jwt", "jwt": {"secret": KEY}}}),
    ("an issuer that is no URL", "/gw" + WELL + "/s/mcp",
     {"inbound": {"strategy": "jwt",
                  "jwt": {"secret": KEY, "issuer": "me"}}}),
    ("with tokens alone", "/gw" + WELL + "/s/mcp",
     {"inbound": {"strategy": "token", "token": {"values": [KEY]},
                  "jwt": {"issuer": ISSUER, "secret": "k" * 40}}}),
    ("open", "/gw" + WELL + "/s/mcp", {"inbound": {"strategy": "none"}})))
def _(t):
    _, path, more = t.row
    with Mounted(closed(**more)) as g:
        r = g.get(path, {"Origin": "https://app.test"})
        equal((r.status, r.reason), (404, "not_found"))


@test("without baseURL nothing is told")
def _(t):
    conf = closed(base=None)
    with Gate(conf) as g:
        r = g.get(WELL + "/s/mcp", {"Origin": "https://app.test"})
        equal((r.status, r.reason), (404, "not_found"))
        equal(r.header("access-control-allow-origin"), "*")
        assert "resource_metadata" not in g.rpc("/s/mcp", "ping").header(
            "www-authenticate")


@test("methods of a document", workers=BOTH)
def _(t):
    path = "/gw" + WELL + "/s/mcp"
    with Mounted(closed(), t.workers) as g:
        h = g.call("HEAD", path)
        equal((h.status, h.body), (200, b""))
        equal(int(h.header("content-length")), len(g.get(path).body))
        r = g.call("OPTIONS", path)
        equal((r.status, r.header("allow")), (204, "GET, HEAD, OPTIONS"))
        equal(g.call("POST", path, body=b"{}").status, 405)
        r = g.call("OPTIONS", path, {
            "Origin": "https://any.test",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "mcp-protocol-version"})
        equal(r.status, 204)
        equal(r.header("access-control-allow-origin"), "*")
        equal(r.header("access-control-allow-methods"), "GET, HEAD, OPTIONS")
        assert "mcp-protocol-version" in r.header(
            "access-control-allow-headers").lower()


@test("the scopes there are")
def _(t):
    policy = [{"effect": "allow", "tools": ["a"], "scopes": ["w", "mcp"]},
              {"effect": "deny", "tools": ["b"], "scopes": ["never"]},
              {"effect": "allow", "tools": ["c"],
               "scopes": ["x", "offline_access"]}]
    inbound = dict(JWT, requiredScopes=["mcp", "offline_access"])
    with Mounted(closed(inbound=inbound, policy=policy)) as g:
        equal(g.get("/gw" + WELL + "/s/mcp").json["scopes_supported"],
              ["mcp", "w", "x"])
        r = g.rpc("/gw/s/mcp", "ping")
        assert ' scope="mcp",' in r.header("www-authenticate"), r


@test("several issuers")
def _(t):
    inbound = {"strategy": "jwt", "jwt": {
        "secret": KEY, "issuer": [ISSUER, "urn:x", "https://two.test"]}}
    with Mounted(closed(inbound=inbound)) as g:
        equal(g.get("/gw" + WELL + "/s").json["authorization_servers"],
              [ISSUER, "https://two.test"])


# ---- challenges ---------------------------------------------------------------
def told(r):
    found = re.findall(r'resource_metadata="([^"]*)"',
                       r.header("www-authenticate") or "")
    assert len(found) < 2, found
    return found[0] if found else None


@test("a challenge tells where the document is", workers=BOTH, rows=(
    ("/s/mcp", {}), ("/s", {}), ("/a/b/mcp", {}), ("/s/mcp/", {}),
    ("/mcp", {"two": False}), ("", {"two": False})))
def _(t):
    path, more = t.row
    with Mounted(closed(**more), t.workers) as g:
        headers = {k: v for k, v in EVIL.items() if k != "Origin"}
        r = g.rpc("/gw" + path + "?x=evil", "ping", headers=headers)
        equal(r.status, 401)
        assert "evil" not in repr(r.headers), r.headers
        place = told(r)
        assert place.startswith(BASE + WELL), place
        got = g.get(place[len("https://gate.test"):])
        equal(got.status, 200)
        # SDKs compare it with the URL that they used
        equal(got.json["resource"], (BASE + path).rstrip("/"))


@test("which challenges tell it", rows=(
    ("no credential", {}, 401, True),
    ("a wrong token", {"Authorization": "Bearer a.b.c"}, 401, True),
    ("an expired one", "expired", 401, True),
    ("a scope is missing", "small", 403, True),
    ("two places", {"Authorization": "Bearer a.b.c"}, 400, False)))
def _(t):
    name, headers, status, tells = t.row
    inbound = dict(JWT, requiredScopes=["mcp"], allowQueryToken=True)
    if isinstance(headers, str):
        claims = keys.claims(iss=ISSUER, aud=BASE + "/s/mcp")
        if headers == "expired":
            claims["exp"] = 1000
        headers = {"Authorization": "Bearer " + keys.hs256(KEY, claims)}
    path = "/gw/s/mcp" + ("?access_token=x" if name == "two places" else "")
    with Mounted(closed(inbound=inbound)) as g:
        r = g.rpc(path, "ping", headers=headers)
        equal(r.status, status)
        equal(told(r), BASE + WELL + "/s/mcp" if tells else None)


@test("advertise", rows=(
    ("auto with jwt", JWT, True),
    ("off", dict(JWT, advertise=False), False),
    ("on", dict(JWT, advertise=True), True),
    ("tokens beside jwt", dict(JWT, strategy=["token", "jwt"],
                               token={"values": ["0123456789abcdef-m"]}),
     True),
    ("tokens alone", {"strategy": "token",
                      "token": {"values": ["0123456789abcdef-m"]}}, False),
    ("tokens alone, on", {"strategy": "token", "advertise": True,
                          "token": {"values": ["0123456789abcdef-m"]},
                          "jwt": {"issuer": ISSUER, "secret": KEY}}, True),
    ("on without an issuer", {"strategy": "token", "advertise": True,
                              "token": {"values": ["0123456789abcdef-m"]}},
     False)))
def _(t):
    _, inbound, tells = t.row
    with Mounted(closed(inbound=inbound)) as g:
        r = g.rpc("/gw/s/mcp", "ping")
        equal(r.status, 401)
        equal(told(r) is not None, tells)
        for path in ("/gw" + WELL + "/s/mcp", WELL + "/gw/s/mcp"):
            equal(g.get(path).status, 200 if tells else 404)


@test("one server's document is off, another's is there", workers=BOTH, rows=(
    ("off for one", None, False, (404, 200)),
    ("off for all but one", False, True, (200, 404)),
    ("off for all", False, None, (404, 404))))
def _(t):
    _, of_all, of_one, statuses = t.row
    conf = closed(inbound=JWT if of_all is None else
                  dict(JWT, advertise=of_all))
    if of_one is not None:
        conf["mcpServers"]["s"]["options"] = {
            "inboundAuth": dict(JWT, advertise=of_one)}
    with Mounted(conf, t.workers) as g:
        for name, status in zip(("s", "a/b"), statuses):
            r = g.get("/gw" + WELL + "/" + name + "/mcp",
                      {"Origin": "https://app.test"})
            equal(r.status, status)
            equal(told(g.rpc("/gw/" + name + "/mcp", "ping")) is not None,
                  status == 200)
            if status == 404:
                equal(r.reason, "not_found")


# ---- audience -------------------------------------------------------------------
@test("a token is for this server when no audience is configured",
      workers=BOTH, rows=(
          ("its URL", BASE + "/s/mcp", 200), ("the short one", BASE + "/s",
                                              200),
          ("another server's", BASE + "/a/b/mcp", 401),
          ("the mount's", BASE, 401), ("another host's",
                                       "https://x.test/gw/s/mcp", 401),
          ("a longer one", BASE + "/s/mcp/x", 401), ("none", None, 401),
          ("with a slash", BASE + "/s/mcp/", 401)))
def _(t):
    _, aud, status = t.row
    token = keys.hs256(KEY, keys.claims(iss=ISSUER, aud=aud))
    with Upstream() as up, Mounted(conf_of(up), t.workers) as g:
        r = g.rpc("/gw/s/mcp", "ping",
                  headers={"Authorization": "Bearer " + token})
        equal(r.status, status)
        equal(len(up.calls), 1 if status == 200 else 0)


@test("one server alone takes tokens for the mount", rows=(BASE,
                                                          BASE + "/mcp"))
def _(t):
    token = keys.hs256(KEY, keys.claims(iss=ISSUER, aud=t.row))
    with Upstream() as up, Mounted(conf_of(up, two=False)) as g:
        equal(g.rpc("/gw/mcp", "ping", headers={
            "Authorization": "Bearer " + token}).status, 200)


@test("a configured audience is the only one")
def _(t):
    inbound = {"strategy": "jwt",
               "jwt": {"issuer": ISSUER, "secret": KEY, "audience": "mine"}}
    with Upstream() as up:
        with Mounted(conf_of(up, inbound)) as g:
            for aud, status in (("mine", 200), (BASE + "/s/mcp", 401)):
                token = keys.hs256(KEY, keys.claims(iss=ISSUER, aud=aud))
                equal(g.rpc("/gw/s/mcp", "ping", headers={
                    "Authorization": "Bearer " + token}).status, status)


tap.main()
