#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""turns -- what changes at a moment, a moment before and after it"""
import math
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.clock import Clock  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream, with_session, plain  # noqa: E402

TOKEN, KEY = "t" * 20, "k" * 40
PEER = "203.0.113.1"
WINDOWS = [(who, span, length) for who in ("r", "perIpR", "perTokenR")
           for span, length in (("Hour", 3600), ("Day", 86400))]


def ping(g, path="/s/mcp", ip=PEER, token=TOKEN, headers=None):
    return g.rpc(path, "ping", REMOTE_ADDR=ip, headers=dict(
        {"Authorization": "Bearer " + token}, **(headers or {})))


def gate(up, clock, workers=4, **options):
    options.setdefault("inboundAuth", {
        "strategy": "token", "token": {"values": [TOKEN]}})
    return Gate(config({"s": server(up, options)}), workers, env=clock.env)


@test("a burst and one after another, as the rule computes it", rows=(
    (60, 10), (60, 1), (7, 3), (1000, 50), (1, 1)))
def _(t):
    rate, burst = t.row
    step, due, now = 60e6 / rate, 0, 0
    rnd, clock = random.Random(3), Clock()
    with Upstream() as up, gate(up, clock, security={"rateLimit": {
            "requestsPerMinute": rate, "burstSize": burst}}) as g:
        for i in range(burst + 60):
            if i > burst:
                now += rnd.choice((0, 0, 0, step / 3, step, step * 2.5,
                                   step * burst))
            now += 64           # away from the edges of 16 us
            clock.at(now / 1e6)
            r = ping(g)
            wait = max(due, now) + step - now - step * burst
            equal((i, now, r.status), (i, now, 200 if wait <= 0 else 429))
            if wait <= 0:
                due = max(due, now) + step
            else:
                assert 0 <= int(r.header("retry-after")) - max(
                    1, math.ceil(wait / 1e6)) <= 1, r
        clock.run()


@test("windows end at the turn of the hour and the day", rows=WINDOWS)
def _(t):
    who, span, length = t.row
    clock = Clock()
    turn = clock.until(length)
    with Upstream() as up, gate(up, clock, security={"rateLimit": {
            who + "equestsPer" + span: 3}}) as g:
        def ask(n):
            return [ping(g).status for _ in range(n)]

        equal(ask(5), [200] * 3 + [429] * 2)
        for left, told in ((2.5, "3"), (0.001, "1")):
            clock.at(turn - left)
            r = ping(g)
            equal((r.status, r.header("retry-after")), (429, told))
        clock.at(turn + 0.001)
        equal(ask(4), [200] * 3 + [429])
        clock.at(turn + length + 0.001)
        equal(ask(4), [200] * 3 + [429])
        clock.run()


@test("entries of lists and bans end")
def _(t):
    clock = Clock()
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clock.day + 100))
    entry = [{"address": "198.51.100.0/24", "until": until}]
    conf = config({"s": server("http://127.0.0.1:1/mcp", {
        "security": {"ipDeny": entry}}), "a": server(
            "http://127.0.0.1:1/mcp", {"security": {"ipAllow": entry}})})
    with Gate(conf, 4, env=clock.env) as g:
        def both(ip="198.51.100.7"):
            return [ping(g, p, ip).status for p in ("/s/mcp", "/a/mcp")]

        for at, want in ((99.9, [403, 502]), (101, [502, 403])):
            clock.at(at)
            equal(both(), want)
        equal(g.ctl("ip", "ban", "192.0.2.0/24", "--for", "10s")[0], 0)
        equal(g.ctl("ip", "allow", "203.0.113.0/24", "--for", "10s")[0], 0)
        for at, want in ((101, (403, 502)), (110.5, (403, 502)),
                         (112, (502, 403))):
            clock.at(at)
            equal((at, both("192.0.2.9")[0], both("203.0.113.9")[1]),
                  (at,) + want)
        clock.run()


@test("sessions end when they are idle, and when they are old")
def _(t):
    clock = Clock()
    with Upstream(with_session(plain)) as up, gate(up, clock) as g:
        auth = {"Authorization": "Bearer " + TOKEN}
        idle, used = (g.session("/s/mcp", auth) for _ in range(2))
        for minute in range(25, 24 * 60, 25):
            clock.at(minute * 60)
            equal(ping(g, headers=used).status, 200)
            if minute == 50:
                equal(ping(g, headers=idle).status, 404)
        clock.at(24 * 3600 + 1)
        equal(ping(g, headers=used).status, 404)
        clock.run()


@test("a token begins and ends, its kept verdict too", rows=(0, 60))
def _(t):
    clock = Clock()
    with Upstream() as up, gate(up, clock, inboundAuth={
            "strategy": "jwt", "jwt": {"secret": KEY,
                                       "leeway": "%ds" % t.row}}) as g:
        def ask(at, **claims):
            clock.at(at)
            return ping(g, token=keys.hs256(KEY, dict(
                {"sub": "a", "exp": clock.day + 9999}, **claims))).status

        for exp in (500, 500.5):
            moment = {"exp": clock.day + exp}
            equal([ask(exp + t.row + d, **moment) for d in (-1.5, 1, -1.5)],
                  [200, 401, 200])
        for name in ("nbf", "iat"):
            moment = {name: clock.day + 1000}
            equal([ask(1000 - t.row + d, **moment) for d in (-1, 0, 5, -1)],
                  [401, 200, 200, 401])
        clock.run()


tap.main()
