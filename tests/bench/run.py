#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run -- the figures of docs/performance.md, as a Markdown table

    run.py [CASE...]        BENCH_SECONDS=2 is quick; 4 is the default

kills and reloads last at least 8 seconds: BENCH_SECONDS=20 is a longer look.

Ratios are of one run on one machine: nginx in front of the upstream directly,
and nginx in front of the gateway in front of it, in turn.
"""
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
from kit import fcgi, keys, load  # noqa: E402
from kit.gate import Gate, clean_environment, config, program, \
    server  # noqa: E402
from kit.upstream import Upstream  # noqa: E402
from lab import SECONDS, Lab, best, cpu_us, memory_kib, \
    table  # noqa: E402

TOKENS = ["bench-token-%d-of-three-tokens" % i for i in range(3)]
POOL = {"auth": {"tokens": TOKENS, "rotationMode": "round-robin"}}
PROMISES = []


def plain(url):
    return {"s": {"url": url}}


def rotating(url):
    return {"s": {"url": url, "options": POOL}}


def promise(name, value, want, good):
    PROMISES.append((name, value, want, "yes" if good else "**no**"))


def row(name, r, base=None, who="gateway"):
    return (name, "%.1f k" % (r["rate"] / 1000),
            "%.2f" % (r["rate"] / base["rate"]) if base else "1.00",
            "%.2f / %.2f" % (r["p50"], r["p99"]),
            "%.1f" % r["us"]["nginx"],
            "%.1f" % r["us"][who] if base else "–",
            r["bad"] or "0")


HEADS = ("calls, c = 64", "req/s", "ratio", "p50 / p99 ms", "nginx µs",
         "gateway µs", "not 2xx")


def joined(runs):
    """Many short runs as one: rates and costs of all, middle latencies."""
    n = sum(r["calls"] for r in runs)

    def middle(key):
        return sorted(r[key] for r in runs)[len(runs) // 2]

    return {"rate": sum(r["rate"] for r in runs) / len(runs), "calls": n,
            "p50": middle("p50"), "p99": middle("p99"),
            "bad": sum(r["bad"] for r in runs),
            "us": {k: sum(r["us"][k] * r["calls"] for r in runs) / max(n, 1)
                   for k in runs[0]["us"]},
            "least": {k: min(r["us"][k] for r in runs)
                      for k in runs[0]["us"]}}


def in_turn(lab, headers=(), rounds=None, bare=False, **more):
    """(reference, gateway[, bare]): a second each in turn, so that what else
    the machine does meets all; all get the same requests."""
    ports = [lab.direct, lab.port] + [lab.bare] * bare
    lab.wrk(lab.port, "/mcp/s/mcp", headers, seconds=1)
    runs = [[lab.wrk(port, "/mcp/s/mcp", headers, seconds=1, **more)
             for port in ports]
            for _ in range(rounds or max(3, round(3 * SECONDS)))]
    return [joined(side) for side in zip(*runs)]


def jwt_options(**more):
    rsa = keys.rsa()
    inbound = dict({"strategy": "jwt", "jwt": {
        "publicKeyFile": rsa.public, "issuer": "https://issuer.test",
        "audience": ["gate"], "algorithms": ["RS256"]}}, **more)
    token = keys.rs256(rsa, keys.claims(exp=int(time.time()) + 3600))
    return {"inboundAuth": inbound}, [("Authorization", "Bearer " + token)]


# Limits that are counted and never reached, rules that are looked at.
GUARDED = {
    "security": {"rateLimit": {
        "requestsPerMinute": 100000000, "perIpRequestsPerMinute": 100000000,
        "perTokenRequestsPerMinute": 100000000}},
    "policy": [{"effect": "deny", "tools": ["delete_*"]},
               {"effect": "allow", "tools": ["*"], "users": ["alice"]}]}


def case_calls():
    """nginx has two processes and so has the gateway; then it has one."""
    rows = []
    with Lab(plain, workers=2) as lab:
        ref, got = in_turn(lab)
        rows += [row("nginx proxy_pass, kept", ref),
                 row("mcpgate, no authentication", got, ref)]
        four = in_turn(lab, rounds=5, clients=4)
    options, login = jwt_options()
    with Lab(rotating, workers=2, options=options) as lab:
        ref, two, bare = in_turn(lab, login, bare=True)
        rows += [row("nginx proxy_pass, with the JWT", ref),
                 row("a bare relay that looks at nothing", bare, ref, "bare"),
                 row("mcpgate, cached JWT, three tokens", two, ref)]
    guarded = dict(options, **GUARDED)
    with Lab(rotating, workers=2, options=guarded) as lab:
        ref2, full = in_turn(lab, login)
        rows += [row("nginx proxy_pass again", ref2),
                 row("the same with rate limits and a policy", full, ref2)]
    with Lab(rotating, options=options) as lab:
        ref3, one = in_turn(lab, login)
        rows += [row("nginx proxy_pass again", ref3),
                 row("cached JWT, three tokens, one worker", one, ref3)]
    for backend in ("libjwt", "openssl"):
        options, login = jwt_options(verdictTtl=0)
        options["inboundAuth"]["jwt"]["backend"] = backend
        with Lab(rotating, workers=2, options=options) as lab:
            cold = lab.wrk(lab.port, "/mcp/s/mcp", login)
        rows.append(row("JWT verified each time, " + backend, cold, ref))
    table(HEADS, rows)

    def ratio(what, got, ref):
        part = got["rate"] / ref["rate"]
        promise(what, "%.2f × proxy_pass" % part, "≥ 0.45", part >= 0.45)

    ratio("relay behind nginx, cached JWT, rotation, c = 64", two, ref)
    ratio("the same with rate limits and a tool policy", full, ref2)
    ratio("the same as the first, one gateway worker", one, ref3)
    # who else uses the machine adds to it, nobody takes from it
    least = [r["least"]["gateway"] for r in (one, two)]
    promise("CPU per relayed call in a worker, in the quietest second",
            "one worker %.1f µs, each of two %.1f; in all %.1f, %.1f "
            "(a bare relay: %.1f; %.1f)" % (
                *least, one["us"]["gateway"], two["us"]["gateway"],
                bare["least"]["bare"], bare["us"]["bare"]), "≤ 40 µs",
            min(least) <= 40)
    beside = two["us"]["gateway"] / ref["us"]["nginx"]
    promise("the same beside what nginx takes for a proxied call",
            "%.2f × %.1f µs" % (beside, ref["us"]["nginx"]), "≤ 2.4 ×",
            beside <= 2.4)
    for name, got in (("one worker", one), ("two workers", two)):
        promise("p99 to p50, " + name, "%.1f" % (got["p99"] / got["p50"]),
                "≤ 3", got["p99"] <= 3 * got["p50"])
    added = four[1]["p99"] - four[0]["p99"]
    promise("p99 added at 4 clients", "%.2f ms" % added, "≤ 2 ms", added <= 2)


NEW_TOKENS = """
local n, run = 0, tostring(os.time())
request = function()
  n = n + 1
  wrk.headers["Authorization"] = "Bearer opaque-" .. run .. "-" .. n
  return wrk.format()
