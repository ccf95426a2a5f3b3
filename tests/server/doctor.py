#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""doctor -- mcpgatectl finds what is wrong with a web server, and only that"""
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap, webserver  # noqa: E402
from kit.gate import config, secret, server  # noqa: E402
from kit.tap import Skip, equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

KEY, ADMIN = secret("inbound"), secret("admin")
SIGN, GATE = secret("hs-key-of-thirty-two-bytes"), secret("gate-secret")


def conf_of(up, trust=False):
    header = {"userHeader": "X-Employee", "trustedPeers": ["127.0.0.1"]}
    if not trust:
        header.update(secretHeader="X-Gate-Secret", secret=GATE)
    inbound = {
        "t": {"strategy": "token", "token": {"values": [KEY]}},
        "j": {"strategy": "jwt",
              "jwt": {"issuer": "https://issuer.test", "secret": SIGN}},
        "h": {"strategy": "proxy", "proxy": header}}
    conf = config({n: server(up, {"inboundAuth": i})
                   for n, i in inbound.items()},
                  options={"security": {"cors": {
                      "enabled": True,
                      "allowedOrigins": ["https://app.example.com"]}}})
    conf["mcpProxy"]["admin"] = {"enabled": True, "tokens": [ADMIN]}
    return conf


def ready(kind, change=()):
    """The kind, with baseURL, and with other words in its snippet."""
    class Patient(kind):
        changed = 0

        def mounted(self, conf):
            gw = conf["mcpProxy"]
            gw.pop("mountPath")
            gw["baseURL"] = self.url()
            return conf

        def url(self):
            return "http://127.0.0.1:%d%s" % (self.port, self.mount)

        def fill(self, name):
            text = super().fill(name)
            at = text.find("# Only for OAuth clients")
            if at >= 0:             # what follows is there to be switched on
                text = text[:at] + re.sub(
                    r"(?m)^#(?=[A-Za-z$]+[. ]|[<}\t]|alias)", "", text[at:])
            for old, new in change:
                assert old in text, old
                text = text.replace(old, new)
            return text

    return Patient


def examine(s):
    """(exit status, {check: row}) of mcpgatectl doctor."""
    code, out, err = s.gate.ctl("--json", "doctor", seconds=60)
    assert code in (0, 1), err
    said = json.loads(out)
    equal(said["url"], s.url())
    equal(said["ok"], code == 0)
    return code, {r["check"]: r for r in said["checks"]}, said["server"]


def skip_missing(kind):
    if kind.missing():
        raise Skip(kind.missing())


KINDS = (webserver.Nginx, webserver.Lighttpd, webserver.Apache,
         webserver.ApacheFcgid, webserver.ApacheCgi, webserver.LighttpdCgi)
NAMES = {"Nginx": "nginx", "Lighttpd": "lighttpd", "LighttpdCgi": "lighttpd"}


@test("a healthy mount", limit=120,
      rows=tuple(k.__name__ for k in KINDS))
def _(t):
    kind = getattr(webserver, t.row)
    skip_missing(kind)
    with Upstream() as up, ready(kind)(conf_of(up)) as s:
        code, rows, front = examine(s)
        for check in ("health", "ready", "authorization", "identity",
                      "metadata", "metadata root", "origin", "cors"):
            assert rows[check]["result"] == "ok", (check, rows)
        equal(code, 0)
        assert front.lower().startswith(NAMES.get(t.row, "apache")), front
        equal(rows["streaming"]["result"], "ok")


BROKEN = (
    ("Apache keeps Authorization", "Apache", (("CGIPassAuth On", ""),),
     "authorization", "CGIPassAuth On"),
    ("mod_fcgid keeps Authorization", "ApacheFcgid",
     (("CGIPassAuth On", ""),), "authorization", "CGIPassAuth On"),
    ("CGI without Authorization", "ApacheCgi", (("CGIPassAuth On", ""),),
     "authorization", "CGIPassAuth On"),
    ("nginx takes Authorization away", "Nginx",
     (('fastcgi_param HTTP_PROXY "";',
       'fastcgi_param HTTP_PROXY ""; fastcgi_param HTTP_AUTHORIZATION "";'),),
     "authorization", "HTTP_AUTHORIZATION"),
    ("lighttpd buffers", "Lighttpd",
     (("server.stream-response-body = 1", "server.stream-response-body = 0"),),
     "streaming", "server.stream-response-body"),
    ("Apache buffers", "Apache", (("flushpackets=on timeout=3600 en", "en"),),
     "streaming", "flushpackets=on"),
    ("nginx answers preflights itself", "Nginx",
     (("	fastcgi_pass mcpgate;\n	fastcgi_keep_conn on;\n\n",
       "	add_header Access-Control-Allow-Origin * always;\n"
       "	fastcgi_pass mcpgate;\n	fastcgi_keep_conn on;\n"),),
     "cors", "add_header"))


