#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""reload_refused -- a file that was refused is looked at again"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, pool, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

A, B = "first-token-of-the-file", "second-token-of-the-file"


@test("a token file is bad for a moment, then good: nobody has to signal",
      limit=60)
def _(t):
    with Upstream() as up:
        with Gate(config({"s": server(up)}), mortal=True) as g:
            path = os.path.join(g.dir, "token.txt")

            def token(text):
                with open(path + ".new", "w") as f:
                    f.write(text)
                os.chmod(path + ".new", 0o600)
                os.rename(path + ".new", path)

            token(A)
            g.write(config({"s": server(up, pool("${file:%s}" % path))}))
            eventually(lambda: g.rpc("/s/mcp", "x").status == 200 and
                       up.tokens()[-1] == A, 10, "the first token")
            token("not a token\x01\n")
            eventually(lambda: "reload refused" in g.log_text(), 10)
            equal(g.rpc("/s/mcp", "x").status, 200)
            token(B)
            eventually(lambda: g.rpc("/s/mcp", "x").status == 200 and
                       up.tokens()[-1] == B, 20, "the new token")
            equal(g.log_text().count("reload refused"), 1)


tap.main()