end
"""


def case_asked():
    """Introspection: a token that is remembered, and one that is asked about.
    The endpoint is the upstream's process."""
    def servers(url):
        asked = {"strategy": "introspection", "introspection": {
            "endpoint": url.replace("/mcp", "/introspect"),
            "clientId": "gate", "clientSecret": "a secret of the bench"}}
        return {"s": {"url": url, "options": {"inboundAuth": asked}}}

    login = [("Authorization", "Bearer opaque-and-always-the-same")]
    with Lab(servers, workers=2) as lab:
        ref, hit = in_turn(lab, login)
        miss = lab.wrk(lab.port, "/mcp/s/mcp", lua_more=NEW_TOKENS)
        one = lab.wrk(lab.port, "/mcp/s/mcp", login, clients=1), \
            lab.wrk(lab.port, "/mcp/s/mcp", clients=1, lua_more=NEW_TOKENS)
    table(HEADS, [row("nginx proxy_pass", ref),
                  row("mcpgate, introspection remembered", hit, ref),
                  row("mcpgate, introspection asked each time", miss, ref)])
    print("one client: remembered %.2f ms, asked %.2f ms (p50)\n" % (
        one[0]["p50"], one[1]["p50"]))


def stream_row(n, workers):
    with Lab(plain, workers=workers) as lab:
        before = sum(memory_kib(p, "Rss") for p in lab.workers)
        s = lab.streams(n)
        each = (sum(memory_kib(p, "Rss") for p in lab.workers) - before) / n
        cpu = sum(cpu_us(p) for p in lab.workers)
        got = s.measure()
        cpu = sum(cpu_us(p) for p in lab.workers) - cpu
    if n == 10:
        promise("event to client at 10 streams", "%.2f ms p50" % got["p50"],
                "< 1 ms", got["p50"] < 1)
    if n == 10000:
        promise("10 000 streams on two workers", "%.1f KiB RSS each, %d "
                "open" % (each, got["open"]), "≤ 20 KiB",
                each <= 20 and got["open"] == n)
    return (n, workers, got["open"], "%.1f" % each,
            "%.1f" % (cpu / max(got["events"], 1)),
            "%.2f / %.2f" % (got["p50"], got["p99"]))


