# SPDX-License-Identifier: MIT
"""fcgi -- what a web server says to a FastCGI program, and raw records too

    r = fcgi.call(path, "POST", "/s/mcp", body=b"{}")
    with fcgi.Conn(path) as c:
        s = c.begin("GET", "/s/mcp")       # a stream
        s.head(); s.event()
"""
import json
import os
import socket
import struct
import time

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11

WAIT = 15.0                     # seconds for any single thing


class Gone(Exception):
    """The gateway has closed the connection."""


def record(kind, rid, content=b"", padding=0, version=1, reserved=0):
    return struct.pack(">BBHHBB", version, kind, rid, len(content), padding,
                       reserved) + content + b"\0" * padding


def begin(rid=1, keep=False, role=1):
    return record(BEGIN, rid, struct.pack(">HB5x", role, 1 if keep else 0))


def _length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def pair(name, value):
    name = name.encode("latin-1") if isinstance(name, str) else name
    value = value.encode("latin-1") if isinstance(value, str) else value
    return _length(len(name)) + _length(len(value)) + name + value


def chunks(kind, rid, data, size=65535):
    """The records of one stream with its empty end."""
    out = [record(kind, rid, data[i:i + size])
           for i in range(0, len(data), size)]
    return b"".join(out) + record(kind, rid)


def variables(method, uri, headers=(), body=b"", **more):
    """What a web server sends: a list of pairs, in order.

    headers: (name, value) pairs; repeated ones stay repeated.  more: other
    variables, by name; None removes one, a list repeats it.
    """
    path = uri.split("?")[0]
    rows = {
        "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "test/1",
        "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": method,
        "REQUEST_URI": uri, "SCRIPT_NAME": "", "PATH_INFO": path,
        "QUERY_STRING": uri.partition("?")[2],
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "CONTENT_TYPE": "application/json" if body else "",
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "40000",
        "SERVER_ADDR": "127.0.0.1", "SERVER_PORT": "80",
        "SERVER_NAME": "localhost", "HTTP_HOST": "localhost",
    }
    rows.update(more)
    out = []
    for name, value in rows.items():
        for v in value if isinstance(value, list) else [value]:
            if v is not None:
                out.append((name, v))
    for name, value in headers:
        if name.lower() == "content-type":
            out = [p for p in out if p[0] != "CONTENT_TYPE"]
            out.append(("CONTENT_TYPE", value))
            continue
        out.append(("HTTP_" + name.upper().replace("-", "_"), value))
    return out


def request(pairs, body=b"", rid=1, keep=False, size=65535):
    """The bytes of one whole request."""
    params = b"".join(pair(n, v) for n, v in pairs)
    return (begin(rid, keep) + chunks(PARAMS, rid, params, size)
            + chunks(STDIN, rid, body, size))


class Reply:
    """A reply as the web server gets it."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        """Its value, None when absent; twice is an error."""
        got = self.all(name)
        assert len(got) < 2, "%s came %d times" % (name, len(got))
        return got[0] if got else None

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    @property
    def reason(self):
        j = self.json
        if isinstance(j.get("error"), dict):
            return j["error"]["data"]["reason"]
        return j.get("reason")

    def events(self):
        return [e for e in parse_events(self.body) if e]

    def __repr__(self):
        return "<%s %r %r>" % (self.status, self.headers, self.body[:400])


def parse_events(data):
    """(event, data, id) of each block; comment blocks give {}."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    for block in text.split("\n\n")[:-1]:
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if name:
                value = value[1:] if value.startswith(" ") else value
                fields[name] = (fields[name] + "\n" + value
                                if name in fields else value)
        yield fields


def parse_head(raw):
    """Status and headers of a CGI header block."""
    status, headers = 200, []
    for line in raw.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        assert colon, "header line without colon: %r" % line
        if name.lower() == "status":
            status = int(value.split()[0])
            assert len(value.split()) > 1, "status without reason phrase"
        else:
            headers.append((name, value.strip()))
    return status, headers


