# SPDX-License-Identifier: MIT
"""webserver -- real web servers with the snippets of this tree

    with Nginx(conf) as s:      # s.gate, s.port, s.post(...)

Each has its own directory, a kernel-chosen port of 127.0.0.1, and the users'
snippet with its places filled in.  As root all of it runs as www-data.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from kit import tap
from kit.gate import TOP, Gate, as_user, clean_environment, end_group, \
    free_port, program, started

PATHS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/usr/local/bin")
MODULES = "/usr/lib/apache2/modules"
USER = "www-data" if os.geteuid() == 0 else None


def find(name):
    for d in PATHS:
        if os.access(os.path.join(d, name), os.X_OK):
            return os.path.join(d, name)
    return None


class WebServer:
    """One web server in front of one gateway."""

    program = None              # its name; None: not to be used itself
    needs = ()                  # files that must be there
    snippet = None
    mount = "/mcp"
    own_pool = True             # mcpgate --listen; else the server starts it
    live = True                 # events come as they are sent
    big_body = 2 << 20
    tells_gone = 8              # seconds until the upstream is cancelled
    workers = 2
    streaming = "on"
    too_big = (413,)            # what a body over the limit gets
    losses = 0                  # calls its own reload may cost

    @classmethod
    def missing(cls):
        """What is not installed, or None."""
        if find(cls.program) is None:
            return cls.program + " is not installed"
        for f in cls.needs:
            if not os.path.exists(f):
                return f + " is not there"
        return None

    def __init__(self, conf):
        self.dir = tempfile.mkdtemp(prefix="mcpgate-server-")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.www = os.path.join(self.dir, "www")
        self.libexec = os.path.join(self.dir, "libexec")
        os.makedirs(os.path.join(self.libexec, "mcpgate"))
        os.mkdir(self.www)
        self.fcgi = os.path.join(self.libexec, "mcpgate", "mcpgate.fcgi")
        shutil.copy(program("mcpgate"), self.fcgi)
        os.chmod(self.fcgi, 0o755)
        os.mkdir(os.path.join(self.dir, "private"), 0o700)
        for d, _, files in os.walk(self.dir):
            for f in [d] + [os.path.join(d, x) for x in files]:
                if USER is not None:
                    shutil.chown(f, USER, USER)
        conf = json.loads(json.dumps(conf))
        gw = conf["mcpProxy"]
        gw["mountPath"] = self.mount
        gw.setdefault("streaming", self.streaming)
        gw["store"] = {"path": os.path.join(self.dir, "private", "state")}
        self.log = os.path.join(self.dir, "server.log")
        self.proc = None
        mode = "pool" if self.own_pool else "cgi"
        self.gate = Gate(self.mounted(conf), self.workers, mode=mode,
                         dir=self.dir, wait=False, log="file", user=USER,
                         binary=self.fcgi)

    def mounted(self, conf):
        return conf

    # ---- life ----------------------------------------------------------
    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*([True] * 3))
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None and self.own_pool:
                self.gate.pids = self.gate.pids or []
            self.end()
            if self.own_pool:
                self.gate.stop(check=kind is None)
            elif kind is None:
                self.gate.check_secrets()
        finally:
            if kind is not None:
                for f in (self.log, self.gate.log):
                    self.show(f)
            shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def show(path):
        if os.path.exists(path):
            with open(path, errors="replace") as f:
                for line in f.read().splitlines()[-25:]:
                    print("# %s: %s" % (os.path.basename(path), line))

    def fill(self, name):
        """A snippet of the tree with its places filled in."""
        with open(os.path.join(TOP, name)) as f:
            text = f.read()
        for place, value in (
                ("SOCKET", self.gate.socket), ("MOUNT", self.mount),
                ("LIBEXECDIR", self.libexec),
                ("BINDIR", os.path.join(self.libexec, "mcpgate")),
                ("CONFIG", self.gate.file)):
            text = text.replace("@%s@" % place, value)
        assert "@" not in text.replace("@users", ""), \
            "a place of %s is not filled" % name
        return text

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path

    def spawn(self, args):
        with open(self.log, "ab") as out:
            if USER is not None:
                shutil.chown(self.log, USER)
            self.proc = started(subprocess.Popen(
                args, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                cwd=self.dir, env=self.environment(),
                start_new_session=True, **as_user(USER)))

    def environment(self):
        return clean_environment()

    def start(self):
        if self.own_pool:
            tap.eventually(self.gate.listens, 10,
                           "the socket of the gateway")
            self.gate.mount = self.mount
        self.launch()

        def ready():
            assert self.proc.poll() is None, "%s ended" % self.program
            try:
                return self.get("/health")[0] == 200
            except (OSError, http.client.HTTPException):
                return False

        tap.eventually(ready, 20, "an answer through " + self.program)
        if self.own_pool:
            g = self.gate
            tap.eventually(lambda: len(g.worker_pids()) == self.workers, 10)
            g.pids = g.worker_pids()
            tap.eventually(g.settled, 10)
            g.base = {p: g.descriptors(p) for p in g.pids}

    def end(self):
        if self.proc is None:
            return
        self.proc.send_signal(self.stop_signal())
        try:
            self.proc.wait(15)
        except subprocess.TimeoutExpired:
            end_group(self.proc.pid)
            self.proc.wait()
        # what it started (mod_fcgid, spawned workers) is in its group
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                os.killpg(self.proc.pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.1)
        end_group(self.proc.pid)

    def stop_signal(self):
        return signal.SIGTERM

    # ---- asking --------------------------------------------------------
    def call(self, method, path, headers=(), body=None, seconds=20):
        """(status, headers, body) over a connection of its own."""
        c = http.client.HTTPConnection("127.0.0.1", self.port,
                                       timeout=seconds)
        try:
            c.putrequest(method, self.mount + path,
                         skip_accept_encoding=True)
            for name, value in headers:
                c.putheader(name, value)
            if body is not None:
                c.putheader("Content-Length", str(len(body)))
            c.endheaders(body)
            r = c.getresponse()
            data = r.read()
            self.gate.seen(data)
            return r.status, r.getheaders(), data
        finally:
            c.close()

    def get(self, path, headers=()):
        return self.call("GET", path, headers)

    def post(self, path, ask, headers=()):
        body = ask if isinstance(ask, bytes) else json.dumps(ask).encode()
        rows = [("Content-Type", "application/json"),
                ("Accept", "application/json, text/event-stream")]
        return self.call("POST", path, rows + list(headers), body)

    def open(self, path, ask, headers=(), method="POST"):
        """A socket with the request sent; for streams."""
        body = json.dumps(ask).encode() if ask is not None else b""
        s = socket.create_connection(("127.0.0.1", self.port), 20)
        lines = ["%s %s%s HTTP/1.1" % (method, self.mount, path),
                 "Host: 127.0.0.1:%d" % self.port,
                 "Content-Type: application/json",
                 "Accept: application/json, text/event-stream",
                 "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % h for h in headers]
        s.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return s


class Nginx(WebServer):
    program, snippet, tells_gone = "nginx", "nginx/mcpgate.conf.in", 1
    needs = ("/etc/nginx/fastcgi_params",)

    def launch(self):
        text = self.fill(self.snippet).replace(
            "include fastcgi_params", "include " + self.needs[0])
        self.write("snippet.conf", text)
        temp = "".join("%s_temp_path %s/tmp-%s;\n" % (n, self.dir, n)
                       for n in ("client_body", "fastcgi", "proxy", "uwsgi",
                                 "scgi"))
        self.conf = self.write("nginx.conf", """
