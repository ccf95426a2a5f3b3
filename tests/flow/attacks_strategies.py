#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_strategies -- whose credential decides, in every order

Each pair of strategies and some of three, whatever is presented: the first in
the list whose credential is there decides, those for bearers are one, nothing
that is there and bad becomes anonymous.
"""
import itertools
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import keys, tap  # noqa: E402
from kit.gate import Gate, config, secret, server  # noqa: E402
from kit.idp import Idp  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

PEER = "10.0.0.5"
HS, LISTED, KEY, OPAQUE = (secret(w) for w in (
    "hs-key-of-thirty-two-bytes", "listed", "key", "opaque"))
GOOD = keys.hs256(HS, keys.claims(sub="jwt-user"))
PAST = keys.hs256(HS, keys.claims(exp=1000))
WRONG = keys.hs256("w" * 40, keys.claims())
BEARERS = {None: [], "listed": LISTED, "good": GOOD, "past": PAST,
           "wrong": WRONG, "opaque": OPAQUE, "unknown": "nobody-knows-it",
           "five parts": GOOD + ".a.b", "junk": '"'}
KEYS = {None: [], "right": [("X-API-Key", KEY)],
        "wrong": [("X-API-Key", "wrong")], "twice": [("X-API-Key", KEY)] * 2}
USERS = {None: [], "one": [("X-U", "proxy-user")],
         "twice": [("X-U", "proxy-user")] * 2, "bad": [("X-U", "\xff")],
         "nobody": [("X-U", "-")]}
WORDS = ["token", "jwt", "introspection", "apikey", "proxy", "local", "none"]
STATUS = {"invalid_request": 400, "bad_identity": 400}


def headers(word):
    if word == "basic":
        return [("Authorization", "Basic YTpi")]
    if word == "bare":
        return [("Authorization", GOOD)]
    if word == "twice":
        return [("Authorization", "Bearer " + GOOD)] * 2
    value = BEARERS[word]
    return [("Authorization", "Bearer " + value)] if value else []


def bearer(words, what):
    """What the strategies for bearers make of it; None: nothing is there."""
    if not {"token", "jwt", "introspection"} & set(words) or \
            what in (None, "basic", "bare"):
        return None
    if what in ("junk", "twice"):
        return "invalid_token"
    if "token" in words and what == "listed":
        return ("token:ci",)
    if "jwt" in words and what in ("good", "past", "wrong"):
        return {"good": ("jwt-user",), "past": "token_expired",
                "wrong": "invalid_token"}[what]
    if "introspection" in words and what == "opaque":
        return ("asked-user",)
    return "invalid_token"


def right(words, what, key, user, local):
    """(the caller,), or the reason of the refusal."""
    one = bearer(words, what)
    has_key = "apikey" in words and key is not None
    if has_key and one is not None:
        return "invalid_request"
    for word in words:
        if word in ("token", "jwt", "introspection") and one is not None:
            return one
        if word == "apikey" and has_key:
            return ("apikey:k",) if key == "right" else "invalid_token"
        if word == "proxy" and not local and user in ("one", "twice", "bad"):
            return {"one": ("proxy-user",), "twice": "no_identity",
                    "bad": "bad_identity"}[user]
        if (word == "none" or (word == "local" and local)) \
                and one is None and not has_key:
            return ("anonymous",)
    return "no_identity" if "proxy" in words else "unauthenticated"


def rule(idp, words):
    return {"strategy": words, "failures": {"perIpPerMinute": 0},
            "token": {"values": [{"name": "ci", "value": LISTED}]},
            "apikey": {"values": [{"name": "k", "value": KEY}]},
            "jwt": {"secret": HS}, "introspection": {
                "endpoint": idp.url("/introspect"), "clientId": "c",
                "clientSecret": secret("client")},
            "proxy": {"userHeader": "X-U", "trustedPeers": [PEER]}}


def orders():
    for n in (1, 2):
        for words in itertools.permutations(WORDS, n):
            if "none" not in words[:-1]:
                yield list(words)
    three = [w for w in itertools.permutations(WORDS, 3)
             if "none" not in w[:-1]]
    for words in random.Random(3).sample(three, 24):
        yield list(words)


def presented(words):
    for what in list(BEARERS) + ["basic", "bare", "twice"]:
        for key in KEYS if "apikey" in words else (None, "wrong"):
            for user in USERS if "proxy" in words else (None, "one"):
                yield what, key, user


@test("the first whose credential is there", rows=range(4), limit=60)
def _(t):
    lists = list(orders())[t.row::4]
    wanted = {}
    with Idp() as idp, Upstream() as up:
        idp.answers = {OPAQUE: {"active": True, "sub": "asked-user"}}
        with Gate(config({"s%d" % i: server(up, {
                "inboundAuth": rule(idp, words)})
                for i, words in enumerate(lists)})) as g:
            for i, words in enumerate(lists):
                for n, (what, key, user) in enumerate(presented(words)):
                    local = n % 2 == 0
                    r = g.rpc("/s%d/mcp" % i, "ping", headers=headers(what)
                              + KEYS[key] + USERS[user],
                              REMOTE_ADDR="127.0.0.1" if local else PEER)
                    want = right(words, what, key, user, local)
                    row = (words, what, key, user, local)
                    if isinstance(want, tuple):
                        equal(r.status, 200, row)
                        wanted[r.header("x-request-id")] = want[0], row
                    else:
                        equal((r.status, r.reason),
                              (STATUS.get(want, 401), want), row)
            told = g.access_of(wanted)
            for name, (user, row) in wanted.items():
                equal(told[name]["user"], user, row)


tap.main()
