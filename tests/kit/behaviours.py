# SPDX-License-Identifier: MIT
"""behaviours -- what must hold behind every web server

    behaviours.register(webserver.Nginx)    # one TAP line for each
"""
import json
import os
import signal
import socket
import threading
import time

from kit.gate import config, pool, secret, server
from kit.proxy import Proxy
from kit.tap import Skip, equal, eventually, test
from kit.upstream import Hold, Upstream, plain

A, B, C = secret("a"), secret("b"), secret("c")
KEY, OTHER = secret("inbound"), secret("other")
GATE_SECRET = secret("gate-secret")
ASK = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
NAMES = {A: "a", B: "b", C: "c"}


class Script:
    """The upstream of all these tests; the method says what it does."""

    def __init__(self):
        self.go, self.took, self.refused = Hold(), [], set()

    def __call__(self, q, out):
        ask = q.json if q.method == "POST" else {}
        if q.token in self.refused:
            return out.status(401)
        what = ask.get("method")
        if what == "size":
            return out.result({"size": len(q.body)})
        if what == "steer":
            return out.json({"jsonrpc": "2.0", "id": 1, "result": {}},
                            headers=[("X-Accel-Redirect", "/etc/passwd"),
                                     ("X-Sendfile", "/etc/passwd"),
                                     ("X-LIGHTTPD-send-file", "/etc/passwd"),
                                     ("Location", "/health"),
                                     ("Status", "302 Found"),
                                     ("Set-Cookie", "a=b")])
        if what == "two events":
            out.sse()
            out.event({"n": 1})
            self.go.wait()
            out.event({"jsonrpc": "2.0", "id": ask["id"],
                       "result": {"n": 2}})
            return out.end()
        if what == "tools/list":
            return self.tools(ask, out)
        if what == "for ever":
            return self.for_ever(out)
        return plain(q, out)

    def tools(self, ask, out):
        """The list as one document, or as the last of two events."""
        reply = {"jsonrpc": "2.0", "id": ask["id"], "result": {
            "tools": [{"name": n} for n in ("get_a", "put_a", "get_b")]}}
        if not ask.get("params", {}).get("events"):
            return out.json(reply)
        out.sse()
        out.event({"jsonrpc": "2.0", "method": "notifications/x"})
        out.event(reply)
        return out.end()

    def for_ever(self, out):
        out.sse()
        began = time.monotonic()
        out.sock.settimeout(5)
        try:
            while time.monotonic() - began < 20:
                out.event({"t": 1})
                if out.gone(0.2) is not None:
                    break
        except OSError:
            pass
        self.took.append(time.monotonic())
        out.close = True


def servers(up):
    def locked(inbound, **more):
        return server(up, dict({"inboundAuth": inbound}, **more))

    by_secret = {"userHeader": "X-Authenticated-User",
                 "trustedPeers": ["127.0.0.1"],
                 "secretHeader": "X-Gate-Secret", "secret": GATE_SECRET}
    return config({
        "s": server(up, pool(A, B, C, rotationMode="round-robin")),
        "f": server(up, pool(A, B, rotationMode="on-first-failed")),
        "t": locked({"strategy": "token", "token": {"values": [KEY]}}),
        "h": locked({"strategy": "proxy", "proxy": by_secret}),
        "l": locked({"strategy": "token", "token": {"values": [KEY]}},
                    toolFilter={"mode": "allow", "list": ["get_*"]},
                    publicTools=["get_a"]),
        "p": locked({"strategy": "proxy",
                     "proxy": {"param": "REMOTE_USER"}}),
        "g": locked({"strategy": "proxy",
                     "proxy": {"param": "MCPGATE_USER"}}),
        "i": locked({"strategy": "none"}, security={
            "ipDeny": ["192.0.2.66"],
            "rateLimit": {"perIpRequestsPerDay": 2}})},
        # the web server's own peer is the proxy in front of it
        trustedProxies=["127.0.0.1"])


BEHAVIOURS = []


def behaviour(name):
    def put(fn):
        BEHAVIOURS.append((name, fn))
        return fn

    return put


def register(kind, label=None):
    """Every behaviour behind one kind of web server."""
    for name, fn in BEHAVIOURS:
        def run(t, fn=fn):
            script = Script()
            with Upstream(script) as up, kind(servers(up)) as s:
                fn(t, s, up, script)
            assert not up.errors, up.errors

        test("%s: %s" % (label or kind.__name__, name), limit=90)(run)


