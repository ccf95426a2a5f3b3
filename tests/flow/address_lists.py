#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""address_lists -- who may come in from where, and bans while it runs"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, alive, config, run, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


def asks(g, addr, path="/s/mcp", **more):
    return g.rpc(path, "ping", REMOTE_ADDR=addr, **more)


def gate(up, security, workers=1, own=None, **more):
    conf = config({"s": server(up, {"security": own} if own is not None
                               else None)},
                  options={"security": security}, **more)
    return Gate(conf, workers)


@test("lists", workers=(1,), rows=(
    ("denied", {"ipDeny": ["192.0.2.7"]}, "192.0.2.7", 403),
    ("not denied", {"ipDeny": ["192.0.2.7"]}, "192.0.2.8", 200),
    ("alias", {"ipBlacklist": ["192.0.2.7"]}, "192.0.2.7", 403),
    ("snake", {"ip_deny": ["192.0.2.7"]}, "192.0.2.7", 403),
    ("block", {"ipDeny": ["192.0.2.0/29"]}, "192.0.2.7", 403),
    ("beside the block", {"ipDeny": ["192.0.2.0/29"]}, "192.0.2.8", 200),
    ("host bits", {"ipDeny": ["192.0.2.5/24"]}, "192.0.2.250", 403),
    ("allowed", {"ipAllow": ["192.0.2.0/24"]}, "192.0.2.7", 200),
    ("not allowed", {"ipAllow": ["192.0.2.0/24"]}, "192.0.3.7", 403),
    ("whitelist", {"ipWhitelist": ["192.0.2.0/24"]}, "192.0.3.7", 403),
    ("nobody", {"ipAllow": []}, "192.0.2.7", 403),
    ("nobody, not even local", {"ipAllow": []}, "127.0.0.1", 403),
    ("deny wins", {"ipAllow": ["192.0.2.0/24"], "ipDeny": ["192.0.2.7"]},
     "192.0.2.7", 403),
    ("deny wins over the exact", {"ipAllow": ["192.0.2.7"],
                                  "ipDeny": ["192.0.0.0/16"]},
     "192.0.2.7", 403),
    ("mapped caller", {"ipDeny": ["192.0.2.7"]}, "::ffff:192.0.2.7", 403),
    ("mapped entry", {"ipDeny": ["::ffff:192.0.2.7"]}, "192.0.2.7", 403),
    ("mapped block", {"ipDeny": ["::ffff:192.0.2.0/120"]}, "192.0.2.7", 403),
    ("all of six is not four", {"ipAllow": ["::/0"]}, "192.0.2.7", 403),
    ("all of six", {"ipAllow": ["::/0"]}, "2001:db8::1", 200),
    ("all of four is not six", {"ipAllow": ["0.0.0.0/0"]}, "2001:db8::1",
     403),
    ("all of four", {"ipAllow": ["0.0.0.0/0"]}, "192.0.2.7", 200),
    ("not mapped", {"ipDeny": ["192.0.2.7"]}, "::192.0.2.7", 200),
    ("six block", {"ipDeny": ["2001:db8::/33"]}, "2001:db8:7fff::1", 403),
    ("beside it", {"ipDeny": ["2001:db8::/33"]}, "2001:db8:8000::1", 200),
    ("until later", {"ipDeny": [{"address": "192.0.2.7", "until": FUTURE}]},
     "192.0.2.7", 403),
    ("until then", {"ipDeny": [{"address": "192.0.2.7", "until": PAST}]},
     "192.0.2.7", 200),
    ("one of two has ended", {"ipDeny": [
        {"address": "192.0.2.7", "until": PAST},
        {"address": "192.0.2.0/24", "until": FUTURE}]}, "192.0.2.7", 403),
    ("all allowances have ended", {"ipAllow": [
        {"address": "192.0.2.7", "until": PAST}]}, "192.0.2.7", 403)))
def _(t):
    _, security, addr, status = t.row
    with Upstream() as up, gate(up, security) as g:
        r = asks(g, addr)
        equal(r.status, status)
        equal(len(up.calls), 1 if status == 200 else 0)
        if status == 403:
            equal((r.reason, r.error["code"]), ("address_denied", -32600))
            equal(r.error["message"], "address is not allowed")
            assert "id" not in r.json, r
            equal(r.header("www-authenticate"), None)
            equal(r.header("access-control-allow-origin"), None)
        equal(g.get("/health", REMOTE_ADDR=addr).status, 200)
        equal(g.get("/ready", REMOTE_ADDR=addr).status, 200)


@test("an address is denied before anything else is looked at", workers=(1,),
      rows=(("preflight", "OPTIONS", {"Origin": "https://a.example",
             "Access-Control-Request-Method": "POST"}),
            ("a bad credential", "POST", {"Authorization": "Bearer x"}),
            ("a foreign origin", "POST", {"Origin": "https://a.example"}),
            ("no such method", "PUT", {})))
