# SPDX-License-Identifier: MIT
"""gate -- the real binary between a scripted upstream and a scripted client

    with Gate(config(servers={"s": {...}}), workers=4) as g:
        r = g.rpc("/s/mcp", "ping")

What stop() checks, unasked: no secret() in log, reply or metrics; the
processes that were there at the start are there (unless the test said
`mortal`); nothing in flight; no descriptor too many; no sanitizer report.
"""
import atexit
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from kit import fcgi
from kit.metrics import Metrics
from kit.tap import eventually

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("top_srcdir") or os.path.dirname(os.path.dirname(HERE))
TOP = os.path.abspath(TOP)

_canaries = set()
_running = set()                # process groups to end with this program


def _place():
    """All temporary files of this program below one directory."""
    where = tempfile.mkdtemp(prefix="mcpgate-tests-")
    os.chmod(where, 0o755)
    tempfile.tempdir = where
    return where


def _clean(where):
    for group in list(_running):
        end_group(group)
    shutil.rmtree(where, ignore_errors=True)


def end_group(group):
    """Kills what a process that we started in its own group left."""
    _running.discard(group)
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def started(proc):
    """Notes a process with a group of its own; returns it."""
    _running.add(proc.pid)
    return proc


atexit.register(_clean, _place())


def program(name):
    """The built program: $MCPGATE, $MCPGATECTL, or in the build tree."""
    given = os.environ.get(name.upper())
    build = os.environ.get("top_builddir", ".")
    places = [given] if given else [
        os.path.join(d, name) for d in
        (build, os.path.join(build, "src"), TOP, os.path.join(TOP, "src"))]
    for p in places:
        if os.path.isfile(p) and os.access(p, os.X_OK):
            return os.path.abspath(p)
    raise FileNotFoundError("%s is not built: %s" % (name, places))


def secret(word):
    """A credential that may appear nowhere; its word is for the reader."""
    value = "canary-%s-%s" % (word, secrets.token_hex(12))
    _canaries.add(value)
    return value


def guard(value):
    """A value made elsewhere (a JWT) that may appear nowhere."""
    _canaries.add(value)
    return value


def pool(*tokens, **more):
    """An options block with a token pool."""
    return {"auth": dict({"tokens": list(tokens)}, **more)}


def server(up, options=None, **more):
    """A server entry; up: an Upstream or a URL."""
    url = up if isinstance(up, str) else up.url()
    entry = {"url": url, "transportType": "streamable-http"}
    entry["options"] = options or {}
    entry.update(more)
    return entry


def config(servers, options=None, **gateway):
    """A configuration; everybody may call unless the test says otherwise."""
    options = dict(options or {})
    options.setdefault("inboundAuth", {"strategy": "none"})
    gateway = dict({"options": options}, **gateway)
    if "baseURL" not in gateway:
        gateway.setdefault("mountPath", "/")
    return {"mcpProxy": gateway, "mcpServers": servers}


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(w) for w in f.read().split()]
    except FileNotFoundError:
        return []


def held_by(path):
    """What a file holds, without the pages nobody has written."""
    parts, end = [], 0
    with open(path, "rb") as f:
        try:
            while True:
                begin = os.lseek(f.fileno(), end, os.SEEK_DATA)
                end = os.lseek(f.fileno(), begin, os.SEEK_HOLE)
                parts.append(os.pread(f.fileno(), end - begin, begin))
        except OSError:         # nothing more
            return b"\0".join(parts)


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def clean_environment(more=None):
    """Without proxies and whatever else the caller's shell may hold."""
    keep = ("PATH", "HOME", "LANG", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS",
            "LSAN_OPTIONS", "LD_LIBRARY_PATH")
    env = {k: v for k, v in os.environ.items() if k in keep}
    env.update(more or {})
    return env


def as_user(name):
    """Words for subprocess: become that user (root only)."""
    if name is None or os.geteuid() != 0:
        return {}
    return {"user": name, "group": name, "extra_groups": []}


