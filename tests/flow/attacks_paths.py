#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_paths -- a path leads to one place, however it is written

The open server s stands beside t, which wants a token: whatever reaches s
by a path of t, or t by none of its own, is a hole.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

TOKEN = {"inboundAuth": {"strategy": "token",
                         "token": {"values": ["t" * 20]}}}
S, T, NO, BAD = 200, 401, 404, 400

TARGETS = (
    (S, "/s/mcp", "/s", "/s/mcp/", "/s/", "/s/mcp?x=/t/mcp", "/s/mcp?",
     "/s/mcp?a//b", "/s/mcp?%2e%2e/", "/s/mcp ", "http://h/s/mcp",
     "HTTP://h/s/mcp", "http://u@h/s/mcp", "https://h:1/s/mcp?http://x/t"),
    (T, "/t/mcp", "/t", "/t/mcp?/s/mcp", "/t/mcp?x=../s", "https://h/t/mcp",
     "/t?access_token=tttttttttttttttttttt", "http://h/t/mcp?http://h/s/mcp"),
    (NO, "/", "/mcp", "/s/..;/t/mcp", "/s/.;/mcp", "/...", "/s/...",
     "/%252e%252e/s", "/s%252fmcp", "/%73/mcp", "/s/%6dcp", "/s/mcp%20",
     "/s/mcp%0a", "/s/mcp%3f", "/s/mcp%23", "/s/mcp;x=1", "/s;x/mcp",
     "/s/mcp#f", "/S/mcp", "/s/MCP", "/T/mcp",
     "/t/mcp/mcp", "/s/mcp/mcp", "/mcp/s", "/mcp/s/mcp", "/?/s/mcp",
     "http://h", "http://h/", "http://h?x=/s/mcp", "http://h?/s/mcp",
     "https://h?a=1&b=/t/mcp", "/version/t/mcp", "/t/sse",
     "/metrics/s/mcp"),
    (BAD, "/s/../t/mcp", "/t/../s/mcp", "/./s/mcp", "/s/./mcp", "/s/mcp/.",
     "/s/mcp/..", "/..", "/.", "/%2e%2e/t/mcp", "/%2E/s/mcp", "/s%2fmcp",
     "/s%2Fmcp", "/s%5cmcp", "/s%5Cmcp", "/s/mcp%00", "/s/mcp%2e",
     "//s/mcp", "/s//mcp", "/s/mcp//", "//", "///t/mcp", "\\s\\mcp",
     "/s\\mcp", "/s/\\t", "http:///s/mcp", "http://h//s/mcp", "http:/s/mcp",
     "ftp://h/s/mcp", "s/mcp", "*", "h:80", "://h/s/mcp", "http://h#/s/mcp",
     "http://?/s/mcp", "https://", "/s/\x7f", "/s/ mcp", "/s/mcp/\xe4",
     "/health/../t/mcp", "/s/mcp/../../version",
     "/s/mcp#/../t", "/.well-known/oauth-protected-resource/../s/mcp"),
)

METHODS = (
    (BAD, "get", "Post", "", "P OST", "POST1", "M-SEARCH", "A" * 17, "\xc4",
     "POST/1"),
    (405, "PATCH", "PUT", "TRACE", "CONNECT", "HEAD", "PROPFIND", "A" * 16),
)


def two(up, **gateway):
    return config({"s": server(up), "t": server(up, TOKEN)}, **gateway)


@test("a target", workers=(1, 4))
def _(t):
    with Upstream() as up, Gate(two(up), t.workers) as g:
        for want, *targets in TARGETS:
            for target in targets:
                r = g.rpc(target, "ping", PATH_INFO="x",
                          REMOTE_ADDR="203.0.113.1")
                equal((target, r.status), (target, want))
                if want == BAD:
                    equal((target, r.reason), (target, "bad_request"))


@test("a method", workers=(1,))
def _(t):
    with Upstream() as up, Gate(two(up)) as g:
        for want, *methods in METHODS:
            for method in methods:
                for path in ("/s/mcp", "/version", "/health"):
                    if method == "HEAD" and path != "/s/mcp":
                        continue
                    r = g.call(method, path)
                    equal((method, path, r.status), (method, path, want))
        equal(up.calls, [])


@test("below a mount", workers=(1,))
def _(t):
    class Below(Gate):
        """Its health stands below the mount, too."""

        def get(self, uri, headers=(), **more):
            if uri in ("/health", "/metrics"):
                uri = "/m/x" + uri
            return super().get(uri, headers, **more)

    with Upstream() as up, Below(two(up, mountPath="/m/x")) as g:
        for want, target in (
                (S, "/m/x/s/mcp"), (T, "/m/x/t/mcp"), (NO, "/m/x"),
                (NO, "/m/xs/mcp"), (NO, "/s/mcp"), (NO, "/m/s/mcp"),
                (NO, "/m/x/m/x/s/mcp"), (NO, "/M/x/s/mcp"), (NO, "/health"),
                (BAD, "/m/x/../x/s/mcp"), (BAD, "/m//x/s/mcp"),
                (NO, "http://h?/m/x/s/mcp")):
            r = g.rpc(target, "ping", REMOTE_ADDR="203.0.113.1")
            equal((target, r.status), (target, want))


tap.main()
