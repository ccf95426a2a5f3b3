#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""upstream_trouble -- an upstream that is down, slow, rude or broken"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, free_port, pool, secret, \
    server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream, plain  # noqa: E402

BOTH = (1, 4)
A, B = secret("a"), secret("b")
FIRST = pool(A, B, rotationMode="on-first-failed")
GOOD = b'{"jsonrpc":"2.0","id":1,"result":{}}'


def unmarked(g, up=None, calls=1):
    """No other token was tried, none is cooling."""
    assert "cooling" not in g.log_text()
    if up is not None:
        equal(len(up.calls), calls)
        equal(set(up.tokens()), {A})


# waits: forward fault
@test("an upstream that is not there", workers=BOTH, rows=(
    ("refused", "http://127.0.0.1:%d/mcp" % free_port(), 502,
     "upstream_down"),
    ("no such host", "http://no-such-host.invalid/mcp", 502,
     "upstream_down")))
def _(t):
    _, url, status, reason = t.row
    with Gate(config({"s": server(url, FIRST)}), t.workers) as g:
        r = g.rpc("/s/mcp", "ping", id=8)
        equal(r.status, status)
        equal(r.reason, reason)
        equal(r.json["id"], 8)
        assert b"127.0.0.1" not in r.body and b"invalid" not in r.body
        unmarked(g)


@test("an upstream whose certificate nobody knows", workers=BOTH)
def _(t):
    _, context = keys.authority()
    with Upstream(tls=context) as up, Gate(config({"s": server(
            up.url(host="localhost"), FIRST)}), t.workers) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 502)
        equal(r.reason, "upstream_tls")
        equal(up.calls, [])


@test("TLS settings", rows=(
    ("own CA", {}, "localhost", 200),
    ("another name", {}, "127.0.0.2", 502),
    ("skip", {"caFile": None, "insecureSkipVerify": True}, "127.0.0.1",
     200)))
def _(t):
    _, more, host, status = t.row
    ca, context = keys.authority()
    tls = {k: v for k, v in dict({"caFile": ca}, **more).items() if v}
    with Upstream(tls=context) as up, Gate(config({"s": server(
            up.url(host=host), {"tls": tls})})) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, status)


# waits: forward deadline
@test("an upstream that takes too long", workers=BOTH, rows=(
    ("for its headers", {"timeout": "400ms"}, 504),
    ("by firstByte", {"options": dict(
        FIRST, timeouts={"firstByte": "400ms"})}, 504)))
def _(t):
    _, more, status = t.row

    def script(q, out):
        out.gone(5)
        out.close = True

    with Upstream(script) as up:
        entry = server(up, FIRST)
        entry.update(more)
        with Gate(config({"s": entry}), t.workers) as g:
            began = time.monotonic()
            r = g.rpc("/s/mcp", "ping", id="late")
            equal(r.status, status)
            equal(r.reason, "upstream_timeout")
            equal(r.json["id"], "late")
            assert 0.3 < time.monotonic() - began < 3
            unmarked(g, up)


@test("a tool's time limit", workers=(1,), rows=(
    ("a slow tool has its own", ["slow"], 200),
    ("another has the server's", ["other"], 504),
    ("a prompt is no tool", "prompt", 504),
    ("the slowest of a batch counts", ["other", "slow"], 200),
    ("wherever it stands", ["slow", "other"], 200),
    ("a quick one alone", ["quick", "quick"], 504)))
def _(t):
    _, tools, status = t.row

    def script(q, out):
        time.sleep(0.9)
        plain(q, out)

    def call(i, tool):
        return {"jsonrpc": "2.0", "id": i, "method": "tools/call",
                "params": {"name": tool, "arguments": {}}}

    body = [call(i, tool) for i, tool in enumerate(tools)]
    if tools == "prompt":
        body = [{"jsonrpc": "2.0", "id": 1, "method": "prompts/get",
                 "params": {"name": "slow"}}]
    with Upstream(script) as up:
        entry = server(up, {"timeouts": {"tools": {
            "slow": "20s", "quick": "200ms"}}}, timeout="400ms")
        with Gate(config({"s": entry})) as g:
            equal(g.post("/s/mcp", body[0] if len(body) == 1 else body)
                  .status, status)


