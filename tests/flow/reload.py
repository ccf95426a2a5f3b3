#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""reload -- a new configuration replaces all, or nothing"""
import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import load, tap  # noqa: E402
from kit.gate import Gate, config, pool, secret, server  # noqa: E402
from kit.tap import equal, eventually, test  # noqa: E402
from kit.upstream import Hold, Upstream  # noqa: E402

BOTH = (1, 4)


def named(up, name, **more):
    return config({"s": server(up)}, name=name, **more)


def all_say(g, name, workers):
    """Every worker answers with the new name."""
    def look():
        return {g.get("/health").json["name"]
                for _ in range(4 * workers)} == {name}
    eventually(look, 5, "the new name from every worker")


@test("the start says what was loaded", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(config({"a": server(up), "b": server(up)}),
                                t.workers) as g:
        g.log_has("configuration loaded: 2 server(s), generation 1")
        equal(g.log_count("configuration loaded"), 1)


@test("a good file is taken", workers=BOTH, rows=("signal", "mtime"))
def _(t):
    with Upstream() as up, Gate(named(up, "old"), t.workers) as g:
        all_say(g, "old", t.workers)
        g.reload(named(up, "new"), how=t.row)
        all_say(g, "new", t.workers)
        g.log_has("configuration loaded: 1 server")
        equal(g.metrics().total("mcpgate_config_last_reload_successful"), 1)


@test("a bad file changes nothing and is told", workers=BOTH, rows=(
    ("not JSON", '{"mcpServers": '),
    ("unknown key", '{"mcpServers": {}, "mcpProxy": {"worker": 1}}'),
    ("bad value", '{"mcpServers": {"s": {"url": "nonsense"}}}'),
    ("empty", "")))
def _(t):
    _, text = t.row
    with Upstream() as up, Gate(named(up, "old"), t.workers) as g:
        g.reload(text=text, good=False)
        all_say(g, "old", t.workers)
        equal(g.rpc("/s/mcp", "ping").status, 200)
        g.log_has("reload refused")
        told = [x["msg"] for x in g.log_lines()
                if "reload refused" in x.get("msg", "")]
        for x in told:
            assert re.match(r"reload refused: E\d\d \S*config.json:\d", x), x
        ready = g.get("/ready")
        equal(ready.status, 200)
        assert b"reload" in ready.body.lower(), ready.body
        eventually(lambda: g.metrics().total(
            "mcpgate_config_last_reload_successful") == 0, 5)
        # ... and the next good one is taken
        g.reload(named(up, "new"))
        all_say(g, "new", t.workers)
        assert b"refused" not in g.get("/ready").body


@test("a file that vanished changes nothing", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(named(up, "old"), t.workers) as g:
        os.rename(g.file, g.file + ".old")
        g.signal(1)
        time.sleep(0.5)
        equal(g.rpc("/s/mcp", "ping").status, 200)
        all_say(g, "old", t.workers)
        os.rename(g.file + ".old", g.file)


@test("servers come and go", workers=BOTH)
def _(t):
    with Upstream() as up, Gate(config({"s": server(up)}),
                                t.workers) as g:
        equal(g.rpc("/t/mcp", "ping").status, 404)
        g.reload(config({"t": server(up)}))
        for _ in range(t.workers):
            equal(g.rpc("/t/mcp", "ping").status, 200)
            equal(g.rpc("/s/mcp", "ping").status, 404)


@test("authentication is part of it", workers=BOTH)
def _(t):
    old, new = secret("old"), secret("new")

    def conf(up, key):
        c = config({"s": server(up)})
        c["mcpProxy"]["options"]["inboundAuth"] = {
            "strategy": "token", "token": {"values": [key]}}
        return c

    with Upstream() as up, Gate(conf(up, old), t.workers) as g:
        def ask(key):
            return g.rpc("/s/mcp", "ping", headers={
                "Authorization": "Bearer " + key}).status

        equal((ask(old), ask(new)), (200, 401))
        g.reload(conf(up, new))
        for _ in range(2 * t.workers):
            equal((ask(old), ask(new)), (401, 200))


@test("a stream keeps the configuration it began with", workers=BOTH)
def _(t):
    hold = Hold()

    def script(q, out):
        out.sse()
        out.event({"n": 1})
        hold.wait()
        out.event({"n": 2})
        out.event({"jsonrpc": "2.0", "id": 1, "result": {}})
        out.end()

    with Upstream(script) as up, Gate(named(up, "old"), t.workers) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", body={"jsonrpc": "2.0", "id": 1,
                                            "method": "x"})
        equal(json.loads(s.event()["data"]), {"n": 1})
        g.reload(config({"t": server(up)}, name="new"))
        all_say(g, "new", t.workers)
        hold.go()
        equal(json.loads(s.event()["data"]), {"n": 2})
        equal(json.loads(s.event()["data"])["result"], {})
        equal(s.event(), None)


@test("calls in flight end with the token they have", workers=BOTH)
def _(t):
    a, b = secret("a"), secret("b")
    hold = Hold()

    def script(q, out):
        if q.json["id"] == "slow":
            hold.wait()
        out.result()

    with Upstream(script) as up, Gate(
            config({"s": server(up, pool(a))}), t.workers) as g, \
            g.conn() as c:
        s = c.begin("POST", "/s/mcp", body={
            "jsonrpc": "2.0", "id": "slow", "method": "x"})
        up.wait(1)
        g.reload(config({"s": server(up, pool(b))}))
        equal(g.rpc("/s/mcp", "ping").status, 200)
        hold.go()
        equal(s.rest().status, 200)
        equal(up.tokens(), [a, b])


