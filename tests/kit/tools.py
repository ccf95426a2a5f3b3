# SPDX-License-Identifier: MIT
"""tools -- an upstream with lists: tools, prompts, resources, in any form

    with Upstream(Lists(form="events")) as up: ...

`form` says how it answers: "json", "events" (an event stream with a
notification before the reply), or "spread" (the same, byte by byte).
"""
import json

from kit.upstream import plain

MEMBERS = {"tools/list": ("tools", "name"),
           "prompts/list": ("prompts", "name"),
           "resources/list": ("resources", "uri"),
           "resources/templates/list": ("resourceTemplates", "uriTemplate")}
TOOLS = ("get_a", "get_b", "put_a", "delete_a", "list_a")
NOTE = {"jsonrpc": "2.0", "method": "notifications/message",
        "params": {"level": "info", "data": "x"}}


def entry(key, name):
    """An entry with bytes that a serializer would not give back."""
    return '{"%s" : "%s","x":1.50,"inputSchema":{"type":"object"}}' % (
        key, name)


class Lists:
    """The script; what() may change what a method's list holds."""

    def __init__(self, form="json", page=None, more=""):
        self.form, self.page, self.more = form, page, more
        self.names = {
            "tools/list": list(TOOLS), "prompts/list": ["hello", "bye"],
            "resources/list": ["file:///pub/a", "file:///secret/a"],
            "resources/templates/list": ["file:///pub/{x}",
                                         "file:///{x}"]}

    def entries(self, method, params):
        names, cursor = self.names[method], ""
        if self.page:
            at = int(params.get("cursor", "0"))
            cursor = ',"nextCursor":"%d"' % (at + self.page) \
                if at + self.page < len(names) else ""
            names = names[at:at + self.page]
        member, key = MEMBERS[method]
        return '"%s": [%s]%s%s' % (member, " , ".join(
            entry(key, n) for n in names), cursor, self.more)

    def one(self, ask):
        """The reply to one request, as text."""
        method, params = ask["method"], ask.get("params", {})
        if method in MEMBERS:
            inside = self.entries(method, params)
        elif method == "tools/call":
            inside = '"content":[],"ran":%s' % json.dumps(params["name"])
        elif method == "initialize":
            inside = '"protocolVersion":"2025-06-18","capabilities":{},' \
                '"serverInfo":{"name":"u","version":"1"}'
        else:
            inside = '"method":%s' % json.dumps(method)
        return '{"jsonrpc":"2.0","id":%s,"result":{%s}}' % (
            json.dumps(ask["id"]), inside)

    def __call__(self, q, out):
        if q.method != "POST":
            return plain(q, out)
        asks = q.json if isinstance(q.json, list) else [q.json]
        replies = [self.one(a) for a in asks if "id" in a and "method" in a]
        if not replies:
            return out.status(202)
        text = "[%s]" % ",".join(replies) if isinstance(q.json, list) \
            else replies[0]
        if self.form == "json":
            return out.body(200, text)
        out.sse()
        events = "event: message\ndata: %s\n\n" % json.dumps(NOTE)
        if isinstance(q.json, list):
            events += "".join("id: %d\ndata: %s\n\n" % (i, r)
                              for i, r in enumerate(replies))
        else:
            events += "id: 9\ndata: %s\n\n" % text
        if self.form == "events":
            out.chunk(events)
        else:
            for c in events:
                out.chunk(c)
        return out.end()


def shown(reply, method="tools/list"):
    """The names of a list in a reply, whatever form it has."""
    member, key = MEMBERS[method]
    if "event-stream" in (reply.header("content-type") or ""):
        data = [json.loads(e["data"]) for e in reply.events() if "data" in e]
        docs = [d for d in data if "result" in d]
    else:
        docs = [reply.json]
    assert len(docs) == 1, docs
    assert "result" in docs[0], docs
    return [t[key] for t in docs[0]["result"][member]]