@test("a body that stops midway", workers=BOTH)
def _(t):
    def script(q, out):
        out.head(200, [("Content-Type", "application/json"),
                       ("Content-Length", "1000")])
        out.raw(GOOD)
        out.drop()

    with Upstream(script) as up, Gate(config({"s": server(up, FIRST)}),
                                      t.workers) as g:
        c = g.conn()
        s = c.begin("POST", "/s/mcp", body={"jsonrpc": "2.0", "id": 1,
                                            "method": "ping"})
        try:
            r = s.rest()
            # either told before it began, or visibly short
            assert r.status == 502 or len(r.body) < int(
                r.header("content-length")), r
        except Exception as e:
            assert type(e).__name__ == "Gone", e
        c.close()
        unmarked(g, up)
        equal(g.rpc("/s/mcp", "ping", headers={}).status in (200, 502),
              True)


@test("a reply that is none", workers=BOTH, rows=(
    ("garbage", b"\x00\x01garbage\r\n\r\n"),
    ("closes without a word", b""),
    ("half a header", b"HTTP/1.1 200 OK\r\nContent-Ty"),
    ("no status", b"HTTP/1.1 abc\r\n\r\n"),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 5\r\nContent-Length: 37\r\n\r\n"
                    + GOOD),
    ("a broken chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                       b"Content-Type: application/json\r\n\r\nzz\r\n")))
def _(t):
    def script(q, out):
        out.raw(t.row[1])
        out.drop()

    with Upstream(script) as up, Gate(config({"s": server(up, FIRST)}),
                                      t.workers) as g:
        r = None
        try:
            r = g.rpc("/s/mcp", "ping", id=1)
        except Exception as e:
            assert type(e).__name__ == "Gone", e
        if r is not None:
            equal(r.status, 502)
            assert r.reason in ("upstream_protocol", "upstream_down"), r
        unmarked(g)


@test("headers that are too large", workers=BOTH, rows=(
    ("one", [("X-Long", "x" * 17000)]),
    ("together", [("X-%d" % i, "x" * 900) for i in range(20)]),
    ("many", [("X-%d" % i, "y") for i in range(120)])))
def _(t):
    with Upstream(lambda q, out: out.body(200, GOOD, t.row[1])) as up, \
            Gate(config({"s": server(up, FIRST)}), t.workers) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 502)
        equal(r.reason, "upstream_protocol")
        unmarked(g)


@test("a content type nobody asked for", workers=BOTH, rows=(
    "text/html", "text/plain", "application/octet-stream", None))
def _(t):
    with Upstream(lambda q, out: out.body(200, b"<html>", kind=t.row)) \
            as up, Gate(config({"s": server(up, FIRST)}), t.workers) as g:
        r = g.rpc("/s/mcp", "ping", id=1)
        equal(r.status, 502)
        equal(r.reason, "upstream_protocol")
        assert b"<html>" not in r.body
        unmarked(g, up)


CODED = ("Content-Encoding", "gzip")
PLAIN = ("Content-Encoding", "identity")


@test("a reply without what was asked for", workers=(1,), rows=(
    ("204 that says JSON", 204, b"", []), ("205", 205, b"", []),
    ("no byte", 200, b"", []), ("coded", 200, GOOD, [CODED]),
    ("coded, after a word to the contrary", 200, GOOD, [PLAIN, CODED]),
    ("coded, before it", 200, GOOD, [CODED, PLAIN])))
def _(t):
    _, status, body, headers = t.row

    def closes(q, out):
        out.head(status, headers + [("Content-Type", "application/json")])
        out.raw(body)
        out.drop()

    for script in (closes, lambda q, out: out.body(status, body, headers)):
        with Upstream(script) as up, Gate(config({"s": server(
                up, FIRST)})) as g:
            r = g.rpc("/s/mcp", "ping", id="i")
            equal((r.status, r.reason, r.json["id"]),
                  (502, "upstream_protocol", "i"))
            unmarked(g, up)


@test("100 and 103 before the answer", workers=BOTH)
def _(t):
    def script(q, out):
        out.raw(b"HTTP/1.1 100 Continue\r\n\r\n"
                b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n"
                b"X-Accel-Redirect: /etc/passwd\r\n\r\n")
        out.body(200, GOOD)

    with Upstream(script) as up, Gate(config({"s": server(up)}),
                                      t.workers) as g:
        r = g.rpc("/s/mcp", "ping")
        equal((r.status, r.body), (200, GOOD))
        equal(r.all("link") + r.all("x-accel-redirect"), [])


@test("a redirect is not followed", workers=BOTH,
      rows=(301, 302, 303, 307, 308))
def _(t):
    with Upstream() as other:
        def script(q, out):
            out.status(t.row, [("Location", other.url())])

        with Upstream(script) as up, Gate(
                config({"s": server(up, FIRST)}), t.workers) as g:
            r = g.rpc("/s/mcp", "ping")
            equal(r.status, 502)
            equal(r.reason, "upstream_protocol")
            equal(r.all("location"), [])
            equal(other.calls, [])
            unmarked(g, up)


@test("a kept connection that closed meanwhile is no failure",
      workers=(1,))
def _(t):
    def script(q, out):
        out.body(200, GOOD)
        out.drop()

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        for _ in range(5):
            equal(g.rpc("/s/mcp", "ping").status, 200)
            time.sleep(0.05)


@test("an upstream that says each reply twice loses its kept connections",
      workers=(1,), rows=("at once", "later"))
def _(t):
    def script(q, out):
        body = b'{"jsonrpc":"2.0","id":1,"result":"%d"}' % q.json["id"]
        out.body(200, body)
        if t.row == "later":
            time.sleep(0.05)
        out.body(200, body)

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        for i in range(6):
            r = g.rpc("/s/mcp", "ping", id=i)
            equal((r.status, r.json["result"]), (200, str(i)))
            if i == 0:
                g.log_has("sent a reply that nobody asked for")
        equal(up.connections, 6)
        equal(g.log_count("sent a reply that nobody asked for"), 1)


@test("upstream connections are kept and used again", workers=(1,))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        for _ in range(10):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(up.connections, 1)


@test("an upstream that comes back is served again", workers=BOTH)
def _(t):
    port = free_port()
    url = "http://127.0.0.1:%d/mcp" % port
    with Gate(config({"s": server(url)}), t.workers) as g:
        equal(g.rpc("/s/mcp", "ping").status, 502)
        with Upstream(port=port):
            equal(g.rpc("/s/mcp", "ping").status, 200)


@test("a large reply comes whole", workers=BOTH, rows=(65528, 65529,
                                                        3 << 20))
def _(t):
    body = b'{"jsonrpc":"2.0","id":1,"result":"%s"}' % (
        b"x" * (t.row - 38))
    with Upstream(lambda q, out: out.body(200, body)) as up, Gate(
            config({"s": server(up)}), t.workers) as g:
        r = g.rpc("/s/mcp", "ping")
        equal(r.status, 200)
        equal(len(r.body), len(body))
        equal(r.body, body)


@test("the private-address guard", workers=(1,), rows=(
    "http://127.0.0.1:%d/mcp", "http://localhost:%d/mcp",
    "http://[::1]:%d/mcp", "http://0x7f000001:%d/mcp"))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(t.row % up.port,
                                   {"blockPrivate": True})})
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", "ping")
            assert r.status in (502, 503), r
            equal(up.calls, [])


tap.main()
