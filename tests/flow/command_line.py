#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""command_line -- exit codes, what is printed, and mcpgatectl"""
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import TOP, Gate, config, pool, program, run, secret, \
    server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream, by_token  # noqa: E402

A, B = secret("a"), secret("b")
URL = "http://127.0.0.1:9/mcp"


def written(text, name="config.json", mode=0o600):
    d = tempfile.mkdtemp(prefix="mcpgate-test-")
    path = os.path.join(d, name)
    with open(path, "w") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))
    os.chmod(path, mode)
    return path


def good():
    return {"mcpServers": {"s": {"url": URL, "options": pool(A, B)},
                           "off": {"url": URL, "disabled": True}}}


@test("-t says that a file is good, disabled servers counted",
      rows=("-t", "--check-config", "-check-config"))
def _(t):
    code, out, err = run([t.row, "--config", written(good())])
    equal(code, 0)
    equal(out, "Config OK: 2 MCP server(s) configured\n")
    assert "round-robin" in err, err            # W02 goes to stderr
    assert "canary" not in out + err


STRATEGIES = os.path.join(TOP, "docs/auth")


@test("examples of the papers are good, for each web server", rows=(
    "dual", "introspection", "jwt", "none", "proxy", "tokens"))
def _(t):
    with open(os.path.join(STRATEGIES, t.row + ".md")) as f:
        text = f.read()
    for word in ("nginx", "lighttpd", "apache"):
        assert "\n```%s\n" % word in text, word
    complete = [b for b in re.findall(r"```json\n(.*?)```", text, re.S)
                if '"mcpServers"' in b]
    assert complete
    for block in complete:
        block = re.sub(r"\$\{file:[^}]*\}", lambda _: "${file:%s}" % written(
            "0123456789abcdef0123456789abcdef", "secret"), block)
        code, out, err = run(["-t", "--config", written(block)], env={
            "MCP_KEYS": "0123456789abcdef-1,0123456789abcdef-2"})
        equal((code, out), (0, "Config OK: 1 MCP server(s) configured\n"))
        equal(err.count("\n"), int(t.row == "none"), err)    # W08


BAD = (
    ("no JSON", "{", 'config.json:1:'),
    ("unknown key", {"mcpServers": {"s": {"url": URL, "optoins": {}}}},
     'did you mean "options"'),
    ("wrong type", {"mcpServers": {"s": {"url": 5}}}, "expected"),
    ("out of range", {"mcpProxy": {"workers": 65}, "mcpServers": {}},
     "1..64"),
    ("unknown word", {"mcpServers": {"s": {"url": URL, "options": pool(
        A, rotationMode="sometimes")}}}, '"sometimes" is not a known word'),
    ("unset variable", {"mcpServers": {"s": {"url": "${NOT_SET_X}"}}},
     'environment variable "NOT_SET_X" is not set'),
    ("no unit", {"mcpServers": {"s": {"url": URL, "timeout": 30}}},
     "a number needs a unit"),
    ("mode without tokens", {"mcpServers": {"s": {"url": URL, "options":
        pool(rotationMode="round-robin")}}},
     "rotationMode is set but tokens is empty"),
    ("token no header can carry", {"mcpServers": {"s": {
        "url": URL, "options": pool("a\nb")}}}, "token 0 holds characters"),
    ("in both directions", {"mcpServers": {"s": {
        "url": URL, "options": dict(pool(A), inboundAuth={
            "strategy": "token", "token": {"values": [A]}})}}},
     "is also an inbound credential"),
    ("twice a key", '{"mcpServers": {}, "mcpServers": {}}', "stands here"),
    ("no URL", {"mcpServers": {"s": {"url": "ftp://x/"}}}, "http(s)"),
    ("userinfo", {"mcpServers": {"s": {"url": "http://u:p@h/"}}}, "s"),
    ("a name that is no path", {"mcpServers": {"a//b": {"url": URL}}},
     "cannot be a path"),
    ("a reserved name", {"mcpServers": {"health": {"url": URL}}},
     "cannot be a path"),
    ("proxy auth without url", {"mcpServers": {"s": {
        "url": URL, "options": {"proxy": {"auth": {
            "username": "u", "password": "p"}}}}}},
     "proxy.auth needs proxy.url"),
    ("proxy scheme", {"mcpServers": {"s": {"url": URL, "options": {
        "proxy": {"url": "gopher://h:1"}}}}}, 'scheme "gopher"'),
    ("maxRetries 0", {"mcpServers": {"s": {"url": URL, "options": pool(
        A, maxRetries=0)}}}, "1..256"),
    ("alg none", {"mcpServers": {"s": {"url": URL, "options": {
        "inboundAuth": {"strategy": "jwt", "jwt": {
            "secret": "x" * 40, "algorithms": ["none"]}}}}}}, "none"),
    ("short HMAC secret", {"mcpServers": {"s": {"url": URL, "options": {
        "inboundAuth": {"strategy": "jwt", "jwt": {
            "secret": "short-canary-secret"}}}}}}, "shorter than 32"),
    ("passthrough of a bad name", {"mcpServers": {"s": {
        "url": URL, "headers": {"Bad Name": "x"}}}}, "cannot be a header"))


