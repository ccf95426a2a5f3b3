/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "watch/access_log.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/log.h"

static bool
is_gone(const struct access *r)
{
	return r->fault != NULL && r->fault->kind == FAULT_CLIENT_GONE;
}

/* Our refusals are warnings, what is broken is an error; the status that was
 * sent may be 200 with an error inside. */
static enum log_level
level_of(const struct access *r)
{
	if (r->fault == NULL || is_gone(r))
		return LOG_LEVEL_INFO;
	return r->fault->http >= 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;
}

/* One sentence for a person: L09 for a refusal, what the client reads (L08)
 * for what is broken, L01 for the rest. */
static void
put_sentence(struct log_line *l, const struct access *r)
{
	char text[96];

	if (r->fault != NULL && !is_gone(r)) {
		if (r->fault->http >= 500) {
			log_str(l, "msg", str_of(r->fault->said));
			return;
		}
		(void)snprintf(text, sizeof text, "request refused: %s",
			fault_reason(r->fault->kind));
	} else if (r->token >= 0) {
		(void)snprintf(text, sizeof text, "using token index %d",
			r->token);
	} else {
		return;
	}
	log_str(l, "msg", str_of(text));
}

void
access_log_hash(const uint8_t key[ACCESS_LOG_KEY], struct str text,
	char hex_r[ACCESS_LOG_HASH])
{
	uint8_t digest[SHA256_SIZE];

	digest_hmac((struct str){ (const char *)key, ACCESS_LOG_KEY }, text,
		digest);
	digest_hex(digest, ACCESS_LOG_HASH / 2, hex_r);
}

static void
put_user(struct log_line *l, const struct access *r)
{
	char hex[ACCESS_LOG_HASH];

	if (r->hash_key == NULL || r->user.n == 0) {
		log_opt(l, "user", r->user);
		return;
	}
	access_log_hash(r->hash_key, r->user, hex);
	log_str(l, "user", str_of(hex));
}

static void
put_fault(struct log_line *l, const struct access *r)
{
	if (r->fault == NULL)
		return;
	log_str(l, "reason", str_of(fault_reason(r->fault->kind)));
	log_opt(l, "detail", str_of(r->fault->detail));
}

/* Which token at which attempt: "0 1 2". */
static void
put_attempts(struct log_line *l, const struct access *r)
{
	char text[64];
	size_t n = 0;

	if (r->token >= 0)
		log_num(l, "token", r->token);
	if (r->attempts > 0)
		log_num(l, "attempts", r->attempts);
	if (r->attempts < 2 || r->tokens == NULL)
		return;
	for (uint32_t i = 0; i < r->attempts && n + 5 < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%u",
			i > 0 ? " " : "", r->tokens[i]);
	log_str(l, "tokens", (struct str){ text, n });
}

static void
put_times(struct log_line *l, const struct access *r)
{
	if (r->upstream_status > 0)
		log_num(l, "upstream_status", r->upstream_status);
	if (r->upstream_us > 0)
		log_ms(l, "upstream_ms", r->upstream_us);
	log_ms(l, "ms", r->us);
	log_num(l, "bytes", (int64_t)r->bytes);
	if (r->stream)
		log_num(l, "stream", 1);
}

/* L01 for the attempts that the access line does not tell of. */
static void
tell_earlier(const struct access *r)
{
	uint32_t told = r->fault == NULL || is_gone(r) ? 1 : 0;
	struct log_line l;
	char text[64];

	if (r->tokens == NULL || !log_wants(LOG_LEVEL_INFO))
		return;
	for (uint32_t i = r->told; i + told < r->attempts; i++) {
		(void)snprintf(text, sizeof text, "using token index %u",
			r->tokens[i]);
		log_begin(&l, LOG_LEVEL_INFO, "token");
		log_str(&l, "msg", str_of(text));
		log_opt(&l, "request_id", r->request_id);
		log_opt(&l, "server", r->server);
		log_num(&l, "token", r->tokens[i]);
		log_end(&l);
	}
}

void
access_log(const struct access *r)
{
	enum log_level level = level_of(r);
	struct log_line l;

	if (r->enabled)
		tell_earlier(r);
	if ((!r->enabled && r->fault == NULL) || !log_wants(level))
		return;
	log_begin(&l, level, "request");
	put_sentence(&l, r);
	log_opt(&l, "request_id", r->request_id);
	log_opt(&l, "step", str_of(r->step));
	log_opt(&l, "page", str_of(r->page));
	log_opt(&l, "server", r->server);
	log_opt(&l, "method", r->method);
	log_opt(&l, "tool", r->tool);
	put_user(&l, r);
	log_opt(&l, "how", r->how);
	log_opt(&l, "client", r->client);
	log_num(&l, "status", r->status);
	put_fault(&l, r);
	put_attempts(&l, r);
	put_times(&l, r);
	log_end(&l);
}
