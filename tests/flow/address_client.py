#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""address_client -- at which address is a caller, whatever he says himself"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, run, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
PROXIES = ["10.0.0.0/8", "2001:db8:aaaa::/48"]
XFF = "X-Forwarded-For"


def gate(up, workers=1, proxies=PROXIES, headers=None, **options):
    more = {"clientIp": {"headers": headers}} if headers else {}
    return Gate(config({"s": server(up, options)}, trustedProxies=proxies,
                       **more), workers)


def client_of(g, r):
    """What the access line says of the request."""
    want = r.header("x-request-id")

    def line():
        found = [ln for ln in g.log_lines()
                 if ln.get("request_id") == want and "status" in ln]
        return found[0] if found else None

    return eventually(line, 5, "the access line").get("client")


@test("the walk through X-Forwarded-For", workers=(1,), rows=(
    ("nobody is trusted", "192.0.2.9", ["1.1.1.1"], "192.0.2.9"),
    ("no header", "10.0.0.1", [], "10.0.0.1"),
    ("one", "10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
    ("the last counts", "10.0.0.1", ["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
    ("through proxies", "10.0.0.1", ["1.1.1.1, 192.0.2.7, 10.2.3.4,10.9.9.9"],
     "192.0.2.7"),
    ("all are trusted", "10.0.0.1", ["10.5.5.5, 10.2.3.4"], "10.5.5.5"),
    ("garbage at the end", "10.0.0.1", ["192.0.2.7, evil"], "10.0.0.1"),
    ("garbage before a proxy", "10.0.0.1", ["192.0.2.7, evil, 10.2.2.2"],
     "10.2.2.2"),
    ("empty element", "10.0.0.1", ["192.0.2.7,, 10.2.2.2"], "10.2.2.2"),
    ("empty at the end", "10.0.0.1", ["192.0.2.7,"], "10.0.0.1"),
    ("port", "10.0.0.1", ["192.0.2.7:4711"], "192.0.2.7"),
    ("bad port", "10.0.0.1", ["192.0.2.7:99999"], "10.0.0.1"),
    ("six", "10.0.0.1", ["2001:DB8::7"], "2001:db8::7"),
    ("six in brackets", "10.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
    ("six with port", "10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
    ("six through six", "2001:db8:aaaa::1", ["192.0.2.7,2001:db8:aaaa::2"],
     "192.0.2.7"),
    ("mapped", "10.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
    ("mapped peer", "::ffff:10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
    ("mapped proxy", "10.0.0.1", ["192.0.2.7, ::ffff:10.1.1.1"],
     "192.0.2.7"),
    ("leading zero", "10.0.0.1", ["192.0.2.07"], "10.0.0.1"),
    ("octal", "10.0.0.1", ["0300.0.2.7"], "10.0.0.1"),
    ("zone", "10.0.0.1", ["fe80::1%eth0"], "10.0.0.1"),
    ("unknown", "10.0.0.1", ["unknown"], "10.0.0.1"),
    ("blanks", "10.0.0.1", ["1.1.1.1 ,\t 192.0.2.7 \t"], "192.0.2.7"),
    ("32 elements", "10.0.0.1", [", ".join(["1.1.1.1"] * 31 +
                                           ["192.0.2.7"])], "192.0.2.7"),
    ("33 elements", "10.0.0.1", [", ".join(["1.1.1.1"] * 33)], 400),
    ("33 from a stranger", "192.0.2.9", [", ".join(["1.1.1.1"] * 33)],
     "192.0.2.9"),
    ("twice", "10.0.0.1", ["1.1.1.1", "192.0.2.7"], 400),
    ("twice from a stranger", "192.0.2.9", ["1.1.1.1", "192.0.2.7"],
     "192.0.2.9")))
def _(t):
    _, peer, values, want = t.row
    with Upstream() as up, gate(up) as g:
        r = g.rpc("/s/mcp", "ping", REMOTE_ADDR=peer,
                  headers=[(XFF, v) for v in values])
        if isinstance(want, int):
            equal((r.status, r.reason), (want, "bad_request"))
            equal(up.calls, [])
        else:
            equal(r.status, 200)
            equal(client_of(g, r), want)


@test("Forwarded, when it is listed", workers=(1,), rows=(
    ("plain", "for=192.0.2.7", "192.0.2.7"),
    ("more pairs", "proto=https;FOR=192.0.2.7;by=10.0.0.1", "192.0.2.7"),
    ("blanks", " for=192.0.2.7 ; proto=https , for=10.1.1.1 ", "192.0.2.7"),
    ("quoted", 'for="192.0.2.7"', "192.0.2.7"),
    ("quoted port", 'for="192.0.2.7:47011"', "192.0.2.7"),
    ("six", 'for="[2001:db8::7]"', "2001:db8::7"),
    ("six with port", 'for="[2001:db8::7]:4711"', "2001:db8::7"),
    ("hidden port", 'for="192.0.2.7:_x.y"', "192.0.2.7"),
    ("six without brackets", 'for="2001:db8::7"', "10.0.0.1"),
    ("four in brackets", 'for="[192.0.2.7]"', "10.0.0.1"),
    ("port without quotes", "for=192.0.2.7:80", "10.0.0.1"),
    ("unknown", "for=192.0.2.7, for=unknown", "10.0.0.1"),
    ("hidden", "for=192.0.2.7, for=_gazonk, for=10.2.2.2", "10.2.2.2"),
    ("without for", "for=192.0.2.7, proto=https", "10.0.0.1"),
    ("for twice", "for=1.1.1.1;for=192.0.2.7", "10.0.0.1"),
    ("a comma in quotes", 'for=192.0.2.7;host="a, for=1.1.1.1"',
     "192.0.2.7"),
    ("an open quote of a client's", 'for="evil, for=192.0.2.7', "192.0.2.7"),
    ("a quote that would swallow", 'for="x, for="[2001:db8::7]"',
     "2001:db8::7"),
    ("escaped quotes of a proxy's",
     'for=192.0.2.7;host="e\\", for=1.1.1.1, x=\\""', "192.0.2.7"),
    ("XFF is not read", None, "10.0.0.1"),
    ("32", ", ".join(["for=1.1.1.1"] * 31 + ["for=192.0.2.7"]),
     "192.0.2.7"),
    ("33", ", ".join(["for=1.1.1.1"] * 33), 400)))
def _(t):
    _, value, want = t.row
    headers = [(XFF, "1.2.3.4")]
    if value is not None:
        headers.append(("Forwarded", value))
    with Upstream() as up, gate(up, headers=["Forwarded"]) as g:
        r = g.rpc("/s/mcp", "ping", REMOTE_ADDR="10.0.0.1", headers=headers)
        if isinstance(want, int):
            equal((r.status, r.reason), (want, "bad_request"))
        else:
            equal(r.status, 200)
            equal(client_of(g, r), want)


@test("the first listed header that is there is read", workers=(1,), rows=(
    ("both", {"X-Real-IP": "192.0.2.1", XFF: "192.0.2.2"}, "192.0.2.1"),
    ("the second alone", {XFF: "192.0.2.2"}, "192.0.2.2"),
    ("empty is absent", {"X-Real-IP": "", XFF: "192.0.2.2"}, "192.0.2.2"),
    ("one that is not listed", {"CF-Connecting-IP": "192.0.2.3"},
     "10.0.0.1")))
def _(t):
    _, headers, want = t.row
    with Upstream() as up, gate(up, headers=["X-Real-IP", XFF]) as g:
        r = g.rpc("/s/mcp", "ping", REMOTE_ADDR="10.0.0.1", headers=headers)
        equal(client_of(g, r), want)


@test("X-Real-IP is nothing unless listed", workers=(1,))
def _(t):
    with Upstream() as up, gate(up) as g:
        r = g.rpc("/s/mcp", "ping", REMOTE_ADDR="10.0.0.1", headers={
            "X-Real-IP": "192.0.2.1", "Forwarded": "for=192.0.2.2",
            "X-Client-IP": "192.0.2.3", "True-Client-IP": "192.0.2.4",
            "Client-IP": "192.0.2.5", "X-Forwarded": "192.0.2.6",
            "CF-Connecting-IP": "192.0.2.7", "X-Originating-IP": "192.0.2.8"})
        equal(client_of(g, r), "10.0.0.1")


@test("peers without an address", workers=(1,), rows=(
    ("trusted", "unix:", ["unix:"], "192.0.2.7", "192.0.2.7"),
    ("trusted, with a path", "unix:/run/x", ["unix:"], "192.0.2.7",
     "192.0.2.7"),
    ("trusted, no name for it", "", ["unix:"], "192.0.2.7", "192.0.2.7"),
    ("through a proxy", "unix:", ["unix:", "10.0.0.0/8"],
     "192.0.2.7, 10.1.1.1", "192.0.2.7"),
    ("nothing usable", "unix:", ["unix:"], "evil", 500),
    ("no header", "unix:", ["unix:"], None, 500),
    ("not trusted", "unix:", PROXIES, "192.0.2.7", 500),
    ("no peer", "", PROXIES, "192.0.2.7", 500),
    ("not an address", "localhost", PROXIES, "192.0.2.7", 500),
    ("a host with port", "10.0.0.1:80", PROXIES, "192.0.2.7", 500)))
def _(t):
    _, peer, proxies, value, want = t.row
    headers = {XFF: value} if value else {}
    with Upstream() as up, gate(up, proxies=proxies) as g:
        r = g.rpc("/s/mcp", "ping", REMOTE_ADDR=peer, headers=headers)
        if want == 500:
            equal((r.status, r.reason), (500, "no_client_address"))
            equal(r.error["code"], -32603)
            equal(up.calls, [])
        else:
            equal(r.status, 200)
            equal(client_of(g, r), want)
        equal(g.get("/health", REMOTE_ADDR=peer).status, 200)


@test("without rules for addresses a unix peer needs none", workers=(1,),
      rows=(("no rule", {}, 200),
            ("a list", {"ipDeny": ["192.0.2.1"]}, 500),
            ("a limit", {"rateLimit": {"perIpRequestsPerMinute": 9}}, 500),
            ("a day's", {"rateLimit": {"perIpRequestsPerDay": 9}}, 500)))
def _(t):
    _, security, status = t.row
    with Upstream() as up, gate(up, proxies=[], security=security) as g:
        equal(g.rpc("/s/mcp", "ping", REMOTE_ADDR="unix:").status, status)


@test("the peer of another variable", workers=(1,))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up)}, trustedProxies=["10.0.0.0/8"],
                      clientIp={"peerParam": "MCPGATE_PEER_ADDR"})
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", "ping", REMOTE_ADDR="192.0.2.9",
                      MCPGATE_PEER_ADDR="10.0.0.1",
                      headers={XFF: "192.0.2.7"})
            equal(client_of(g, r), "192.0.2.7")
            r = g.rpc("/s/mcp", "ping", REMOTE_ADDR="10.0.0.1",
                      MCPGATE_PEER_ADDR="192.0.2.9",
                      headers={XFF: "192.0.2.7",
                               "Mcpgate-Peer-Addr": "10.0.0.1"})
            equal(client_of(g, r), "192.0.2.9")


@test("who comes through a proxy on this machine is no local client",
      workers=(1,))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        equal(g.get("/metrics").status, 200)
        equal(g.get("/metrics", [(XFF, "127.0.0.1")]).status, 403)


@test("pages that look at addresses are not fooled", workers=(1,), rows=(
    ("the proxy's own address", [], 200), ("a stranger", ["192.0.2.7"], 403),
    ("too many", [", ".join(["1.1.1.1"] * 33)], 400),
    ("twice", ["1.1.1.1", "192.0.2.7"], 400)))
def _(t):
    _, values, status = t.row
    with Upstream() as up:
        conf = config({"s": server(up)}, trustedProxies=["10.0.0.1"],
                      metrics={"allowIps": ["10.0.0.0/8"]})
        with Gate(conf) as g:
            rows = [(XFF, v) for v in values]
            equal(g.get("/metrics", rows, REMOTE_ADDR="10.0.0.1").status,
                  status)
            equal(g.get("/health", rows, REMOTE_ADDR="10.0.0.1").status, 200)


EACH = "the trusted proxies have to write or append to each of "


@test("who has to write the headers is told at the start", rows=(
    ("the usual one", PROXIES, ["x-forwarded-for"], None),
    ("another one", PROXIES, ["Forwarded"], "Forwarded"),
    ("two", PROXIES, ["X-Forwarded-For", "X-Real-IP"],
     "X-Forwarded-For, X-Real-IP"),
    ("nobody is trusted", [], ["X-Real-IP"], None)))
def _(t):
    _, proxies, headers, said = t.row
    with Gate(config({"s": server("http://127.0.0.1:9/")},
                     trustedProxies=proxies,
                     clientIp={"headers": headers}), mode="cgi") as g:
        code, _, err = run(["-t", "--config", g.file])
    equal(code, 0)
    assert (EACH in err) == (said is not None), err
    assert said is None or "clientIp.headers: " + EACH + said + "\n" in err


@test("a request that fails early is told with its address", workers=(1,))
def _(t):
    with Upstream() as up, gate(up) as g:
        r = g.rpc("/nowhere", "ping", REMOTE_ADDR="10.0.0.1",
                  headers={XFF: "192.0.2.7"})
        equal(r.status, 404)
        equal(client_of(g, r), "192.0.2.7")


tap.main()