@test("a broken one", limit=120, rows=BROKEN)
def _(t):
    _, name, change, check, hint = t.row
    kind = getattr(webserver, name)
    skip_missing(kind)
    with Upstream() as up, ready(kind, change)(conf_of(up)) as s:
        code, rows, _ = examine(s)
        equal((code, rows[check]["result"]), (1, "fail"))
        assert hint in rows[check]["change"], rows[check]
        code, out, _ = s.gate.ctl("doctor", seconds=60)
        equal(code, 1)
        assert "fail  " + check in out and hint in out, out
        assert ADMIN not in out


@test("a trusted address that clients have, too", limit=120)
def _(t):
    skip_missing(webserver.Nginx)
    with Upstream() as up:
        with ready(webserver.Nginx)(conf_of(up, trust=True)) as s:
            code, rows, _ = examine(s)
            equal((code, rows["identity"]["result"]), (1, "fail"))
            assert "X-Employee" in rows["identity"]["said"], rows


def not_begun(q, out):
    """What most servers say to who has not said initialize."""
    out.json({"jsonrpc": "2.0", "id": None, "error": {
        "code": -32000, "message": "Bad Request: Server not initialized"}},
        400)


@test("an upstream that wants a session is no refusal of ours", limit=120,
      rows=(("trusted", True), ("not", False)))
def _(t):
    _, trust = t.row
    skip_missing(webserver.Nginx)
    with Upstream(not_begun) as up:
        with ready(webserver.Nginx)(conf_of(up, trust)) as s:
            code, rows, _ = examine(s)
            equal((code, rows["identity"]["result"]),
                  (1, "fail") if trust else (0, "ok"))
            assert not trust or "X-Employee" in rows["identity"]["said"], rows


def proxied(**words):
    return {"strategy": "proxy", "proxy": words}


HERE = {"trustedPeers": ["127.0.0.1"]}
LOGIN = (("#fastcgi_param MCPGATE_USER", "fastcgi_param MCPGATE_USER"),)
OVERWRITTEN = (('fastcgi_param HTTP_PROXY "";',
                'fastcgi_param HTTP_PROXY "";'
                ' fastcgi_param HTTP_X_EMPLOYEE $remote_user;'),)
BELIEVED = (
    ("nginx lets odd names in", "NginxUnderscores", OVERWRITTEN,
     proxied(userHeader="X-Employee", **HERE), "X.Employee",
     "ignore_invalid_headers on"),
    ("nginx, a name without its password", "Nginx", LOGIN,
     proxied(param="MCPGATE_USER"), "Authorization", "auth_basic"),
    ("nginx, a payload of a mesh", "Nginx", (),
     proxied(preset="istio", **HERE), "X-Jwt-Payload", "trustedPeers"),
    ("nginx, whom a list keeps out", "Nginx", (),
     dict(proxied(preset="oauth2-proxy", **HERE), allowUsers=["alice"]),
     "X-Auth-Request-User", "trustedPeers"),
    ("lighttpd", "Lighttpd", (), proxied(preset="authelia", **HERE),
     "Remote-User", "proxy.param"),
    ("lighttpd, a name of its own", "Lighttpd", (),
     proxied(userHeader="X-Employee", **HERE), "X-Employee", "proxy.param"),
    ("Apache", "Apache", (), proxied(preset="kong", **HERE),
     "X-Consumer-Username", "RequestHeader unset"))


@test("a header that is believed", limit=120, rows=BELIEVED)
def _(t):
    _, name, change, inbound, header, hint = t.row
    kind = getattr(webserver, name)
    skip_missing(kind)
    with Upstream() as up, ready(kind, change)(config(
            {"s": server(up, {"inboundAuth": inbound})})) as s:
        code, rows, _ = examine(s)
        equal((code, rows["identity"]["result"]), (1, "fail"))
        equal(rows["identity"]["said"],
              '"s" believes a client\'s header: ' + header)
        assert hint in rows["identity"]["change"], rows["identity"]


