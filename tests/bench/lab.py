# SPDX-License-Identifier: MIT
"""lab -- programs to measure with, and what processes cost"""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from kit.gate import TOP, Gate, clean_environment, free_port

HZ = os.sysconf("SC_CLK_TCK")
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))


def cpu_us(pid):
    """What a process has run so far: by the scheduler's clock where the
    kernel tells it, else user and system time in ticks."""
    try:
        with open("/proc/%d/schedstat" % pid) as f:
            return int(f.read().split()[0]) / 1e3
    except (OSError, IndexError):
        pass
    with open("/proc/%d/stat" % pid) as f:
        rows = f.read().rsplit(")", 1)[1].split()
    return (int(rows[11]) + int(rows[12])) * 1e6 / HZ


def memory_kib(pid, what="Pss"):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"^%s:\s+(\d+)" % what, f.read(),
                             re.M).group(1))


class Tools:
    """The C programs, built in a directory of their own."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("upstream", "sse_load", "bare"):
            subprocess.run(
                [os.environ.get("CC", "cc").split()[0], "-std=c11", "-O2",
                 "-D_GNU_SOURCE", "-o", self.path(name),
                 os.path.join(TOP, "tests/bench", name + ".c")], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)


class Lab:
    """Upstream, gateway and nginx, all on this machine."""

    def __init__(self, servers, workers=1, gateway=None, options=None):
        self.dir = tempfile.mkdtemp(prefix="mcpgate-bench-")
        self.tools = Tools(self.dir)
        self.port, self.direct = free_port(), free_port()
        self.bare = free_port()
        self.upstream = subprocess.Popen(
            [self.tools.path("upstream"), "1000"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.up_port = int(self.upstream.stdout.readline())
        gw = {"mountPath": "/mcp", "options": options or {
                  "inboundAuth": {"strategy": "none"}},
              "log": {"level": "warn"},
              "limits": {"inFlight": 65535, "streams": 65535,
                         "streamsPerCaller": 65535}}
        more = dict(gateway or {})
        gw["limits"].update(more.pop("limits", {}))
        gw.update(more)
        conf = {"mcpProxy": gw, "mcpServers": servers(
            "http://127.0.0.1:%d/mcp" % self.up_port)}
        self.gate = Gate(conf, workers, wait=False,
                         dir=os.path.join(self.dir))
        end = time.monotonic() + 10
        while not os.path.exists(self.gate.socket):
            assert time.monotonic() < end, self.gate.log_text()
            time.sleep(0.02)
        self.bare_socket = socket.socket(socket.AF_UNIX)
        self.bare_socket.bind(os.path.join(self.dir, "bare.sock"))
        self.bare_socket.listen(128)
        self.bare_socket.setblocking(False)
        os.chmod(os.path.join(self.dir, "bare.sock"), 0o666)
        self.bares = [self._bare() for _ in range(workers)]
        self._nginx()
        while True:
            try:
                if self.curl("/mcp/health"):
                    break
            except OSError:
                pass
            assert time.monotonic() < end, "nginx does not answer"
            time.sleep(0.05)
        self.workers = self.gate.worker_pids()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.nginx.terminate()
        self.nginx.wait()
        self.gate.end()
        for p in self.bares:
            p.terminate()
            p.wait()
        self.bare_socket.close()
        self.upstream.stdin.close()
        self.upstream.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _bare(self):
        """One process of the least relay there can be."""
        return subprocess.Popen(
            [self.tools.path("bare"), str(self.up_port)],
            stdin=self.bare_socket, stdout=subprocess.DEVNULL)

    def _nginx(self):
        with open(os.path.join(TOP, "nginx/mcpgate.conf.in")) as f:
            snippet = f.read().replace("@MOUNT@", "/mcp").replace(
                "@SOCKET@", self.gate.socket).replace(
                "include fastcgi_params",
                "include /etc/nginx/fastcgi_params")
        temp = "".join("%s_temp_path %s/tmp-%s;" % (n, self.dir, n) for n in (
            "client_body", "fastcgi", "proxy", "uwsgi", "scgi"))
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as f:
            f.write("""
