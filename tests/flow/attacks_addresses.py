#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_addresses -- addresses as entries, in headers and in lists

What is right is said by a second reading of the rules, made with Python's
ipaddress.
"""
import ipaddress
import json
import os
import random
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, run, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

GOOD = (
    "1.2.3.4", "0.0.0.0", "255.255.255.255", "10.0.0.0/8", "10.1.2.3/8",
    "0.0.0.0/0", "1.2.3.4/32", "1.2.3.4/0", "1.2.3.4/1", "::", "::1", "::/0",
    "::1/128", "2001:db8::/32", "2001:DB8::1", "2001:db8:0:0:0:0:0:1",
    "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8",
    "::ffff:1.2.3.4", "::ffff:1.2.3.4/128", "::ffff:1.2.3.4/96",
    "::ffff:102:304", "::FFFF:1.2.3.0/120", "::1.2.3.4",
    "1:2:3:4:5:6:1.2.3.4", "64:ff9b::1.2.3.4", "fe80::1", "ff02::1",
    "0000:0000:0000:0000:0000:ffff:255.255.255.255",
    "0001:0002:0003:0004:0005:0006:0007:0008", "2001:db8::/0",
    "2001:db8::1/127", "1:2:3:4:5::7:8",
)

BAD = (
    "", "1.2.3", "1.2.3.4.5", "1.2.3.", "1.2.3.4.", ".1.2.3.4", "1..3.4",
    "256.1.1.1", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.00", "0x1.2.3.4",
    "1.2.3.0x4", "0300.0.0.1", "1", "16909060", "1.2.772", "1.2.3.4/33",
    "1.2.3.4/032", "1.2.3.4/08", "1.2.3.4/00", "1.2.3.4/", "1.2.3.4/-1",
    "1.2.3.4/+8", "1.2.3.4/ 8", "1.2.3.4 /8", "1.2.3.4/8/8", "1.2.3.4/a",
    "1.2.3.4/8.0", "1.2.3.4/255.0.0.0", "1.2.3.4-1.2.3.9", "1.2.3.*",
    "1.2.3.x", "localhost", "example.com", "[::1]", "[::1]:80", "1.2.3.4:80",
    "::1%lo", "fe80::1%eth0", "fe80::1%1/64", "::/129", "::/0128", "::1/",
    "::1/-0", ":::", ":", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
    "::1::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::8",
    "12345::", "::12345", "g::", "::g", "::1.2.3", "::1.2.3.4.5",
    "::1.2.3.256", "::01.2.3.4", "1.2.3.4::", "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4", "::ffff:1.2.3.4/95", "::ffff:0:0/80",
    "::ffff:1.2.3.4/0", "::ffff:1.2.3.4/64", "::ffff:1.2.3.4/129",
    "1.2.3.4%eth0", "\uff11.2.3.4", "1.2.3.\u0664", "+1.2.3.4", "-1.2.3.4",
    "1.2.3.4\xa0", "*", "any", "all", "0", "/8", "0/0", "10/8", "10.0/8",
    "::ffff:1.2.3.4/096", "2001:db8::/32 ", "1e1.2.3.4", "1.2.3.4#x", "null",
    "1,2,3,4", "0.0.0.0/0x0", "::/1e1", "1.2.3.4\\", "1.2.3.4/8;",
    "::ffff:0:1.2.3.4/", " 1.2.3.4", "1.2.3.4 ", "\t1.2.3.4", "1.2.3.4\t",
    " ::1", "::1 /64",
)

PIECES = (
    "1.2.3.4", "8.8.8.8:80", "[2001:db8::5]", "[2001:db8::5]:443",
    "2001:db8::7", "10.1.1.1", "10.2.2.2:1234", "192.168.1.1", "192.168.1.2",
    "2001:db8:aaaa::9", "[2001:db8:aaaa:1::9]:1", "::ffff:10.0.0.9",
    "::ffff:9.9.9.9", "172.20.0.1", "172.32.0.1", "::ffff:172.20.0.5",
    "unknown", "evil", "", "1.2.3", "01.2.3.4", "1.2.3.4:", "1.2.3.4:99999",
    "1.2.3.4:0", "1.2.3.4:x", "[1.2.3.4]", "[1.2.3.4]:80", "[::1", "::1]",
    "[::1]x", "[::1]:", "fe80::1%eth0", "[fe80::1%eth0]", "1.2.3.4/32",
    "\"1.2.3.4\"", "for=1.2.3.4", "::1", "127.0.0.1", "0.0.0.0",
    "255.255.255.255", "1.2.3.4 5.6.7.8", "1.2.3.4;", "2001:db8:::1",
    "::1.2.3.4", "_hidden", "-", "null", "0x7f.1", "2130706433", "10.0.0.256",
    "10.0.0.1 .", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:80",
)

PEERS = (
    "10.0.0.1", "192.168.1.1", "192.168.1.2", "203.0.113.9",
    "::ffff:10.0.0.1", "2001:db8:aaaa::1", "2001:db8:bbbb::1", "172.16.0.1",
    "::ffff:172.31.0.1", "::10.0.0.1",
)

PROXIES = ["10.0.0.0/8", "192.168.1.1", "2001:db8:aaaa::/48",
           "::ffff:172.16.0.0/108"]
NETS = [ipaddress.ip_network(n) for n in (
    "10.0.0.0/8", "192.168.1.1/32", "2001:db8:aaaa::/48", "172.16.0.0/12")]


# ---- entries -----------------------------------------------------------------
@test("entries", rows=("ipDeny", "ipAllow", "trustedProxies"))
def _(t):
    where = tempfile.mkdtemp()
    os.chmod(where, 0o700)
    file = os.path.join(where, "c.json")

    def told(entries):
        """The exit status, and which entries are none."""
        options = {"inboundAuth": {"strategy": "none"}}
        gateway = {"mountPath": "/", "options": options}
        if t.row == "trustedProxies":
            gateway["trustedProxies"] = entries
        else:
            options["security"] = {t.row: entries}
        with open(file, "w", encoding="utf-8") as f:
            json.dump({"mcpProxy": gateway, "mcpServers": {
                "s": {"url": "http://127.0.0.1:1/mcp"}}}, f)
        os.chmod(file, 0o600)
        code, out, err = run(["--check-config", "--config", file])
        return code, sorted({int(i) for i in re.findall(
            t.row + r"\[(\d+)\]: .* is not an address or CIDR block",
            out + err)})

    equal(told(list(GOOD)), (0, []))
    for n in range(0, len(BAD), 20):
        some = list(BAD[n:n + 20])
        equal((some, told(some)), (some, (78, list(range(len(some))))))


# ---- the walk, read a second time --------------------------------------------
def four(s):
    parts = s.split(".")
    for p in parts:
        if not (p.isascii() and p.isdigit() and len(p) < 4
                and (p == "0" or p[0] != "0") and int(p) < 256):
            return None
    return ipaddress.IPv4Address(s) if len(parts) == 4 else None


def address(s):
    if ":" not in s:
        return four(s)
    last = s.rsplit(":", 1)[1]
    if "%" in s or ("." in last and four(last) is None):
        return None
    try:
        six = ipaddress.IPv6Address(s)
    except ValueError:
        return None
    return six.ipv4_mapped or six


def is_port(s):
    return s.isascii() and s.isdigit() and len(s) < 6 and int(s) < 65536


def element(e):
    e = e.strip(" \t")
    if e.startswith("["):
        inner, close, rest = e[1:].partition("]")
        good = close and (not rest or (rest[0] == ":" and is_port(rest[1:])))
        return address(inner) if good else None
    host, colon, port = e.partition(":")
    if "." in host and colon:
        return four(host) if is_port(port) else None
    return address(e)


def trusted(a):
    return any(a.version == n.version and a in n for n in NETS)


def client(peer, value):
    """The client's address, or a status."""
    at = address(peer)
    if at is None:
        return 500
    elements = value.strip(" \t").split(",") if trusted(at) else []
    if len(elements) > 32:
        return 400
    for e in reversed(elements):
        one = element(e)
        if one is None:
            break
        at = one
        if not trusted(at):
            break
    return at


