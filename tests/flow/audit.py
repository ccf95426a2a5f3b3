#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""audit -- each request leaves one record that says who did what, and with
`required` nothing happens that is not on record"""
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import fcgi, keys, tap  # noqa: E402
from kit.gate import Gate, config, free_port, pool, run, secret, \
    server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import (Hold, Upstream, by_method, plain,  # noqa: E402
                          with_session)  # noqa: E402

KEY, OUT, HS = secret("key"), secret("out"), secret("hs-key-of-32-bytes-more")
FIELDS = ["timestamp", "type", "source", "user", "action", "resource",
          "success", "error", "remote_addr", "user_agent", "request_id",
          "session_id", "server", "strategy", "token_index", "status",
          "duration_ms"]
BOTH = (1, 4)


def place(t):
    """A directory for the gate, known before it starts."""
    where = tempfile.mkdtemp(prefix="mcpgate-audit-")
    os.chmod(where, 0o700)
    t.after(lambda: shutil.rmtree(where, ignore_errors=True))
    return where


def audited(t, servers, sinks=None, workers=1, options=None, audit=None,
            **more):
    where = place(t)
    file = os.path.join(where, "audit.jsonl")
    audit = dict({"enabled": True, "sinks": sinks or [
        {"type": "json", "path": file}]}, **(audit or {}))
    mode = {k: more.pop(k) for k in ("mode", "mortal") if k in more}
    g = Gate(config(servers, options=options, audit=audit, **more), workers,
             dir=where, **mode)
    g.audit = file
    return g


def records(g, n=None, skip=0):
    """All of them; n: waits until so many are there, then looks again."""
    def read():
        with open(g.audit) as f:
            rows = [json.loads(ln) for ln in f]
        for r in rows:
            equal(list(r), FIELDS)
            equal(r["source"], "mcpgate")
        return rows[skip:]

    if n is None:
        return read()
    eventually(lambda: len(read()) >= n, 5, "%d records" % n)
    time.sleep(0.05)
    rows = read()
    equal(len(rows), n, "records")
    return rows


def one(g, **want):
    r = records(g, 1)[0]
    for k, v in want.items():
        equal(r[k], v, k)
    return r


def bearer(token):
    return {"Authorization": "Bearer " + token}


def signed(**more):
    return bearer(keys.hs256(HS, keys.claims(**more)))


def inbound(**how):
    return {"inboundAuth": how}


def servers(up):
    dead = "http://127.0.0.1:%d/mcp" % free_port()
    token = {"values": [{"name": "ci", "value": KEY, "scopes": ["mcp"]}]}
    key = inbound(strategy="token", token=token)
    return {
        "s": server(up),
        "pool": server(up, pool(OUT, rotationMode="on-first-failed")),
        "round": server(up, pool(OUT, rotationMode="round-robin")),
        "old": server(up, {"authTokens": [OUT + "-old"]}),
        "key": server(up, key),
        "scope": server(up, inbound(strategy="token", token=token,
                                    requiredScopes=["mcp", "x"])),
        "deny": server(up, inbound(strategy="token", token=token,
                                   denyUsers=["*"])),
        "jwt": server(up, inbound(strategy="jwt", jwt={
            "secret": HS, "algorithms": ["HS256"], "audience": ["gate"],
            "issuer": "https://issuer.test"})),
        "proxy": server(up, inbound(strategy="proxy", proxy={
            "userHeader": "X-User", "trustedPeers": ["127.0.0.1"]})),
        "far": server(up, inbound(strategy=["proxy", "token"], proxy={
            "userHeader": "X-User", "trustedPeers": ["10.1.1.1"]},
            token=token)),
        "lists": server(up, dict(key, toolFilter={
            "mode": "allow", "list": ["echo"]})),
        "ips": server(up, {"security": {"ipDeny": ["127.0.0.1"]}}),
        "once": server(up, {"security": {"rateLimit": {"requestsPerMinute": 1,
                                                       "burstSize": 1}}}),
        "down": server(dead),
        "via": server(up, {"proxy": {"url": dead[:-4]}}),
        "short": server(up, {}, timeout="300ms"),
        "closed": {"url": "http://127.0.0.1:9/sse", "transportType": "sse"},
    }


def ask(name, method="ping", params=None, **headers):
    body = {"jsonrpc": "2.0", "id": 1, "method": method}
    if params:
        body["params"] = params
    return name, body, headers


def tool(name, tool="echo", **headers):
    return ask(name, "tools/call", {"name": tool, "arguments": {
        "x": "argument-" + OUT[-8:]}}, **headers)


VIOLATION, LOGIN, CALL, HTTP = "security_violation", "authentication", \
    "tool_call", "http_request"

# name -> (what is sent, type, reason, status)
REFUSED = {
    "no JSON": (("s", b"{", {}), HTTP, "parse_error", 400),
    "no message": (("s", {"id": 1}, {}), HTTP, "invalid_request", 400),
    "an unknown version": (ask("s", **{"MCP-Protocol-Version": "latest"}),
                           HTTP, "bad_request", 400),
    "a control byte": (ask("s", **{"User-Agent": "a\x01b"}), HTTP,
                       "bad_request", 400),
    "a long header": (ask("s", **{"X-Long": "x" * 17000}), HTTP,
                      "too_large", 431),
    "a long body": (("s", b" " * (5 << 20), {}), HTTP, "too_large", 413),
    "nobody": (tool("key"), LOGIN, "unauthenticated", 401),
    "a guess": (tool("key", **bearer("guess")), LOGIN, "invalid_token", 401),
    "two credentials": (tool("jwt", **dict(signed(), **{
        "X-API-Key": KEY})), CALL, None, 200),
    "a bad signature": (tool("jwt", **bearer(keys.hs256(
        "y" * 40, keys.claims()))), LOGIN, "invalid_token", 401),
    "a wrong audience": (tool("jwt", **signed(aud="other")), LOGIN,
                         "invalid_token", 401),
    "an old token": (tool("jwt", **signed(exp=int(time.time()) - 600)),
                     LOGIN, "token_expired", 401),
    "a malformed credential": (tool("key", **bearer("a b")), VIOLATION,
                               "invalid_token", 401),
    "no proxy identity": (tool("proxy"), LOGIN, "no_identity", 401),
    "a bad identity": (tool("proxy", **{"X-User": "a\tb"}), VIOLATION,
                       "bad_identity", 400),
    "an untrusted identity": (tool("far", **{"X-User": "root"}), VIOLATION,
                              "no_identity", 401),
    "a missing scope": (tool("scope", **bearer(KEY)), LOGIN,
                        "insufficient_scope", 403),
    "a denied user": (tool("deny", **bearer(KEY)), LOGIN, "forbidden", 403),
    "a denied address": (tool("ips"), VIOLATION, "address_denied", 403),
    "a denied origin": (tool("s", Origin="https://evil.example"), VIOLATION,
                        "origin_denied", 403),
    "an unknown session": (tool("s", **{"Mcp-Session-Id": "x"}), CALL,
                           "session_not_found", 404),
    "no type for us": (tool("s", **{"Content-Type": "text/plain"}), HTTP,
                       "unsupported_media", 415),
    "no type for the client": (tool("s", Accept="text/html"), HTTP,
                               "not_acceptable", 406),
    "a denied tool": (tool("lists", "rm", **bearer(KEY)), CALL,
                      "unknown_tool", 200),
    "our tokens": (ask("pool", "status 401"), HTTP, "tokens_exhausted", 502),
    "our token": (ask("round", "status 401"), HTTP, "upstream_auth", 502),
    "a proxy's login": (ask("s", "status 407"), HTTP, "proxy_auth", 502),
    "no proxy": (tool("via"), CALL, "proxy_failed", 502),
    "no upstream": (tool("down"), CALL, "upstream_down", 502),
    "no MCP": (ask("s", "text"), HTTP, "upstream_protocol", 502),
    "a broken upstream": (ask("s", "status 500"), HTTP, "upstream_error",
                          502),
    "a busy upstream": (ask("s", "status 429"), HTTP, "upstream_limited",
                        429),
    "a slow upstream": (ask("short", "slow"), HTTP, "upstream_timeout", 504),
    "a server not built": (tool("closed"), HTTP, "server_invalid", 503),
    "our own token": (tool("old", **bearer(OUT + "-old")), VIOLATION,
                      "invalid_token", 401),
}


@test("a refusal is one record", rows=sorted(REFUSED))
def _(t):
    (name, body, headers), kind, reason, status = REFUSED[t.row]
    with Upstream(by_method) as up, audited(t, servers(up)) as g:
        r = g.post("/%s/mcp" % name, body, headers)
        equal(r.status, status)
        rec = one(g, type=kind, error=reason, status=status, server=name,
                  success=reason is None, remote_addr="127.0.0.1",
                  request_id=r.header("x-request-id"))
        assert rec["duration_ms"] >= 0
        assert OUT[-8:] not in json.dumps(rec)
        if kind == CALL and reason not in (None,):
            equal(rec["action"], "tools/call")
        if t.row == "a denied tool":
            equal((rec["resource"], rec["user"]), ("rm", "token:ci"))
        if t.row in ("a missing scope", "a denied user"):
            equal(rec["user"], "token:ci")      # who he is was known
            equal(g.access(server=name)["user"], "token:ci")
            equal(g.metrics().total("mcp_authenticated_requests_total"), 0)
        elif kind == LOGIN:
            equal(rec["user"], None)


@test("somebody who was sent away is named")
def _(t):
    with Upstream(by_method) as up, audited(t, servers(up)) as g:
        earlier = signed()
        code, _, err = g.ctl("revoke", "--user", "alice")
        equal((code, err), (0, ""))
        r = g.post("/jwt/mcp", tool("jwt")[1], earlier)
        equal((r.status, r.reason), (401, "token_revoked"))
        rec = records(g, 2)[1]
        equal((rec["type"], rec["error"], rec["user"], rec["success"]),
              (LOGIN, "token_revoked", "alice", False))


@test("a refused page or method", rows=(
    ("GET", "/nobody", "not_found", 404),
    ("PUT", "/s/mcp", "method_not_allowed", 405),
    ("GET", "/s/mcp?token=" + "x" * 4096, "too_large", 414),
    ("GET", "/s/../x", "bad_request", 400),
    ("GET", "/ws", "websocket", 501)))
def _(t):
    method, path, reason, status = t.row
    with Upstream(by_method) as up, audited(t, servers(up)) as g:
        equal(g.call(method, path).status, status)
        r = one(g, type=HTTP, error=reason, status=status, success=False,
                action=method if method != "PUT" else "other")
        assert "token" not in r["resource"], r["resource"]


@test("what rates refuse, and a full house")
def _(t):
    hold = Hold()

    def waits(q, out):
        hold.wait()
        out.result()

    with Upstream(waits) as up, audited(
            t, servers(up), limits={"inFlight": 1}) as g, g.conn() as c:
        s = c.begin("POST", "/once/mcp", body=ask("once")[1])
        up.wait(1)
        equal(g.post("/once/mcp", ask("once")[1]).status, 429)
        equal(g.post("/s/mcp", ask("s")[1]).status, 503)
        hold.go()
        s.rest()
        equal([r["error"] for r in records(g, 3)],
              ["rate_limited", "overloaded", None])


@test("a client that goes")
def _(t):
    with Upstream(by_method) as up, audited(t, servers(up)) as g:
        with fcgi.Conn(g.socket) as c:
            c.begin("POST", "/s/mcp", body=ask("s", "slow")[1])
            up.wait(1)
        one(g, error="client_gone", status=499, success=False)


@test("calls that went well", workers=BOTH)
def _(t):
    with Upstream(with_session(plain)) as up, audited(
            t, servers(up), workers=t.workers) as g:
        headers = dict(bearer(KEY), **{"User-Agent": 'agent "x" \xc3\xa4'})
        sid = g.session("/key/mcp", headers)
        name, body, _ = tool("key")
        r = g.post("/key/mcp", body, dict(sid, **headers))
        equal(r.status, 200)
        equal(g.rpc("/pool/mcp", "ping").status, 200)
        equal(g.call("DELETE", "/key/mcp", dict(sid, **headers)).status, 200)
        rows = {r["action"]: r for r in records(g, 4)}
        first, call, ping, end = [rows[a] for a in (
            "initialize", "tools/call", "ping", "DELETE")]
        for k, v in {"type": HTTP, "action": "initialize", "user":
                     "token:ci", "resource": "/key/mcp", "server": "key",
                     "strategy": "token", "token_index": None}.items():
            equal(first[k], v, k)
        for k, v in {"type": CALL, "action": "tools/call", "resource":
                     "echo", "user": "token:ci", "success": True,
                     "error": None, "status": 200,
                     "user_agent": 'agent "x" \u00e4',
                     "request_id": r.header("x-request-id")}.items():
            equal(call[k], v, k)
        equal(ping["token_index"], 0)
        equal(ping["session_id"], None)
        equal(end["action"], "DELETE")
        equal(len({x["session_id"] for x in (first, call, end)}), 1)
        assert len(call["session_id"]) == 16
        assert sid["Mcp-Session-Id"] not in json.dumps(rows)


@test("probes and preflights leave none, pages do")
def _(t):
    with Upstream(plain) as up, audited(
            t, servers(up), admin={"enabled": True,
                                   "authRequired": False}) as g:
        for path in ("/health", "/ready"):
            equal(g.get(path).status, 200)
        equal(g.call("OPTIONS", "/s/mcp").status, 204)
        equal(g.get("/selftest/headers").status, 200)
        equal(g.get("/version").status, 200)
        equal([(r["type"], r["resource"]) for r in records(g, 2)],
              [("admin", "/selftest/headers"), (HTTP, "/version")])


@test("a stream, when it ends")
def _(t):
    def events(q, out):
        out.sse([out.event({"jsonrpc": "2.0", "id": q.json["id"],
                            "result": {}})])

    with Upstream(plain) as up, audited(t, servers(up)) as g:
        name, body, _ = tool("s")
        equal(g.post("/s/mcp", body).status, 200)
        one(g, type=CALL, success=True)


@test("a session of somebody else is a violation")
def _(t):
    with Upstream(with_session(plain)) as up, audited(t, servers(up)) as g:
        sid = g.session("/s/mcp")
        equal(g.rpc("/pool/mcp", "ping", headers=sid).status, 404)
        r = records(g, 2)[1]
        equal((r["type"], r["error"]), (VIOLATION, "session_not_found"))


@test("a batch: each call, and each that is refused")
def _(t):
    def each(q, out):
        out.json([{"jsonrpc": "2.0", "id": m["id"], "result": {}}
                  for m in q.json])

    def batch(*names):
        return [dict(tool("x", n)[1], id=i) for i, n in enumerate(names)]

    old = dict(bearer(KEY), **{"MCP-Protocol-Version": "2025-03-26"})
    with Upstream(each) as up, audited(t, servers(up)) as g:
        equal(g.post("/lists/mcp", batch("echo", "rm", "echo"),
                     old).status, 200)
        rows = records(g, 3)
        equal([(r["resource"], r["error"], r["type"]) for r in rows],
              [("rm", "unknown_tool", CALL), ("echo", None, CALL),
               ("echo", None, CALL)])
        equal(len({r["request_id"] for r in rows}), 1)
        equal(g.post("/lists/mcp", batch("rm", "mv"), old).status, 200)
        equal([r["resource"] for r in records(g, 5)[3:]], ["rm", "mv"])
        equal(g.post("/lists/mcp", batch("echo", "rm"), {
            "MCP-Protocol-Version": "2025-03-26"}).status, 401)
        equal(records(g, 6)[5]["type"], LOGIN)


EVENTS = {
    "auth": [LOGIN, LOGIN, LOGIN],
    "call": [CALL, HTTP, HTTP, HTTP],
    "security": [VIOLATION],
    "admin": [],
}


@test("only the events that are wanted", rows=sorted(EVENTS))
def _(t):
    with Upstream(plain) as up, audited(
            t, servers(up), audit={"events": [t.row]}) as g:
        g.post("/key/mcp", tool("key")[1], bearer(KEY))     # a call
        g.post("/key/mcp", tool("key")[1])                  # a login
        g.post("/key/mcp", tool("key")[1], bearer("a b"))   # a violation
        g.get("/nobody")
        equal([r["type"] for r in records(g, len(EVENTS[t.row]))],
              EVENTS[t.row])


@test("four workers write whole lines")
def _(t):
    with Upstream(plain) as up, audited(t, servers(up), workers=4) as g:
        def some(n):
            for i in range(40):
                g.post("/s/mcp", tool("s", "tool-%d-%d" % (n, i))[1],
                       {"User-Agent": "x" * 200})

        crew = [threading.Thread(target=some, args=(n,)) for n in range(8)]
        for c in crew:
            c.start()
        for c in crew:
            c.join()
        rows = records(g, 320)
        equal(len({r["resource"] for r in rows}), 320)
        equal({len(r["user_agent"]) for r in rows}, {128})


@test("required: nothing is forwarded when the disk is full", workers=BOTH)
def _(t):
    with Upstream(plain) as up, audited(
            t, servers(up), [{"type": "json", "path": "/dev/full"}],
            t.workers, audit={"required": True}) as g:
        for body, headers in ((tool("s")[1], {}), (tool("key")[1], {}),
                              (b"{", {})):
            name = "key" if headers == {} and body != b"{" else "s"
            r = g.post("/%s/mcp" % name, body, headers)
            equal((r.status, r.reason), (503, "audit_unavailable"))
        r = g.get("/s/mcp", {"Accept": "text/event-stream"})
        equal((r.status, r.reason), (503, "audit_unavailable"))
        equal(len(up.calls), 0)
        equal(g.get("/health").status, 200)
        equal(g.get("/version").status, 503)
        rc, out, _ = g.ctl("metrics")
        equal(rc, 0)
        lost = [ln for ln in out.splitlines()
                if ln.startswith("mcpgate_audit_dropped_total ")]
        assert int(lost[0].split()[1]) >= 5, lost
        g.log_has("records dropped")


@test("not required: it is counted")
def _(t):
    with Upstream(plain) as up, audited(
            t, servers(up), [{"type": "json", "path": "/dev/full"}]) as g:
        for _ in range(3):
            equal(g.post("/s/mcp", tool("s")[1]).status, 200)
        eventually(lambda: g.metrics().total("mcpgate_audit_dropped_total")
                   >= 3, 5, "the count")
        g.log_has("audit: ")


@test("required: a record before the call, and one before the reply")
def _(t):
    seen = []

    def looks(q, out):
        with open(g.audit) as f:
            seen.append(len(f.readlines()))
        out.result()

    with Upstream(looks) as up:
        g = audited(t, servers(up), audit={"required": True})
        with g:
            equal(g.post("/key/mcp", tool("key")[1], bearer(KEY)).status,
                  200)
            equal(seen, [1])
            first, last = records(g, 2)
            equal((first["status"], first["duration_ms"]), (None, None))
            equal(last["status"], 200)
            for k in ("type", "user", "resource", "request_id"):
                equal(first[k], last[k], k)
            equal(g.post("/key/mcp", tool("key")[1]).status, 401)
            equal(records(g, 3)[2]["error"], "unauthenticated")


@test("a renamed file, and SIGUSR1", workers=BOTH)
def _(t):
    with Upstream(plain) as up, audited(t, servers(up),
                                        workers=t.workers) as g:
        equal(g.post("/s/mcp", tool("s")[1]).status, 200)
        records(g, 1)
        os.rename(g.audit, g.audit + ".1")
        g.signal(signal.SIGUSR1)
        eventually(lambda: os.path.exists(g.audit), 5, "the new file")
        time.sleep(0.3)
        for _ in range(8):
            equal(g.post("/s/mcp", tool("s")[1]).status, 200)
        records(g, 8)
        equal(os.stat(g.audit).st_mode & 0o137, 0)


@test("a reload switches it")
def _(t):
    with Upstream(plain) as up, audited(t, servers(up)) as g:
        equal(g.post("/s/mcp", tool("s")[1]).status, 200)
        conf = json.loads(json.dumps(g.conf))
        conf["mcpProxy"]["audit"]["enabled"] = False
        g.reload(conf)
        equal(g.post("/s/mcp", tool("s")[1]).status, 200)
        records(g, 1)


@test("standard error has its mark")
def _(t):
    with Upstream(plain) as up, audited(t, servers(up), [
            {"type": "json", "path": "stderr"}]) as g:
        equal(g.post("/s/mcp", tool("s")[1]).status, 200)
        g.log_has("AUDIT: {")
        line = [ln for ln in g.log_text().splitlines()
                if ln.startswith("AUDIT: ")]
        equal(len(line), 1)
        equal(json.loads(line[0][7:])["resource"], "echo")


@test("no syslog: the record is lost, and counted")
def _(t):
    if os.path.exists("/dev/log"):
        raise tap.Skip("this host has a /dev/log")
    with Upstream(plain) as up, audited(t, servers(up), [
            {"type": "syslog", "facility": "local3", "ident": "x"}]) as g:
        equal(g.post("/s/mcp", tool("s")[1]).status, 200)
        eventually(lambda: g.metrics().total("mcpgate_audit_dropped_total")
                   >= 1, 5, "the count")
        g.log_has("/dev/log")


@test("hashed principals")
def _(t):
    with Upstream(plain) as up, audited(t, servers(up), log={
            "principals": "hash"}) as g:
        equal(g.post("/key/mcp", tool("key")[1], bearer(KEY)).status, 200)
        user = one(g)["user"]
        equal(len(user), 16)
        equal(g.access(tool="echo")["user"], user)


@test("a user in a deed of mcpgatectl is hashed, too", rows=(
    ("revoke", "--user", "alice"), ("revoke", "subject", "alice"),
    ("token", "mint", "--sub", "alice", "--alg", "HS256", "--key", "KEY")))
def _(t):
    with Upstream(by_method) as up, audited(t, servers(up), log={
            "principals": "hash"}) as g:
        equal(g.post("/jwt/mcp", tool("jwt")[1], signed()).status, 200)
        user = records(g, 1)[0]["user"]
        key = os.path.join(g.dir, "key")
        with open(key, "w") as f:
            f.write(HS)
        os.chmod(key, 0o600)
        code, _, err = g.ctl(*[key if w == "KEY" else w for w in t.row])
        equal((code, err), (0, ""))
        equal(records(g, 2)[1]["resource"], "user " + user)
        os.unlink(key)


@test("a CGI process records, too")
def _(t):
    with Upstream(plain) as up, audited(t, servers(up), mode="cgi") as g:
        r, rc = g.cgi("POST", "/key/mcp", dict(bearer(KEY), Accept=(
            "application/json, text/event-stream")), json.dumps(
            tool("key")[1]).encode())
        equal((r.status, rc), (200, 0))
        one(g, type=CALL, user="token:ci")


@test("a file that cannot be written stops the start", rows=(
    ("/nonexistent/audit", "E08"), (None, "E42"), ("none", "E42")))
def _(t):
    path, want = t.row
    sinks = {None: [{"type": "json"}], "none": []}.get(
        path, [{"type": "json", "path": path}])
    where = place(t)
    file = os.path.join(where, "c.json")
    with open(file, "w") as f:
        json.dump(config({"s": server("http://127.0.0.1:9/mcp")}, audit={
            "enabled": True, "sinks": sinks}), f)
    os.chmod(file, 0o600)
    rc, _, err = run(["-c", file, "-t"])
    equal(rc, 78)
    assert ("cannot write" if want == "E08" else "needs") in err, err


tap.main()
