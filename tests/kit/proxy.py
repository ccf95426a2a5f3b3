# SPDX-License-Identifier: MIT
"""proxy -- an HTTP proxy (CONNECT and absolute form) and a SOCKS5 proxy

    with Proxy(user="u", password="p") as p: p.url()
    with Socks(user="u", password="p") as p: p.url()

Both record where they were asked to go, and may be told to fail.
"""
import base64
import socket
import struct
import threading


def _splice(a, b):
    """Copies both ways until one side ends."""

    def one(src, dst):
        try:
            while True:
                got = src.recv(65536)
                if not got:
                    break
                dst.sendall(got)
        except OSError:
            pass
        for s in (src, dst):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    t = threading.Thread(target=one, args=(a, b), daemon=True)
    t.start()
    one(b, a)
    t.join()


class _Base:
    scheme = "http"

    def __init__(self, user=None, password=None, answer=None, drop=False):
        self.user, self.password = user, password
        self.answer = answer            # a status instead of a connection
        self.drop = drop                # close without a word
        self.asked = []                 # "host:port" or absolute URLs
        self.heads = []                 # header blocks of HTTP requests
        self.credentials = []           # what clients presented
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(64)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, auth="", scheme=None):
        return "%s://%s127.0.0.1:%d" % (scheme or self.scheme,
                                        auth and auth + "@", self.port)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.stop()

    def stop(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def _accept(self):
        while True:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=(s,),
                             daemon=True).start()

    def _guarded(self, s):
        try:
            if not self.drop:
                self._serve(s)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            s.close()


class Proxy(_Base):
    """HTTP: CONNECT tunnels, and requests in absolute form."""

    def _allowed(self, head):
        if self.user is None:
            return True
        for line in head.split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "proxy-authorization":
                given = base64.b64decode(value.split()[-1]).decode()
                self.credentials.append(given)
                return given == "%s:%s" % (self.user, self.password)
        return False

    def _serve(self, s):
        data = b""
        while b"\r\n\r\n" not in data:
            got = s.recv(65536)
            if not got:
                return
            data += got
        raw, rest = data.split(b"\r\n\r\n", 1)
        head = raw.decode("latin-1")
        self.heads.append(head)
        method, target = head.split(" ")[:2]
        self.asked.append(target)
        if not self._allowed(head):
            s.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                      b"Proxy-Authenticate: Basic realm=\"p\"\r\n"
                      b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if self.answer is not None:
            s.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n"
                      b"Connection: close\r\n\r\n" % self.answer)
            return
        if method == "CONNECT":
            host, port = target.rsplit(":", 1)
            up = socket.create_connection((host, int(port)), 5)
            s.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            up.sendall(rest)
        else:
            up = self._forward(head, target, rest)
        up.settimeout(None)
        _splice(s, up)
        up.close()

    @staticmethod
    def _forward(head, target, rest):
        """One connection, one upstream: enough for tests."""
        place = target.split("/")[2]
        host, _, port = place.partition(":")
        up = socket.create_connection((host, int(port or 80)), 5)
        lines = [ln for ln in head.split("\r\n")
                 if not ln.lower().startswith("proxy-")]
        lines.append("Connection: close")
        lines[0] = lines[0].replace("http://" + place, "", 1)
        up.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + rest)
        return up


class Socks(_Base):
    """SOCKS5, RFC 1928, with user and password of RFC 1929."""

    scheme = "socks5"

    def _read(self, s, n):
        got = b""
        while len(got) < n:
            more = s.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def _login(self, s, methods):
        if self.user is None:
            s.sendall(b"\5\0")
            return True
        if 2 not in methods:
            s.sendall(b"\5\xff")
            return False
        s.sendall(b"\5\2")
        self._read(s, 1)
        user = self._read(s, self._read(s, 1)[0]).decode()
        password = self._read(s, self._read(s, 1)[0]).decode()
        self.credentials.append("%s:%s" % (user, password))
        good = (user, password) == (self.user, self.password)
        s.sendall(b"\1\0" if good else b"\1\1")
        return good

    def _serve(self, s):
        version, n = self._read(s, 2)
        if version != 5 or not self._login(s, self._read(s, n)):
            return
        _, _, _, kind = self._read(s, 4)
        if kind == 1:
            host = socket.inet_ntoa(self._read(s, 4))
        else:
            host = self._read(s, self._read(s, 1)[0]).decode()
        port = struct.unpack(">H", self._read(s, 2))[0]
        self.asked.append("%s:%d" % (host, port))
        if self.answer is not None:
            s.sendall(b"\5" + bytes([self.answer]) + b"\0\1" + b"\0" * 6)
            return
        up = socket.create_connection((host, port), 5)
        up.settimeout(None)
        s.sendall(b"\5\0\0\1" + b"\0" * 6)
        _splice(s, up)
        up.close()