@test("an address that may not ask finds nothing out", limit=120)
def _(t):
    skip_missing(webserver.Nginx)
    with Upstream() as up, ready(webserver.Nginx)(config({"s": server(up, {
            "inboundAuth": proxied(param="MCPGATE_USER"),
            "security": {"ipAllow": ["192.0.2.1"]}})})) as s:
        code, rows, _ = examine(s)
        equal((code, rows["identity"]["result"]), (0, "warn"))
        assert "answers 403" in rows["identity"]["said"], rows["identity"]


# Who presents nothing comes in there, too, as somebody else.
BESIDE = (("public tools", {"publicTools": ["*"]}),
          ("whoever comes", {"strategy": ["token", "none"]}),
          ("who is on this machine", {"strategy": ["token", "local"]}))


@test("a token that does not arrive is no made-up one", limit=120,
      rows=BESIDE)
def _(t):
    inbound = dict({"strategy": "token", "token": {"values": [KEY]}},
                   **t.row[1])
    skip_missing(webserver.Apache)
    with Upstream() as up:
        conf = config({"s": server(up, {"inboundAuth": inbound})})
        with ready(webserver.Apache)(conf) as s:
            code, rows, _ = examine(s)
            equal((code, rows["authorization"]["result"]), (0, "ok"))
            assert rows["identity"]["result"] != "fail", rows
        with ready(webserver.Apache, (("CGIPassAuth On", ""),))(conf) as s:
            code, rows, _ = examine(s)
            equal((code, rows["authorization"]["result"]), (1, "fail"))
            assert "CGIPassAuth On" in rows["authorization"]["change"]
            assert rows["identity"]["result"] != "fail", rows


@test("pages of all origins may ask, as is written", limit=120)
def _(t):
    skip_missing(webserver.Nginx)
    with Upstream() as up:
        conf = conf_of(up)
        conf["mcpProxy"]["options"]["security"]["cors"]["allowedOrigins"] = [
            "*"]
        with ready(webserver.Nginx)(conf) as s:
            code, rows, _ = examine(s)
            equal((code, rows["origin"]["result"]), (0, "skip"))


@test("a web server that asks for a login itself", limit=120,
      rows=(("proxy", 0), ("token", 1)))
def _(t):
    strategy, status = t.row
    skip_missing(webserver.Nginx)

    class Guarded(ready(webserver.Nginx, (
            ("#fastcgi_param MCPGATE_USER", "auth_basic mcp;\n"
             "auth_basic_user_file users;\nfastcgi_param MCPGATE_USER"),))):
        def launch(self):
            self.write("users", "ann:{PLAIN}opens\n")
            super().launch()

        def get(self, path, headers=()):
            return super().get(path, [
                ("Authorization", "Basic YW5uOm9wZW5z")] + list(headers))

    with Upstream() as up, Guarded(config({"s": server(up, {"inboundAuth": {
            "strategy": strategy, "token": {"values": [KEY]},
            "proxy": {"param": "MCPGATE_USER"}}})})) as s:
        code, rows, _ = examine(s)
        equal((code, rows["health"]["result"]), (status, "warn"))
        assert "login" in rows["health"]["said"], rows["health"]
        assert "change" not in rows["health"], rows["health"]
        equal(rows["identity"]["result"], "ok")
        assert "origin" not in rows, rows
        if status:
            assert "login" in rows["authorization"]["change"], rows


@test("nobody is there, or somebody else", limit=120)
def _(t):
    skip_missing(webserver.Nginx)
    with Upstream() as up, ready(webserver.Nginx)(conf_of(up)) as s:
        for url, words in (("http://127.0.0.1:9/mcp", "no answer"),
                           (s.url() + "x", "not by mcpgate")):
            code, out, _ = s.gate.ctl("doctor", url, seconds=60)
            equal(code, 1)
            assert words in out, out


@test("what is no URL")
def _(t):
    skip_missing(webserver.Nginx)
    with Upstream() as up, ready(webserver.Nginx)(conf_of(up)) as s:
        equal(s.gate.ctl("doctor", "not a url")[0], 64)


tap.main()