def walks():
    rnd = random.Random(7)
    for e in PIECES:
        for value in (e, "7.7.7.7, " + e, e + ", 10.5.5.5"):
            if value.strip(" \t"):
                yield "10.0.0.1", value
        if e:
            yield "203.0.113.9", e
    for _ in range(160):
        between = rnd.choice([",", " ,", ", ", ",\t", " , "])
        value = between.join(rnd.choice(PIECES)
                             for _ in range(rnd.randint(1, 6)))
        if value.strip(" \t"):
            yield rnd.choice(PEERS), value
    for n in (31, 32, 33, 34, 100):
        for peer in ("10.0.0.1", "203.0.113.9"):
            yield peer, ",".join(["10.9.9.9"] * n)
    for n in (1, 31, 32):
        yield "10.0.0.1", "," * n
    for peer in ("", "localhost", "10.0.0.1:80", "[::1]", "10.0.0.01",
                 "1.2.3.4,5.6.7.8", "fe80::1%eth0", "unix:", "unix:/x"):
        yield peer, "1.2.3.4"


@test("the walk", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)},
                                       trustedProxies=PROXIES),
                                t.workers) as g:
        asked = [(peer, value, g.rpc("/s/mcp", "ping", REMOTE_ADDR=peer,
                                     headers={"X-Forwarded-For": value}))
                 for peer, value in walks()]
        told = g.access_of(r.header("x-request-id") for _, _, r in asked)
        for peer, value, r in asked:
            want, label = client(peer, value), (peer, value)
            if isinstance(want, int):
                equal((label, r.status), (label, want))
                continue
            line = told[r.header("x-request-id")]
            equal((label, r.status, address(line["client"])),
                  (label, 200, want))


