/* SPDX-License-Identifier: MIT */
/*
 * reply -- header lines from libcurl become one reply head
 *
 * Heads with a status below 200 are skipped, trailers after the body are not
 * looked at.  A line that is no header (folded, odd bytes) is left out: what
 * passes on is chosen by name from what is left.
 */
#include "config.h"
#include "http/wire.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"

static size_t
give_up(struct transfer *t, enum transfer_end end, const char *detail)
{
	t->run.judged = true;
	t->run.end = end;
	t->run.detail = detail;
	return 0;
}

static bool
within_limits(struct run *r, size_t n)
{
	r->head_bytes += (uint32_t)n;
	r->head_lines++;
	/* The status line and the empty one are no header lines. */
	return r->head_bytes <= MAX_REPLY_HEADERS &&
		r->head_lines <= MAX_REPLY_LINES + 2;
}

static int
status_of(struct str line)
{
	struct str number = str_from(line, str_find(line, ' '));
	uint64_t status;

	number = str_head(str_trim(number), 3);
	return str_number(number, &status) ? (int)status : 0;
}

static void
begin_head(struct run *r, struct str line)
{
	r->status = status_of(line);
	headers_init(&r->reply.headers, r->arena);
}

static void
add_line(struct run *r, struct str line)
{
	struct str name, value = str_copy(r->arena, line);

	name = str_cut(&value, ':');
	headers_add(&r->reply.headers, name, str_trim(value));
}

static struct str
media_type(struct run *r)
{
	struct str type = headers_get(&r->reply.headers, STR("Content-Type"));
	char *p;

	type = str_trim(str_head(type, str_find(type, ';')));
	if (type.n == 0)
		return STR("");
	p = arena_alloc(r->arena, type.n + 1);
	for (size_t i = 0; i < type.n; i++) {
		char c = type.p[i];

		p[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return (struct str){ p, type.n };
}

/* The timer may be set for the first byte, which can be far away. */
static void
watch_silence(struct run *r)
{
	uint64_t idle_ms = (uint64_t)r->plan.idle_ms;

	r->last_ms = loop_now_ms(r->timer.loop);
	if (r->plan.idle_ms <= 0)
		return;
	if (!timer_running(&r->timer) ||
	    r->timer.due_ms > r->last_ms + idle_ms)
		timer_start(&r->timer, idle_ms);
}

static size_t
end_head(struct transfer *t, size_t n)
{
	struct run *r = &t->run;

	if (r->status >= 100 && r->status < 200) {
		r->reply.early = true;
		r->head_lines = 0;	/* but the bytes count on */
		return n;
	}
	if (r->status == 407)
		return give_up(t, TRANSFER_PROXY_AUTH, "status 407");
	r->head_done = true;
	r->reply.status = r->status;
	r->reply.content_type = media_type(r);
	watch_silence(r);
	r->plan.head(r->plan.who, &r->reply);
	return r->stopped ? 0 : n;
}

/* CURLOPT_HEADERFUNCTION: one line of a head, or of the trailers. */
size_t
reply_line(char *bytes, size_t size, size_t n, void *who)
{
	struct transfer *t = who;
	struct run *r = &t->run;
	struct str line = { bytes, size * n };

	if (r->stopped)
		return 0;
	if (r->head_done)
		return line.n;		/* a trailer */
	if (!within_limits(r, line.n))
		return give_up(t, TRANSFER_PROTOCOL, "header is too large");
	while (line.n > 0 && (line.p[line.n - 1] == '\n' ||
	    line.p[line.n - 1] == '\r'))
		line.n--;
	if (line.n == 0)
		return end_head(t, size * n);
	if (str_starts(line, STR("HTTP/")))
		begin_head(r, line);
	else
		add_line(r, line);
	return size * n;
}

/* CURLOPT_WRITEFUNCTION. */
size_t
reply_bytes(char *bytes, size_t size, size_t n, void *clientp)
{
	struct transfer *t = clientp;
	struct run *r = &t->run;
	struct str text = { bytes, size * n };

	if (r->stopped)
		return 0;
	r->last_ms = loop_now_ms(t->way->wire->loop);
	if (r->plan.body_in(r->plan.who, text))
		return r->stopped ? 0 : text.n;
	r->paused = true;
	return CURL_WRITEFUNC_PAUSE;
}