daemon off; worker_processes 2; worker_rlimit_nofile %d;
pid %s/nginx.pid; error_log stderr crit; %s
events { worker_connections 24000; }
http { access_log off; keepalive_requests 1000000000; %s
upstream mcpgate { server unix:%s; keepalive 64; keepalive_requests 1000000; }
upstream bare { server unix:%s/bare.sock; keepalive 64; }
upstream direct { server 127.0.0.1:%d; keepalive 64;
 keepalive_requests 1000000; }
server { listen 127.0.0.1:%d backlog=4096; %s }
server { listen 127.0.0.1:%d backlog=4096; %s }
server { listen 127.0.0.1:%d backlog=4096; location / {
 proxy_pass http://direct; proxy_http_version 1.1; proxy_buffering off;
 proxy_set_header Connection ""; } }
}
""" % (Lab.files(), self.dir, "user root;" if os.geteuid() == 0 else "",
                temp, self.gate.socket, self.dir, self.up_port, self.port, snippet,
                self.bare, snippet.replace("pass mcpgate;", "pass bare;"),
                self.direct))
        path = shutil.which("nginx", path=os.environ["PATH"]
                            + ":/usr/sbin:/usr/local/sbin")
        self.nginx = subprocess.Popen(
            [path, "-p", self.dir, "-c", conf, "-e", "stderr"],
            env=clean_environment(), stdin=subprocess.DEVNULL)

    @staticmethod
    def files():
        import resource
        return resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def curl(self, path, *words):
        done = subprocess.run(
            ["curl", "-s", "-m", "5", *words,
             "http://127.0.0.1:%d%s" % (self.port, path)],
            stdout=subprocess.PIPE)
        if done.returncode != 0:
            raise OSError("curl: %d" % done.returncode)
        return done.stdout

    def groups(self):
        from kit.gate import children
        return {"nginx": children(self.nginx.pid),
                "gateway": self.workers, "upstream": [self.upstream.pid],
                "bare": [p.pid for p in self.bares]}

    def wrk(self, port, path, headers=(), clients=64, seconds=None,
            body_n=400, lua_more=""):
        """One run: rates, latencies, cost of each process per call."""
        lua = os.path.join(self.dir, "post.lua")
        body = ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
                '{"name":"echo","arguments":{"text":"')
        body += "x" * (body_n - len(body) - 5) + '"}}}'
        with open(lua, "w") as f:
            f.write("wrk.method = 'POST'\nwrk.body = '%s'\n" % body)
            for n, v in (("Content-Type", "application/json"), (
                    "Accept", "application/json, text/event-stream"),
                    *headers):
                f.write("wrk.headers['%s'] = '%s'\n" % (n, v))
            f.write(lua_more)
        before = {k: sum(cpu_us(p) for p in v)
                  for k, v in self.groups().items()}
        done = subprocess.run(
            ["wrk", "-t1", "-c%d" % clients, "-d%ds" % round(
                seconds or SECONDS), "--latency", "--timeout", "10s", "-s",
             lua, "http://127.0.0.1:%d%s" % (port, path)],
            stdout=subprocess.PIPE, text=True)
        after = {k: sum(cpu_us(p) for p in v)
                 for k, v in self.groups().items()}
        return self._read(done.stdout, {k: after[k] - before[k]
                                        for k in before})

    @staticmethod
    def _read(text, cost):
        def ms(row):
            m = re.search(r"^\s+%s%%\s+([\d.]+)(us|ms|s)" % row, text, re.M)
            return float(m[1]) * {"us": .001, "ms": 1, "s": 1000}[m[2]]

        calls = int(re.search(r"(\d+) requests in", text)[1])
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        errors = re.search(r"Socket errors: (.*)", text)
        return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)",
                                        text)[1]),
                "p50": ms("50"), "p99": ms("99"), "calls": calls,
                "bad": int(bad[1]) if bad else 0,
                "errors": errors[1] if errors else "",
                "us": {k: v / max(calls, 1) for k, v in cost.items()}}

    def streams(self, n, headers=()):
        """Opens n streams through nginx; an object that measures them."""
        return Streams(self, n, headers)


class Streams:
    def __init__(self, lab, n, headers):
        self.proc = subprocess.Popen(
            [lab.tools.path("sse_load"), str(lab.port), "/mcp/s/mcp",
             str(n), str(max(3, SECONDS))] + ["%s: %s" % h for h in headers],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.proc.stdout.readline() == "ready\n"

    def measure(self):
        self.proc.stdin.write("\n")
        self.proc.stdin.flush()
        text = self.proc.stdout.readline()
        self.proc.wait()
        return json.loads(text)

    def stop(self):
        self.proc.kill()
        self.proc.wait()


def best(runs):
    return max(runs, key=lambda r: r["rate"])


def table(heads, rows):
    print("\n| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for r in rows:
        print("| " + " | ".join(str(c) for c in r) + " |")
    print(flush=True)