# ---- RFC 7239, read a second time --------------------------------------------
NODE_PORT = re.compile(r"[0-9]{1,5}|_[A-Za-z0-9._-]+", re.A)
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PAIR = re.compile(r"[ \t]*(%s)=(%s|\"(?:[^\"\\]|\\.)*\")[ \t]*(;|$)"
                  % (TOKEN, TOKEN), re.S)


def node(text):
    six = re.fullmatch(r"\[([^\]]*)\](?::(.+))?", text, re.S)
    host, colon, port = text.partition(":")
    if six:
        host, port = six.group(1), six.group(2)
        colon = port is not None
    if colon and not (NODE_PORT.fullmatch(port)
                      and (port[0] == "_" or int(port) < 65536)):
        return None
    if six:
        return address(host) if ":" in host else None
    return four(host)


def told_by(e):
    """The address that one element of Forwarded names, or None."""
    e, at, said = e.strip(" \t"), 0, []
    while True:
        m = PAIR.match(e, at)
        if m is None:
            return None
        if m.group(1).lower() == "for":
            said.append(m.group(2).strip('"'))
        at = m.end()
        if m.group(3) == "":
            break
    return node(said[0]) if len(said) == 1 else None


def from_the_right(value):
    """The elements, the last one first; a comma in quotes is none."""
    out, piece, inside = [], "", False
    for i in range(len(value) - 1, -1, -1):
        c = value[i]
        escaped = (len(value[:i]) - len(value[:i].rstrip("\\"))) % 2
        if c == '"' and not escaped:
            inside = not inside
        if c == "," and not inside:
            out.append(piece)
            piece = ""
        else:
            piece = c + piece
    return out + [piece]


def client_7239(peer, value):
    at = address(peer)
    elements = from_the_right(value.strip(" \t")) if trusted(at) else []
    if len(elements) > 32:
        return 400
    for e in elements:
        one = told_by(e)
        if one is None:
            break
        at = one
        if not trusted(at):
            break
    return at


NODES = (
    "1.2.3.4", "10.1.1.1", "10.9.8.7", "192.168.1.1", "1.2.3.4:80",
    '"1.2.3.4"', '"1.2.3.4:80"', '"10.1.1.1:_x"', '"[2001:db8::7]"',
    '"[2001:db8:aaaa::9]:443"', '"[2001:db8::7]:_p"', '"[::ffff:9.9.9.9]"',
    "[2001:db8::7]", '"2001:db8::7"', '"[10.1.1.1]"', '"[fe80::1%eth0]"',
    "unknown", "_hidden", '"_hidden"', '""', '"1.2.3.4:"', '"1.2.3.4:70000"',
    '"1.2.3.4:x"', "01.2.3.4", '"1.2.3.4', '1.2.3.4"', '"1\\.2.3.4"', "",
)
MORE = ("proto=https", 'host="a,b"', 'by="[::1]:80"', "host=x", "for=9.9.9.9",
        'x="\\",for=1.2.3.4"', "proto", "by=", ' host = "y"', 'z="')


def forwarded():
    rnd = random.Random(19)
    for e in NODES:
        yield "10.0.0.1", "for=" + e
        yield "203.0.113.9", "for=" + e
        yield "10.0.0.1", 'for=7.7.7.7, FOR=%s;proto=http, for="10.3.3.3"' % e
    for _ in range(400):
        elements = []
        for _ in range(rnd.randint(1, 5)):
            pairs = [rnd.choice(("for=", "For=", "for=", "for =")
                                ) + rnd.choice(NODES)]
            pairs += rnd.sample(MORE, rnd.choice((0, 0, 1, 2)))
            rnd.shuffle(pairs)
            elements.append(rnd.choice((";", "; ", " ;")).join(pairs))
        yield rnd.choice(PEERS), rnd.choice((",", ", ")).join(elements)
    for n in (32, 33):
        yield "10.0.0.1", ",".join(["for=10.9.9.9"] * n)


