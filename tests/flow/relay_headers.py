#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""relay_headers -- which headers travel, in both directions"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, secret, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream, plain, with_session  # noqa: E402

BOTH = (1, 4)
P = "io.modelcontextprotocol/"

# What the gateway may say to an upstream of its own accord.
OURS = {"host", "content-type", "content-length", "accept",
        "accept-encoding", "user-agent", "mcp-protocol-version",
        "mcp-session-id", "mcp-method", "mcp-name", "authorization",
        "x-request-id", "traceparent", "tracestate", "baggage",
        "last-event-id", "connection"}


@test("what goes up of its own", workers=BOTH)
def _(t):
    token = secret("pool")
    with Upstream() as up:
        conf = config({"s": server(up, pool(token),
                                   headers={"X-Static": "v"})})
        with Gate(conf, t.workers) as g:
            g.rpc("/s/mcp", "ping",
                  headers={"MCP-Protocol-Version": "2025-11-25"})
            q = up.calls[0]
            assert set(q.names) <= OURS | {"x-static"}, q.names
            equal(q.header("host"), "127.0.0.1:%d" % up.port)
            equal(q.header("content-type"), "application/json")
            equal(q.header("accept"), "application/json, text/event-stream")
            equal(q.header("accept-encoding"), "identity")
            equal(q.header("mcp-protocol-version"), "2025-11-25")
            equal(q.header("x-static"), "v")
            equal(q.header("authorization"), "Bearer " + token)
            equal(q.line, "POST /mcp HTTP/1.1")
            assert q.all("expect") == []


@test("what a client may not send up", workers=BOTH, rows=(
    ("Cookie", "sid=1"), ("Proxy", "http://evil.test"),
    ("Proxy-Authorization", "Basic dTpw"), ("Connection", "X-Evil, close"),
    ("X-Evil", "1"), ("TE", "trailers"), ("Upgrade", "h2c"),
    ("Keep-Alive", "timeout=5"), ("Transfer-Encoding", "chunked"),
    ("Trailer", "X"), ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-Host", "evil.test"), ("Forwarded", "for=10.0.0.1"),
    ("X-Real-IP", "10.0.0.1"), ("X-Authenticated-User", "root"),
    ("X-Mcpgate-User", "root"), ("X-API-Key", "k"), ("Via", "1.1 p"),
    ("Content-Encoding", "gzip"), ("X-Accel-Redirect", "/etc/passwd")))
def _(t):
    name, value = t.row
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        g.rpc("/s/mcp", "ping", headers={name: value})
        q = up.calls[0]
        assert set(q.names) <= OURS, q.names
        assert "evil" not in repr(q.headers) and "root" not in repr(q)


@test("the inbound credential never goes up", workers=BOTH, rows=(
    "Authorization", "X-API-Key", "query"))
def _(t):
    key, token = secret("inbound"), secret("pool")
    with Upstream() as up:
        conf = config({"s": server(up, pool(token))})
        conf["mcpProxy"]["options"]["inboundAuth"] = {
            "strategy": ["token", "apikey"], "token": {"values": [key]},
            "apikey": {"values": [key]}, "allowQueryToken": True}
        with Gate(conf, t.workers) as g:
            headers, path = {}, "/s/mcp"
            if t.row == "query":
                path += "?access_token=" + key
            else:
                headers[t.row] = ("Bearer " if t.row == "Authorization"
                                  else "") + key
            equal(g.rpc(path, "ping", headers=headers).status, 200)
            q = up.calls[0]
            assert key not in repr(q.headers) + q.line
            equal(q.token, token)


@test("session, event id and trace go up", workers=BOTH)
def _(t):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Upstream(with_session(plain, "abc")) as up, \
            Gate(config({"s": server(up)}), t.workers) as g:
        session = g.session("/s/mcp")
        g.rpc("/s/mcp", "ping", headers=dict(session, **{
            "traceparent": trace, "tracestate": "a=b", "baggage": "k=v",
            "X-Request-Id": "r-1"}))
        q = up.calls[1]
        equal(q.header("mcp-session-id"), "abc")
        equal(q.header("traceparent"), trace)
        equal(q.header("tracestate"), "a=b")
        equal(q.header("baggage"), "k=v")
        equal(q.header("x-request-id"), "r-1")
        g.get("/s/mcp", dict(session, **{
            "Last-Event-ID": "e-7", "Accept": "text/event-stream"}))
        equal(up.calls[2].header("last-event-id"), "e-7")
        equal(up.calls[2].header("mcp-session-id"), "abc")
        equal(up.calls[2].method, "GET")


@test("a broken traceparent does not go up")
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        g.rpc("/s/mcp", "ping", headers={"traceparent": "nonsense"})
        equal(up.calls[0].all("traceparent"), [])


