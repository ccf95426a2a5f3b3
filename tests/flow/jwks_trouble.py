#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""jwks_trouble -- key sets that cannot be fetched, fetchers that die, CGI"""
import json
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate  # noqa: E402
from kit.idp import Idp, ask, conf_of  # noqa: E402
from kit.proxy import Proxy  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream  # noqa: E402

BOTH = (1, 4)


@test("nothing was ever fetched: 503, and it recovers", workers=BOTH,
      rows=("dead", "drop", 500, "garbage", 404))
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        if t.row == "dead":
            idp.die()
        else:
            idp.lies["/jwks"] = t.row
        with Gate(conf_of(up, idp), t.workers) as g:
            r = ask(g, idp.token("k1"))
            equal(r.status, 503)
            equal(r.reason, "auth_unavailable")
            wait = 5 if t.row in ("dead", "drop", 500) else 30
            equal(r.header("retry-after"), str(wait))
            equal(r.header("www-authenticate"), None)
            for _ in range(4):      # nobody tries again before that
                equal(ask(g, idp.token("k1")).status, 503)
            if t.row != "dead":
                equal(idp.count("/jwks"), 1)
            equal(g.log_count("cannot fetch the keys"), 1)
            equal(ask(g, idp.token("k1", exp=5)).status, 401)
            if t.row == "dead":
                idp.live()
            idp.lies.clear()
            if wait == 5:
                eventually(lambda: ask(g, idp.token("k1")).status == 200,
                           10, "the recovery")


@test("an endpoint that is dead: known keys work, unknown ones are 401",
      workers=BOTH)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), t.workers) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            equal(json.loads(g.get("/ready").body), {"status": "ok"})
            idp.die()
            other = idp.token("k2", key=keys.rsa("second"))
            for _ in range(4):
                equal(ask(g, other).status, 401)
                equal(ask(g, idp.token("k1")).status, 200)
            r = g.get("/ready")
            equal(r.status, 200)
            equal(json.loads(r.body), {"status": "ok", "staleKeySets": 1})
            code, out, _ = g.ctl("status")
            equal(code, 0)
            assert "stale  " + idp.url("/jwks") in out, out
            code, out, _ = g.ctl("status", "--json")
            sets = json.loads(out)["keySets"]
            equal([(s["url"], s["keys"], s["stale"]) for s in sets],
                  [(idp.url("/jwks"), 1, True)])


@test("an endpoint that hangs is waited for, not for long")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.lies["/jwks"] = "stall"
        with Gate(conf_of(up, idp), 2) as g:
            began = time.monotonic()
            got = []
            threads = [threading.Thread(target=lambda: got.append(
                ask(g, idp.token("k1")).status)) for _ in range(6)]
            for th in threads:
                th.start()
            time.sleep(0.5)         # others are not held up by that
            before = time.monotonic()
            equal(g.get("/health").status, 200)
            assert time.monotonic() - before < tap.SLOW
            for th in threads:
                th.join(15)
            equal(got, [503] * 6)
            assert 3 < time.monotonic() - began < 8 * tap.SLOW
            equal(idp.count("/jwks"), 1)


@test("so many wait for one set, and no more", limit=90)
def _(t):
    most = 256
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        hold = Hold()

        def slow(q, out):
            hold.wait()
            out.json(idp.jwks())

        idp.lies["/jwks"] = slow
        conf = conf_of(up, idp)
        conf["mcpProxy"]["limits"] = {"inFlight": 1000}
        with Gate(conf) as g:
            rows = [("Authorization", "Bearer " + idp.token("k1")),
                    ("Accept", "application/json, text/event-stream"),
                    ("Content-Type", "application/json")]
            ask_it = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
            conns = [g.conn() for _ in range(most)]
            streams = [c.begin("POST", "/s/mcp", rows, ask_it)
                       for c in conns]
            eventually(lambda: g.metrics().total("mcpgate_in_flight")
                       >= most, 4, "all who wait")
            r = ask(g, idp.token("k1"))
            equal(r.status, 503)
            equal(r.header("retry-after"), "5")
            hold.go()
            equal({s.rest().status for s in streams}, {200})
            equal(idp.count("/jwks"), 1)
            for c in conns:
                c.close()


