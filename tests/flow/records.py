#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""records -- FastCGI as it comes, also from somebody who means harm"""
import os
import random
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

BOTH = (1, 4)
ASK = fcgi._bytes({"jsonrpc": "2.0", "id": 1, "method": "ping"})
PAIRS = fcgi.variables("POST", "/s/mcp", [], ASK)


def whole(rid=1, keep=False, size=65535):
    return fcgi.request(PAIRS, ASK, rid, keep, size)


def fine(g):
    equal(g.rpc("/s/mcp", "ping").status, 200)


@test("a request in pieces of every size", workers=BOTH,
      rows=(1, 2, 7, 8, 9, 100))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g, g.conn() as c:
        data = whole()
        for i in range(0, len(data), t.row):
            c.send(data[i:i + t.row])
        equal(c.stream().rest().status, 200)


@test("records of one byte each, with padding", workers=(1,))
def _(t):
    params = b"".join(fcgi.pair(n, v) for n, v in PAIRS)
    out = fcgi.begin()
    for i in range(len(params)):
        out += fcgi.record(fcgi.PARAMS, 1, params[i:i + 1], padding=i % 9)
    out += fcgi.record(fcgi.PARAMS, 1, b"", padding=8)
    for i in range(len(ASK)):
        out += fcgi.record(fcgi.STDIN, 1, ASK[i:i + 1], padding=3,
                           reserved=9)
    out += fcgi.record(fcgi.STDIN, 1, b"", padding=255)
    with Upstream() as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        c.send(out)
        equal(c.stream().rest().status, 200)
        equal(up.calls[0].body, ASK)


@test("request ids", workers=(1,), rows=(1, 255, 256, 257, 32768, 65535))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        c.send(whole(t.row))
        s = c.stream(t.row)
        equal(s.rest().status, 200)
        equal(s.end_status, (0, 0))
        assert c.closed(), "not kept, and yet open"