def body(r):
    return json.loads(r[2])


@behaviour("a call is answered")
def _(t, s, up, script):
    status, headers, data = s.post("/s/mcp", ASK)
    equal(status, 200)
    equal(json.loads(data), {"jsonrpc": "2.0", "id": 1,
                             "result": {"method": "ping"}})
    names = {n.lower(): v for n, v in headers}
    assert names["content-type"].startswith("application/json")
    assert names["x-request-id"]
    status, _, data = s.post("/s/mcp", {"jsonrpc": "2.0", "method": "n"})
    equal((status, data), (202, b""))


@behaviour("tokens go round over all processes")
def _(t, s, up, script):
    for _ in range(6):
        equal(s.post("/s/mcp", ASK)[0], 200)
    equal("".join(NAMES[x] for x in up.tokens()), "abcabc")


@behaviour("a refused token is replaced, and stays replaced")
def _(t, s, up, script):
    script.refused = {A}
    for _ in range(4):
        equal(s.post("/f/mcp", ASK)[0], 200)
    equal("".join(NAMES[x] for x in up.tokens()), "abbbb")


@behaviour("a credential is asked for, and arrives")
def _(t, s, up, script):
    status, headers, data = s.post("/t/mcp", ASK)
    equal(status, 401)
    challenge = [v for n, v in headers if n.lower() == "www-authenticate"]
    equal(len(challenge), 1)
    assert challenge[0].startswith("Bearer "), challenge
    equal(s.post("/t/mcp", ASK, [("Authorization", "Bearer " + OTHER)])[0],
          401)
    equal(up.calls, [])
    equal(s.post("/t/mcp", ASK, [("Authorization", "Bearer " + KEY)])[0],
          200)
    assert KEY not in repr(up.calls[0].headers)


def names(data):
    """The tools of a list, from a document or the last event."""
    text = data.decode().strip().split("\n")[-1]
    return [x["name"] for x in json.loads(text.replace(
        "data: ", "", 1))["result"]["tools"]]


@behaviour("lists show what may be called")
def _(t, s, up, script):
    ours = [("Authorization", "Bearer " + KEY)]
    for events in (False, True):
        ask = dict(ASK, method="tools/list", params={"events": events})
        for rows, want in (([], ["get_a"]), (ours, ["get_a", "get_b"])):
            status, _, data = s.post("/l/mcp", ask, rows)
            equal((status, names(data)), (200, want))
    call = dict(ASK, method="tools/call")
    for name, rows, want in (("get_a", [], 200), ("get_b", [], 401),
                             ("get_b", ours, 200)):
        equal(s.post("/l/mcp", dict(call, params={"name": name}),
                     rows)[0], want)
    n = len(up.calls)
    status, _, data = s.post("/l/mcp", dict(call, params={"name": "put_a"}),
                             ours)
    equal((status, json.loads(data)["error"]["message"]),
          (200, "Unknown tool: put_a"))
    equal(len(up.calls), n)


@behaviour("two credentials are refused")
def _(t, s, up, script):
    two = [("Authorization", "Bearer " + KEY)] * 2
    status = s.post("/t/mcp", ASK, two)[0]
    assert status in (400, 401), status
    equal(up.calls, [])


@behaviour("the client in front of a trusted proxy is looked at")
def _(t, s, up, script):
    def ask(*values, name="X-Forwarded-For"):
        return s.post("/i/mcp", ASK, [(name, v) for v in values])[0]

    equal(ask("192.0.2.66"), 403)
    equal(ask("192.0.2.7, 192.0.2.66"), 403)
    equal([ask("192.0.2.66, 192.0.2.7") for _ in range(3)], [200, 200, 429])
    equal([ask("192.0.2.8, 127.0.0.1") for _ in range(3)], [200, 200, 429])
    equal(ask(", ".join(["192.0.2.9"] * 33)), 400)
    # two lines: told apart they are refused, joined the last one counts
    assert ask("192.0.2.10", "192.0.2.66") in (400, 403)
    assert ask("192.0.2.66", "192.0.2.11") in (400, 200)
    # other names and spellings name nobody: the peer itself is counted
    got = [ask("192.0.2.66", name=n) for n in (
        "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP")]
    equal(got, [200, 200, 429, 429])