class Gate:
    """mcpgate with a directory, a configuration and a log of its own."""

    def __init__(self, conf, workers=1, mode="pool", env=None, args=(),
                 mortal=False, wait=True, dir=None, log="stderr",
                 user=None, binary=None):
        self.dir = dir or tempfile.mkdtemp(prefix="mcpgate-test-")
        self.own_dir = dir is None
        os.chmod(self.dir, 0o755)
        self.socket = os.path.join(self.dir, "gate.sock")
        self.file = os.path.join(self.dir, "config.json")
        self.log = os.path.join(self.dir, "gate.log")
        self.state = os.path.join(self.dir, "state")
        self.workers, self.mode, self.mortal = workers, mode, mortal
        self.env, self.args = clean_environment(env), list(args)
        self.replies = bytearray()
        self.proc, self.listener, self.pids, self.base = None, None, [], {}
        self.log_to_file = log == "file"
        self.user, self.binary = user, binary or program("mcpgate")
        self.write(conf)
        if mode != "cgi":
            try:
                self.start(wait)
            except BaseException:
                if self.proc is not None:
                    end_group(self.proc.pid)
                raise

    # ---- life ----------------------------------------------------------
    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stop(check=kind is None)
        finally:
            if kind is not None:
                print("".join("# log: %s\n" % ln for ln in
                              self.log_text().splitlines()[-40:]), end="")
            if self.own_dir:
                shutil.rmtree(self.dir, ignore_errors=True)

    def complete(self, conf):
        """The test's configuration with what every test needs."""
        conf = json.loads(json.dumps(conf))
        gw = conf.setdefault("mcpProxy", {})
        gw.setdefault("workers", self.workers)
        gw.setdefault("store", {}).setdefault("path", self.state)
        log = gw.setdefault("log", {})
        log.setdefault("level", "debug")
        if self.log_to_file:
            log.setdefault("target", "file")
            log.setdefault("path", self.log)
        return conf

    def write(self, conf, text=None):
        """Writes the file anew: a new inode, complete at once."""
        self.conf = conf
        text = json.dumps(self.complete(conf), indent=1) \
            if text is None else text
        new = self.file + ".new"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, text.encode())
        os.close(fd)
        if self.user is not None:
            shutil.chown(new, self.user)
        os.rename(new, self.file)

    def command(self):
        cmd = [self.binary, "--debug", "--config", self.file]
        if self.mode == "pool":
            cmd += ["--listen", "unix:" + self.socket,
                    "--workers", str(self.workers)]
        return cmd + self.args

    def start(self, wait=True):
        stdin = subprocess.DEVNULL
        if self.mode == "fd0":
            if self.listener is None:
                self.listener = fcgi.listen(self.socket)
            stdin = self.listener
        with open(self.log, "ab") as err:
            if self.user is not None:
                shutil.chown(self.log, self.user)
            self.proc = started(subprocess.Popen(
                self.command(), stdin=stdin, stdout=err, stderr=err,
                env=self.env, cwd=self.dir, start_new_session=True,
                **as_user(self.user)))
        if wait:
            self.wait_ready()

    def worker_pids(self):
        return sorted(children(self.proc.pid)) if self.mode == "pool" \
            else [self.proc.pid]

    def wait_ready(self, seconds=15):
        def ready():
            assert self.proc.poll() is None, "mcpgate ended with %d:\n%s" % (
                self.proc.returncode, self.log_text())
            try:
                return self.get("/health").status == 200
            except (OSError, fcgi.Gone):
                return False

        eventually(ready, seconds, "readiness")
        if self.mode == "pool":
            eventually(lambda: len(self.worker_pids()) == self.workers,
                       seconds, "the workers")
        self.pids = self.worker_pids()
        eventually(self.settled, seconds, "the workers' loops")
        self.base = {p: self.descriptors(p) for p in self.pids}

    def listens(self):
        try:
            self.conn().close()
            return True
        except OSError:         # no socket yet, or bound and no more
            return False

    def settled(self):
        """A worker's loop runs when it opens nothing more."""
        before = [self.descriptors(p) for p in self.pids]
        time.sleep(0.03)
        return all(b["other"] > 4 for b in before) and before == [
            self.descriptors(p) for p in self.pids]

    def stop(self, check=True, how=signal.SIGTERM):
        """Checks what every test promises, then ends the processes."""
        if self.proc is None:
            return None
        try:
            if check and self.proc.poll() is None:
                self.check_idle()
        finally:
            code = self.end(how)
        if check:
            self.check_secrets()
            text = self.log_text()
            for word in ("AddressSanitizer", "runtime error:",
                         "LeakSanitizer", "Assertion"):
                assert word not in text, "%s in the log" % word
            if how == signal.SIGTERM and not self.mortal:
                assert code == 0, "exit status %d after SIGTERM" % code
        return code

    def end(self, how=signal.SIGTERM, seconds=20):
        pids = self.worker_pids()
        if self.proc.poll() is None:
            self.proc.send_signal(how)
        try:
            code = self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            for pid in pids + [self.proc.pid]:
                self.kill(pid)
            self.proc.wait()
            raise AssertionError("mcpgate did not end in %ds" % seconds)
        group, self.proc = self.proc.pid, None
        for pid in pids:
            if alive(pid) and pid != os.getpid():
                eventually(lambda p=pid: not alive(p), 5,
                           "the end of worker %d" % pid)
        _running.discard(group)
        if self.listener is not None and self.mode != "fd0":
            self.listener.close()
        return code

    @staticmethod
    def kill(pid, how=signal.SIGKILL):
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass

    def signal(self, number):
        self.proc.send_signal(number)

    # ---- checks --------------------------------------------------------
    def descriptors(self, pid):
        """Counts of a process: sockets of clients, and all the rest."""
        with open("/proc/net/unix") as f:
            ours = {ln.split()[6] for ln in f.read().splitlines()[1:]
                    if ln.endswith(" " + self.socket)}
        got = {"clients": 0, "sockets": 0, "other": 0}
        for fd in os.listdir("/proc/%d/fd" % pid):
            try:
                at = os.readlink("/proc/%d/fd/%s" % (pid, fd))
            except FileNotFoundError:
                continue
            if at.startswith("socket:["):
                got["clients" if at[8:-1] in ours else "sockets"] += 1
            else:
                got["other"] += 1
        return got

    def leaks(self):
        """What a worker holds more than at the start; None: nothing."""
        for pid, before in self.base.items():
            if not alive(pid):
                continue
            now = self.descriptors(pid)
            # Kept upstream connections and what libcurl opens when it
            # is first used are no leak; a client's connection is.
            if now["clients"] > before["clients"] \
                    or now["other"] > before["other"] + 4:
                return "worker %d: %r, before %r" % (pid, now, before)
        return None

    def check_idle(self):
        if not self.mortal:
            assert self.proc.poll() is None, "mcpgate has ended"
            now = self.worker_pids()
            assert now == self.pids or not self.pids, \
                "workers were replaced: %r, now %r" % (self.pids, now)
        end = time.monotonic() + 5
        while self.leaks() is not None:
            assert time.monotonic() < end, "descriptors: " + self.leaks()
            time.sleep(0.05)
        self.check_metrics()

    def check_metrics(self):
        text = self.metrics_text()
        if text is None:
            return

        def quiet():
            # The question itself is in flight while it is answered.
            m = Metrics(self.metrics_text())
            return m.total("mcpgate_in_flight") <= 1 \
                and m.total("mcpgate_streams") == 0

        eventually(quiet, 5, "the end of all requests (in the metrics)")

    def check_secrets(self):
        places = {"log": self.log_text().encode("utf-8", "replace"),
                  "replies": bytes(self.replies)}
        for name in os.listdir(self.dir):
            full = os.path.join(self.dir, name)
            if full not in (self.file, self.log) and os.path.isfile(full) \
                    and name != "config.json.old":
                places[name] = held_by(full)
        for where, data in places.items():
            for value in _canaries:
                assert value.encode() not in data, \
                    "a secret (%s…) is in the %s" % (value[:14], where)

    # ---- asking --------------------------------------------------------
    def seen(self, data):
        self.replies += data

    def conn(self):
        return fcgi.Conn(self.socket, self.seen)

    def call(self, method, uri, headers=(), body=b"", **more):
        rows = list(headers.items()) if isinstance(headers, dict) \
            else list(headers)
        return fcgi.call(self.socket, method, uri, rows, body,
                         seen=self.seen, **more)

    def get(self, uri, headers=(), **more):
        return self.call("GET", uri, headers, **more)

    def post(self, uri, body, headers=(), **more):
        rows = list(headers.items()) if isinstance(headers, dict) \
            else list(headers)
        if not any(n.lower() == "accept" for n, _ in rows):
            rows.append(("Accept", "application/json, text/event-stream"))
        return self.call("POST", uri, rows, body, **more)

    def rpc(self, uri, method, params=None, id=1, headers=(), **more):
        ask = {"jsonrpc": "2.0", "id": id, "method": method}
        if params is not None:
            ask["params"] = params
        return self.post(uri, ask, headers, **more)

    def session(self, uri, headers=()):
        """Begins one: the header that later requests of it carry."""
        r = self.rpc(uri, "initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"}}, headers=headers)
        assert r.status == 200, r.body
        return {"Mcp-Session-Id": r.header("mcp-session-id")}

    def cgi_begin(self, method, uri, headers=(), body=b"", env=None, args=(),
                  stderr=None, **more):
        """A process for one plain CGI request: (Popen, the body that its
        standard input is to get).  stderr: not the log."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        rows = list(headers.items()) if isinstance(headers, dict) \
            else list(headers)
        full = clean_environment(env)
        full.update(dict(fcgi.variables(method, uri, rows, body, **more)))
        with open(self.log, "ab") as err:
            p = subprocess.Popen(
                [self.binary, "--config", self.file] + list(args),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=err if stderr is None else stderr,
                env=full, cwd=self.dir)
        return p, body

    def cgi(self, *what, seconds=30, **more):
        """One request as plain CGI: (Reply, exit status)."""
        p, body = self.cgi_begin(*what, **more)
        try:
            out, _ = p.communicate(body, seconds)
        finally:
            p.kill()
            p.wait()
        self.seen(out)
        head, _, rest = out.partition(b"\r\n\r\n")
        status, fields = fcgi.parse_head(head)
        return fcgi.Reply(status, fields, rest), p.returncode

    # ---- what it says --------------------------------------------------
    def log_text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def log_lines(self):
        """The JSON lines of the log."""
        out = []
        for line in self.log_text().split("\n"):
            if line.startswith("{"):
                try:
                    out.append(json.loads(line))
                except ValueError:
                    pass            # its end is not written yet
        return out

    def log_has(self, words, seconds=5):
        """Waits for a text in the log."""
        return eventually(lambda: words in self.log_text(), seconds,
                          "the log line %r" % words)

    def log_count(self, words):
        return self.log_text().count(words)

    def access(self, seconds=5, **want):
        """The newest access line whose members are as wanted."""
        def look():
            for line in reversed(self.log_lines()):
                if line.get("event") == "request" and all(
                        line.get(k) == v for k, v in want.items()):
                    return line
            return None

        return eventually(look, seconds, "an access line with %r" % want)

    def access_of(self, names, seconds=5):
        """The access lines of the requests with these ids, by id."""
        names = set(names)

        def look():
            found = {line["request_id"]: line for line in self.log_lines()
                     if line.get("event") == "request" and
                     line.get("request_id") in names}
            return found if len(found) == len(names) else None

        return eventually(look, seconds, "%d access lines" % len(names)) \
            if names else {}

    def metrics_text(self):
        r = self.get("/metrics")
        return r.body.decode() if r.status == 200 else None

    def metrics(self):
        """All counts; of what has ended when it is asked, none is missing.

        A call is counted after its reply has left: it is in flight until
        then. What a test holds open is waited for in vain, but not for long.
        """
        end, before = time.monotonic() + 0.6, None
        while True:
            time.sleep(0.03)
            m = Metrics(self.metrics_text() or "")
            ended = m.total("mcpgate_requests_total") - m.total(
                "mcpgate_requests_total", method="metrics")
            if time.monotonic() > end or (
                    m.total("mcpgate_in_flight") <= 1 and ended == before):
                return m
            before = ended

    # ---- reload --------------------------------------------------------
    def generation(self):
        return self.metrics().total("mcpgate_config_generation")

    def reload(self, conf=None, text=None, how="signal", seconds=10,
               good=True):
        """A new file, and the wait until every worker has taken it."""
        lines = self.log_count("configuration loaded")
        refused = self.log_count("reload refused")
        self.write(conf if conf is not None else self.conf, text)
        if how == "signal":
            self.signal(signal.SIGHUP)
        if good:
            eventually(lambda: self.log_count("configuration loaded")
                       > lines, seconds, "the reload")
            time.sleep(0.3)         # the other workers look per request
        else:
            eventually(lambda: self.log_count("reload refused") > refused,
                       seconds, "the refusal of the reload")

    def ctl(self, *args, stdin=b"", seconds=20):
        """mcpgatectl on this state: (exit status, stdout, stderr)."""
        done = subprocess.run(
            [program("mcpgatectl"), "--config", self.file] + list(args),
            input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.env, timeout=seconds, cwd=self.dir)
        self.seen(done.stdout)
        self.seen(done.stderr)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


def run(args, stdin=b"", env=None, seconds=20, cwd=None):
    """mcpgate as a command: (exit status, stdout, stderr)."""
    done = subprocess.run([program("mcpgate")] + list(args), input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment(env), timeout=seconds,
                          cwd=cwd)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
