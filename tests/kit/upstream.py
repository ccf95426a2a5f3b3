# SPDX-License-Identifier: MIT
"""upstream -- a scripted MCP server: records what comes, answers as told

    up = Upstream(lambda q, out: out.json({"jsonrpc": "2.0", ...}))
    up.url()            # http://127.0.0.1:PORT/mcp
    up.calls            # every request, in order

The script runs in the thread of its connection; it may wait, drop the
connection, or write raw bytes.  Without a script it is a small MCP server.
"""
import json
import select
import socket
import ssl
import threading
import time

WAIT = 15.0


class Call:
    """A request as it came."""

    def __init__(self, line, headers, body, conn):
        self.line, self.headers, self.body, self.conn = line, headers, body, \
            conn
        self.method, self.target = line.split(" ")[:2]
        self.at = time.monotonic()

    def header(self, name):
        got = self.all(name)
        assert len(got) < 2, "%s came %d times upstream" % (name, len(got))
        return got[0] if got else None

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def names(self):
        return [n.lower() for n, _ in self.headers]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def token(self):
        """What stands after Bearer."""
        value = self.header("authorization") or ""
        return value[7:] if value.startswith("Bearer ") else value

    def __repr__(self):
        return "<%s %r>" % (self.line, self.headers)


class Out:
    """How a script answers."""

    def __init__(self, sock, call, server):
        self.sock, self.call, self.server = sock, call, server
        self.close = False

    def raw(self, data):
        self.sock.sendall(data)

    def head(self, status, headers, reason="Whatever"):
        lines = ["HTTP/1.1 %d %s" % (status, reason)]
        if "close" in (self.call.header("connection") or ""):
            lines.append("Connection: close")
        lines += ["%s: %s" % h for h in headers]
        if "close" in (self.call.header("connection") or ""):
            lines.append("Connection: close")
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def body(self, status, data, headers=(), kind="application/json"):
        data = data if isinstance(data, bytes) else data.encode()
        rows = list(headers)
        if kind:
            rows.append(("Content-Type", kind))
        rows.append(("Content-Length", str(len(data))))
        self.head(status, rows)
        self.raw(data)

    def json(self, value, status=200, headers=()):
        self.body(status, json.dumps(value), headers)

    def result(self, value=None, headers=()):
        """The JSON-RPC result of what was asked."""
        self.json({"jsonrpc": "2.0", "id": self.call.json.get("id"),
                   "result": {} if value is None else value},
                  headers=headers)

    def status(self, status, headers=(), body=b""):
        self.body(status, body, headers, None if not body else "text/plain")

    def sse(self, headers=(), status=200):
        self.head(status, [("Content-Type", "text/event-stream"),
                           ("Transfer-Encoding", "chunked")] + list(headers))

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, data, **fields):
        text = "".join("%s: %s\n" % f for f in fields.items())
        if not isinstance(data, str):
            data = json.dumps(data)
        self.chunk(text + "data: %s\n\n" % data)

    def end(self):
        self.raw(b"0\r\n\r\n")

    def drop(self, reset=False):
        """Closes at once, in the middle of whatever it was."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
        self.close = True

    def gone(self, seconds=WAIT):
        """Waits until the peer has closed; the seconds it took, or None."""
        began = time.monotonic()
        left = seconds
        while left > 0:
            ready, _, _ = select.select([self.sock], [], [], left)
            if ready:
                try:
                    if not self.sock.recv(65536):
                        return time.monotonic() - began
                except OSError:
                    return time.monotonic() - began
            left = seconds - (time.monotonic() - began)
        return None


def plain(q, out):
    """A small MCP server of the years 2025."""
    if q.method == "DELETE":
        return out.status(200)
    if q.method != "POST":
        return out.status(405, [("Allow", "POST, DELETE")])
    ask = q.json
    if isinstance(ask, list):
        return out.json([{"jsonrpc": "2.0", "id": a["id"], "result": {}}
                         for a in ask if "id" in a])
    if "id" not in ask or "method" not in ask:
        return out.status(202)
    if ask["method"] == "initialize":
        return out.result({
            "protocolVersion": ask["params"]["protocolVersion"],
            "capabilities": {}, "serverInfo": {"name": "u", "version": "1"}})
    return out.result({"method": ask["method"]})


def lasting(q, out):
    """A stream with one event, as long as the client stays."""
    out.sse()
    out.event({"n": 1})
    out.gone()
    out.close = True


def by_method(q, out):
    """The method says what is answered: "status 404", "text" (which is no
    JSON), "slow" (nothing); any other is answered well."""
    word, _, arg = (q.json["method"] if q.method == "POST" else "").partition(
        " ")
    if word == "status":
        return out.status(int(arg))
    if word == "text":
        return out.body(200, "words", kind="text/html")
    if word == "slow":
        out.gone(5)
        out.close = True
        return None
    return out.result()


class Upstream:
    """Listens on a free port; `with` or stop() ends it."""

    def __init__(self, script=plain, tls=None, port=0):
        self.script = script
        self.calls, self.connections, self.errors = [], 0, []
        self.gone_after = []            # scripts may put what gone() said
        self.lock = threading.Lock()
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", port))
        self.sock.listen(512)
        self.port = self.sock.getsockname()[1]
        self.tls, self.live, self.stopped = tls, set(), False
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/mcp", host="127.0.0.1"):
        return "%s://%s:%d%s" % ("https" if self.tls else "http", host,
                                 self.port, path)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.stop()

    def stop(self):
        self.stopped = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        with self.lock:
            for s in self.live:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def tokens(self):
        """The bearer token of each call, in order."""
        return [c.token for c in self.calls]

    def wait(self, n, seconds=WAIT):
        """Waits for the n-th call (from 1) and returns it."""
        end = time.monotonic() + seconds
        while len(self.calls) < n:
            assert time.monotonic() < end, \
                "only %d of %d calls came upstream" % (len(self.calls), n)
            time.sleep(0.005)
        return self.calls[n - 1]

    def forget(self):
        with self.lock:
            del self.calls[:]

    def _accept(self):
        while not self.stopped:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(s, number),
                             daemon=True).start()

    def _serve(self, s, number):
        try:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                s = self.tls.wrap_socket(s, server_side=True)
            with self.lock:
                self.live.add(s)
            self._converse(s, number)
        except (OSError, ssl.SSLError, EOFError):
            pass
        except Exception as e:          # a script that is wrong: tell it
            self.errors.append(e)
        finally:
            with self.lock:
                self.live.discard(s)
            s.close()

    def _converse(self, s, number):
        rest = b""
        while True:
            call, rest = self._read(s, rest, number)
            with self.lock:
                self.calls.append(call)
            out = Out(s, call, self)
            self.script(call, out)
            if out.close or "close" in (call.header("connection") or ""):
                return

    @staticmethod
    def _read(s, rest, number):
        while b"\r\n\r\n" not in rest:
            rest += _some(s)
        head, rest = rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = [tuple(p.strip() for p in ln.split(":", 1))
                   for ln in lines[1:]]
        low = {n.lower(): v for n, v in headers}
        if "chunked" in low.get("transfer-encoding", ""):
            body, rest = _chunked(s, rest)
        else:
            n = int(low.get("content-length", "0"))
            while len(rest) < n:
                rest += _some(s)
            body, rest = rest[:n], rest[n:]
        return Call(lines[0], headers, body, number), rest


def _some(s):
    got = s.recv(65536)
    if not got:
        raise EOFError
    return got


def _chunked(s, rest):
    body = b""
    while True:
        while b"\r\n" not in rest:
            rest += _some(s)
        size, rest = rest.split(b"\r\n", 1)
        n = int(size, 16)
        while len(rest) < n + 2:
            rest += _some(s)
        body, rest = body + rest[:n], rest[n + 2:]
        if n == 0:
            return body, rest


def by_token(answers, default=plain):
    """A script that answers by token: a status, or a function."""

    def script(q, out):
        answer = answers.get(q.token, default)
        if callable(answer):
            return answer(q, out)
        if answer == 200:
            return default(q, out)
        return out.status(answer)

    return script


def with_session(script, session="sid"):
    """A script behind an initialize that begins a session."""
    def both(q, out):
        if q.method == "POST" and q.json.get("method") == "initialize":
            return out.result({"protocolVersion": "2025-11-25",
                               "capabilities": {}, "serverInfo": {
                                   "name": "up", "version": "1"}},
                              headers=[("Mcp-Session-Id", session)])
        return script(q, out)

    return both


class Hold:
    """Lets a script wait until the test says go."""

    def __init__(self):
        self._event = threading.Event()

    def wait(self, seconds=WAIT):
        return self._event.wait(seconds)

    def go(self):
        self._event.set()