@behaviour("a large body arrives whole")
def _(t, s, up, script):
    ask = dict(ASK, method="size", params={"a": "x" * s.big_body})
    status, _, data = s.post("/s/mcp", ask)
    equal(status, 200)
    equal(json.loads(data)["result"]["size"], len(json.dumps(ask)))


@behaviour("a body over the limit is a 413, the next call works")
def _(t, s, up, script):
    ask = dict(ASK, params={"a": "x" * (5 << 20)})
    try:
        status = s.post("/s/mcp", ask)[0]
        assert status in s.too_big, status
    except (BrokenPipeError, ConnectionResetError):
        pass                    # the web server's own way to say it
    equal(s.post("/s/mcp", ASK)[0], 200)


def read_until(sock, word, seconds):
    data, end = b"", time.monotonic() + seconds
    while word not in data:
        sock.settimeout(max(0.01, end - time.monotonic()))
        got = sock.recv(65536)
        assert got, "closed after %r" % data[-300:]
        data += got
    return data


@behaviour("an event arrives before the next one is sent")
def _(t, s, up, script):
    if not s.live:
        script.go.go()
        status, headers, data = s.post("/s/mcp",
                                       dict(ASK, method="two events"))
        equal((status, json.loads(data)["result"]), (200, {"n": 2}))
        return
    sock = s.open("/s/mcp", dict(ASK, method="two events"))
    try:
        data = read_until(sock, b'{"n": 1}', 5)
        assert b"text/event-stream" in data
        assert b'"result"' not in data
        script.go.go()
        read_until(sock, b'"result"', 5)
    finally:
        script.go.go()
        sock.close()


@behaviour("a client that goes cancels the upstream")
def _(t, s, up, script):
    if not s.live:
        raise Skip("no streams in this set-up")
    sock = s.open("/s/mcp", dict(ASK, method="for ever"))
    read_until(sock, b'"t": 1', 5)
    began = time.monotonic()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    b"\1\0\0\0\0\0\0\0")
    sock.close()
    eventually(lambda: script.took, 15, "the end of the upstream's stream")
    took = script.took[0] - began
    assert took < s.tells_gone, "cancelled after %.1f s" % took


SPELLINGS = ("X-Authenticated-User", "X_Authenticated_User",
             "X.Authenticated.User", "x-authenticated_user",
             "X-Authenticated-User-", "HTTP_X_AUTHENTICATED_USER",
             "X!Authenticated!User")


@behaviour("no spelling of the user header is believed without the secret")
def _(t, s, up, script):
    for name in SPELLINGS:
        status = s.post("/h/mcp", ASK, [(name, "root")])[0]
        assert status in (400, 401), (name, status)
        status = s.post("/h/mcp", ASK, [
            (name, "root"), ("X-Gate-Secret", "guess")])[0]
        assert status in (400, 401), (name, status)
    equal(up.calls, [])
    equal(s.post("/h/mcp", ASK, [("X-Authenticated-User", "alice"),
                                 ("X-Gate-Secret", GATE_SECRET)])[0], 200)
    assert "x-gate-secret" not in up.calls[0].names


@behaviour("a second spelling beside the right one changes nobody")
def _(t, s, up, script):
    for name in SPELLINGS[1:]:
        r = s.post("/h/mcp", ASK, [
            (name, "root"), ("X-Authenticated-User", "alice"),
            ("X-Gate-Secret", GATE_SECRET)])
        assert r[0] in (200, 400, 401), (name, r[0])
    time.sleep(0.1)
    for line in s.gate.log_lines():
        assert line.get("user") != "root", line


@behaviour("no header becomes a variable of the web server")
def _(t, s, up, script):
    for name in ("REMOTE_USER", "Remote-User", "Remote_User", "remote.user",
                 "MCPGATE_USER", "Mcpgate-User", "HTTP-REMOTE-USER",
                 "REDIRECT_REMOTE_USER", "REDIRECT-MCPGATE-USER"):
        for path in ("/p/mcp", "/g/mcp"):
            status = s.post(path, ASK, [(name, "root")])[0]
            assert status in (400, 401), (name, path, status)
    # a name beside a password that nobody has looked at
    for value in ("Basic cm9vdDp4", "basic cm9vdDo=", "Basic cm9vdA==",
                  'Digest username="root"', "Negotiate cm9vdA=="):
        for path in ("/p/mcp", "/g/mcp"):
            status = s.post(path, ASK, [("Authorization", value)])[0]
            equal((value, path, status), (value, path, 401))
    equal(up.calls, [])