def case_streams():
    table(("streams", "workers", "open", "RSS KiB each", "CPU µs per event",
           "event age p50 / p99 ms"),
          [stream_row(n, 2 if n > 5000 else 1)
           for n in (10, 1000, 5000, 10000)])


def beside_each_other(quiet, busy, clients=64):
    """Of two gateways the first has nothing else to do; a second each."""
    for lab in (quiet, busy):
        lab.wrk(lab.port, "/mcp/s/mcp", clients=clients, seconds=1)
    rounds = max(3, round(2 * SECONDS))
    sides = [[lab.wrk(lab.port, "/mcp/s/mcp", clients=clients, seconds=1)
              for lab in (quiet, busy)] for _ in range(rounds)]
    return [joined(side) for side in zip(*sides)]


def case_beside():
    """Calls while 5000 streams are open, and without."""
    with Lab(plain, workers=2) as other, Lab(plain, workers=2) as lab:
        s = lab.streams(5000)
        try:
            alone, beside = beside_each_other(other, lab)
        finally:
            s.stop()
    ratio = beside["rate"] / alone["rate"]
    table(HEADS, [row("without streams", alone, alone),
                  row("beside 5000 streams", beside, alone)])
    promise("calls beside 5000 streams", "%.2f" % ratio, "≥ 0.85",
            ratio >= 0.85)