@test("a bad file: exit 78, place and words", rows=BAD)
def _(t):
    _, text, words = t.row
    path = written(text)
    for cmd in (["-t"], ["--listen", "unix:" + path + ".sock"]):
        code, out, err = run(cmd + ["--config", path])
        equal(code, 78)
        assert words in err, err
        assert "config.json:" in err, err
        assert "canary" not in out + err


@test("exit codes", rows=(
    ("unknown option", ["--nonsense"], 64),
    ("an argument", ["nonsense"], 64),
    ("workers 0", ["--workers", "0"], 64),
    ("workers 65", ["--workers", "65"], 64),
    ("a level that is none", ["--log-level", "loud"], 64),
    ("value missing", ["--config"], 64),
    ("no such file", ["-t", "--config", "/nonexistent/c.json"], 66),
    ("no file at all", ["-t"], 66),
    ("nothing to serve", ["--config", "GOOD"], 64),
    ("socket cannot be made", ["--config", "GOOD", "--listen",
                               "unix:/nonexistent/d/s.sock"], 73),
    ("TCP elsewhere", ["--config", "GOOD", "--listen",
                       "tcp:0.0.0.0:9000"], (64, 78)),
    ("no such user", ["--config", "GOOD", "--listen", "unix:GOOD.s",
                      "--user", "no-such-user-x"], 67),
    ("help", ["--help"], 0), ("h", ["-h"], 0), ("version", ["-V"], 0)))
def _(t):
    _, args, want = t.row
    path = written(good())
    home = os.path.dirname(path)
    code, out, err = run([a.replace("GOOD", path) for a in args],
                         env={"HOME": home})
    assert code in (want if isinstance(want, tuple) else (want,)), \
        (code, out, err)
    if code == 0:
        assert out and not err
    else:
        assert err, "nothing was said"


@test("mcpgatectl without a configuration that loads", rows=(
    ("no such file", None, 66), ("a bad one", "{", 78)))
def _(t):
    _, text, want = t.row
    path = written(text or "{}")
    if text is None:
        os.unlink(path)
    for verb in (["status"], ["pool"], ["metrics"], ["errors"]):
        done = subprocess.run([program("mcpgatectl"), "--config", path] +
                              verb, capture_output=True, timeout=20)
        equal((done.returncode, done.stdout), (want, b""))
        assert re.search("say --state \\S+ to look without it: " + path,
                         done.stderr.decode()), done.stderr


@test("the file is found by variable and in the home", rows=("env", "home"))
def _(t):
    if t.row == "env":
        code, out, _ = run(["-t"], env={"MCPGATE_CONFIG": written(good())})
    else:
        d = tempfile.mkdtemp(prefix="mcpgate-test-")
        os.makedirs(os.path.join(d, ".config/mcpgate"))
        os.rename(written(good()), d + "/.config/mcpgate/config.json")
        code, out, _ = run(["-t"], env={"HOME": d})
    equal((code, out[:9]), (0, "Config OK"))


@test("comments and trailing commas are taken")
def _(t):
    text = '{ // a\n "mcpServers": { /* b */ "s": {"url": "%s",}, }, }' % URL
    equal(run(["-t", "--config", written(text)])[0], 0)


@test("mcpgatectl check in JSON", rows=(
    ("good", good(), 0, {"result": "ok", "servers": 2}),
    ("bad", {"mcpServers": {"s": {"url": 5}}}, 78,
     {"result": "refused", "servers": 0})))
