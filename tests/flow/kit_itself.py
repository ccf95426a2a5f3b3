#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kit_itself -- the scripted peers do what the other tests believe"""
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, gate, keys, tap  # noqa: E402
from kit.proxy import Proxy, Socks  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream, by_token  # noqa: E402

ASK = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


def post(url, *handlers, headers=None):
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), *handlers)
    return opener.open(urllib.request.Request(url, ASK, headers or {}), None,
                       10)


@test("the upstream records and answers")
def _(t):
    with Upstream() as up:
        equal(json.load(post(up.url()))["result"], {"method": "ping"})
        equal(up.calls[0].body, ASK)
        equal(up.calls[0].header("content-length"), str(len(ASK)))


@test("the upstream tells tokens apart")
def _(t):
    with Upstream(by_token({"bad": 401})) as up:
        equal(post(up.url(), headers={"Authorization": "Bearer x"}).status,
              200)
        try:
            post(up.url(), headers={"Authorization": "Bearer bad"})
            assert False, "no 401"
        except urllib.error.HTTPError as e:
            equal(e.code, 401)
        equal(up.tokens(), ["x", "bad"])


@test("the upstream streams in chunks and notices a gone peer")
def _(t):
    gone = []

    def script(q, out):
        out.sse()
        out.event({"n": 1}, id="7")
        gone.append(out.gone(5))
        out.close = True

    with Upstream(script) as up:
        s = socket.create_connection(("127.0.0.1", up.port))
        s.sendall(b"GET /mcp HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        while b"data" not in data:
            data += s.recv(4096)
        assert b'id: 7\ndata: {"n": 1}\n\n' in data, data
        s.close()
        tap.eventually(lambda: gone, 3)
        assert gone[0] is not None


@test("proxies ask for a login and record where they go",
      rows=(("HTTP", Proxy, "http"), ("SOCKS5", Socks, "socks5h")))
def _(t):
    _, kind, scheme = t.row
    with Upstream() as up, kind(user="u", password="p") as p:
        def ask(login):
            return subprocess.run(
                ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-x",
                 p.url(login, scheme), "-d", ASK.decode(), up.url()],
                stdout=subprocess.PIPE, text=True,
                env=gate.clean_environment()).stdout

        equal(ask("u:p"), "200")
        assert ask("u:wrong") != "200"
        equal(len(up.calls), 1)
        assert str(up.port) in p.asked[0]
        equal(p.credentials[0], "u:p")


@test("CONNECT tunnels TLS")
def _(t):
    ca, context = keys.authority()
    with Upstream(tls=context) as up, Proxy() as p:
        done = subprocess.run(
            ["curl", "-s", "--cacert", ca, "-x", p.url(), "-d", ASK.decode(),
             up.url(host="localhost")], stdout=subprocess.PIPE,
            env=gate.clean_environment())
        equal(json.loads(done.stdout)["id"], 1)
        equal(p.asked, ["localhost:%d" % up.port])


@test("FastCGI lengths below and above 127")
def _(t):
    equal(fcgi.pair("A", "b"), b"\1\1Ab")
    long = fcgi.pair("A" * 128, "")
    equal(long[:5], b"\x80\0\0\x80\0")


@test("events are read in any form")
def _(t):
    got = list(fcgi.parse_events(b":\n\nid: 1\r\ndata: a\r\ndata:b\r\n\r\n"))
    equal(got, [{}, {"id": "1", "data": "a\nb"}])


@test("a secret that shows is found")
def _(t):
    with gate.Gate(gate.config({}), mode="cgi") as g:
        value = gate.secret("shown")
        g.seen(b"... " + value.encode() + b" ...")
        try:
            g.check_secrets()
            assert False, "it was not found"
        except AssertionError as e:
            assert "is in the replies" in str(e), e
        finally:
            gate._canaries.discard(value)


@test("signatures are what openssl says they are")
def _(t):
    rsa = keys.rsa()
    token = keys.rs256(rsa, keys.claims())
    equal(token.count("."), 2)
    equal(len(keys.rsa().jwk("k")["n"]), 342)       # 2048 bits


@test("metrics are read with their labels")
def _(t):
    m = gate.Metrics('# HELP a b\na{x="1",y="2"} 3\na{x="2"} 4\nb 5\n')
    equal((m.total("a"), m.total("a", x="1"), m.total("b")), (7, 3, 5))


tap.main()