# What programs in front of others, and those who attack them, have sent.
PLAUSIBLE = (
    "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups",
    "Remote-Addr", "Remote-Host", "Remote-Ident", "Auth-User", "Auth-Type",
    "Authenticated-User", "User", "User-Id", "Username", "Logged-In-User",
    "X-User", "X-User-Id", "X-User-Name", "X-Username", "X-User-Email",
    "X-Email", "X-Groups", "X-Role", "X-Roles", "X-Admin", "X-Is-Admin",
    "X-Remote-User", "X-Remote-Group", "X-Remote-Extra-Scopes",
    "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token",
    "X-Auth-User", "X-Auth-Username", "X-Auth-Request-User",
    "X-Auth-Request-Email", "X-Auth-Request-Groups",
    "X-Auth-Request-Access-Token", "X-Auth-Token", "X-Authorization",
    "X-Original-User", "X-WebAuth-User", "X-Webauth-Groups", "X-SSO-User",
    "X-Consumer-Username", "X-Consumer-Groups", "X-Credential-Identifier",
    "X-Jwt-Payload", "X-Jwt-Assertion", "X-Userinfo", "X-Identity",
    "X-Goog-Authenticated-User-Email", "X-Goog-IAP-JWT-Assertion",
    "Cf-Access-Authenticated-User-Email", "Cf-Access-Jwt-Assertion",
    "X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Data", "X-Ms-Client-Principal",
    "X-Ms-Client-Principal-Name", "X-Client-Cert", "X-Client-Dn",
    "X-SSL-Client-S-DN-CN", "SSL-CLIENT-S-DN-CN", "SSL-Client-Verify",
    "X-Mcpgate-User", "X-Mcpgate-How", "X-Mcpgate-Groups", "Mcpgate-User",
    "Mcpgate-Peer-Addr", "Gateway-Interface", "Redirect-Remote-User",
    "X-Gate-Secret", "X-Authenticated-User")

# Who connects, and from where, as others have spelled it.
ADDRESSES = (
    "X-Real-IP", "X-Client-IP", "Client-IP", "True-Client-IP",
    "X-Cluster-Client-IP", "X-Originating-IP", "X-Remote-IP",
    "X-Remote-Addr", "X-Forwarded", "Forwarded-For", "Forwarded",
    "Cf-Connecting-IP", "Fastly-Client-IP", "X-Azure-ClientIP",
    "X-ProxyUser-Ip", "WL-Proxy-Client-IP", "Proxy-Client-IP",
    "X-Envoy-External-Address", "Remote-Addr", "Mcpgate-Peer-Addr",
    "Realip-Remote-Addr", "Server-Addr", "Http-Client-Ip")


def spelled(name, value):
    """The name as it is, with underscores, with dots, all in one request."""
    return [(name.replace("-", c), value) for c in "-_."]


@behaviour("no header of any name makes somebody of a client")
def _(t, s, up, script):
    for name in PLAUSIBLE:
        for path in ("/p/mcp", "/g/mcp", "/h/mcp"):
            status = s.post(path, ASK, spelled(name, "root"))[0]
            assert status in (400, 401), (name, path, status)
    equal(up.calls, [])
    right = [("X-Authenticated-User", "alice"),
             ("X-Gate-Secret", GATE_SECRET)]
    for name in PLAUSIBLE[:-2]:
        status = s.post("/h/mcp", ASK, spelled(name, "root") + right)[0]
        equal((name, status), (name, 200))
    time.sleep(0.2)
    lines = [x for x in s.gate.log_lines() if x.get("server") == "h"]
    equal({x.get("user") for x in lines if x.get("status") == 200},
          {"alice"})
    assert not [x for x in s.gate.log_lines() if x.get("user") == "root"]
    for call in up.calls:
        assert "root" not in [v for _, v in call.headers], call


