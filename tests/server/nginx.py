#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx -- the same behaviours through nginx"""
import http.server
import os
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import behaviours, tap, webserver  # noqa: E402
from kit.gate import config, secret, server  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KINDS = (webserver.Nginx, webserver.NginxUnderscores,)

for kind in KINDS:
    if kind.missing():
        tap.skip_all(kind.missing())
    behaviours.register(kind)


class HiddenDenied(webserver.Nginx):
    """A site that denies hidden files, as many do."""
    more = "location ~ /\\. { deny all; }"


@tap.test("a site's regex location takes no path of the mount")
def _(t):
    with Upstream() as up, HiddenDenied(behaviours.servers(up)) as s:
        s.mount = ""
        known = "/.well-known/oauth-protected-resource"
        for path in ("/mcp" + known + "/s/mcp", known + "/mcp/s/mcp"):
            status, _, data = s.get(path)
            tap.equal((path, status), (path, 404))
            assert b"not_found" in data, data
        tap.equal(s.get("/.hidden")[0], 403)


class LoginServer(threading.Thread):
    """What oauth2-proxy says of a request: 202 and a name, or 401."""

    def __init__(self):
        super().__init__(daemon=True)

        class Asked(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                known = self.headers.get("Cookie") == "_oauth2_proxy=good"
                self.send_response(202 if known else 401)
                if known:
                    self.send_header("X-Auth-Request-User", "alice")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Asked)
        self.port = self.server.server_address[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def run(self):
        self.server.serve_forever(0.05)


def asking(port):
    """The example of docs/auth/dual.md."""
    class Asking(webserver.Nginx):
        snippet = "docs/auth/dual.md"

        def fill(self, name):
            with open(os.path.join(webserver.TOP, name)) as f:
                text = f.read().split("```nginx\n")[1].split("```")[0]
            for old, new in (("/run/mcpgate/mcpgate.sock", self.gate.socket),
                             (":4180", ":%d" % port)):
                assert old in text, old
                text = text.replace(old, new)
            return text

    return Asking


@tap.test("dual.md: a login, a token, or the gateway's own 401")
def _(t):
    key = secret("key")
    inbound = {"strategy": ["token", "proxy"], "token": {"values": [key]},
               "proxy": {"param": "MCPGATE_USER"}}
    login = ("Cookie", "_oauth2_proxy=good")
    token = ("Authorization", "Bearer " + key)
    forged = [("MCPGATE_USER", "root"), ("Mcpgate-User", "root"),
              ("X-Auth-Request-User", "root"), ("X-Forwarded-User", "root")]
    with Upstream() as up, LoginServer() as who, \
            asking(who.port)(config({"s": server(
                up, {"inboundAuth": inbound})})) as s:
        for headers, status, user in (
                ([], 401, None), (forged, 401, None), ([login], 200, "alice"),
                ([login] + forged, 200, "alice"),
                ([token], 200, "token:0"), ([token, login], 200, "token:0"),
                ([("Authorization", "Bearer wrong-wrong-wrong"), login], 401,
                 None), ([("Cookie", "_oauth2_proxy=bad")], 401, None)):
            said = s.post("/s/mcp", behaviours.ASK, headers)
            tap.equal((headers, said[0]), (headers, status))
            challenge = [v for n, v in said[1]
                         if n.lower() == "www-authenticate"]
            tap.equal(len(challenge), status == 401)
            tap.eventually(lambda: [
                x.get("user") for x in s.gate.log_lines()
                if x.get("server") == "s"][-1:] == [user], 5)
        tap.equal(s.get("/oauth2/auth")[0], 404)


tap.main()