def changing(up, a, b):
    """The configuration of each turn: its names, pool and servers differ."""
    def conf(n):
        tokens = [a, b] if n % 2 else [b]
        servers = {"s": server(up, pool(*tokens),
                               headers={"X-Turn": "turn-%d" % n})}
        if n % 3 == 0:
            servers["t"] = server(up)
        return config(servers, name="n%d" % n,
                      limits={"requestBody": "%dKiB" % (64 + n)})
    return conf


@test("no request fails while it reloads and reloads", workers=BOTH,
      limit=90)
def _(t):
    a, b = secret("a"), secret("b")
    with Upstream() as up:
        conf = changing(up, a, b)
        with Gate(conf(0), t.workers) as g:
            def serves(n):
                return any(c.header("x-turn") == "turn-%d" % n
                           for c in up.calls[::-1])

            got, n = load.reloads(g, conf, 8, serves=serves)
            t.say("%d calls, %d reloads" % (len(got.good), n))
            assert n >= 3 and len(got.good) > 100, (n, len(got.good))
            all_say(g, "n%d" % n, t.workers)
            equal(set(up.tokens()), {a, b})


@test("a changed limit counts for the next request", workers=BOTH)
def _(t):
    body = {"jsonrpc": "2.0", "id": 1, "method": "x",
            "params": {"a": "x" * 3000}}
    with Upstream() as up, Gate(
            named(up, "old", limits={"requestBody": "2KiB"}),
            t.workers) as g:
        equal(g.post("/s/mcp", body).status, 413)
        g.reload(named(up, "new", limits={"requestBody": "4KiB"}))
        for _ in range(t.workers):
            equal(g.post("/s/mcp", body).status, 200)


@test("the environment was read at the start and never again")
def _(t):
    with Upstream() as up:
        conf = config({"s": server(up, headers={"X-Env": "${MY_WORD}"})})
        with Gate(conf, env={"MY_WORD": "first"}) as g:
            g.rpc("/s/mcp", "ping", MY_WORD="evil")
            equal(up.calls[0].header("x-env"), "first")


@test("${file:} is read anew", workers=(1,))
def _(t):
    with Upstream() as up, Gate(named(up, "old")) as g:
        path = os.path.join(g.dir, "word")
        conf = config({"s": server(up, headers={
            "X-File": "${file:%s}" % path})})
        for word in ("one", "two"):
            with open(path, "w") as f:
                f.write(word + "\n")
            os.chmod(path, 0o600)
            g.reload(conf)
            g.rpc("/s/mcp", "ping")
            equal(up.calls[-1].header("x-file"), word)


class Counted(Gate):
    """The configuration says how many workers there are."""

    def command(self):
        cmd = Gate.command(self)
        at = cmd.index("--workers")
        return cmd[:at] + cmd[at + 2:]


@test("the number of workers follows a reload",
      rows=("signal", "mcpgatectl", "mtime"))
def _(t):
    def conf(up, n):
        return named(up, "n%d" % n, workers=n)

    with Upstream() as up, Counted(conf(up, 2), 2, mortal=True) as g:
        for n in (4, 1, 2):
            g.write(conf(up, n))
            if t.row == "signal":
                g.signal(1)
            elif t.row == "mcpgatectl":
                equal(g.ctl("reload")[0], 0)
            eventually(lambda: len(g.worker_pids()) == n, 10,
                       "%d workers" % n)
            all_say(g, "n%d" % n, n)
            equal(g.rpc("/s/mcp", "ping").status, 200)


@test("a changed path of the state waits for a restart: a worker that "
      "follows a dead one shares what the others have")
def _(t):
    def conf(up, **more):
        return config({"s": server(up, pool("a", "b", "c"))}, **more)

    with Upstream() as up, Gate(conf(up), 2, mortal=True) as g:
        g.write(conf(up, store={"path": os.path.join(g.dir, "elsewhere")}))
        g.signal(1)
        g.log_has("takes effect at a restart")
        gone = g.worker_pids()[0]
        g.kill(gone)
        eventually(lambda: len(g.worker_pids()) == 2 and
                   gone not in g.worker_pids(), 10)
        for _ in range(12):
            equal(g.rpc("/s/mcp", "ping").status, 200)
        equal(up.tokens(), ["a", "b", "c"] * 4)
        assert not os.path.exists(os.path.join(g.dir, "elsewhere"))


def words(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


@test("the master's log follows a changed file, nobody has to signal")
def _(t):
    with Upstream() as up, Gate(named(up, "old"), mortal=True) as g:
        other = os.path.join(g.dir, "other.log")
        g.write(named(up, "new", log={"target": "file", "path": other,
                                      "level": "error"}))
        all_say(g, "new", 1)
        time.sleep(1.5)             # who serves may have been the first

        os.kill(g.worker_pids()[0], 9)
        eventually(lambda: "ended by signal 9" in words(other), 3,
                   "the master's line in the new log")
        assert "ended by signal 9" not in g.log_text(), g.log_text()


@test("a bad file nobody signalled is told once by each who serves, and the "
      "next good one is taken", limit=40)
def _(t):
    with Upstream() as up, Counted(named(up, "old", workers=2), 2,
                                   mortal=True) as g:
        g.write(None, text='{"mcpServers": ')
        eventually(lambda: g.log_count("reload refused") >= 2, 5)
        time.sleep(2.5)             # both looks come again and again
        equal(g.log_count("reload refused"), 2)
        equal(len(g.worker_pids()), 2)
        g.write(named(up, "new", workers=3))
        eventually(lambda: len(g.worker_pids()) == 3, 10, "3 workers")
        all_say(g, "new", 3)
        loaded = g.log_count("configuration loaded")
        time.sleep(2.5)
        equal(g.log_count("configuration loaded"), loaded)


tap.main()