@test("the walk of Forwarded", workers=(1,))
def _(t):
    with Upstream() as up, Gate(config(
            {"s": server(up)}, trustedProxies=PROXIES,
            clientIp={"headers": ["Forwarded"]})) as g:
        asked = [(peer, value, g.rpc("/s/mcp", "ping", REMOTE_ADDR=peer,
                                     headers={"Forwarded": value}))
                 for peer, value in forwarded()]
        told = g.access_of(r.header("x-request-id") for _, _, r in asked)
        for peer, value, r in asked:
            want, label = client_7239(peer, value), (peer, value)
            if isinstance(want, int):
                equal((label, r.status), (label, want))
                continue
            line = told[r.header("x-request-id")]
            equal((label, r.status, address(line["client"])),
                  (label, 200, want))


# ---- lists -------------------------------------------------------------------
PAST, LATER = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
CLIENTS = (
    "1.2.3.4", "1.2.3.5", "10.0.0.1", "10.255.255.255", "11.0.0.0",
    "192.0.2.127", "192.0.2.128", "255.255.255.255", "0.0.0.0",
    "2001:db8::1", "2001:db8:1::1", "::1.2.3.4", "::ffff:1.2.3.4",
    "::ffff:10.0.0.1", "::", "::1", "fe80::1", "ffff::", "127.0.0.1",
)
ABSENT = object()
LISTS = (
    # the gateway's, the server's
    ({}, {"ipDeny": ["0.0.0.0/0"]}), ({}, {"ipDeny": ["::/0"]}),
    ({}, {"ipAllow": []}), ({}, {"ipAllow": ["0.0.0.0/0"]}),
    ({}, {"ipAllow": ["::/0"]}),
    ({}, {"ipAllow": ["1.2.3.4", "10.0.0.0/8"], "ipDeny": ["10.0.0.1"]}),
    ({}, {"ipDeny": ["10.0.0.0/8"], "ipAllow": ["10.0.0.1"]}),
    ({}, {"ipDeny": ["::ffff:10.0.0.0/104"]}), ({}, {"ipDeny": ["::1.2.3.4"]}),
    ({}, {"ipDeny": ["::ffff:0:0/96"]}), ({}, {"ipDeny": ["192.0.2.129/25"]}),
    ({}, {"ipDeny": ["2001:db8::/47"]}), ({}, {"ipDeny": ["::/127"]}),
    ({}, {"ipDeny": [{"address": "1.2.3.4", "until": PAST},
                     {"address": "10.0.0.0/8", "until": LATER}]}),
    ({}, {"ipAllow": [{"address": "1.2.3.4", "until": PAST}]}),
    ({}, {"ipAllow": [{"address": "1.2.3.4", "until": PAST}, "10.0.0.1"]}),
    ({}, {"ipDeny": ["10.0.0.0/8", {"address": "10.0.0.1", "until": PAST}]}),
    ({"ipDeny": ["1.2.3.4"]}, {"ipDeny": ["10.0.0.0/8"]}),
    ({"ipDeny": ["1.2.3.4"]}, {"ipDeny": []}),
    ({"ipDeny": ["1.2.3.4"]}, {"ipDeny": None}),
    ({"ipDeny": ["1.2.3.4"]}, None), ({"ipDeny": ["1.2.3.4"]}, ABSENT),
    ({"ipDeny": ["1.2.3.4"]}, {"ipAllow": ["1.2.3.4", "1.2.3.5"]}),
    ({"ipAllow": ["1.2.3.4"]}, ABSENT), ({"ipAllow": ["1.2.3.4"]}, None),
    ({"ipAllow": ["1.2.3.4"]}, {"ipAllow": ["10.0.0.1"]}),
    ({"ipAllow": ["1.2.3.4"]}, {"cors": {"enabled": True}}),
)


def block(entry):
    n = ipaddress.ip_network(entry if isinstance(entry, str)
                             else entry["address"], strict=False)
    if n.version == 6 and int(n.network_address) >> 32 == 0xffff \
            and n.prefixlen >= 96:
        n = ipaddress.ip_network((int(n.network_address) & 0xffffffff,
                                  n.prefixlen - 96))
    return n


def among(entries, a):
    return any(a.version == block(e).version and a in block(e)
               for e in entries
               if isinstance(e, str) or e["until"] != PAST)


@test("lists", workers=(1,))
def _(t):
    with Upstream() as up:
        for mine, theirs in LISTS:
            own = {} if theirs is ABSENT else {"security": theirs}
            counts = mine if theirs is ABSENT else theirs or {}
            deny = mine.get("ipDeny", []) + (counts.get("ipDeny") or [])
            allow = counts.get("ipAllow")
            conf = config({"s": server(up, own)},
                          options={"security": mine})
            with Gate(conf) as g:
                for text in CLIENTS:
                    a = address(text)
                    good = not among(deny, a) and (
                        allow is None or among(allow, a))
                    r = g.rpc("/s/mcp", "ping", REMOTE_ADDR=text)
                    equal((mine, own, text, r.status),
                          (mine, own, text, 200 if good else 403))


tap.main()
