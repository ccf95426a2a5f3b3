#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""not_built -- what this build cannot do closes the server that asks for it"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, run, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

# Each would guard something; to leave it out in silence would open a door.
OPTIONS = (
    ("toolFilter", {"toolFilter": {"mode": "block", "list": ["delete_*"]}}),
    ("policy", {"policy": [{"effect": "allow", "tools": ["get_*"]}]}),
    ("lua", {"inboundAuth": {"strategy": "lua",
                             "lua": {"source": "return true"}}}),
    ("introspection", {"inboundAuth": {"strategy": "introspection",
        "introspection": {"endpoint": "https://issuer.test/i",
                          "clientId": "c", "clientSecret": "s"}}}),
    ("remote key set", {"inboundAuth": {"strategy": "jwt", "jwt": {
        "jwksUrl": "https://issuer.test/keys"}}}))


def conf(up, options, **more):
    return config({"closed": server(up, options, **more),
                   "open": server(up)})


@test("an option", rows=OPTIONS)
def _(t):
    with Upstream() as up, Gate(conf(up, t.row[1])) as g:
        r = g.rpc("/closed/mcp", "ping", id=1)
        assert r.status in (200, 401, 403, 503), r
        if r.status == 200:
            # it may be built by now: then it must not be told as missing
            assert "not in this build" not in g.log_text()
            return
        if r.status == 503:
            equal(r.reason, "server_invalid")
            assert "not in this build" in g.log_text()
        equal(up.calls, [])
        equal(g.rpc("/open/mcp", "ping").status, 200)


@test("a transport", rows=("sse", "stdio"))
def _(t):
    entry = {"url": "http://127.0.0.1:9/sse", "transportType": "sse"} \
        if t.row == "sse" else {"command": "/bin/cat"}
    with Upstream() as up:
        c = config({"closed": entry, "open": server(up)})
        with Gate(c) as g:
            r = g.rpc("/closed/mcp", "ping")
            equal((r.status, r.reason), (503, "server_invalid"))
            equal(g.rpc("/open/mcp", "ping").status, 200)


@test("--check-config of files of other programs: what is not in this build is a "
      "warning", rows=(
          ("stdio", {"command": "/bin/cat", "args": ["-u"]}),
          ("sse", {"url": "http://127.0.0.1:9/sse", "type": "sse"}),
          ("oauth", {"url": "http://127.0.0.1:9/mcp", "oauth": {"scopes":
                                                                ["x"]}})))
def _(t):
    with Gate(config({"closed": t.row[1],
                      "open": server("http://127.0.0.1:9/mcp")}),
              mode="cgi") as g:
        code, out, err = run(["-t", "--config", g.file])
        equal((code, out), (0, "Config OK: 2 MCP server(s) configured\n"))
        assert '"%s" is ignored: not in this build; "closed" answers 503' \
            % t.row[0] in err, err


@test("an example of another program loads as it is")
def _(t):
    """A transport that no build has, and panicIfInvalid beside it."""
    with Upstream() as up:
        c = config({"github": {
            "command": "npx", "args": ["-y", "server-github"],
            "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "<YOUR_TOKEN>"},
            "options": {"toolFilter": {"mode": "block", "list": ["x"]}}},
            "fetch": {"command": "uvx", "args": ["mcp-server-fetch"],
                      "options": {"panicIfInvalid": True,
                                  "logEnabled": False}},
            "open": server(up)}, addr=":9090", type="streamable-http",
            version="1.0.0", options={"panicIfInvalid": False,
                                      "logEnabled": True})
        with Gate(c) as g:
            code, out, _ = run(["-t", "--config", g.file])
            equal((code, out), (0, "Config OK: 3 MCP server(s) configured\n"))
            for name in "github", "fetch":
                r = g.rpc("/%s/mcp" % name, "ping")
                equal((r.status, r.reason), (503, "server_invalid"))
            equal(g.rpc("/open/mcp", "ping").status, 200)


@test("panicIfInvalid and --check-config refuse an engine that another build has")
def _(t):
    options = {"inboundAuth": {"strategy": "lua",
                               "lua": {"source": "return true"}}}
    with Gate(conf("http://127.0.0.1:9/", options), mode="cgi") as g:
        code, _, err = run(["-t", "--config", g.file])
        equal(code, 78)
        assert "Lua" in err, err
        g.write(conf("http://127.0.0.1:9/",
                     dict(options, panicIfInvalid=True)))
        code, _, err = run(["--config", g.file, "--listen",
                            "unix:" + g.socket])
        equal(code, 78)
        assert "Lua" in err, err


tap.main()
