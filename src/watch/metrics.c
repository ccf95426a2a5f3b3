/* SPDX-License-Identifier: MIT */
/*
 * metrics -- counts by family and labels; a label set is written out once,
 * afterwards found by hash
 */
#include "config.h"

#include "watch/metrics.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "watch/family.h"

#define CACHE 4096u		/* label sets a worker remembers */
#define CACHE_FULL 3072u
#define MAX_VALUES 1000u	/* users and tools; then "other" */
#define MAX_SERVER 48		/* bytes of a label value */
#define MAX_TEXT 64

struct known {
	uint64_t hash;			/* 0: free */
	uint32_t series;
	struct tally_histogram histogram;
};

struct metrics {
	struct tally *tally;
	struct segment *segment;
	uint32_t number;		/* of the worker */
	struct arena *arena;		/* of the generation */
	bool user_label, tool_label;
	uint32_t n, n_values;
	struct known known[CACHE];
};

/* A family with up to three labels; a label without a name is not there. */
struct set {
	enum family family;
	struct str server;
	const char *key1, *key2;
	struct str value1, value2;
	bool from_client;		/* value1 is: capped */
};

/* ---- label texts ---------------------------------------------------------------- */
static void
put_label(struct buf *b, const char *key, struct str value, size_t max)
{
	value = str_head_utf8(value, max);
	buf_fmt(b, "%s%s=\"", b->n > 0 ? "," : "", key);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		buf_char(b, (unsigned char)c < 0x20 ? ' ' : c);
	}
	buf_char(b, '"');
}

static struct str
labels_of(const struct metrics *m, const struct set *s)
{
	struct buf b = buf_new(m->arena, TALLY_NAME * 2);
	struct str text = STR_NONE;

	if (s->server.p != NULL)
		put_label(&b, "server", s->server, MAX_SERVER);
	if (s->key1 != NULL)
		put_label(&b, s->key1, s->value1, MAX_TEXT);
	if (s->key2 != NULL)
		put_label(&b, s->key2, s->value2, MAX_TEXT);
	(void)buf_take(&b, &text);
	return text;
}

/* ---- finding ---------------------------------------------------------------------- */
static uint64_t
mix(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return (h ^ 0xFF) * UINT64_C(1099511628211);	/* an end mark */
}

static uint64_t
hash_of(const struct set *s)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)s->family;

	/* spread first: a letter may not make up for another family */
	h = mix(h * UINT64_C(1099511628211), s->server);
	h = mix(h, s->value1);
	h = mix(h, s->value2);
	return h == 0 ? 1 : h;
}

static struct known
make(struct metrics *m, const struct set *s)
{
	const struct family_row *row = family_row(s->family);
	struct str labels = labels_of(m, s);
	struct known k = { 0 };

	if (row->kind == FAMILY_HISTOGRAM)
		k.histogram = tally_histogram(m->tally, str_of(row->name),
			labels);
	else
		k.series = tally_series(m->tally, labels.n == 0
			? str_of(row->name) : str_fmt(m->arena, "%s{%.*s}",
			row->name, STR_ARG(labels)));
	return k;
}

static struct known
find(struct metrics *m, struct set *s)
{
	uint64_t hash = hash_of(s);
	uint32_t at;

	for (at = hash % CACHE; m->known[at].hash != 0; at = (at + 1) % CACHE)
		if (m->known[at].hash == hash)
			return m->known[at];
	if (s->from_client && m->n_values >= MAX_VALUES) {
		s->from_client = false;
		s->value1 = STR("other");
		return find(m, s);
	}
	if (m->n >= CACHE_FULL)
		return (struct known){ .histogram = { UINT32_MAX } };
	m->n++;
	m->n_values += s->from_client;
	m->known[at] = make(m, s);
	m->known[at].hash = hash;
	return m->known[at];
}

static void
count(struct metrics *m, struct set s, uint64_t n)
{
	struct known k = find(m, &s);

	tally_bump(m->tally, k.series, n);
}

static void
observe(struct metrics *m, struct set s, uint64_t us)
{
	struct known k = find(m, &s);

	tally_observe(m->tally, k.histogram, us);
}

