#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx -- the same behaviours through nginx"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import behaviours, tap, webserver  # noqa: E402
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


tap.main()