@behaviour("no header of any name moves a client")
def _(t, s, up, script):
    token = [("Authorization", "Bearer " + KEY)]
    first = s.post("/t/mcp", ASK, token)
    equal(first[0], 200)
    for name in ADDRESSES:
        for value in ("192.0.2.66", "for=192.0.2.66"):
            r = s.post("/t/mcp", ASK, token + spelled(name, value))
            equal((name, r[0]), (name, 200))
    time.sleep(0.2)
    lines = [x for x in s.gate.log_lines() if x.get("server") == "t"
             and x.get("status") == 200]
    equal({x.get("client") for x in lines}, {"127.0.0.1"})
    equal({x.get("user") for x in lines}, {"token:0"})


@behaviour("a Proxy header steers nothing")
def _(t, s, up, script):
    with Proxy() as p:
        for name in ("Proxy", "Http-Proxy", "HTTP_PROXY", "All-Proxy",
                     "proxy", "PROXY", "Proxy_", "Https-Proxy", "No-Proxy",
                     "Http.Proxy", "X-Proxy", "Proxy-Pass"):
            status = s.post("/s/mcp", ASK, [(name, p.url())])[0]
            equal(status, 200)
        equal(p.asked, [])


@behaviour("headers of an upstream do not steer the web server")
def _(t, s, up, script):
    status, headers, data = s.post("/s/mcp", dict(ASK, method="steer"))
    equal(status, 200)
    equal(json.loads(data), {"jsonrpc": "2.0", "id": 1, "result": {}})
    names = {n.lower() for n, _ in headers}
    assert not names & {"set-cookie", "location", "x-sendfile",
                        "x-accel-redirect"}, names


@behaviour("paths, methods and pages are ours")
def _(t, s, up, script):
    equal(s.get("/health")[0], 200)
    equal(s.get("/ready")[0], 200)
    status, _, data = s.get("/nobody")
    equal(status, 404)
    assert b"not_found" in data, data
    equal(s.get("/ws")[0], 501)
    equal(s.call("OPTIONS", "/s/mcp")[0], 204)
    status, headers, _ = s.call("PUT", "/s/mcp", body=b"{}")
    equal(status, 405)
    assert any(n.lower() == "allow" for n, _ in headers)
    equal(s.call("DELETE", "/s/mcp")[0], 200)
    equal(s.call("DELETE", "/s/mcp",
                 [("Mcp-Session-Id", "x")])[0], 404)


@behaviour("crooked paths lead nowhere")
def _(t, s, up, script):
    for path in ("/s/..%2ft/mcp", "/s%2fmcp", "//t/mcp", "/x/%2e%2e/t/mcp",
                 "/s/mcp%00", "/s/mcp%E4", "/%C3"):
        for status, _, _ in (s.post(path, ASK), s.get(path)):
            assert status in (400, 401, 403, 404, 405), (path, status)
    equal(up.calls, [])


@behaviour("a query is no command line")
def _(t, s, up, script):
    for query in ("--print-schema", "--dump-config", "-h", "x+--help",
                  "%2d-version", "--pidfile+" + s.dir + "/pid"):
        status, _, data = s.get("/health?" + query)
        assert status in (200, 400), (query, status)
        assert b'"ok"' in data or b'"bad_request"' in data, data
    equal(os.path.exists(s.dir + "/pid"), False)
    for query in ("words", "some+words", "/s/mcp"):
        equal((query, s.get("/health?" + query)[0]), (query, 200))
        equal((query, s.post("/t/mcp?" + query, ASK)[0]), (query, 401))


@behaviour("calls go on while both sides reload")
def _(t, s, up, script):
    stop, bad, good = threading.Event(), [], [0]

    def ask():
        while not stop.is_set():
            try:
                status = s.post("/s/mcp", ASK)[0]
            except OSError as e:
                status = repr(e)
            if status == 200:
                good[0] += 1
            else:
                bad.append(status)

    crew = [threading.Thread(target=ask) for _ in range(2)]
    for c in crew:
        c.start()
    time.sleep(0.5)
    s.gate.write(s.gate.conf)
    if s.own_pool:
        s.gate.signal(signal.SIGHUP)
    time.sleep(0.5)
    s.reload()
    time.sleep(2.5)
    stop.set()
    for c in crew:
        c.join()
    assert len(bad) <= s.losses, bad
    assert good[0] > 10, good
