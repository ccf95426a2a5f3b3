# SPDX-License-Identifier: MIT
"""idp -- an identity provider for tests: keys, metadata, introspection

    with Idp() as idp:
        idp.add("k1", keys.rsa())
        token = idp.token("k1", scope="mcp")
        ... {"jwt": {"issuer": idp.issuer, "jwksUrl": idp.url("/jwks")}}
        assert idp.count("/jwks") == 1

`idp.lies[PATH]` makes a path do something else: a status, "garbage", "empty",
"huge", "stall" (never answers), "drop", "redirect", or a function (call, out).
die() stops listening, live() listens again on the same port.
"""
import base64
import json
import time
import urllib.parse

from kit import keys
from kit.gate import config, guard, server
from kit.upstream import Upstream

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


def judged(up, **jwt):
    """A configuration: callers of the server "s" show a JWT, and those who
    show a wrong one are not sent away for it."""
    conf = config({"s": server(up)})
    conf["mcpProxy"]["options"]["inboundAuth"] = {
        "strategy": "jwt", "failures": {"perIpPerMinute": 0}, "jwt": jwt}
    return conf


def conf_of(up, idp, **jwt):
    """The same with the keys and the name of a provider."""
    return judged(up, **dict({"audience": ["gate"], "issuer": idp.issuer,
                              "jwksUrl": idp.url("/jwks")}, **jwt))


def ask(g, token, **more):
    return g.rpc("/s/mcp", "ping",
                 headers={"Authorization": "Bearer " + token}, **more)


class Idp:
    """Real HTTP (or HTTPS) on a free port of 127.0.0.1."""

    def __init__(self, tls=None, path="", host="127.0.0.1"):
        self.tls, self.path, self.host = tls, path, host
        self.keys = {}                  # kid -> key of kit.keys
        self.lies = {}                  # path -> see above
        self.meta = {}                  # members that replace the usual
        self.meta_at = {path + OPENID}  # where metadata are
        self.headers = []               # of key sets
        self.answers = {}               # token -> introspection answer
        self.delay = 0.0                # before each answer
        self.up = Upstream(self._script, tls=tls)
        self.port = self.up.port

    # ---- life ----------------------------------------------------------
    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.up.stop()

    def die(self):
        self.up.stop()

    def live(self):
        calls = self.up.calls
        self.up = Upstream(self._script, tls=self.tls, port=self.port)
        self.up.calls = calls

    # ---- names ---------------------------------------------------------
    def url(self, path=""):
        return "%s://%s:%d%s" % ("https" if self.tls else "http", self.host,
                                 self.port, path)

    @property
    def issuer(self):
        return self.url(self.path)

    @property
    def calls(self):
        return self.up.calls

    def count(self, path):
        """How many requests came for a path."""
        return sum(c.target.split("?")[0] == path for c in list(self.calls))

    def forms(self, path="/introspect"):
        """The forms that were posted to a path."""
        return [dict(urllib.parse.parse_qsl(c.body.decode(), True))
                for c in list(self.calls) if c.target == path]

    # ---- keys and tokens -----------------------------------------------
    def add(self, kid, key=None):
        self.keys[kid] = key if key is not None else keys.rsa()
        return self.keys[kid]

    def drop(self, kid):
        del self.keys[kid]

    def rotate(self, old, new, key=None):
        """A new key instead of an old one, at once."""
        self.add(new, key if key is not None else keys.rsa("next"))
        self.drop(old)

    def token(self, kid, key=None, head=None, **more):
        """Signed by the key of that kid (or by another one)."""
        body = keys.claims(**dict({"iss": self.issuer}, **more))
        signer = key if key is not None else self.keys[kid]
        rows = dict(head or {})
        if kid is not None:
            rows.setdefault("kid", kid)
        return keys.signed(signer, body, **rows)

    # ---- documents -----------------------------------------------------
    def jwks(self):
        return {"keys": [key.jwk(kid) for kid, key in self.keys.items()]}

    def metadata(self):
        doc = {"issuer": self.issuer, "jwks_uri": self.url("/jwks"),
               "introspection_endpoint": self.url("/introspect"),
               "authorization_endpoint": self.url("/authorize"),
               "token_endpoint": self.url("/token")}
        doc.update(self.meta)
        return {k: v for k, v in doc.items() if v is not None}

    def answer(self, token):
        """What the endpoint says about a token."""
        return self.answers.get(token, {"active": False})

    # ---- serving -------------------------------------------------------
    def _script(self, q, out):
        path = q.target.split("?")[0]
        if self.delay:
            time.sleep(self.delay)
        if path in self.lies:
            return self._lie(self.lies[path], q, out)
        if path == "/jwks":
            return out.json(self.jwks(), headers=self.headers)
        if path in self.meta_at:
            return out.json(self.metadata())
        if path == "/introspect":
            return self._introspect(q, out)
        if path.startswith("/alb/") and path[5:] in self.keys:
            with open(self.keys[path[5:]].public) as f:
                return out.body(200, f.read(), kind="binary/octet-stream")
        return out.status(404, body=b"no such thing")

    def _introspect(self, q, out):
        form = dict(urllib.parse.parse_qsl(q.body.decode(), True))
        answer = self.answer(form.get("token", ""))
        if callable(answer):
            return answer(q, out)
        if isinstance(answer, int):
            return out.status(answer)
        if isinstance(answer, str):
            return out.body(200, answer)
        return out.json(answer)

    def _lie(self, lie, q, out):
        if callable(lie):
            return lie(q, out)
        if isinstance(lie, int):
            return out.status(lie)
        if lie == "garbage":
            return out.body(200, '{"keys": [')
        if lie == "empty":
            return out.json({"keys": []})
        if lie == "huge":
            return out.json({"keys": [], "pad": "x" * (3 << 20)})
        if lie == "redirect":
            return out.status(302, [("Location", self.url("/elsewhere"))])
        if lie == "stall":
            out.gone(30)
            out.close = True
            return None
        assert lie == "drop", lie
        return out.drop()


def basic(name, secret):
    """The value of Authorization for such a client."""
    quoted = urllib.parse.quote(name, safe="") + ":" \
        + urllib.parse.quote(secret, safe="")
    return "Basic " + base64.b64encode(quoted.encode()).decode()


def balancer_token(key, kid, head, body):
    """As an AWS load balancer signs: base64url with padding."""
    def b64(data):
        return base64.urlsafe_b64encode(data).decode()

    first = b64(json.dumps(dict({"alg": "ES256", "kid": kid, "typ": "JWT"},
                                **head)).encode()) \
        + "." + b64(json.dumps(body).encode())
    return guard(first + "." + b64(key.sign(first.encode())))