@test("a kept connection carries many requests", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g, g.conn() as c:
        for n in range(20):
            c.send(whole(n % 3 + 1, keep=True))
            equal(c.stream(n % 3 + 1).rest().status, 200)
        c.send(whole())                     # this one is the last
        equal(c.stream().rest().status, 200)
        assert c.closed(), "KEEP_CONN belongs to the request"


@test("requests that come early wait for their turn", workers=(1,))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        c.send(whole(1, True) + whole(2, True) + whole(3, True))
        for rid in (1, 2, 3):
            equal(c.stream(rid).rest().status, 200)


@test("GET_VALUES is answered, each name once", workers=(1,),
      rows=(1, 4, 20))
def _(t):
    ask = (fcgi.pair("FCGI_MPXS_CONNS", "") + fcgi.pair("X", "")) * t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        c.send(fcgi.record(fcgi.GET_VALUES, 0, ask[:512]))
        kind, rid, content = c.record()
        equal((kind, rid), (fcgi.GET_VALUES_RESULT, 0))
        equal(content, fcgi.pair("FCGI_MPXS_CONNS", "0"))
        c.send(fcgi.record(99, 0))
        kind, rid, content = c.record()
        equal((kind, content[0]), (fcgi.UNKNOWN_TYPE, 99))
        c.send(whole())
        equal(c.stream().rest().status, 200)


def lengths(name, value):
    return struct.pack(">II", name | 0x80000000, value | 0x80000000) + \
        b"x" * 100


END_PARAMS = fcgi.record(fcgi.PARAMS, 1)
HARM = (
    ("version 0", fcgi.record(fcgi.BEGIN, 1, b"\0\1\0\0\0\0\0\0",
                              version=0)),
    ("a short BEGIN", fcgi.record(fcgi.BEGIN, 1, b"\0\1\0\0\0\0\0")),
    ("PARAMS first", fcgi.record(fcgi.PARAMS, 1, b"")),
    ("STDIN before the end of PARAMS",
     fcgi.begin() + fcgi.record(fcgi.STDIN, 1, b"x")),
    ("BEGIN twice", fcgi.begin() + fcgi.begin()),
    ("another id", fcgi.begin() + fcgi.record(fcgi.PARAMS, 2, b"")),
    ("GET_VALUES in a request",
     fcgi.begin() + fcgi.record(fcgi.GET_VALUES, 0, b"")),
    ("an empty name", fcgi.begin() + fcgi.record(
        fcgi.PARAMS, 1, fcgi.pair("", "v"))),
    ("a name with =", fcgi.begin() + fcgi.record(
        fcgi.PARAMS, 1, fcgi.pair("A=B", "c"))),
    ("a name with a blank", fcgi.begin() + fcgi.record(
        fcgi.PARAMS, 1, fcgi.pair("A B", "c"))),
    ("a value with NUL", fcgi.begin() + fcgi.record(
        fcgi.PARAMS, 1, fcgi.pair("A", "b\0c"))),
    ("PARAMS that end in a pair", fcgi.begin() + fcgi.record(
        fcgi.PARAMS, 1, fcgi.pair("ABC", "def")[:-1]) + END_PARAMS),
    ("a large GET_VALUES", fcgi.record(fcgi.GET_VALUES, 0, b"x" * 513)),
    ("many management records", fcgi.record(99, 0) * 9),
    ("FCGI_DATA", fcgi.begin() + END_PARAMS + fcgi.record(8, 1, b"")))


@test("what closes the connection and harms nobody", workers=(1,),
      rows=HARM)
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        c.send(t.row[1])
        assert c.closed(5), "the connection stays open"
        fine(g)
        equal(len(up.calls), 1)


@test("huge lengths are refused, not believed", workers=(1,), rows=(
    ("near 2^31", 0x7ffffffd, 1), ("twice", 0x7ffffffe, 0x7ffffffe),
    ("that wrap around", 0x3fffffff, 0x40000000), ("a value", 1,
                                                   0x7ffffff0)))
def _(t):
    _, name, value = t.row
    with Upstream() as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        c.send(fcgi.begin() + fcgi.record(fcgi.PARAMS, 1,
                                          lengths(name, value))
               + END_PARAMS + fcgi.record(fcgi.STDIN, 1))
        try:
            equal(c.stream().rest().status, 431)
        except fcgi.Gone:
            pass
        fine(g)
        equal(len(up.calls), 1)


@test("other roles are told so", workers=(1,), rows=(2, 3, 0, 255))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g, \
            g.conn() as c:
        c.send(fcgi.begin(role=t.row))
        kind, _, content = c.record()
        equal((kind, content[4]), (fcgi.END, 3))
        assert c.closed()
        fine(g)


@test("ABORT while it is read, and while it runs", workers=BOTH)
def _(t):
    took = []

    def script(q, out):
        took.append(out.gone(5))
        out.close = True

    with Upstream(script) as up, Gate(config({"s": server(up)}),
                                      t.workers) as g:
        with g.conn() as c:
            c.send(fcgi.begin(keep=True) + fcgi.record(fcgi.ABORT, 1))
            kind, _, _ = c.record()
            equal(kind, fcgi.END)
        with g.conn() as c:
            c.send(whole(keep=True))
            up.wait(1)
            c.send(fcgi.record(fcgi.ABORT, 1))
            tap.eventually(lambda: took, 6)
            assert took[0] is not None, "the upstream was not cancelled"


@test("a peer that closes in every state", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g:
        data = whole(keep=True)
        for n in range(0, len(data), max(1, len(data) // 40)):
            with g.conn() as c:
                c.send(data[:n])
        with g.conn() as c:
            c.send(data)
        time.sleep(0.1)
        fine(g)


@test("random damage", workers=(1,), limit=90)
def _(t):
    dice = random.Random(20)
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        for _ in range(300):
            data = bytearray(whole(keep=bool(dice.getrandbits(1))))
            for _ in range(dice.randrange(1, 6)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            with g.conn() as c:
                try:
                    c.send(bytes(data[:dice.randrange(8, len(data) + 1)]))
                except OSError:
                    pass
        fine(g)


tap.main()