daemon off; worker_processes 2; pid %s/nginx.pid; error_log stderr;
events { worker_connections 512; }
http {
access_log off;
%s
upstream mcpgate { server unix:%s; keepalive 64; }
server { listen 127.0.0.1:%d; %s include %s/snippet.conf; }
}
""" % (self.dir, temp, self.gate.socket, self.port, self.more, self.dir))
        self.spawn([find("nginx"), "-p", self.dir, "-c", self.conf,
                    "-e", "stderr"])

    more = ""

    def reload(self):
        self.proc.send_signal(signal.SIGHUP)


class NginxUnderscores(Nginx):
    """Lets headers with underscores through: the unsafe setting."""
    more = "underscores_in_headers on; ignore_invalid_headers off;"


class Lighttpd(WebServer):
    program, snippet = "lighttpd", "lighttpd/mcpgate.conf.in"

    def launch(self):
        self.conf = self.write("lighttpd.conf", """
server.document-root = "%s"
server.bind = "127.0.0.1"
server.port = %d
server.errorlog = "%s"
%s
""" % (self.www, self.port, self.log, self.fill(self.snippet)))
        self.spawn([find("lighttpd"), "-D", "-f", self.conf])

    def stop_signal(self):
        return signal.SIGINT if self.own_pool else signal.SIGTERM

    def reload(self):
        self.proc.send_signal(signal.SIGUSR1)


class LighttpdSpawn(Lighttpd):
    snippet, own_pool = "lighttpd/mcpgate-spawn.conf.in", False

    def fill(self, name):
        text, place = super().fill(name), '"/run/lighttpd/'
        assert text.count(place) == 1, place
        return text.replace(place, '"%s/' % self.dir)


class LighttpdCgi(Lighttpd):
    snippet, own_pool = "lighttpd/mcpgate-cgi.conf.in", False

    def environment(self):
        return clean_environment({"MCPGATE_CONFIG": self.gate.file})


class Apache(WebServer):
    program, snippet = "apache2", "apache/mcpgate-proxy.conf.in"
    needs = (MODULES + "/mod_proxy_fcgi.so",)
    modules = ("proxy", "proxy_fcgi")
    more = ""

    def launch(self):
        names = ("mpm_event", "authz_core", "unixd", "alias", "env",
                 "setenvif", "mime", "rewrite") + self.modules
        load = "".join("LoadModule %s_module %s/mod_%s.so\n" % (
            n, MODULES, n) for n in names
            if os.path.exists("%s/mod_%s.so" % (MODULES, n)))
        self.conf = self.write("apache.conf", """%s
