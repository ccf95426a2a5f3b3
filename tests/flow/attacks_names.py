#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attacks_names -- a tool that is filtered stays so, however it is named

Each name in each spelling JSON has, in both eras, alone, in batches and in
lists; and bodies that two readers may read differently.
"""
import base64
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
from kit import tap  # noqa: E402
from kit.gate import Gate, config, server  # noqa: E402
from kit.tap import equal, test  # noqa: E402
from kit.upstream import Upstream  # noqa: E402

P = "io.modelcontextprotocol/"
META = {P + "protocolVersion": "2026-07-28", P + "clientCapabilities": {}}
TOOLS = ["search", "search2", "delete", "Delete", "delete ",
         "d\u0435lete", "x" * 300, "delete2", "admin/rm", "\u212aey",
         "Key", "a.b", "tool*", "[x]", "\U0001f600"]
OTHERS = ["DELETE", "nothere", "\u0001", "\t", "a\nb", '"q"', "\\",
          "<script>", "%s%n", "y" * 4000]
FILTERS = (
    ("allow", ["search*"]), ("block", ["delete*"]), ("allow", []),
    ("block", ["*"]), ("allow", ["*"]), ("block", []),
    ("block", ["d?lete", "Key"]), ("allow", ["tool*", "[x]", "a.b"]),
)


def passes(row, name):
    mode, globs = row
    fits = any(re.fullmatch("".join(
        ".*" if c == "*" else "." if c == "?" else re.escape(c)
        for c in g), name, re.S) for g in globs)
    return fits == (mode == "allow")


def reply(ask):
    if ask["method"] != "tools/list":
        result = {"name": ask.get("params", {}).get("name")}
    elif ask.get("params", {}).get("cursor"):
        result = {"tools": [{"name": n} for n in TOOLS[8:]]}
    else:
        result = {"tools": [{"name": n} for n in TOOLS[:8]],
                  "nextCursor": "n"}
    return {"jsonrpc": "2.0", "id": ask["id"], "result": result}


def script(q, out):
    asked = q.json
    many = isinstance(asked, list)
    got = [reply(a) for a in (asked if many else [asked]) if "id" in a]
    if not got:
        return out.status(202)
    if q.header("x-trace-id") != "sse":
        return out.json(got if many else got[0])
    out.sse()
    out.event(got[0])
    return out.end()


def spellings(name):
    """As JSON may write it: plain, in UTF-8, all of it escaped."""
    units = name.encode("utf-16-be")
    yield json.dumps(name)
    yield json.dumps(name, ensure_ascii=False)
    yield '"%s"' % "".join("\\u%02x%02x" % pair
                           for pair in zip(units[::2], units[1::2]))


def mirrored(name):
    if name.isascii() and name.isprintable() and name.strip() == name:
        return name
    return "=?base64?%s?=" % base64.b64encode(name.encode()).decode()


def calls(g, name):
    """The reply to each way to call it."""
    for spelled in spellings(name):
        text = '{"jsonrpc":"2.0","id":"q","method":"tools/call",' \
            '"params":{"name":%s%s}}'
        yield g.post("/s/mcp", text % (spelled, ""))
        yield g.post("/s/mcp", (text % (spelled, ',"_meta":' + json.dumps(
            META))).encode(), [("MCP-Protocol-Version", "2026-07-28"),
                               ("Mcp-Method", "tools/call"),
                               ("Mcp-Name", mirrored(name))])


def filtered(up, row, workers):
    mode, globs = row
    return Gate(config({"s": server(up, {
        "toolFilter": {"mode": mode, "list": globs},
        "passthrough": {"enabled": True, "headers": ["X-Trace-Id"]}})}),
        workers)


@test("calls", workers=(4,), rows=FILTERS)
def _(t):
    with Upstream(script) as up, filtered(up, t.row, t.workers) as g:
        for name in TOOLS + OTHERS:
            for r in calls(g, name):
                equal(r.status, 200)
                if passes(t.row, name):
                    equal(r.json["result"], {"name": name})
                    continue
                equal((r.json["id"], r.error["code"], r.error["message"]),
                      ("q", -32602, "Unknown tool: " + name))


@test("lists and batches", workers=(4,), rows=FILTERS)
def _(t):
    first = [n for n in TOOLS[:8] if passes(t.row, n)]
    more = [n for n in TOOLS[8:] if passes(t.row, n)]
    with Upstream(script) as up, filtered(up, t.row, t.workers) as g:
        for form in ("json", "sse"):
            for params, want in (({}, first), ({"cursor": "n"}, more)):
                r = g.rpc("/s/mcp", "tools/list", params,
                          headers={"X-Trace-Id": form})
                text = r.body if form == "json" else r.events()[0]["data"]
                result = json.loads(text)["result"]
                equal([e["name"] for e in result["tools"]], want)
                equal("nextCursor" in result, want is first)
        body = [{"jsonrpc": "2.0", "id": i, "method": "tools/call",
                 "params": {"name": n}} for i, n in enumerate(TOOLS)]
        body += [{"jsonrpc": "2.0", "method": "tools/call",
                  "params": {"name": "delete"}},
                 {"jsonrpc": "2.0", "id": "list", "method": "tools/list"}]
        before = len(up.calls)
        r = g.post("/s/mcp", body,
                   {"MCP-Protocol-Version": "2025-03-26"})
        got = {a["id"]: a for a in r.json}
        equal([e["name"] for e in got.pop("list")["result"]["tools"]], first)
        equal({i: a["result"]["name"] if "result" in a
               else a["error"]["message"] for i, a in got.items()},
              {i: n if passes(t.row, n) else "Unknown tool: " + n
               for i, n in enumerate(TOOLS)})
        sent = [a["params"]["name"] for c in up.calls[before:]
                for a in c.json if a["method"] == "tools/call"]
        assert all(passes(t.row, n) for n in sent), sent


CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call",'
DELETE = '"params":{"name":"delete"}}'
REFUSED = (
    CALL + '"params":{"name":"search","name":"delete"}}',
    CALL + '"params":{"name":"delete","name":"search"}}',
    CALL + '"params":{"name":"search","n\\u0061me":"delete"}}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call",' + DELETE,
    '{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/call",'
    + DELETE,
    CALL + '"params":{"name":"search"},' + DELETE,
    CALL + '"params":{"name":"search\\u0000delete"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools\\u0000/call",' + DELETE,
    CALL + '"params":{"name\\u0000":"search","name":"delete"}}',
    CALL + '"params":{"name":"\\ud800"}}',
    CALL + '"params":{"name":["delete"]}}', CALL + '"params":{"name":1}}',
    CALL + '"params":{"name":null}}', CALL + '"params":"delete"}',
    CALL + '"params":null}', '{"jsonrpc":"2.0","id":null,"method":'
    '"tools/call",' + DELETE,
    '{"jsonrpc":"2.0","id":1.5,"method":"tools/call",' + DELETE,
    '{"jsonrpc":"2.0","id":{},"method":"tools/call",' + DELETE,
    '{"jsonrpc":"1.0","id":1,"method":"tools/call",' + DELETE,
    '{"jsonrpc":2.0,"id":1,"method":"tools/call",' + DELETE,
    '{"id":1,"method":"tools/call",' + DELETE,
    CALL + '"params":{"name":"delete"},"result":{}}',
    "\ufeff" + CALL + DELETE, CALL + DELETE + "{}", CALL + DELETE + "\0",
    (CALL + DELETE).replace('"', "'"), CALL + DELETE[:-1] + ",}",
    "/**/" + CALL + DELETE, "[[" + CALL + DELETE + "]]",
    "[]", "[1]", "[null]", '"x"', "1", "null", " ", "{}", "[{}]",
)
UNKNOWN = (
    '{"jsonrpc":"2.0","id":1,"method":"tools\\/call",' + DELETE,
    '{"jsonrpc":"2.0","id":1,"method":"\\u0074ools/call",' + DELETE,
    CALL + '"params":{"arguments":{"name":"search"},"name":"delete"}}',
    CALL + '"params":{"_meta":{"name":"search"},"name":"delete"}}',
    "\n\t " + CALL + DELETE + "\r\n",
)


@test("bodies that may be read in two ways", workers=(1,))
def _(t):
    with Upstream(script) as up, filtered(up, FILTERS[1], 1) as g:
        bodies = [b.encode() for b in REFUSED]
        bodies += [(CALL + DELETE).encode(e) for e in (
            "utf-16", "utf-16-le", "utf-32")]
        bodies.append((CALL + '"params":{"name":"\xe9"}}').encode("latin-1"))
        for body in bodies:
            r = g.post("/s/mcp", body)
            equal((body, r.status), (body, 400))
            assert r.error["code"] in (-32700, -32600), body
        for body in UNKNOWN:
            r = g.post("/s/mcp", body)
            equal((body, r.status), (body, 200))
            equal((body, r.error["message"]), (body, "Unknown tool: delete"))
        equal(up.calls, [])


tap.main()