class Stream:
    """A reply under way on a connection."""

    def __init__(self, conn, rid):
        self.conn, self.rid = conn, rid
        self.raw, self.stderr = b"", b""
        self.ended = False
        self.status = self.headers = None

    def _pump(self, seconds):
        kind, rid, content = self.conn.record(seconds)
        assert rid == self.rid, "record of another request"
        if kind == STDOUT:
            self.raw += content
            self.conn.seen(content)
        elif kind == STDERR:
            self.stderr += content
            self.conn.seen(content)
        elif kind == END:
            self.ended = True
            self.end_status = struct.unpack(">IB3x", content)
        else:
            raise AssertionError("record of type %d in a reply" % kind)

    def head(self, seconds=WAIT):
        """Waits for the headers; returns a Reply without a body."""
        while self.headers is None:
            if b"\r\n\r\n" in self.raw:
                block, self.raw = self.raw.split(b"\r\n\r\n", 1)
                self.status, self.headers = parse_head(block)
            else:
                assert not self.ended, "end before the headers: %r" % self.raw
                self._pump(seconds)
        return Reply(self.status, self.headers, b"")

    def block(self, seconds=WAIT):
        """The next event block as fields, {} for a comment; None: end."""
        self.head(seconds)
        end = time.monotonic() + seconds
        while b"\n\n" not in self.raw.replace(b"\r\n", b"\n"):
            if self.ended:
                return None
            self._pump(end - time.monotonic())
        raw = self.raw.replace(b"\r\n", b"\n")
        one, self.raw = raw.split(b"\n\n", 1)
        return next(parse_events(one + b"\n\n"))

    def event(self, seconds=WAIT):
        """The next event that is not a comment; None: end."""
        end = time.monotonic() + seconds
        while True:
            got = self.block(end - time.monotonic())
            fields = {} if got is None else {k: v for k, v in got.items() if k}
            if got is None or fields:
                return got

    def rest(self, seconds=WAIT):
        """All that is left, to the end."""
        self.head(seconds)
        end = time.monotonic() + seconds
        while not self.ended:
            self._pump(end - time.monotonic())
        body, self.raw = self.raw, b""
        return Reply(self.status, self.headers, body)

    def silent(self, seconds):
        """True when nothing comes for so long."""
        if self.raw:
            return False
        try:
            self._pump(seconds)
        except (socket.timeout, TimeoutError):
            return True
        return False


class Conn:
    """One FastCGI connection."""

    def __init__(self, path, seen=None):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT)
        self.sock.connect(path)
        self.seen = seen or (lambda data: None)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.settimeout(WAIT)
        self.sock.sendall(data)

    def _exactly(self, n, end):
        got = b""
        while len(got) < n:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("no record in time")
            self.sock.settimeout(left)
            try:
                more = self.sock.recv(n - len(got))
            except ConnectionResetError:
                raise Gone("reset")
            if not more:
                raise Gone("closed after %d of %d bytes" % (len(got), n))
            got += more
        return got

    def record(self, seconds=WAIT):
        """(type, id, content) of the next record."""
        end = time.monotonic() + seconds
        head = self._exactly(8, end)
        version, kind, rid, n, padding, _ = struct.unpack(">BBHHBB", head)
        assert version == 1, "record version %d" % version
        content = self._exactly(n, end + WAIT)
        self._exactly(padding, end + WAIT)
        return kind, rid, content

    def closed(self, seconds=WAIT):
        """True when the gateway closes within the time."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except (socket.timeout, TimeoutError):
            return False
        return True

    def begin(self, method, uri, headers=(), body=b"", rid=1, keep=False,
              **more):
        """Sends a whole request; the reply comes through the Stream."""
        body = _bytes(body)
        pairs = variables(method, uri, headers, body, **more)
        self.send(request(pairs, body, rid, keep))
        return Stream(self, rid)

    def stream(self, rid=1):
        return Stream(self, rid)


def _bytes(body):
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else \
        json.dumps(body).encode()


def call(path, method, uri, headers=(), body=b"", seconds=WAIT, seen=None,
         **more):
    """One request on a connection of its own."""
    with Conn(path, seen) as c:
        return c.begin(method, uri, headers, body, **more).rest(seconds)


def listen(path, mode=0o666, backlog=128):
    """A listening socket as a web server makes it for fd 0."""
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, mode)
    s.listen(backlog)
    return s