def fetcher(g, port):
    """The worker that has a connection to a port; None: no one."""
    inodes = set()
    with open("/proc/net/tcp") as f:
        for line in f.read().splitlines()[1:]:
            w = line.split()
            if w[2].endswith(":%04X" % port) and w[3] == "01":
                inodes.add("socket:[%s]" % w[9])
    for pid in g.worker_pids():
        try:
            for fd in os.listdir("/proc/%d/fd" % pid):
                if os.readlink("/proc/%d/fd/%s" % (pid, fd)) in inodes:
                    return pid
        except FileNotFoundError:
            continue
    return None


@test("who fetches is killed: others recover", limit=90)
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.lies["/jwks"] = "stall"
        with Gate(conf_of(up, idp), 4, mortal=True) as g:
            token = idp.token("k1")

            def victim():
                try:
                    ask(g, token, seconds=3)
                except Exception:       # its worker is gone
                    pass

            th = threading.Thread(target=victim)
            th.start()
            eventually(lambda: idp.count("/jwks") == 1, 5, "the fetch")
            pid = eventually(lambda: fetcher(g, idp.port), 5, "the fetcher")
            g.kill(pid)
            idp.lies.clear()
            eventually(lambda: ask(g, token).status == 200, 15,
                       "the recovery")
            th.join(10)
            equal(idp.count("/jwks"), 2)


@test("TLS: a certificate that is trusted, and one that is not",
      rows=("trusted", "unknown", "another name"))
def _(t):
    ca, context = keys.authority()
    with Idp(tls=context) as idp, Upstream() as up:
        idp.add("k1")
        env = {"SSL_CERT_FILE": ca} if t.row != "unknown" else {}
        conf = conf_of(up, idp)
        if t.row == "another name":
            conf["mcpProxy"]["options"]["inboundAuth"]["jwt"]["jwksUrl"] = \
                "https://127.0.0.2:%d/jwks" % idp.port
        with Gate(conf, env=env) as g:
            r = ask(g, idp.token("k1"))
            equal(r.status, 200 if t.row == "trusted" else 503)
            if t.row == "unknown":
                g.log_has("certificate is not trusted")


@test("TLS: nothing that switches the check off counts for keys")
def _(t):
    _, context = keys.authority()
    with Idp(tls=context) as idp, Upstream() as up:
        idp.add("k1")
        conf = conf_of(up, idp)
        conf["mcpServers"]["s"]["options"]["tls"] = \
            {"insecureSkipVerify": True}
        with Gate(conf) as g:
            equal(ask(g, idp.token("k1")).status, 503)


# ---- plain CGI ----------------------------------------------------------
def cgi(g, token):
    r, _ = g.cgi("POST", "/s/mcp", {
        "Authorization": "Bearer " + token,
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json"},
        {"jsonrpc": "2.0", "id": 1, "method": "ping"})
    return r


@test("CGI alone: one process fetches, the next ones have it")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), mode="cgi") as g:
            for i in range(4):
                equal(cgi(g, idp.token("k1", jti=str(i))).status, 200)
            equal(idp.count("/jwks"), 1)
            idp.rotate("k1", "k2")
            equal(cgi(g, idp.token("k2")).status, 200)
            equal(idp.count("/jwks"), 2)
            equal(cgi(g, idp.token("k3", key=keys.rsa("second"))).status,
                  401)
            equal(idp.count("/jwks"), 2)


@test("CGI processes at once: one fetches")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        idp.delay = 0.5
        with Gate(conf_of(up, idp), mode="cgi") as g:
            token, got = idp.token("k1"), []
            threads = [threading.Thread(
                target=lambda: got.append(cgi(g, token).status))
                for _ in range(5)]
            for th in threads:
                th.start()
            for th in threads:
                th.join(20)
            equal(got, [200] * 5)
            equal(idp.count("/jwks"), 1)


@test("CGI uses what workers fetched")
def _(t):
    with Idp() as idp, Upstream() as up:
        idp.add("k1")
        with Gate(conf_of(up, idp), 2) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            idp.die()
            equal(cgi(g, idp.token("k1", jti="2")).status, 200)


@test("a key endpoint through the outbound proxy of the server")
def _(t):
    with Idp() as idp, Upstream() as up, Proxy() as proxy:
        idp.add("k1")
        conf = conf_of(up, idp)
        conf["mcpServers"]["s"]["options"]["proxy"] = {"url": proxy.url()}
        with Gate(conf) as g:
            equal(ask(g, idp.token("k1")).status, 200)
            equal(idp.count("/jwks"), 1)
            assert proxy.asked, "nothing went through the proxy"


tap.main()