@test("the mirrored headers are made from the body", workers=BOTH, rows=(
    ("plain", "echo", "echo"), ("empty", "", "=?base64??="),
    ("with blanks outside", " x ", "=?base64?IHgg?="),
    ("not ASCII", "größe", "=?base64?Z3LDtsOfZQ==?="),
    ("looks encoded", "=?base64?eA==?=",
     "=?base64?PT9iYXNlNjQ/ZUE9PT89?=")))
def _(t):
    _, name, header = t.row
    meta = {P + "protocolVersion": "2026-07-28",
            P + "clientCapabilities": {}}
    with Upstream() as up, Gate(config({"s": server(up)}), t.workers) as g:
        r = g.rpc("/s/mcp", "tools/call",
                  {"name": name, "arguments": {}, "_meta": meta},
                  headers={"MCP-Protocol-Version": "2026-07-28",
                           "Mcp-Method": "tools/call", "Mcp-Name": header})
        equal(r.status, 200)
        q = up.calls[0]
        equal(q.header("mcp-protocol-version"), "2026-07-28")
        equal(q.header("mcp-method"), "tools/call")
        equal(q.header("mcp-name"), header)


@test("a header of a parameter has one value", workers=(1,), rows=(
    ("one", [("Mcp-Param-A", "1"), ("Mcp-Param-B", "2")], True, 200, 1),
    ("two", [("Mcp-Param-A", "1"), ("Mcp-Param-A", "2")], True, 400, 0),
    ("two spellings", [("Mcp-Param-A", "1"), ("Mcp_Param_A", "1")], True,
     400, 0),
    ("two, nobody compares", [("Mcp-Param-A", "1"), ("Mcp-Param-A", "2")],
     False, 200, 0)))
def _(t):
    _, more, check, status, sent = t.row
    meta = {P + "protocolVersion": "2026-07-28",
            P + "clientCapabilities": {}}
    with Upstream() as up, Gate(config({"s": server(up, {
            "protocol": {"checkHeaders": check}})})) as g:
        r = g.rpc("/s/mcp", "tools/call", {"name": "x", "_meta": meta},
                  headers=[("MCP-Protocol-Version", "2026-07-28"),
                           ("Mcp-Method", "tools/call"),
                           ("Mcp-Name", "x")] + more)
        equal(r.status, status)
        if status == 400:
            equal((r.error["code"], up.calls), (-32020, []))
        else:
            equal(len(up.calls[0].all("mcp-param-a")), sent)


STEERING = [
    ("X-Accel-Redirect", "/etc/passwd"), ("X-Accel-Expires", "60"),
    ("X-Accel-Charset", "koi8"), ("X-Sendfile", "/etc/passwd"),
    ("X-LIGHTTPD-send-file", "/etc/passwd"), ("Location", "/x"),
    ("Status", "302 Found"), ("Set-Cookie", "a=b"),
    ("Access-Control-Allow-Origin", "*"),
    ("Strict-Transport-Security", "max-age=0"), ("Server", "evil"),
    ("WWW-Authenticate", "Bearer"), ("Clear-Site-Data", '"*"'),
    ("Link", "</x>; rel=preload"), ("X-Powered-By", "evil"),
    ("Keep-Alive", "timeout=9"), ("Upgrade", "h2c"), ("Trailer", "X"),
    ("Refresh", "0; url=/x"), ("Alt-Svc", 'h3=":1"'), ("Retry-After", "7")]


@test("what an upstream may not tell the client", workers=BOTH,
      rows=("JSON", "stream", "refusal", "empty"))
def _(t):
    def script(q, out):
        if t.row == "stream":
            out.sse(STEERING)
            out.event({"jsonrpc": "2.0", "id": 1, "result": {}})
            return out.end()
        if t.row == "empty":
            return out.status(202, STEERING)
        return out.json({"jsonrpc": "2.0", "id": 1, "result": {}},
                        400 if t.row == "refusal" else 200, STEERING)

    with Upstream(script) as up, Gate(config({"s": server(up)}),
                                      t.workers) as g:
        if t.row == "empty":
            r = g.post("/s/mcp", {"jsonrpc": "2.0", "method": "n"})
        else:
            r = g.rpc("/s/mcp", "ping")
        equal(r.status, {"refusal": 400, "empty": 202}.get(t.row, 200))
        for name, value in STEERING:
            assert value not in r.all(name), "%s came down" % name
        equal(r.all("transfer-encoding"), [])
        equal(r.all("connection"), [])


@test("what an upstream may tell", workers=BOTH)
def _(t):
    def script(q, out):
        out.json({"jsonrpc": "2.0", "id": 1, "result": {}}, headers=[
            ("Mcp-Session-Id", "theirs"),
            ("MCP-Protocol-Version", "2025-11-25")])

    with Upstream(script) as up, Gate(config({"s": server(up)}),
                                      t.workers) as g:
        r = g.rpc("/s/mcp", "initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"}})
        id = r.header("mcp-session-id")
        assert id.startswith("v1.k") and "theirs" not in id, id
        equal(r.header("cache-control"), "no-store")
        equal(r.header("x-content-type-options"), "nosniff")