ServerName 127.0.0.1
Listen 127.0.0.1:%d
DefaultRuntimeDir %s
PidFile %s/apache.pid
DocumentRoot %s
ErrorLog %s
TypesConfig /dev/null
StartServers 1
ServerLimit 2
<Directory "%s">
AllowOverride All
Require all granted
</Directory>
%s
%s
""" % (load, self.port, self.dir, self.dir, self.www, self.log, self.www,
            self.more.replace("DIR", self.dir), self.block()))
        self.spawn([find("apache2"), "-d", self.dir, "-f", self.conf,
                    "-DFOREGROUND"])

    def block(self):
        return self.fill(self.snippet)

    def reload(self):
        self.proc.send_signal(signal.SIGUSR1)


class ApacheFcgid(Apache):
    snippet, own_pool = "apache/mcpgate-fcgid.conf.in", False
    needs = (MODULES + "/mod_fcgid.so",)
    modules = ("fcgid",)
    too_big = (413, 500)        # mod_fcgid's own word for it
    losses = 3                  # it sends calls to processes it has ended
    more = "FcgidIPCDir DIR\nFcgidProcessTableFile DIR/fcgid_shm"


class ApacheCgi(Apache):
    losses = 3                  # while its daemon starts anew: 503
    snippet, own_pool = "apache/mcpgate-cgi.conf.in", False
    needs = (MODULES + "/mod_cgid.so",)
    modules = ("cgid",)
    more = "ScriptSock DIR/cgisock"


class Htaccess(Apache):
    """Only what a customer of a shared host may write."""
    mount = "/d"
    htaccess = "apache/htaccess-proxy.in"
    # the one thing its paper asks of the host
    more = ('<Proxy "fcgi://mcpgate-h">\nProxySet flushpackets=on '
            'timeout=3600\n</Proxy>')

    def block(self):
        d = os.path.join(self.www, self.mount.split("/")[1])
        if "." in os.path.basename(d):
            d = self.www
        os.makedirs(d, exist_ok=True)
        with open(os.path.join(d, ".htaccess"), "w") as f:
            f.write(self.fill(self.htaccess))
        self.place(d)
        return ""

    def place(self, d):
        pass


class HtaccessFcgid(Htaccess):
    htaccess, mount = "apache/htaccess-fcgid.in", "/mcp.mcp"
    own_pool, live, big_body, streaming = False, False, 100 << 10, "auto"
    needs = (MODULES + "/mod_fcgid.so",)
    modules = ("fcgid",)
    more, too_big = ApacheFcgid.more, ApacheFcgid.too_big
    losses = ApacheFcgid.losses

    def place(self, d):
        # BINDIR/mcpgate of the snippet
        link = os.path.join(self.libexec, "mcpgate", "mcpgate")
        if not os.path.exists(link):
            os.symlink("mcpgate.fcgi", link)


class HtaccessCgi(Htaccess):
    htaccess, mount = "apache/htaccess-cgi.in", "/d/mcp.cgi"
    own_pool = False
    needs = (MODULES + "/mod_cgid.so",)
    modules = ("cgid",)
    more, losses = ApacheCgi.more, ApacheCgi.losses

    def place(self, d):
        path = os.path.join(d, "mcp.cgi")
        with open(path, "w") as f:
            f.write("#!/bin/sh\nexec %s --config=%s\n" % (
                self.fcgi, self.gate.file))
        os.chmod(path, 0o755)
