#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_answers -- an introspection endpoint that lies, byte by byte

Each row is what it sends and what becomes of the token: nothing but a whole
reply of status 200 with one strict JSON object is an answer, nothing but
"active": true in it a good one.
"""
import gzip
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, guard, secret, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

NOW = int(time.time())
ISS = "https://issuer.test/a"
OK, BAD, OLD = None, "invalid_token", "token_expired"
DOWN, SCOPE = "auth_unavailable", "insufficient_scope"
STATUS = {OK: 200, BAD: 401, OLD: 401, DOWN: 503, SCOPE: 403}
BEST = {"active": True, "sub": "alice"}
TEXT = json.dumps(BEST).encode()
N = len(TEXT)
SAYS = 'Bearer realm="mcpgate", error="invalid_token", error_description="%s"'
SAID = {BAD: SAYS % "The access token is not valid",
        OLD: SAYS % "The access token expired"}


def reply(body=TEXT, status="200 OK", head=""):
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    return ("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (
        status, head, len(body))).encode() + body


def with_length(n, body=TEXT):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n%s" % (
        str(n).encode(), body)


def chunks(text, head=b""):
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + head \
        + b"\r\n" + text


def one(size=b"%x" % N, end=b"0\r\n\r\n"):
    return size + b"\r\n" + TEXT + b"\r\n" + end


def framing():
    for raw in (reply(), reply().replace(b"1.1", b"1.0"), with_length(N),
                reply(status="200"), b"HTTP/1.1 200 OK\r\n\r\n" + TEXT,
                reply() + b"junk", reply() + reply({"active": False}),
                b"HTTP/1.1 100 Continue\r\n\r\n" + reply(),
                b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + reply(),
                chunks(one()), chunks(one(b"%x;a=b" % N)),
                chunks(one(end=b"0\r\nX: y\r\n\r\n")),
                chunks(b"5\r\n" + TEXT[:5] + b"\r\n%x\r\n" % (N - 5)
                       + TEXT[5:] + b"\r\n0\r\n\r\n")):
        yield raw, OK
    yield reply({"active": False}) + reply(), BAD
    for raw in (b"", TEXT, b"HTTP/1.1 200 OK\r\nContent-", b"hi\r\n\r\n" + TEXT,
                reply().replace(b"HTTP/1.1", b"ICY"), reply(status="2000 OK"),
                reply(status="20 OK"), with_length(N + 5), with_length(N - 1),
                reply(head="Content-Length: 16\r\n"), chunks(one(end=b"")),
                chunks(one(b"%x" % (N - 2))), chunks(one(b"f" * 16)),
                chunks(one(b"zz")), reply(head="X: %s\r\n" % ("y" * 300000)),
                reply(gzip.compress(TEXT), head="Content-Encoding: gzip\r\n")):
        yield raw, DOWN
    for status in (101, 201, 202, 203, 206, 226, 300, 301, 302, 307, 308, 400,
                   401, 403, 404, 407, 429, 500, 503, 999):
        yield reply(status="%d X" % status, head="Location: /else\r\n"
                    if status // 100 == 3 else ""), DOWN
    for status in (204, 205, 304):
        yield b"HTTP/1.1 %d X\r\n\r\n" % status, DOWN


def texts():
    deep, many = '{"active":true,"x":%s}', '{"active":true,"x":[%s]}'
    for body in (b" \r\n\t" + TEXT + b"\n", '{"\\u0061ctive":true}',
                 deep % ("[" * 15 + "]" * 15), many % ",".join("1" * 4900)):
        yield reply(body), OK
    for body in (b"\xef\xbb\xbf" + TEXT, json.dumps(BEST).encode("utf-16"),
                 b'{"active":true,"sub":"\xe9"}', b"", b" ", "null", "true",
                 b"[" + TEXT + b"]", '"active"', TEXT + TEXT, TEXT + b"x",
                 TEXT + b"\0", TEXT[:-1], '{"active":true,}',
                 '{"active":true/**/}', "{'active':true}", "active=true",
                 '{"active":TRUE}', '{"active":true,"x":NaN}',
                 '{"active":true,"x":01}', '{"active":true,"sub":"a\tb"}',
                 b'{"active":true,"sub":"\xc0\xaf"}',
                 deep % ("[" * 16 + "]" * 16), many % ",".join("1" * 5000)):
        yield reply(body), DOWN
    for body in ('{"active":false,"active":true}',
                 '{"active":true,"\\u0061ctive":true}',
                 '{"active":true,"x":{"a":1,"a":2}}',
                 '{"active\\u0000x":false,"active":true}',
                 '{"active":true,"sub":"a\\u0000b"}',
                 '{"active":true,"x":"\\ud800"}', "{}", '{"Active":true}',
                 '{"data":{"active":true}}'):
        yield reply(body), BAD


def members():
    """(member, value as text, what becomes of it)"""
    for v in ("false", '"true"', "1", "0", "null", "[]", "[true]", "{}", '""',
              "1.0"):
        yield "active", v, BAD
    for v, want in ((NOW + 600, OK), (NOW + 600.5, OK), (NOW - 900, OLD),
                    (1, OLD)):
        yield "exp", str(v), want
    for name in ("nbf", "iat"):
        for v, want in ((NOW - 600, OK), (NOW - 1.5, OK), (NOW + 900, BAD)):
            yield name, str(v), want
    for name in ("exp", "nbf", "iat"):
        for v in ('"%d"' % (NOW + 600), "null", "true", "[]", "{}", "1e400",
                  "-1", "0", "253402300800", "9" * 25, '""'):
            yield name, v, BAD
    yield "iss", '"%s"' % ISS, OK
    for v in (ISS + "/", ISS.upper(), "", None, [ISS], 1):
        yield "iss", json.dumps(v), BAD
    for v in ("gate", ["gate"], ["x", "gate"], ["a"] * 63 + ["gate"]):
        yield "aud", json.dumps(v), OK
    for v in ("Gate", "x gate", ["x"], [], ["gate", 1], None, {"gate": 1}, "",
              ["a"] * 64 + ["gate"]):
        yield "aud", json.dumps(v), BAD
    for v in ("Bearer", "bearer", "BEARER"):
        yield "token_type", json.dumps(v), OK
    for v in ("DPoP", "N_A", "", None, 1, "Bearer ", ["Bearer"],
              "refresh_token"):
        yield "token_type", json.dumps(v), BAD
    for v in ({}, {"jkt": "x"}, None, "", False):
        yield "cnf", json.dumps(v), BAD
    for v in ("a" * 256, "\xe9"):
        yield "sub", json.dumps(v), OK
    for v in ("", None, 5, ["a"], "a\n", "\x7f", "\x85", "a" * 257):
        yield "sub", json.dumps(v), BAD
    for v in ("mcp", "a mcp", " mcp ", ["mcp"]):
        yield "scope", json.dumps(v), OK
    for v in ("mcpx", "", "a,mcp", "MCP", ["mcp", 1], None, 5, {"mcp": 1}):
        yield "scope", json.dumps(v), SCOPE


def odd_members():
    for name, value, want in members():
        rows = {"active": "true", "sub": '"alice"', "aud": '"gate"',
                "scope": '"mcp"'}
        rows[name] = value
        yield reply("{%s}" % ",".join('"%s":%s' % r for r in rows.items())), \
            want


STRICT = {"issuer": ISS, "audience": ["gate"]}


@test("what an endpoint sends", rows=(
    ("framing", framing, {}), ("texts", texts, {}),
    ("members", odd_members, STRICT)), limit=60)
def _(t):
    _, make, more = t.row
    rows = list(make())

    def script(q, out):
        out.raw(rows[int(q.target[1:])][0])
        out.close = True

    with Upstream() as up, Upstream(script) as ends:
        conf = config({"s%d" % i: server(up, {"inboundAuth": {
            "strategy": "introspection", "failures": {"perIpPerMinute": 0},
            "requiredScopes": ["mcp"] if more else [],
            "introspection": dict({
                "endpoint": ends.url("/%d" % i), "clientId": "c",
                "clientSecret": secret("client"),
                "timeout": "5s" if more else "1s"}, **more)}})
            for i in range(len(rows))})
        with Gate(conf) as g:
            for i, (raw, want) in enumerate(rows):
                for _ in range(1 if want == DOWN else 2):
                    r = g.rpc("/s%d/mcp" % i, "ping", headers={
                        "Authorization": "Bearer " + guard("tok-%d" % i)})
                    what = "%.300r" % raw
                    equal((r.status, want and r.reason),
                          (STATUS[want], want), what)
                    if want != SCOPE:
                        equal(r.header("www-authenticate"), SAID.get(want),
                              what)
                    equal(r.header("retry-after") is not None, want == DOWN)
        equal([c.target for c in ends.calls if c.target == "/else"], [])


tap.main()
