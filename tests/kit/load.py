# SPDX-License-Identifier: MIT
"""load -- callers that never stop, and what may happen to them meanwhile

    with Load(g, "/s/mcp") as load:
        doomed = load.kill(pid)
    load.good, load.bad         # Call objects

A caller keeps its FastCGI connection like a web server, and like one it
opens another when it finds the old one closed before it has sent anything.
"""
import collections
import json
import os
import random
import select
import signal
import socket
import struct
import threading
import time

from kit import fcgi
from kit.gate import alive
from kit.tap import eventually

CALLERS = 8

Call = collections.namedtuple("Call", "number caller connection said")

# Linux's sock_diag: which socket is at the other end of ours?
_ASK = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xffffffff, 0, 4,
                   0xffffffff, 0xffffffff)
_PEER = 2                       # the attribute with the peer's inode


def _messages(sock):
    while True:
        data = sock.recv(1 << 20)
        while data:
            size, kind = struct.unpack_from("=IH", data)
            if kind == 3:
                return
            assert kind == 20, "sock_diag answers %d" % kind
            yield data[16:size]
            data = data[(size + 3) & ~3:]


def peers():
    """The inode of each connected Unix socket -> that of its peer."""
    out = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        s.settimeout(fcgi.WAIT)
        s.send(struct.pack("=IHHII", 16 + len(_ASK), 20, 0x301, 1, 0) + _ASK)
        for m in _messages(s):
            inode, at = struct.unpack_from("=I", m, 4)[0], 16
            while at + 4 <= len(m):
                n, kind = struct.unpack_from("=HH", m, at)
                if kind == _PEER:
                    out[inode] = struct.unpack_from("=I", m, at + 4)[0]
                at += max((n + 3) & ~3, 4)
    return out


def inodes(pid):
    """The sockets that a process holds."""
    out = set()
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            at = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except FileNotFoundError:
            continue
        if at.startswith("socket:["):
            out.add(int(at[8:-1]))
    return out


class Caller(threading.Thread):
    """One call after the other on a kept connection."""

    def __init__(self, load, number):
        threading.Thread.__init__(self, daemon=True)
        self.load, self.number = load, number
        self.conn, self.connection, self.calls = None, 0, 0
        self.busy = False

    def run(self):
        while not self.load.stopping.is_set():
            self.calls += 1
            said = self.ask()
            call = Call(self.calls, self.number, self.connection, said)
            (self.load.good if said == 200 else self.load.bad).append(call)
        if self.conn is not None:
            self.conn.close()

    def ask(self):
        try:
            reply = self.begin().rest()
            said = reply.status
            if said == 200 and "result" not in reply.json:
                said = repr(reply)
        except (OSError, fcgi.Gone, AssertionError, ValueError) as e:
            said = "%s: %s" % (type(e).__name__, e)
            self.hang_up()
        self.busy = False
        return said

    def begin(self):
        """Nobody is killed between the look at the line and the call."""
        with self.load.lock:
            if self.conn is not None and self.hung_up():
                self.hang_up()
            if self.conn is None:
                self.conn = self.load.gate.conn()
                self.connection += 1
            self.busy = True
            return self.conn.begin(
                "POST", self.load.uri, self.load.headers, keep=True,
                body={"jsonrpc": "2.0", "method": "ping",
                      "id": "%d.%d" % (self.number, self.calls)})

    def hung_up(self):
        return bool(select.select([self.conn.sock], [], [], 0)[0])

    def hang_up(self):
        if self.conn is not None:
            self.conn.close()
        self.conn = None

    def inode(self):
        conn = self.conn
        if conn is None or conn.sock.fileno() < 0:
            return None
        return os.fstat(conn.sock.fileno()).st_ino


class Load:
    """Calls without a pause, from so many callers."""

    def __init__(self, gate, uri, callers=CALLERS):
        self.gate, self.uri = gate, uri
        self.headers = [("Accept", "application/json, text/event-stream")]
        self.stopping, self.lock = threading.Event(), threading.Lock()
        self.good, self.bad = [], []
        self.crew = [Caller(self, n) for n in range(callers)]

    def __enter__(self):
        for c in self.crew:
            c.start()
        return self

    def __exit__(self, *why):
        self.stop()

    def stop(self):
        self.stopping.set()
        for c in self.crew:
            c.join()

    def kill(self, pid):
        """Kills a worker; the calls that were on connections to it."""
        with self.lock:
            os.kill(pid, signal.SIGSTOP)    # its connections stay the same
            held, other = inodes(pid), peers()
            doomed = {(c.number, c.calls) for c in self.crew
                      if c.busy and other.get(c.inode()) in held}
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: not alive(pid), 5, "the end of a worker")
            return doomed


# ---- promises ---------------------------------------------------------------
def kills(gate, seconds, every=1.0):
    """Kills a random worker every second; (load, doomed calls, kills).

    Fails when a call failed that was not on a connection to a killed worker.
    """
    doomed, deaths = set(), 0
    with Load(gate, "/s/mcp") as load:
        end = time.monotonic() + seconds
        time.sleep(every / 2)
        while time.monotonic() < end:
            hit = load.kill(random.choice(gate.worker_pids()))
            assert len(hit) <= CALLERS
            doomed |= hit
            deaths += 1
            time.sleep(every)
    others = [c for c in load.bad if (c.caller, c.number) not in doomed]
    assert not others, "%d calls failed that met no kill: %r" % (
        len(others), others[:3])
    assert len(load.bad) <= len(doomed), (load.bad, doomed)
    return load, doomed, deaths


def rotation_sound(gate, up, tokens, lost, server="s"):
    """What the shared rotor says fits to what came upstream."""
    code, text, why = gate.ctl("status", "--json")
    assert code == 0, why
    state = json.loads(text)
    assert state["valid"] is True, text
    pool = [p for p in state["pools"] if p["server"] == server][0]
    seen = collections.Counter(up.tokens())
    calls = [seen[t] for t in tokens]
    uses = [t["uses"] for t in pool["tokens"]]
    # a worker may be killed between drawing, counting and calling
    assert sum(calls) <= pool["next"] <= sum(calls) + lost, (pool, calls)
    assert sum(calls) <= sum(uses) <= pool["next"], (pool, calls)
    assert max(calls) - min(calls) <= 1 + lost, calls
    assert max(uses) - min(uses) <= 1 + lost, uses
    assert not set(seen) - set(tokens), seen
    return calls


def tally_sound(gate, load, lost):
    """Nothing that was answered is forgotten by more than the kills."""
    def told():
        return gate.metrics().total("mcpgate_requests_total", server="s",
                                    method="ping", code="200")

    eventually(lambda: told() >= len(load.good) - lost, 5,
               "the count of %d calls" % len(load.good))
    return told()


def reloads(gate, conf_of, seconds, every=1.0, serves=None):
    """A new configuration every second, by SIGHUP and mcpgatectl in turn;
    (load, reloads). Fails when any call failed, or when serves(n) does not
    become true: a call has met the n-th configuration."""
    def met():
        return serves is None or serves(n)

    n = 0
    with Load(gate, "/s/mcp") as load:
        eventually(met, 10, "a call before all reloads")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            n += 1
            began = time.monotonic()
            gate.write(conf_of(n))
            if n % 2:
                gate.signal(signal.SIGHUP)
            else:
                code, _, why = gate.ctl("reload")
                assert code == 0, why
            time.sleep(max(0, every - (time.monotonic() - began)))
            eventually(met, 10, "a call that meets reload %d" % n)
    assert not load.bad, "%d of %d calls failed: %r" % (
        len(load.bad), len(load.good), load.bad[:3])
    return load, n
