#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_origins -- which origins a list lets in, by large tables"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

LISTED = [
    "https://app.example.com", "http://intra.example.org:8080",
    "https://*.wild.example", "https://*.deep.sub.wild2.example:8443",
    "*.bare.example", "chrome-extension://abcdefghij",
    "http://[2001:db8::1]:3000", "HTTPS://Upper.Example", "bare.host.example",
    "http://192.0.2.1", "vscode-webview://*.panel",
]

LIST_YES = (
    "https://app.example.com", "https://APP.example.com",
    "HTTPS://app.EXAMPLE.com", "http://intra.example.org:8080",
    "http://INTRA.example.org:8080", "https://a.wild.example",
    "https://a.b.wild.example", "https://A.WILD.example",
    "https://-.wild.example", "https://xn--bcher-kva.wild.example",
    "https://1.wild.example", "https://x.deep.sub.wild2.example:8443",
    "https://x.y.deep.sub.wild2.example:8443", "https://a.bare.example",
    "https://bare.host.example", "chrome-extension://abcdefghij",
    "chrome-extension://ABCDEFGHIJ", "http://[2001:db8::1]:3000",
    "http://[2001:DB8::1]:3000", "https://upper.example",
    "https://UPPER.EXAMPLE", "http://192.0.2.1", "vscode-webview://x.panel",
    "https://gw.example", "https://GW.example",
)
LIST_NO = (
    "https://app.example.com:443", "http://app.example.com",
    "https://app.example.com:8443", "https://app.example.com/",
    "https://app.example.com.", "https://app.example.com.evil.example",
    "https://evilapp.example.com", "https://x.app.example.com",
    "https://app.example.comevil", "https://user@app.example.com",
    "https://app.example.com@evil.example",
    "https://app.example.com:80@evil.example", "https://app.example.com#",
    "https://app.example.com?x", "https://app.example.com\\evil",
    "https://app%2eexample.com", "https://app_example.com",
    "https:/app.example.com", "https:app.example.com", "//app.example.com",
    "app.example.com", "https://", "https://:443", "https://app.example.com:",
    "https://app.example.com:x", "https://app.example.com:-1",
    "https://app.example.com: 443",
    "https://app.example.com https://evil.example",
    "https://app.example.com,https://evil.example",
    "https://app.example.com, https://app.example.com", "null", "NULL",
    "Null", "*", "https://*", "https://*.wild.example", "file://", "file:///",
    "https://\xe4pp.example.com", "https://app.example.com\xa0",
    "https://app.example\tcom", "http://intra.example.org",
    "http://intra.example.org:80", "http://intra.example.org:08080",
    "https://intra.example.org:8080", "http://intra.example.org:80801",
    "http://intra.example.org:8080:8080", "https://wild.example",
    "https://.wild.example", "https://a..wild.example",
    "https://..wild.example", "https://evilwild.example",
    "https://a-wild.example", "https://a.wild.example:443",
    "http://a.wild.example", "https://a.wild.example.",
    "https://a.wild.example.evil", "https://a_b.wild.example",
    "https://a/.wild.example", "https://a?.wild.example",
    "https://a#.wild.example", "https://a@b.wild.example",
    "https://evil.com/.wild.example", "https://evil.com\\.wild.example",
    "https://[::1].wild.example", "https://a.wild.example:1",
    "https://.a.wild.example", "https://x.deep.sub.wild2.example",
    "https://deep.sub.wild2.example:8443", "https://x.sub.wild2.example:8443",
    "https://x.deep.sub.wild2.example:8444", "http://a.bare.example",
    "https://bare.example", "http://bare.host.example",
    "https://x.bare.host.example", "chrome-extension://abcdefghik",
    "chrome-extension://abcdefghij/", "moz-extension://abcdefghij",
    "http://[2001:db8::1]", "http://[2001:db8::2]:3000",
    "http://2001:db8::1:3000", "http://[2001:db8::1:3000",
    "http://2001:db8::1]:3000", "http://[2001:db8::1]3000",
    "http://[2001:db8::1%eth0]:3000", "http://[[2001:db8::1]]:3000",
    "https://upper.example:443", "http://192.0.2.1:80", "http://192.0.2.01",
    "http://192.0.2.1.", "http://3221225985", "http://0xc0.0.2.1",
    "https://192.0.2.1", "vscode-webview://panel", "http://localhost",
    "http://127.0.0.1", "http://[::1]:5000", "http://gw.example",
    "https://gw.example:443", "https://a.gw.example", "javascript:alert(1)",
    "data:text/html,x", "about:blank", "https://app.example.com|x",
    "https://app.example.com;x", "https://(app.example.com)",
    "\"https://app.example.com\"", "'https://app.example.com'",
    "<https://app.example.com>",
)