def slow_post(path, stop):
    """A FastCGI request that comes a few bytes at a time."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"x"}'
    data = fcgi.request(fcgi.variables("POST", "/mcp/s/mcp", [], body), body)
    while not stop.is_set():
        with fcgi.Conn(path) as c:
            for i in range(0, len(data), 40):
                if stop.wait(0.2):
                    return
                c.send(data[i:i + 40])
            c.stream().rest()


def case_trouble():
    """8 stalled readers and 60 slow posters beside normal calls."""
    def two(url):
        return {"s": {"url": url},
                "flood": {"url": url.replace("/mcp", "/flood")}}

    limits = {"limits": {"inputTime": "5m"}}
    with Lab(two, gateway=limits) as other, Lab(two, gateway=limits) as lab:
        stop = threading.Event()
        crew = [threading.Thread(target=slow_post, daemon=True,
                                 args=(lab.gate.socket, stop))
                for _ in range(60)]
        for c in crew:
            c.start()
        stalled = []
        for _ in range(8):
            c = fcgi.Conn(lab.gate.socket)
            c.begin("GET", "/mcp/flood/mcp",
                    [("Accept", "text/event-stream")]).head()
            stalled.append(c)
        time.sleep(1)
        quiet, busy = beside_each_other(other, lab, clients=8)
        stop.set()
        for c in stalled:
            c.close()
        for c in crew:
            c.join(5)
    table(HEADS, [row("undisturbed, c = 8", quiet, quiet),
                  row("beside 8 stalled readers, 60 slow POSTs", busy,
                      quiet)])
    promise("8 stalled readers, 60 slow POSTs: p99",
            "%.2f × (%.2f ms)" % (busy["p99"] / quiet["p99"], busy["p99"]),
            "≤ 2 ×", busy["p99"] <= 2 * quiet["p99"])


def one_process(cmd, env, body):
    """(s to the end of what it writes, s to its own end, s of CPU), text"""
    began = time.monotonic()
    p = subprocess.Popen(cmd, env=env, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdin.write(body)
    p.stdin.close()
    text = p.stdout.read()
    written = time.monotonic() - began
    p.stdout.close()
    _, p.returncode, used = os.wait4(p.pid, 0)
    return (written, time.monotonic() - began,
            used.ru_utime + used.ru_stime), text


def one_exchange(up, body):
    """The upstream's own time: s of the same call on a fresh socket."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", up.port)) as s:
        s.sendall(b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Type: application"
                  b"/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                  % (len(body), body))
        while s.recv(65536):
            pass
    return time.monotonic() - began


def case_cgi():
    """In turn: the call, a page of our own, and what they are held against."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    took = {}

    def note(name, seconds):
        took.setdefault(name, []).append(seconds)

    with Upstream() as up, Gate(config({"s": server(up)}),
                                mode="cgi") as g:
        gate = [g.binary, "--config", g.file]
        call = clean_environment(dict(fcgi.variables(
            "POST", "/s/mcp", [], body)))
        page = clean_environment(dict(fcgi.variables("GET", "/health")))
        curl = ["curl", "-s", "-H", "Content-Type: application/json", "-d",
                body.decode(), up.url()]
        for i in range(33):
            times, text = one_process(gate, call, body)
            assert text.startswith(b"Status: 200"), text
            rows = [("call", times), ("up", (one_exchange(up, body),)),
                    ("page", one_process(gate, page, b"")[0]),
                    ("true", one_process(["/bin/true"], call, b"")[0])]
            if shutil.which("curl"):
                rows.append(("curl", one_process(curl, call, b"")[0]))
            for name, times in rows if i >= 3 else ():
                note(name, times)
    ms = {name: [sorted(t)[len(t) // 2] * 1000 for t in zip(*rows)]
          for name, rows in took.items()}
    up, curl = ms["up"][0], ms.get("curl", (0, 0, 0))
    promise("one call by CGI, over the upstream's own %.1f ms" % up,
            "%.1f ms to the end of the reply, %.1f to that of the process, "
            "%.1f of CPU; curl itself: %.1f, %.1f, %.1f" % (
                ms["call"][0] - up, ms["call"][1] - up, ms["call"][2],
                curl[0] - up, curl[1] - up, curl[2]),
            "≤ 12 ms", ms["call"][0] - up <= 12)
    promise("a page of our own by CGI",
            "%.1f ms, %.1f of CPU (an empty process: %.1f, %.1f)" % (
                ms["page"][0], ms["page"][2], ms["true"][1], ms["true"][2]),
            "≤ 6 ms", ms["page"][0] <= 6)


def case_idle():
    with Lab(plain, workers=2) as lab:
        lab.curl("/mcp/health")
        pss = [memory_kib(p) for p in lab.workers]
        rss = [memory_kib(p, "Rss") for p in lab.workers]
    promise("idle worker", "%.1f MB PSS (%.1f MB RSS)" % (
        max(pss) / 1024, max(rss) / 1024), "≤ 3 MB", max(pss) <= 3072)


def case_gone():
    """A client closes on nginx: when does the upstream hear it?"""
    took, closed = [], [0.0]

    def script(q, out):
        out.sse()
        out.event({"n": 1})
        if out.gone(10) is not None:
            took.append(time.monotonic() - closed[0])
        out.close = True

    with Upstream(script) as up:
        with Lab(lambda url: {"s": {"url": up.url()}}) as lab:
            for _ in range(9):
                s = socket.create_connection(("127.0.0.1", lab.port))
                s.sendall(b"GET /mcp/s/mcp HTTP/1.1\r\nHost: x\r\n"
                          b"Accept: text/event-stream\r\n\r\n")
                while b'"n"' not in s.recv(65536):
                    pass
                n = len(took)
                closed[0] = time.monotonic()
                s.close()
                while len(took) == n and time.monotonic() < closed[0] + 5:
                    time.sleep(0.001)
    ms = sorted(took)[len(took) // 2] * 1000 if took else 9999
    promise("client gone on nginx → upstream cancelled", "%.1f ms" % ms,
            "≤ 50 ms", ms <= 50)


def printed_by(name, what, want):
    """What a program of the tree prints about a promise, shown as it is;
    None: it is not built."""
    build = os.environ.get("top_builddir", ".")
    path = os.path.join(build, "tests/bench", name)
    if not os.access(path, os.X_OK):
        promise(what, "not built", want, False)
        return None
    text = subprocess.run([path], stdout=subprocess.PIPE,
                          text=True).stdout.strip()
    print("\n```\n%s\n```\n" % text)
    return text


def case_pick():
    """Picks of a token by 8 processes, by a program of the tree."""
    printed_by("bench_rotor", "token pick by 8 processes", "< 100 ns")


def case_jwt():
    """A JWT judged cold and warm, by algorithm, by a program of the tree."""
    printed_by("bench_jwt", "a JWT judged", "–")


def case_rates():
    """A limit and a long list of addresses, by a program of the tree."""
    text = printed_by("bench_rate", "rate check", "< 100 ns")
    if text is None:
        return
    ns = [float(w) for w in text.replace("\n", " ").split()
          if w.replace(".", "").isdigit() and "." in w]
    promise("rate check", "%.0f ns" % ns[0], "< 100 ns", ns[0] < 100)
    promise("address in 10000 entries", "%.0f ns" % ns[-2], "< 500 ns",
            ns[-2] < 500)


def lasting(conf_of, run):
    """A promise of endurance: run(gate) while calls go on, four workers."""
    with Upstream() as up, Gate(conf_of(up, 0), 4, mortal=True) as g:
        return run(g, up)


def case_kills():
    """A worker is killed every second: who loses a call?"""
    def conf(up, n):
        return config({"s": server(up, POOL)}, log={"level": "warn"})

    def run(g, up):
        got, doomed, n = load.kills(g, max(8, SECONDS))
        load.tally_sound(g, got, len(doomed))
        load.rotation_sound(g, up, TOKENS, len(doomed))
        return got, doomed, n

    got, doomed, n = lasting(conf, run)
    promise("kill -9 of a worker every second",
            "%d calls, %d kills, %d calls were on killed workers, %d failed"
            % (len(got.good), n, len(doomed), len(got.bad)),
            "those alone, state valid", True)


def case_reloads():
    """A changed configuration every second: who loses a call?"""
    def conf(up, n):
        pool = {"auth": {"tokens": TOKENS[n % 3:],
                         "rotationMode": "round-robin"}}
        return config({"s": server(up, pool), "s%d" % n: server(up)},
                      log={"level": "warn"})

    def run(g, up):
        return load.reloads(g, lambda n: conf(up, n), max(8, SECONDS))

    got, n = lasting(conf, run)
    promise("reload every second", "%d calls, %d reloads, %d failed" % (
        len(got.good), n, len(got.bad)), "none fails", True)


CASES = {"calls": case_calls, "streams": case_streams,
         "beside": case_beside, "trouble": case_trouble, "cgi": case_cgi,
         "idle": case_idle, "gone": case_gone, "pick": case_pick,
         "asked": case_asked, "jwt": case_jwt, "rates": case_rates,
         "kills": case_kills, "reloads": case_reloads}


def main():
    program("mcpgate")
    with open("/proc/cpuinfo") as f:
        model = [ln.split(":")[1].strip() for ln in f
                 if ln.startswith("model name")]
    print("%d × %s, Linux %s; load generator, web server, gateway and "
          "upstream share it." % (os.cpu_count(), model[0] if model else "CPU",
                                  os.uname().release.split("-")[0]))
    for name in sys.argv[1:] or CASES:
        CASES[name]()
    if PROMISES:
        table(("promise", "measured", "wanted", "kept"), PROMISES)


if __name__ == "__main__":
    main()