/* ---- requests ---------------------------------------------------------------------- */
/* What a client calls its method is a label only when it is one of these. */
static struct str
known_method(struct str method)
{
	static const char *const words[] = {
		"tools/call", "tools/list", "initialize", "ping",
		"notifications/initialized", "notifications/cancelled",
		"notifications/progress", "notifications/roots/list_changed",
		"resources/list", "resources/read", "resources/subscribe",
		"resources/unsubscribe", "resources/templates/list",
		"prompts/list", "prompts/get", "completion/complete",
		"logging/setLevel", "server/discover", "tasks/get",
		"tasks/list", "tasks/cancel", "tasks/result",
		"subscriptions/listen", "batch", "GET", "POST", "DELETE",
		"HEAD", "OPTIONS",
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (str_is(method, words[i]))
			return method;
	return STR("other");
}

static struct str
number(char room[STR_DIGITS], int n)
{
	return str_digits(room, n < 0 ? 0 : (uint64_t)n);
}

static bool
is_upstream_fault(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_TOKENS_EXHAUSTED:
	case FAULT_UPSTREAM_AUTH:
	case FAULT_PROXY_AUTH:
	case FAULT_PROXY_FAILED:
	case FAULT_UPSTREAM_DOWN:
	case FAULT_UPSTREAM_TLS:
	case FAULT_UPSTREAM_PROTOCOL:
	case FAULT_UPSTREAM_ERROR:
	case FAULT_UPSTREAM_LIMITED:
	case FAULT_UPSTREAM_TIMEOUT:
		return true;
	default:
		return false;
	}
}

static void
count_upstream(struct metrics *m, const struct access *r)
{
	if (r->upstream_us > 0)
		observe(m, (struct set){ .family = UPSTREAM_DURATION,
			.server = r->server }, r->upstream_us);
	if (r->fault != NULL && is_upstream_fault(r->fault->kind))
		count(m, (struct set){ .family = UPSTREAM_ERRORS,
			.server = r->server, .key1 = "reason",
			.value1 = str_of(fault_reason(r->fault->kind)) }, 1);
}

void
metrics_tool(struct metrics *m, struct str server, struct str tool,
	bool failed)
{
	struct set s = { .family = TOOL_CALLS, .server = server };

	if (m->tool_label) {
		s.key1 = "tool";
		s.value1 = tool;
		s.from_client = true;
	}
	count(m, s, 1);
	s.family = TOOL_ERRORS;
	count(m, s, failed);
}

static void
count_user(struct metrics *m, const struct access *r)
{
	struct set s = { .family = AUTHENTICATED, .server = r->server };

	if (m->user_label) {
		s.key1 = "user";
		s.value1 = r->user;
		s.from_client = true;
	}
	count(m, s, 1);
}

void
metrics_request(struct metrics *m, const struct access *r)
{
	char room[STR_DIGITS];
	struct set s = {
		.family = REQUESTS,
		.server = r->server.p != NULL ? r->server : STR(""),
		.key1 = "method", .key2 = "code",
		.value1 = r->page != NULL && r->page[0] != '\0'
			? str_of(r->page) : known_method(r->method),
		.value2 = number(room, r->status),
	};

	count(m, s, 1);
	s.family = REQUEST_DURATION;
	if (!r->stream)			/* a stream's length says nothing */
		observe(m, s, r->us);
	count_upstream(m, r);
	if (r->tool.n > 0)
		metrics_tool(m, r->server, r->tool,
			r->fault != NULL || r->status >= 400);
	if (!r->refused && r->how.n > 0 && !str_is(r->how, "none")
	    && !str_is(r->how, "local"))
		count_user(m, r);
}

/* ---- callers and tokens --------------------------------------------------------------- */
void
metrics_auth(struct metrics *m, struct str server, const char *strategy,
	const char *reason, uint64_t us)
{
	struct set s = { .family = AUTH_ATTEMPTS, .server = server,
		.key1 = "strategy", .value1 = str_of(strategy) };

	count(m, s, 1);
	s.family = AUTH_SUCCESS;
	count(m, s, reason == NULL);	/* 0 too: the same label sets */
	s.family = AUTH_LATENCY;
	observe(m, s, us);
	if (reason == NULL)
		return;
	s.family = AUTH_FAILURES;
	s.key2 = "reason";
	s.value2 = str_of(reason);
	count(m, s, 1);
}