STAR_YES = (
    "https://any.example", "http://x", "http://x:1", "http://x:65535",
    "http://x:0", "http://[::1]", "http://[::1]:5", "http://[::ffff:1.2.3.4]",
    "x-y+z.1://h", "chrome-extension://aa", "http://localhost",
)
STAR_NO = (
    "null", "NULL", "http://", "http://x/", "http://x_y", "http://u@x",
    "http://[zz]", "http://[]", "http://[1.2.3.4]", "http:x", "http//x",
    "a b://x", "https://x,https://y", "http://x?", "http://x%41",
    "http://\xff", "http://x:", "http://x:a", "://x", "http://*", "http://x*",
    "file://", "file:///x",
)

LOCAL_YES = (
    "http://localhost", "http://LOCALHOST:3000", "https://localhost",
    "http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:8080",
    "http://[0:0:0:0:0:0:0:1]",
)
LOCAL_NO = (
    "http://localhost.evil", "http://evil.localhost", "http://127.0.0.1.evil",
    "http://128.0.0.1", "http://0.0.0.0", "http://[::]", "http://[::2]",
    "null", "http://127.0.0.1:99999", "http://localhost/", "http://127.1",
    "http://2130706433", "http://localhost.",
)

LONG = "https://" + "a" * 491 + ".wild.example"       # 512 bytes
ELSEWHERE = "203.0.113.5"


def cors(origins):
    return {"security": {"cors": {"enabled": True,
                                  "allowedOrigins": origins}}}


def ways(g, path, origin):
    """A request of each kind with this Origin."""
    rows = [("Origin", origin)]
    asked = [("Access-Control-Request-Method", "POST")]
    yield "POST", g.rpc(path, "ping", headers=rows, REMOTE_ADDR=ELSEWHERE)
    yield "GET", g.get(path, rows + [("Accept", "text/event-stream")],
                       REMOTE_ADDR=ELSEWHERE)
    yield "DELETE", g.call("DELETE", path, rows, REMOTE_ADDR=ELSEWHERE)
    yield "preflight", g.call("OPTIONS", path, rows + asked,
                              REMOTE_ADDR=ELSEWHERE)


def check(g, path, origins, told):
    """told: what is said of such an origin; None: it is refused."""
    for origin in origins:
        for way, r in ways(g, path, origin):
            label = (way, origin)
            equal((label, r.all("vary")), (label, ["Origin"]))
            if told is None:
                equal((label, r.status, r.reason), (label, 403,
                                                    "origin_denied"))
            else:
                assert r.status != 403, label
            want = [] if told is None else [told or origin]
            equal((label, r.all("access-control-allow-origin")),
                  (label, want))


@test("origins", workers=(1, 4))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up, cors(LISTED)),
                       "star": server(up, cors(["*"]))},
                      baseURL="https://gw.example/")
        with Gate(conf, t.workers) as g:
            check(g, "/s/mcp", LIST_YES + (LONG,), "")
            check(g, "/s/mcp", LIST_NO + (LONG.replace("a.", "aa."),), None)
            check(g, "/star/mcp", STAR_YES, "*")
            check(g, "/star/mcp", STAR_NO, None)


@test("loopback origins", workers=(1,), rows=(
    ("a loopback baseURL", "http://localhost:8080/", ELSEWHERE, {}, True),
    ("another baseURL", "https://gw.example/", "127.0.0.1", {}, False),
    ("a local client", None, "127.0.0.1", {}, True),
    ("a client elsewhere", None, ELSEWHERE, {}, False),
    ("a client behind a proxy", None, "127.0.0.1",
     {"X-Forwarded-For": "127.0.0.1"}, False)))
def _(t):
    _, base, addr, more, good = t.row
    gateway = {"baseURL": base} if base else {}
    with Upstream() as up, Gate(config({"s": server(up)}, **gateway)) as g:
        for origins, want in ((LOCAL_YES, 200 if good else 403),
                              (LOCAL_NO, 403)):
            for origin in origins:
                r = g.rpc("/s/mcp", "ping", REMOTE_ADDR=addr,
                          headers=dict(more, Origin=origin))
                equal((origin, r.status), (origin, want))


tap.main()