def _(t):
    _, conf, want, says = t.row
    with Gate(config({}), mode="cgi") as g:
        g.write(conf)
        code, out, _ = g.ctl("check", "--json")
        equal((code, json.loads(out)), (want, says))


@test("the dump shows what the environment has changed, but no secret")
def _(t):
    code, out, _ = run(["-T", "-c", written(good())], env={
        "MCPGATE_LISTEN": "unix:/run/x.sock",
        "MCPGATE_TRUSTED_PROXIES": "10.0.0.0/8,10.9.9.9",
        "MCP_ADMIN_TOKEN": secret("admin")})
    gate = json.loads(out)["mcpProxy"]
    equal(code, 0)
    equal(gate["listen"], "unix:/run/x.sock")
    equal(gate["trustedProxies"], ["10.0.0.0/8", "10.9.9.9"])
    equal(gate["admin"]["tokens"], ["***"])


@test("the dump hides what is secret")
def _(t):
    path = written(good())
    code, out, err = run(["-T", "--config", path])
    equal(code, 0)
    assert '"***"' in out and "canary" not in out + err
    tree = json.loads(out)
    equal(tree["mcpServers"]["s"]["url"], URL)
    # what was printed can be loaded again (with the secrets filled in)
    again = out.replace('"***"', '"filled-in-token-%s"' % ("x" * 20))
    equal(run(["-t", "--config", written(again)])[0], 0)


@test("papers", rows=(
    ("--print-schema", '"$schema"'), ("--options", "rotationMode"),
    ("--faults", "tokens_exhausted"), ("--print-nginx", "fastcgi_pass"),
    ("--print-lighttpd", "fastcgi.server"), ("--print-apache", "ProxyPass"),
    ("--print-systemd", "[Service]"), ("--version", "libcurl")))
def _(t):
    word, part = t.row
    code, out, err = run([word])
    equal((code, err), (0, ""))
    assert part in out, out[:300]
    assert "@SOCKET@" not in out and "@MOUNT@" not in out


@test("the schema is JSON and names every top key")
def _(t):
    tree = json.loads(run(["--print-schema"])[1])
    assert "mcpServers" in tree["properties"]
    assert "mcpProxy" in tree["properties"]


# The command line beats the variable, and that the file.
@test("the environment overrides, and says so", rows=[
    (arg or "-", arg, var, key, arg == "yes" or (arg is None and (
        var == "true" or (var is None and key is not False))))
    for arg in (None, "yes", "no") for var in (None, "true", "false")
    for key in (None, True, False)])
def _(t):
    _, arg, var, key, want = t.row
    proxy = {"log": {"level": "error"}}
    if key is not None:
        proxy["envOverrides"] = key
    env = {"MCPGATE_LOG_LEVEL": "debug"}
    if var is not None:
        env["MCPGATE_ENV_OVERRIDES"] = var
    code, out, err = run(
        ["-T"] + (["--env-overrides=" + arg] if arg else []) + ["--config",
         written({"mcpServers": {"s": {"url": URL}}, "mcpProxy": proxy})],
        env=env)
    equal(code, 0)
    equal('"debug"' in out, want)
    equal("MCPGATE_LOG_LEVEL overrides" in err, want)
    # the option stands for the variable, but for "no": it is not read then
    stands = "true" if arg == "yes" else var if arg is None else None
    equal("MCPGATE_ENV_OVERRIDES overrides mcpProxy.envOverrides" in err,
          stands is not None and (key is not None or stands == "false"))


@test("mcpgatectl: pool shows states and steers them", workers=(1, 4))
def _(t):
    with Upstream(by_token({A: 401})) as up:
        conf = config({"s": server(up, pool(
            A, {"value": B, "name": "spare"},
            rotationMode="on-first-failed"))})
        with Gate(conf, t.workers) as g:
            g.rpc("/s/mcp", "ping")
            code, out, _ = g.ctl("pool", "s")
            equal(code, 0)
            assert "cooling" in out and "spare" in out, out
            code, out, _ = g.ctl("--json", "pool", "s")
            assert "cooling" in json.dumps(json.loads(out)), out
            equal(g.ctl("pool", "clear", "s", "0")[0], 0)
            assert "cooling" not in g.ctl("pool", "s")[1]
            equal(g.ctl("pool", "disable", "s", "1")[0], 0)
            up.forget()
            g.rpc("/s/mcp", "ping")
            assert B not in up.tokens(), "a disabled token was used"
            equal(g.ctl("pool", "enable", "s", "1")[0], 0)
            g.ctl("pool", "clear", "s")
            equal(g.rpc("/s/mcp", "ping").status, 200)