void
metrics_auth_refused(struct metrics *m, struct str server,
	struct str strategy, const char *reason)
{
	count(m, (struct set){ .family = AUTH_FAILURES, .server = server,
		.key1 = "strategy", .value1 = strategy, .key2 = "reason",
		.value2 = str_of(reason) }, 1);
}

void
metrics_proxy_header_missing(struct metrics *m, struct str server)
{
	count(m, (struct set){ .family = PROXY_HEADER_MISSING,
		.server = server }, 1);
}

void
metrics_violation(struct metrics *m, const char *reason)
{
	struct set s = { .family = VIOLATIONS, .key1 = "reason",
		.value1 = str_of(reason) };
	uint64_t now = (uint64_t)clock_unix_s();

	count(m, s, 1);
	s.family = LAST_VIOLATION;
	tally_raise(m->tally, find(m, &s).series, now);
	worker_violation(m->segment, m->number, now);
}

void
metrics_cache(struct metrics *m, struct str server, const char *cache,
	bool hit)
{
	struct set s = { .family = CACHE_HITS, .server = server,
		.key1 = "cache", .value1 = str_of(cache) };

	count(m, s, hit);		/* 0 too: the same label sets */
	s.family = CACHE_MISSES;
	count(m, s, !hit);
}

void
metrics_audit_dropped(struct metrics *m, uint32_t n)
{
	count(m, (struct set){ .family = AUDIT_DROPPED }, n);
}

void
metrics_store_error(struct metrics *m)
{
	count(m, (struct set){ .family = STORE_ERRORS }, 1);
}

void
metrics_tokens(struct metrics *m, uint32_t generated, uint32_t revoked)
{
	count(m, (struct set){ .family = TOKENS_GENERATED }, generated);
	count(m, (struct set){ .family = TOKENS_REVOKED }, revoked);
}

void
metrics_limited(struct metrics *m, struct str server, const char *scope)
{
	count(m, (struct set){ .family = RATE_LIMITED, .server = server,
		.key1 = "scope", .value1 = str_of(scope) }, 1);
}

void
metrics_blocked(struct metrics *m, struct str server)
{
	count(m, (struct set){ .family = IP_BLOCKED, .server = server }, 1);
}

void
metrics_table_full(struct metrics *m, uint32_t n)
{
	count(m, (struct set){ .family = TABLE_FULL }, n);
}

void
metrics_token(struct metrics *m, struct str server, uint32_t token,
	int status, bool failed)
{
	char room1[STR_DIGITS], room2[STR_DIGITS];
	struct set s = { .family = TOKEN_USES, .server = server,
		.key1 = "token", .value1 = number(room1, (int)token),
		.key2 = "status", .value2 = number(room2, status) };

	count(m, s, 1);
	s.family = TOKEN_FAILURES;
	if (failed)
		count(m, s, 1);
}

void
metrics_rotated(struct metrics *m, struct str server, int status)
{
	char room[STR_DIGITS];

	count(m, (struct set){ .family = TOKEN_ROTATIONS, .server = server,
		.key1 = "reason", .value1 = number(room, status) }, 1);
}

void
metrics_exhausted(struct metrics *m, struct str server)
{
	count(m, (struct set){ .family = TOKENS_EXHAUSTED,
		.server = server }, 1);
}

void
metrics_reload(struct metrics *m, bool ok)
{
	count(m, (struct set){ .family = RELOADS, .key1 = "result",
		.value1 = ok ? STR("loaded") : STR("refused") }, 1);
}

/* ---- making it ----------------------------------------------------------------------------- */
struct metrics *
metrics_new(struct segment *s, uint32_t shard, bool user_label,
	bool tool_label, struct arena *a)
{
	struct metrics *m = ARENA_NEW(a, struct metrics);

	m->arena = a;
	m->segment = s;
	m->number = shard;
	m->tally = tally_new(s, shard, a);
	m->user_label = user_label;
	m->tool_label = tool_label;
	/* 0 is a value: what has no labels is there from the start */
	metrics_audit_dropped(m, 0);
	metrics_tokens(m, 0, 0);
	metrics_table_full(m, 0);
	count(m, (struct set){ .family = STORE_ERRORS }, 0);
	return m;
}