def _(t):
    _, method, headers = t.row
    with Upstream() as up, gate(up, {"ipDeny": ["192.0.2.7"]}) as g:
        r = g.call(method, "/s/mcp", headers, REMOTE_ADDR="192.0.2.7")
        equal((r.status, r.reason), (403, "address_denied"))
        equal(r.header("access-control-allow-origin"), None)


@test("gateway and server", workers=(1,), rows=(
    ("the gateway's list stays", {"ipDeny": ["192.0.2.7"]},
     {"ipDeny": ["192.0.2.8"]}, "192.0.2.7", 403),
    ("and the server's own counts", {"ipDeny": ["192.0.2.7"]},
     {"ipDeny": ["192.0.2.8"]}, "192.0.2.8", 403),
    ("an allow list is replaced", {"ipAllow": ["192.0.2.7"]},
     {"ipAllow": ["192.0.2.8"]}, "192.0.2.7", 403),
    ("by the server's", {"ipAllow": ["192.0.2.7"]},
     {"ipAllow": ["192.0.2.8"]}, "192.0.2.8", 200)))
def _(t):
    _, above, own, addr, status = t.row
    with Upstream() as up, gate(up, above, own=own) as g:
        equal(asks(g, addr).status, status)


@test("pages", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"ipDeny": ["192.0.2.7"]}) as g:
        for path, status in (("/health", 200), ("/ready", 200),
                             ("/version", 403), ("/metrics", 403),
                             ("/ws", 501)):
            r = g.get(path, REMOTE_ADDR="192.0.2.7")
            equal((path, r.status), (path, status))
        equal(g.get("/version", REMOTE_ADDR="192.0.2.8").status, 200)
        equal(g.get("/metrics").status, 200)


@test("the lists look at the client behind a trusted proxy", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"ipDeny": ["192.0.2.7"]},
                                trustedProxies=["10.0.0.1"]) as g:
        def via(value, peer="10.0.0.1"):
            return asks(g, peer, headers={"X-Forwarded-For": value}).status

        equal(via("192.0.2.7"), 403)
        equal(via("192.0.2.7, 192.0.2.8"), 200)
        equal(via("192.0.2.8, 192.0.2.7"), 403)
        equal(via("192.0.2.8", peer="192.0.2.7"), 403)


@test("what is counted", workers=BOTH)
def _(t):
    with Upstream() as up, gate(up, {"ipDeny": ["192.0.2.7"]},
                                t.workers) as g:
        for _ in range(3):
            asks(g, "192.0.2.7")
        g.get("/version", REMOTE_ADDR="192.0.2.7")
        m = g.metrics()
        equal(m.total("mcpgate_ip_blocked_total", server="s"), 3)
        equal(m.total("mcpgate_ip_blocked_total", server="gateway"), 1)
        equal(m.total("mcpgate_security_violations_total",
                      reason="address_denied"), 4)


@test("10000 entries", workers=(1,))
def _(t):
    many = ["10.%d.%d.%d" % (i >> 12, i >> 4 & 255, (i & 15) * 16 + 1)
            for i in range(10000)]
    with Upstream() as up, gate(up, {"ipDeny": many}) as g:
        for addr, status in ((many[0], 403), (many[-1], 403),
                             (many[5000], 403), ("10.0.0.2", 200),
                             ("11.0.0.1", 200)):
            equal((addr, asks(g, addr).status), (addr, status))


@test("too many entries", workers=(1,), rows=(("at", 65536, 0),
                                              ("above", 65537, 78)))
def _(t):
    _, n, status = t.row
    many = ["10.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255)
            for i in range(n)]
    with Upstream() as up:
        conf = config({"s": server(up, {"security": {"ipDeny": many}})})
        with Gate(config({"s": server(up)})) as g:
            g.write(conf)
            code, _, err = run(["--check-config", "--config", g.file])
            equal(code, status)
            if status:
                assert "is not within 0..65536 entries" in err, err


# ---- while it runs ------------------------------------------------------------
def good(g, *words):
    code, out, err = g.ctl(*words)
    equal((words, code, err), (words, 0, ""))
    return out


@test("a ban counts at the next request, everywhere", workers=BOTH)
def _(t):
    with Upstream() as up, gate(up, {}, t.workers) as g:
        conns = [g.conn() for _ in range(4 * t.workers)]

        def statuses(addr):
            return {c.begin("POST", "/s/mcp", keep=True, REMOTE_ADDR=addr,
                            headers=[("Accept", "application/json")],
                            body={"jsonrpc": "2.0", "id": 1,
                                  "method": "ping"}).rest().status
                    for c in conns}

        equal(statuses("192.0.2.7"), {200})
        good(g, "ip", "ban", "192.0.2.7")
        equal(statuses("192.0.2.7"), {403})
        equal(statuses("192.0.2.8"), {200})
        good(g, "ip", "ban", "192.0.2.0/24", "--for", "1h")
        equal(statuses("192.0.2.8"), {403})
        good(g, "ip", "clear", "192.0.2.0/24")
        equal(statuses("192.0.2.8"), {200})
        equal(statuses("192.0.2.7"), {403})
        good(g, "ip", "remove", "192.0.2.7")
        equal(statuses("192.0.2.7"), {200})
        for c in conns:
            c.close()


