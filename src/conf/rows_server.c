/* SPDX-License-Identifier: MIT */
/* The keys of a server, of its openapi block and of a group. */
#include "config.h"
#include "conf/schema.h"

#define HOUR ((int64_t)3600 * 1000)

const struct row rows_server[] = {
{ "server.transportType", ROW_WORD, .aliases = "type transport", .first = 1,
  .choices = "streamable-http|http|streamableHttp sse stdio",
  IN_SERVER(transport),
  .help = "Inferred when absent: command is stdio, openapi is OpenAPI, url "
	"alone is streamable HTTP. The others are not in this build: the server "
	"answers 503." },
{ "server.url", ROW_URL, IN_SERVER(url),
  .help = "Upstream endpoint, without user and fragment. The query is never "
	"logged." },
{ "server.headers", ROW_MAP, .flags = ROW_HEADER_NAMES,
  .help = "Static upstream headers; null removes an inherited one." },
{ "server.headers.*", ROW_SECRET, .help = "Value of the header." },
{ "server.timeout", ROW_MS, .preset = "60s", .min = 1, .max = HOUR,
  IN_SERVER(timeout_ms),
  .help = "One call with all its attempts; 504 after it. Not streams." },
{ "server.command", ROW_TEXT,
  .help = "Program of a stdio server. Not in this build: it answers 503." },
{ "server.args", ROW_TEXTS, .flags = ROW_MASKED, .help = "Its arguments." },
{ "server.env", ROW_MAP, .help = "Its environment." },
{ "server.env.*", ROW_SECRET, .help = "Value of the variable." },
{ "server.cwd", ROW_FILE, .help = "Its directory." },
{ "server.toolPrefix", ROW_TEXT, .flags = ROW_LATER,
  .help = "Prefix in groups and OpenAPI names; [a-z][a-z0-9-]{0,19}." },
{ "server.openapi", ROW_BLOCK,
  .help = "REST operations as tools. Not in this build: it answers 503." },
{ "server.openapi.source", ROW_TEXT,
  .help = "File or URL of an OpenAPI 3.0 or 3.1 document." },
{ "server.openapi.sourceHeaders", ROW_MAP, .flags = ROW_HEADER_NAMES,
  .help = "Headers for fetching it." },
{ "server.openapi.sourceHeaders.*", ROW_SECRET, .help = "Value." },
{ "server.openapi.baseUrl", ROW_URL,
  .help = "Prefix of all calls; the document's first server when absent." },
{ "server.openapi.overlay", ROW_ANY,
  .help = "Overlay 1.0: file or inline actions." },
{ "server.openapi.refreshInterval", ROW_MS, .preset = "0", .max = 24 * 30 * HOUR,
  .flags = ROW_OFF, .help = "Conditional fetch; 0: never." },
{ "server.openapi.maxTools", ROW_INT, .preset = "256", .min = 1, .max = 10000,
  .help = "Operations at most." },
{ "server.oauth", ROW_ANY, .flags = ROW_CLOSES,
  .help = "Interactive login of other gateways; not supported." },
{ "server.disabled", ROW_BOOL, .help = "Same as options.disabled." },
{ "server.enabled", ROW_BOOL, .help = "The opposite of disabled." },
{ "server.options", ROW_BLOCK, .refer = "options",
  .help = "What differs from mcpProxy.options." },
{ "server.autoApprove", ROW_ANY, .flags = ROW_IGNORED,
  .help = "Of clients; ignored." },
{ "server.alwaysAllow", ROW_ANY, .flags = ROW_IGNORED,
  .help = "Of clients; ignored." },
{ "server.description", ROW_ANY, .flags = ROW_IGNORED,
  .help = "Of clients; ignored." },

{ "group.endpoint", ROW_TEXT, .help = "Path below the mount prefix; /NAME/mcp "
	"when absent." },
{ "group.servers", ROW_TEXTS, .aliases = "upstreams", .help = "Members." },
{ "group.options", ROW_BLOCK, .refer = "options",
  .help = "Inbound side and tool policy of the group." },
{ "group.prefix", ROW_WORD, .preset = "auto", .choices = "auto always never",
  .help = "When the tool prefix of a member is put before its names." },
{ "group.separator", ROW_TEXT, .preset = "__",
  .help = "Between prefix and name." },
{ "group.failMode", ROW_WORD, .preset = "open", .choices = "open closed",
  .help = "Dead member: left out, or 503." },
{ "group.pageSize", ROW_INT, .preset = "1000", .min = 1, .max = 100000,
  .help = "Entries on a page of a merged list." },
{ "group.nameMax", ROW_INT, .preset = "64", .min = 32, .max = 128,
  .help = "Longest tool name; longer ones are cut and get a digest." },
};
const size_t n_rows_server = sizeof(rows_server) / sizeof(rows_server[0]);