@test("mcpgatectl: rewind begins anew", workers=(1, 4))
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up, pool(A, B,
                                            rotationMode="round-robin"))})
        with Gate(conf, t.workers) as g:
            g.rpc("/s/mcp", "ping")
            equal(g.ctl("pool", "rewind", "s")[0], 0)
            g.rpc("/s/mcp", "ping")
            equal(up.tokens(), [A, A])


@test("mcpgatectl: status works with every worker stopped", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g:
        g.rpc("/s/mcp", "ping")
        for pid in g.pids:
            os.kill(pid, 19)
        try:
            code, out, _ = g.ctl("status")
            equal(code, 0)
            for pid in g.pids:
                assert str(pid) in out, out
            code, out, _ = g.ctl("--json", "status")
            json.loads(out)
            equal(g.ctl("metrics")[0], 0)
        finally:
            for pid in g.pids:
                os.kill(pid, 18)


@test("mcpgatectl: a refusal behind another one, in the same second")
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        good, over = g.conf, threading.Event()

        def traffic():              # each request is a look
            while not over.wait(0.01):
                g.rpc("/s/mcp", "ping")

        busy = threading.Thread(target=traffic)
        busy.start()
        try:
            # good for us, but not for the workers: they have no such word
            g.env["T_LATE"] = "x"
            g.write(config({"s": server(up, headers={"X-A": "${T_LATE}"})}))
            time.sleep(1 - time.time() % 1)
            for _ in range(4):
                code, _, err = g.ctl("reload")
                assert code == 78 and "reload refused: E05" in err, (code, err)
        finally:
            over.set()
            busy.join()
        g.write(good)
        equal(g.ctl("reload")[0], 0)


@test("weakened TLS is told at the start and in the status")
def _(t):
    with Upstream() as up:
        conf = config({"good": server(up), "bad": server(up), "old":
                       server(up), "off": server(up)})
        for name, tls in (("bad", {"insecureSkipVerify": True}),
                          ("old", {"minVersion": "1.1"}),
                          ("off", {"insecureSkipVerify": True})):
            conf["mcpServers"][name].setdefault("options", {})["tls"] = tls
        conf["mcpServers"]["off"]["disabled"] = True
        with Gate(conf) as g:
            g.log_has('TLS of "bad" is weakened: insecureSkipVerify')
            g.log_has('TLS of "old" is weakened: minVersion')
            code, out, _ = g.ctl("status")
            equal(code, 0)
            equal([x for x in out.splitlines() if "weakened" in x],
                  ['weakened TLS of "bad"', 'weakened TLS of "old"'])
            code, out, _ = g.ctl("--json", "status")
            equal(json.loads(out)["weakenedTls"], ["bad", "old"])
            # of a file that cannot be read nobody knows
            good = g.conf
            g.write(None, text="{")
            code, out, err = g.ctl("--json", "--state", g.state, "status")
            equal((code, json.loads(out or "{}").get("weakenedTls", 1)),
                  (0, None))
            g.write(good)


@test("mcpgatectl: reload and check", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}, name="old"),
                                t.workers) as g:
        g.write(config({"s": server(up)}, name="new"))
        equal(g.ctl("reload")[0], 0)
        eventually(lambda: {g.get("/health").json["name"]
                            for _ in range(8)} == {"new"}, 5)
        equal(g.ctl("check")[0], 0)
        g.write({}, text="{")
        assert g.ctl("check")[0] == 78
        g.write(config({"s": server(up)}, name="new"))


@test("mcpgatectl: tokens and hashes")
def _(t):
    with Gate(good(), mode="cgi") as g:
        one = g.ctl("token", "new")[1].strip()
        two = g.ctl("token", "new")[1].strip()
        assert len(one) >= 32 and one != two
        code, out, _ = g.ctl("secret", "hash", "-", stdin=b"abc\n")
        equal(code, 0)
        assert ("ba7816bf8f01cfea414140de5dae2223"
                "b00361a396177a9cb410ff61f20015ad") in out
        code, out, _ = g.ctl("secret", "new")
        assert code == 0 and len(out.strip()) >= 43