@test("a block that is larger than it looks is told", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {}) as g:
        equal(g.ctl("ip", "ban", "192.0.2.7/24"),
              (0, "", "mcpgatectl: '192.0.2.7/24' has bits behind its "
               "prefix: read as 192.0.2.0/24\n"))
        equal(asks(g, "192.0.2.9").status, 403)
        equal(g.ctl("-q", "ip", "clear", "192.0.2.9/24"), (0, "", ""))
        equal(asks(g, "192.0.2.9").status, 200)


@test("a ban ends by itself", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {}) as g:
        good(g, "ip", "ban", "192.0.2.7", "--for", "2s")
        equal(asks(g, "192.0.2.7").status, 403)
        eventually(lambda: asks(g, "192.0.2.7").status == 200, 6)
        equal(json.loads(good(g, "--json", "ip", "list")), [])


@test("an allowance is added to the list, deny still wins", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {"ipAllow": ["192.0.2.1"],
                                     "ipDeny": ["192.0.2.9"]}) as g:
        equal(asks(g, "192.0.2.7").status, 403)
        good(g, "ip", "allow", "192.0.2.0/28", "--for", "1h")
        equal(asks(g, "192.0.2.7").status, 200)
        equal(asks(g, "192.0.2.9").status, 403)
        good(g, "ip", "ban", "192.0.2.7")
        equal(asks(g, "192.0.2.7").status, 403)
        good(g, "ip", "allow", "192.0.2.7")
        equal(asks(g, "192.0.2.7").status, 200)
        good(g, "ip", "clear", "192.0.2.7")
        good(g, "ip", "clear", "192.0.2.0/28")
        equal(asks(g, "192.0.2.7").status, 403)
        equal(asks(g, "192.0.2.1").status, 200)


@test("bans outlive workers, reloads and the pool", workers=(1,))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up)})
        with Gate(conf, mortal=True) as g:
            good(g, "ip", "ban", "192.0.2.7")
            pid = g.worker_pids()[0]
            g.kill(pid)
            eventually(lambda: not alive(pid) and g.worker_pids() and
                       g.get("/health").status == 200)
            equal(asks(g, "192.0.2.7").status, 403)
            g.end()
            g.start()
            equal(asks(g, "192.0.2.7").status, 403)


@test("the list", workers=(1,))
def _(t):
    with Upstream() as up, gate(up, {}) as g:
        equal(good(g, "ip", "list"), "")
        good(g, "-q", "ip", "ban", "2001:DB8::1/64")
        good(g, "ip", "ban", "192.0.2.7", "--for", "1h")
        good(g, "ip", "allow", "::ffff:192.0.2.8")
        got = json.loads(good(g, "--json", "ip", "list"))
        equal([(e["address"], e["kind"]) for e in got],
              [("192.0.2.7", "ban"), ("192.0.2.8", "allow"),
               ("2001:db8::/64", "ban")])
        left = got[0]["secondsLeft"]
        assert 3590 <= left <= 3600, left
        assert got[0]["until"].endswith("Z")
        equal((got[1]["until"], got[1]["secondsLeft"]), (None, None))
        text = good(g, "ip", "list")
        equal(len(text.splitlines()), 4)
        equal(text.split()[:3], ["address", "kind", "until"])


@test("what cannot be done", workers=(1,), rows=(
    ("no word", ["ip"], 64), ("another word", ["ip", "kick", "1.2.3.4"], 64),
    ("no address", ["ip", "ban"], 64),
    ("a name", ["ip", "ban", "example.org"], 65),
    ("unix", ["ip", "ban", "unix:"], 65),
    ("a leading zero", ["ip", "ban", "192.0.2.07"], 65),
    ("too long", ["ip", "ban", "192.0.2.7/33"], 65),
    ("too short for a mapped one", ["ip", "ban", "::ffff:1.2.3.4/95"], 65),
    ("no unit", ["ip", "ban", "192.0.2.7", "--for", "3600"], 64),
    ("no time", ["ip", "ban", "192.0.2.7", "--for", "0"], 64),
    ("not there", ["ip", "clear", "192.0.2.7"], 65),
    ("what is over", ["ip", "ban", "192.0.2.7", "--until",
                      "2020-01-01T00:00:00Z"], 64),
    ("a time for a list", ["ip", "list", "--for", "1h"], 64)))
def _(t):
    with Upstream() as up, gate(up, {}) as g:
        code, _, err = g.ctl(*t.row[1])
        equal(code, t.row[2])
        assert err.startswith("mcpgatectl: "), err
        equal(good(g, "ip", "list"), "")
        equal(asks(g, "192.0.2.7").status, 200)


tap.main()
