#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the corpus of fuzz_records: one input for each rule of the screen.

usage: seeds_records.py DIRECTORY
"""
import os
import struct
import sys


def record(kind, ident=1, content=b"", pad=0):
    head = struct.pack(">BBHHBB", 1, kind, ident, len(content), pad, 0)
    return head + content + b"\xa5" * pad


def begin(ident=1, role=1, flags=1):
    return record(1, ident, struct.pack(">HB5x", role, flags))


def length(n, long=False):
    if long or n > 127:
        return struct.pack(">I", n | 0x80000000)
    return bytes([n])


def pair(name, value, long=False):
    return (length(len(name), long) + length(len(value), long) +
            name + value)


USUAL = (pair(b"REQUEST_METHOD", b"POST") + pair(b"REQUEST_URI", b"/mcp/s") +
         pair(b"HTTP_AUTHORIZATION", b"Bearer tok") +
         pair(b"REMOTE_USER", b"") + pair(b"CONTENT_LENGTH", b"2"))


def stream(kind, content, ident=1, chunk=65535, pad=0):
    out = b""
    for at in range(0, len(content), chunk):
        out += record(kind, ident, content[at:at + chunk], pad)
    return out + record(kind, ident)


def call(params=USUAL, body=b"{}", ident=1, flags=1, chunk=65535, pad=0):
    return (begin(ident, 1, flags) + stream(4, params, ident, chunk, pad) +
            stream(5, body, ident, chunk, pad))


def lengths(name, value):
    return struct.pack(">II", name | 0x80000000, value | 0x80000000)


QUERY = pair(b"FCGI_MAX_CONNS", b"")

SEEDS = {
    "plain": call(),
    "two-requests": call() + call(ident=65535, flags=0),
    "small-records": call(chunk=1, pad=3),
    "padding-everywhere": begin() + record(4, 1, USUAL, 255) +
        record(4, 1, b"", 9) + record(5, 1, b"{}", 1) + record(5, 1, b"", 8),
    "four-byte-lengths": call(pair(b"A", b"b", True) + pair(b"C", b"", True)),
    "long-value": call(pair(b"LONG", b"v" * 1500)),
    "params-limit": call(pair(b"LONG", b"v" * 2991)),
    "params-over": call(pair(b"LONG", b"v" * 2992)),
    "pairs-limit": call(pair(b"N", b"v") * 40),
    "pairs-over": call(pair(b"N", b"v") * 41),
    "body-limit": call(body=b"b" * 20000),
    "body-over": call(body=b"b" * 20001),
    "dropped-over": call(body=b"b" * 60000),
    "no-params": call(b"", b""),
    "lengths-7ffffffd": call(lengths(0x7ffffffd, 1) + b"ab"),
    "lengths-two-7ffffffe": call(lengths(0x7ffffffe, 0x7ffffffe) + b"ab"),
    "lengths-3fffffff-40000000": call(lengths(0x3fffffff, 0x40000000)),
    "lengths-7ffffff0": call(lengths(0x7ffffff0, 1) + b"ab"),
    "nul-in-value": call(pair(b"A", b"x\0y")),
    "equals-in-name": call(pair(b"A=B", b"c")),
    "empty-name": call(pair(b"", b"c")),
    "half-a-pair": call(USUAL[:-3]),
    "half-a-length": call(USUAL + b"\x80\0"),
    "abort-in-params": begin() + record(4, 1, USUAL[:9]) + record(2) + call(),
    "abort-in-body": begin() + stream(4, USUAL) + record(2),
    "second-begin": begin() + begin(),
    "stdin-early": begin() + record(4, 1, USUAL) + record(5, 1, b"x"),
    "another-id": begin() + record(4, 2, USUAL),
    "role-2": begin(role=2),
    "role-3": begin(role=3),
    "version-2": b"\2" + call()[1:],
    "query": record(9, 0, QUERY) + call(),
    "query-4": record(9, 0, QUERY * 4, 7),
    "query-100": record(9, 0, QUERY * 100),
    "query-malformed": record(9, 0, QUERY[:-2]),
    "management-9": record(99, 0, b"what") * 9,
    "management-within": begin() + record(9, 0, QUERY),
}


def main():
    where = sys.argv[1]
    os.makedirs(where, exist_ok=True)
    for i, name in enumerate(sorted(SEEDS)):
        with open(os.path.join(where, name), "wb") as f:
            f.write(struct.pack(">H", i * 257 + 1) + SEEDS[name])


if __name__ == "__main__":
    main()
