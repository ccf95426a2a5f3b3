#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run -- the official conformance suite and the Inspector against mcpgate

    top_builddir=BUILD tests/conformance/run.py PACKAGES [PART...]

PACKAGES is a directory in which the packages of docs/conformance.md are
installed.  Everything is asked twice, the reference server directly and
through a web server and mcpgate, and what passes directly must pass through
the gate.  Not part of make check: it needs Node.  Status 77: not there.
"""
import argparse
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from kit import idp, webserver  # noqa: E402
from kit.gate import config, end_group, free_port, server, started  # noqa: E402
from kit.tap import eventually  # noqa: E402

PARTS = ("server", "rows", "everything", "load", "client", "inspector",
         "login")
SETS = (("2025-03-26", ("--suite", "all", "--spec-version", "2025-03-26")),
        ("2025-06-18", ("--suite", "all", "--spec-version", "2025-06-18")),
        ("2025-11-25", ("--requirements", "2025-11-25")),
        ("2026-07-28", ("--requirements", "2026-07-28")))
CLIENT = {
    "2025-11-25": (
        "initialize", "tools_call", "elicitation-sep1034-client-defaults",
        "sse-retry", "json-schema-2020-12-preservation"),
    "2026-07-28": (
        "tools_call", "request-metadata", "sep-2322-client-request-state",
        "http-standard-headers", "http-custom-headers",
        "http-invalid-tool-headers", "json-schema-ref-no-deref",
        "json-schema-2020-12-preservation")}
INSPECT = (
    ("a", "tools/list"), ("a", "resources/list"), ("a", "prompts/list"),
    ("a", "resources/templates/list"),
    ("a", "tools/call", "--tool-name", "test_simple_text"),
    ("a", "tools/call", "--tool-name", "test_tool_with_progress"),
    ("a", "tools/call", "--tool-name", "no_such_tool"),
    ("a", "resources/read", "--uri", "test://static-text"),
    ("a", "prompts/get", "--prompt-name", "test_simple_prompt"),
    ("b", "tools/list"),
    ("b", "tools/call", "--tool-name", "get-sum", "--tool-arg", "a=2",
     "--tool-arg", "b=3"))
LOAD = ("tools/call", "--tool-name", "test_simple_text", "--load",
        "--load-concurrency", "8", "--load-requests", "200")

# What cannot pass where nothing streams: nobody can be asked or told during a
# call, and a subscription ends at once.  docs/conformance.md says why.
WHOLE = {
    "tools-call-sampling", "tools-call-elicitation", "tools-call-with-logging",
    "tools-call-with-progress", "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums", "server-sse-multiple-streams",
    "server-sse-polling",
    "server-stateless:sep-2575-server-sends-prompts-list-changed-on-"
    "subscription",
    "server-stateless:sep-2575-server-sends-tools-list-changed-on-"
    "subscription"}

failed = []


def say(ok, what, detail=""):
    print("%s - %s%s" % ("ok" if ok else "not ok", what,
                         ": " + detail if detail else ""), flush=True)
    if not ok:
        failed.append(what)


# ---- programs of Node ----------------------------------------------------------
class Tools:
    """The installed packages, and servers started from them."""

    def __init__(self, packages):
        self.packages = packages = os.path.abspath(packages)
        self.bin = os.path.join(packages, "node_modules", ".bin")
        self.work = tempfile.mkdtemp(prefix="conformance-")
        os.chmod(self.work, 0o755)
        self.env = dict(os.environ, HOME=self.work,
                        PATH=self.bin + os.pathsep + os.environ["PATH"])
        os.symlink(os.path.join(packages, "node_modules"),
                   os.path.join(self.work, "node_modules"))
        for f in ("fixture.mjs", "driver.mjs", "login.mjs"):
            shutil.copy(os.path.join(HERE, f), self.work)
        self.procs, self.n = [], 0

    def missing(self):
        return [f for f in ("node", "conformance", "mcp-inspector",
                            "mcp-server-everything")
                if not os.path.exists(os.path.join(self.bin, f))]

    def serve(self, *command):
        """Starts a server on a free port; its URL."""
        port = free_port()
        log = open(os.path.join(self.work, "%d.log" % port), "wb")
        self.procs.append(started(subprocess.Popen(
            command, env=dict(self.env, PORT=str(port)), cwd=self.work,
            stdout=log, stderr=log, start_new_session=True)))
        eventually(lambda: b"eady" in open(log.name, "rb").read()
                   or b"listening" in open(log.name, "rb").read(), 20,
                   command[0])
        return "http://localhost:%d/mcp" % port

    def run(self, *command, env=None, seconds=600):
        return subprocess.run(
            command, env=dict(self.env, **env or {}), cwd=self.work,
            capture_output=True, text=True, timeout=seconds)

    def out(self):
        self.n += 1
        return os.path.join(self.work, "out-%d" % self.n)

    def end(self):
        for p in self.procs:
            end_group(p.pid)
            p.wait()
        shutil.rmtree(self.work, ignore_errors=True)


# ---- results -------------------------------------------------------------------
def checks(folder):
    """{scenario:check: Counter of statuses} of a result directory."""
    found = collections.defaultdict(collections.Counter)
    for at, _, files in os.walk(folder):
        if "checks.json" not in files:
            continue
        name = re.sub(r"^server-|-[0-9-]{10}T[0-9-]+Z$", "",
                      os.path.basename(at))
        with open(os.path.join(at, "checks.json")) as f:
            for c in json.load(f):
                found["%s:%s" % (name, c["id"])][c["status"]] += 1
    return found


def compare(what, direct, gate, known=()):
    """Each check that passes directly must pass through the gate."""
    passes = sum(c["SUCCESS"] for c in direct.values())
    through = sum(c["SUCCESS"] for c in gate.values())
    worse = [k for k, c in direct.items()
             if gate[k]["SUCCESS"] < c["SUCCESS"]
             and k not in known and k.split(":")[0] not in known]
    say(passes > 0 and not worse, what, "direct %d, gate %d%s" % (
        passes, through, "; " + ", ".join(sorted(worse)) if worse else ""))


def suite(tools, url, words):
    """The checks of one run of the suite."""
    out = tools.out()
    tools.run("conformance", "server", "--url", url, "-o", out, *words)
    return checks(out)


# ---- gates ---------------------------------------------------------------------
class Ups:
    """The reference servers: a speaks all revisions, b the older ones."""

    def __init__(self, tools):
        self.a = tools.serve("node", "fixture.mjs")
        self.b = tools.serve("mcp-server-everything", "streamableHttp")

    def conf(self, options=None, **gateway):
        return config({"a": server(self.a, options),
                       "b": server(self.b, options)}, **gateway)


def front(name):
    """The web server of that name, with four workers behind it."""
    kind = getattr(webserver, name)

    class Front(kind):
        workers = 4

        def at(self, path):
            return "http://localhost:%d%s/%s/mcp" % (self.port, self.mount,
                                                     path)

    return Front


def server_part(tools, ups, args):
    for label, words in SETS:
        direct = suite(tools, ups.a, words)
        for name in args.front:
            with front(name)(ups.conf()) as s:
                compare("server %s, %s" % (label, name), direct,
                        suite(tools, s.at("a"), words),
                        () if s.live else WHOLE)


def rows_part(tools, ups, args):
    """The same, with what else touches the bytes switched on."""
    rows = (
        ("a pool of tokens", {"auth": {"tokens": ["x", "y", "z"]}}, {}, ()),
        ("lists looked through",
         {"toolFilter": {"mode": "block", "list": ["zzz*"]},
          "policy": [{"effect": "deny", "tools": ["zzz"]},
                     {"effect": "allow"}]}, {}, ()),
        ("streaming off", {}, {"streaming": "off"}, WHOLE))
    for label, words in SETS[2:]:
        direct = suite(tools, ups.a, words)
        for what, options, gateway, known in rows:
            with front(args.front[0])(ups.conf(options, **gateway)) as s:
                compare("server %s, %s" % (label, what), direct,
                        suite(tools, s.at("a"), words), known)
        with front(args.front[0])(ups.conf()) as inner:
            conf = config({"a": server(inner.at("a"))})
            with front(args.front[-1])(conf) as s:
                compare("server %s, a gate behind a gate" % label, direct,
                        suite(tools, s.at("a"), words))


def everything_part(tools, ups, args):
    for label, words in SETS[2:]:
        direct = suite(tools, ups.b, words)
        with front(args.front[0])(ups.conf()) as s:
            compare("server-everything %s" % label, direct,
                    suite(tools, s.at("b"), words))


def load_part(tools, ups, args):
    """The suite four times at once, and the Inspector's load."""
    for label, words in SETS[2:]:
        direct = suite(tools, ups.a, words)
        with front(args.front[0])(ups.conf()) as s:
            outs = [tools.out() for _ in range(4)]
            procs = [subprocess.Popen(
                ["conformance", "server", "--url", s.at("a"), "-o", o,
                 "--timeout", "60000", *words], env=tools.env, cwd=tools.work,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for o in outs]
            for p in procs:
                p.wait(600)
            for i, o in enumerate(outs):
                compare("server %s, %d of 4 at once" % (label, i + 1), direct,
                        checks(o))
    with front(args.front[0])(ups.conf()) as s:
        for era in ("legacy", "modern"):
            said = inspect(tools, s.at("a"), era, LOAD).stdout or "{}"
            said = json.loads(said).get("result", {})
            say(said.get("errors") == 0 and said.get("toolErrors") == 0,
                "Inspector, 200 calls, %s" % era,
                "%s per second" % said.get("throughput"))


# ---- the other side: what an upstream sees -----------------------------------------
def client_part(tools, ups, args):
    """The suite is the upstream; the driver comes through the gate."""
    me = [sys.executable, os.path.abspath(__file__), "--through",
          args.front[0], tools.packages]
    for version, scenarios in CLIENT.items():
        for name in scenarios:
            found = []
            for command in (["node", "driver.mjs"], me):
                out = tools.out()
                tools.run("conformance", "client", "--command",
                          " ".join(command), "--scenario", name,
                          "--spec-version", version, "-o", out, "--timeout",
                          "60000")
                found.append(checks(out))
            compare("client %s %s" % (version, name), *found)


def through(tools, kind, url):
    """The command of client_part: a gate before that URL, and the driver."""
    with front(kind)(config({"a": server(url)})) as s:
        return subprocess.call(["node", "driver.mjs", s.at("a")],
                               env=tools.env, cwd=tools.work)


# ---- the Inspector -----------------------------------------------------------------
def inspect(tools, url, era, words):
    return tools.run("mcp-inspector", "--cli", "--server-url", url,
                     "--transport", "http", "--protocol-era", era, "--method",
                     *words, "--format", "json", "-q")


def inspector_part(tools, ups, args):
    with front(args.front[0])(ups.conf()) as s:
        for era in ("legacy", "modern", "auto"):
            for up, *words in INSPECT:
                direct, gate = (inspect(tools, u, era, words) for u in
                                (getattr(ups, up), s.at(up)))
                say((direct.returncode, direct.stdout)
                    == (gate.returncode, gate.stdout),
                    "Inspector, %s, %s: %s" % (era, up, " ".join(words)),
                    "status %d" % gate.returncode)


# ---- clients that only know the URL ---------------------------------------------------
def issuer():
    """An authorization server: both grants, tokens for what was asked."""
    where, last = idp.Idp(host="localhost"), {}
    where.add("k")
    where.meta_at = {idp.OAUTH}
    where.meta.update(
        response_types_supported=["code"],
        grant_types_supported=["client_credentials", "authorization_code"],
        token_endpoint_auth_methods_supported=["client_secret_basic"],
        code_challenge_methods_supported=["S256"])

    def token(q, out):
        form = dict(urllib.parse.parse_qsl(q.body.decode()))
        scope = dict(last, **form).get("scope", "")
        return out.json({"token_type": "Bearer", "expires_in": 600,
                         "scope": scope, "access_token": where.token(
                             "k", aud=form.get("resource"), scope=scope)})

    def authorize(q, out):
        last.clear()
        last.update(urllib.parse.parse_qsl(q.target.split("?", 1)[1]))
        back = {"code": "c", "iss": where.issuer}
        if "state" in last:
            back["state"] = last["state"]
        return out.status(302, [("Location", last["redirect_uri"] + "?"
                                 + urllib.parse.urlencode(back))])

    where.lies = {"/token": token, "/authorize": authorize}
    return where


def login_part(tools, ups, args):
    tool = "test_image_content"
    for name in args.front:
        class Known(front(name)):
            def mounted(self, conf):
                conf["mcpProxy"].pop("mountPath")
                conf["mcpProxy"]["baseURL"] = "http://localhost:%d%s" % (
                    self.port, self.mount)
                return conf

        with issuer() as who:
            options = {
                "inboundAuth": {"strategy": "jwt",
                                "jwt": {"issuer": who.issuer},
                                "requiredScopes": ["mcp"]},
                "policy": [{"effect": "allow", "tools": [tool],
                            "scopes": ["write"]},
                           {"effect": "deny", "tools": [tool]},
                           {"effect": "allow"}]}
            with Known(ups.conf(options)) as s:
                for how in ("legacy", "modern", "sdk1"):
                    for grant in ("machine", "person"):
                        if how == "sdk1" and grant == "machine":
                            continue    # never asks for more scopes
                        r = tools.run("node", "login.mjs", s.at("a"),
                                      who.issuer, how, grant,
                                      "test_simple_text", tool)
                        say(r.returncode == 0 and
                            r.stdout.count(" ok\n") == 2, "login, %s, %s, %s"
                            % (name, how, grant), r.stderr[-200:]
                            if r.returncode else "")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("packages")
    p.add_argument("part", nargs="*", help=", ".join(PARTS))
    p.add_argument("--front", nargs="+", default=["Nginx", "Lighttpd"],
                   help="classes of tests/kit/webserver.py")
    p.add_argument("--through", help=argparse.SUPPRESS)
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tools = Tools(args.packages)
    try:
        if tools.missing():
            print("not installed: " + ", ".join(tools.missing()))
            return 77
        if args.through:
            return through(tools, args.through, args.part[-1])
        ups = Ups(tools)
        for part in args.part or PARTS:
            globals()[part + "_part"](tools, ups, args)
    finally:
        tools.end()
    print("%d failed" % len(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