@test("mcpgatectl: exit codes", rows=(
    ("no verb", [], 64), ("unknown verb", ["nonsense"], 64),
    ("no such server", ["pool", "clear", "nobody"], (1, 64, 65)),
    ("help", ["--help"], 0), ("version", ["--version"], 0)))
def _(t):
    _, args, want = t.row
    with Upstream() as up, Gate(config({"s": server(up, pool(A))})) as g:
        code, out, err = g.ctl(*args)
        assert code in (want if isinstance(want, tuple) else (want,)), \
            (code, out, err)


def unknown(up, **gateway):
    """A gate whose configuration the shell of an operator cannot load."""
    g = Gate(config({"s": server(up, pool("${MCPGATE_TEST_A}"))}, **gateway),
             env={"MCPGATE_TEST_A": A})
    del g.env["MCPGATE_TEST_A"]
    return g


@test("mcpgatectl: a configuration that cannot be loaded is told", rows=(
    "status", "metrics", "errors", "pool", "sessions", "ip list",
    "revoke list"))
def _(t):
    with Upstream() as up, unknown(up) as g:
        words = t.row.split()
        code, out, err = g.ctl(*words)
        equal((code, out), (78, ""))
        assert "MCPGATE_TEST_A" in err and "--state" in err, err
        code, out, err = g.ctl("--state", g.state, *words)
        equal(code, 78 if t.row == "pool" else 0, err)
        if t.row == "status":
            assert g.state in out and "pools are not shown" in out, out


@test("mcpgatectl: no deed where nobody knows whether it has to be on record",
      rows=("ip ban 192.0.2.1", "revoke --user eve", "reload",
            "pool rewind s", "sessions end abc",
            "token mint --sub a --alg HS256 --key env:HOME"))
def _(t):
    with Upstream() as up, unknown(up, audit={
            "enabled": True, "required": True,
            "sinks": [{"type": "syslog"}]}) as g:
        for more in ([], ["--state", g.state]):
            code, out, err = g.ctl(*more, *t.row.split())
            equal((code, out), (78, ""))
            assert "MCPGATE_TEST_A" in err and "not done" in err, err
        equal(g.ctl("--state", g.state, "ip", "list")[1].find("192"), -1)


class Silent(http.server.BaseHTTPRequestHandler):
    """A mount that says nothing to who sends this header."""
    keep_out = ""

    def do_GET(self):
        self.answer(200, b'{"serverCount":1}')

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if not any(n.lower() == self.keep_out for n in self.headers):
            self.answer(401, b"{}")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@test("mcpgatectl doctor: no answer is not a good one", rows=(
    ("x-authenticated-user", "identity"),
    ("content-type", "identity"),
    ("authorization", "authorization")))
def _(t):
    keep_out, check = t.row
    inbound = {"strategy": "token", "token": {"values": [A]}}
    how = type("How", (Silent,), {"keep_out": keep_out})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), how) as front:
        threading.Thread(target=front.serve_forever).start()
        try:
            with Gate(config({"t": server(URL, {"inboundAuth": inbound})}),
                      mode="cgi") as g:
                _, out, err = g.ctl(
                    "--json", "doctor",
                    "http://127.0.0.1:%d/mcp" % front.server_port, seconds=60)
        finally:
            front.shutdown()
    rows = [r for r in json.loads(out)["checks"] if r["check"] == check]
    equal([r["result"] for r in rows], ["warn"])
    assert '"t"' in rows[0]["said"] and "no answer: " in rows[0]["said"], rows


class Chain(Silent):
    """A mount, and the authorization server that its metadata names."""
    metadata = {}               # path: document

    def do_GET(self):
        base = "http://127.0.0.1:%d" % self.server.server_port
        known = {"/mcp/health": {"serverCount": 1}, "/mcp/ready": {},
                 "/meta": {"resource": base + "/mcp/t/mcp"}}
        if self.path in known:
            doc = dict(known[self.path])
            if self.path == "/meta" and self.names is not None:
                doc["authorization_servers"] = [
                    self.names.replace("BASE", base), "http://127.0.0.1:1/"]
        elif self.path in self.metadata:
            doc = {"issuer": self.metadata[self.path].replace("BASE", base)}
        else:
            return self.answer(404, b"{}")
        self.answer(200, json.dumps(doc, separators=(",", ":")).encode())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Bearer resource_metadata='
                         '"http://127.0.0.1:%d/meta"'
                         % self.server.server_port)
        self.send_header("Content-Length", "0")
        self.end_headers()