@test("a crooked session id of the upstream is not told", rows=(
    ("blank", "a b"), ("too long", "x" * 1025), ("not ASCII", "\xe9")))
def _(t):
    def script(q, out):
        out.result(headers=[("Mcp-Session-Id", t.row[1])])

    with Upstream(script) as up, Gate(config({"s": server(up)})) as g:
        r = g.rpc("/s/mcp", "initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"}})
        equal(r.all("mcp-session-id"), [])


@test("listed headers pass through", workers=BOTH)
def _(t):
    with Upstream() as up:
        conf = config({"s": server(
            up, {"passthrough": {
                "enabled": True, "headers": ["X-Tenant-Id", "X-Both"],
                "rename": {"X-Old": "X-New"}}},
            headers={"X-Both": "configured"})})
        with Gate(conf, t.workers) as g:
            g.rpc("/s/mcp", "ping", headers={
                "X-Tenant-Id": "t1", "X-Both": "client", "X-Old": "o",
                "X-Other": "no"})
            q = up.calls[0]
            equal(q.header("x-tenant-id"), "t1")
            equal(q.header("x-both"), "configured")
            equal(q.header("x-new"), "o")
            equal(q.all("x-old") + q.all("x-other"), [])


@test("a listed header that Connection names was for the web server", rows=(
    ("alone", "X-Tenant-Id", ["x-new", "x-other"]),
    ("among others", "keep-alive ,x-tenant-id, X-OLD", ["x-other"]),
    ("another one", "keep-alive, X-Tenant", ["x-new", "x-other",
                                             "x-tenant-id"])))
def _(t):
    _, named, want = t.row
    with Upstream() as up, Gate(config({"s": server(up, {"passthrough": {
            "enabled": True, "headers": ["X-Tenant-Id", "X-Other"],
            "rename": {"X-Old": "X-New"}}})})) as g:
        g.rpc("/s/mcp", "ping", headers={
            "Connection": named, "X-Tenant-Id": "t", "X-Old": "o",
            "X-Other": "yes"})
        equal(sorted(set(up.calls[0].names) - OURS), want)
        eventually(lambda: g.log_count("dropped: Connection names it") ==
                   3 - len(want), 5, "a line for each of them")


@test("another name does not make a client's word an identity", rows=(
    ("a proxy vouches", {"strategy": "proxy", "proxy": {
        "trustedPeers": ["127.0.0.1"], "groupsHeader": "X-Groups",
        "emailHeader": "X-Mail"}}, "alice", "a,b"),
    ("nobody does", {"strategy": "none"}, None, "root")))
def _(t):
    _, inbound, user, groups = t.row
    rename = {"X-One": "X-Authenticated-User", "X-Two": "X-Groups",
              "X-Three": "X-Mail"}
    with Upstream() as up, Gate(config({"s": server(up, {
            "inboundAuth": inbound, "passthrough": {
                "enabled": True, "headers": [], "rename": rename}})})) as g:
        r = g.rpc("/s/mcp", "ping", headers=dict(
            {name: "root" for name in rename},
            **({"X-Authenticated-User": "alice", "X-Groups": "a, b"})))
        equal(r.status, 200)
        equal([up.calls[0].header(n) for n in rename.values()],
              [user, groups, None if user else "root"])


@test("overwriteBase: exactly the client's goes out")
def _(t):
    with Upstream() as up:
        conf = config({"s": server(
            up, {"passthrough": {"enabled": True, "headers": ["X-Both"],
                                 "overwriteBase": True}},
            headers={"X-Both": "configured"})})
        with Gate(conf) as g:
            g.rpc("/s/mcp", "ping", headers={"X-Both": "client"})
            equal(up.calls[0].header("x-both"), "client")
            g.rpc("/s/mcp", "ping")
            equal(up.calls[1].header("x-both"), "configured")


@test("a bad passthrough value", rows=(
    ("dropped when it came twice", "drop", [("X-Tenant-Id", "a"),
                                            ("X-Tenant-Id", "b")], 200),
    ("dropped when not ASCII", "drop", [("X-Tenant-Id", "\xe9")], 200),
    ("dropped when long", "drop", [("X-Tenant-Id", "x" * 8193)], 200),
    ("kept at the limit", "drop", [("X-Tenant-Id", "x" * 8192)], 200),
    ("refused", "reject", [("X-Tenant-Id", "\xe9")], 400)))
def _(t):
    name, rule, headers, status = t.row
    with Upstream() as up:
        conf = config({"s": server(up, {"passthrough": {
            "enabled": True, "onBadHeader": rule}})})
        with Gate(conf) as g:
            r = g.rpc("/s/mcp", "ping", headers=headers)
            equal(r.status, status)
            if status == 200:
                want = [headers[0][1]] if "limit" in name else []
                equal(up.calls[0].all("x-tenant-id"), want)
            else:
                equal(up.calls, [])


tap.main()