OAUTH = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


@test("mcpgatectl doctor: the authorization server that is named", rows=(
    ("no path", "BASE", {OAUTH: "BASE"}, "ok", OAUTH),
    ("a path", "BASE/x", {OAUTH + "/x": "BASE/x"}, "ok", OAUTH + "/x"),
    ("OpenID", "BASE/x", {OPENID + "/x": "BASE/x"}, "ok", OPENID + "/x"),
    ("as Keycloak", "BASE/x", {"/x" + OPENID: "BASE/x"}, "ok", "/x" + OPENID),
    ("another", "BASE/x", {OAUTH + "/x": "BASE/y"}, "fail", "another issuer"),
    ("one slash more", "BASE", {OAUTH: "BASE/"}, "fail", "another issuer"),
    ("says nothing", "BASE/x", {}, "warn", "404"),
    ("not there", "http://127.0.0.1:1/x", {}, "warn", "127.0.0.1:1/x"),
    ("no URL", "issuer", {}, "warn", "not a URL"),
    ("none", None, {}, "warn", "not a URL")))
def _(t):
    _, names, metadata, result, words = t.row
    inbound = {"strategy": "token", "token": {"values": [A]}}
    how = type("How", (Chain,), {"names": names, "metadata": metadata})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), how) as front:
        threading.Thread(target=front.serve_forever).start()
        try:
            with Gate(config({"t": server(URL, {"inboundAuth": inbound})}),
                      mode="cgi") as g:
                _, out, err = g.ctl(
                    "--json", "doctor",
                    "http://127.0.0.1:%d/mcp" % front.server_port, seconds=60)
        finally:
            front.shutdown()
    rows = {r["check"]: r for r in json.loads(out)["checks"]}
    equal(rows["metadata"]["result"], "ok")
    assert "issuer" in rows, rows
    equal(rows["issuer"]["result"], result)
    assert words in rows["issuer"]["said"], rows["issuer"]


@test("mcpgatectl: root is told where the state of another user lies")
def _(t):
    uid = 20000 + os.getpid() % 40000
    where = "/dev/shm/mcpgate-%d" % uid
    if os.geteuid() != 0:
        return
    os.mkdir(where, 0o700)
    try:
        os.chown(where, uid, uid)
        with open(where + "/state", "w"):
            os.chown(where + "/state", uid, uid)
        done = subprocess.run(
            [program("mcpgatectl"), "status"], env={"HOME": where},
            capture_output=True, text=True, timeout=20)
        if done.returncode != 0:        # a gateway of root runs here
            equal(done.returncode, 66)
            assert "--state %s/state" % where in done.stderr, done.stderr
    finally:
        shutil.rmtree(where)


@test("mcpgatectl: a state that is for others is not one that is not there",
      rows=(0o700, 0o755))
def _(t):
    if os.geteuid() != 0:
        raise tap.Skip("only root has more than one name")
    where = tempfile.mkdtemp()
    os.chmod(where, 0o755)
    copy = shutil.copy(program("mcpgatectl"), where)
    state = os.path.join(where, "dir", "state")
    conf = config({"s": server("http://127.0.0.1:9/mcp")},
                  store={"path": state})
    os.mkdir(os.path.dirname(state), 0o700)
    with Gate(conf) as g:
        os.chmod(os.path.dirname(state), t.row)
        for words, code in ((["status"], 77), (["ip", "list"], 77),
                            (["ip", "ban", "192.0.2.1"], 77),
                            (["--state", state + ".not", "status"],
                             77 if t.row == 0o700 else 66)):
            done = subprocess.run(
                [copy, "--state", state] + words, user=65534, group=65534,
                extra_groups=[], env={"HOME": where}, capture_output=True,
                timeout=20)
            equal((words, done.returncode, done.stdout), (words, code, b""))
        os.chmod(os.path.dirname(state), 0o700)
        equal(g.ctl("status")[0], 0)


@test("mcpgatectl: where there is no configuration nothing asks for a record")
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)})) as g:
        env = {"HOME": g.dir, "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [program("mcpgatectl"), "--state", g.state, "ip", "ban",
             "192.0.2.1"], env=env, capture_output=True, timeout=20)
        equal((done.returncode, done.stderr), (0, b""))
        assert "192.0.2.1" in g.ctl("ip", "list")[1]


tap.main()
