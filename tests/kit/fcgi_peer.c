/* SPDX-License-Identifier: MIT */
/* fcgi_peer -- records built by hand, without any code of the door */
#include "config.h"
#include "kit/fcgi_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK_MOST 65535

static const char *const usual[] = {
	"SCRIPT_NAME", "/mcp", "REQUEST_URI", "/mcp/s?x=1",
	"REQUEST_METHOD", "POST", "SERVER_PROTOCOL", "HTTP/1.1",
	"REMOTE_ADDR", "127.0.0.1", "REMOTE_PORT", "40000",
	"SERVER_NAME", "example.org", "SERVER_PORT", "443", "HTTPS", "on",
	"REMOTE_USER", "", "CONTENT_TYPE", "application/json",
	"HTTP_HOST", "example.org", "HTTP_ACCEPT",
	"application/json, text/event-stream",
	"HTTP_AUTHORIZATION", "Bearer tok_abcdefghijklmnopqrstuvwxyz",
	"HTTP_USER_AGENT", "peer/1", "HTTP_MCP_PROTOCOL_VERSION",
	"2025-06-18", NULL
};

void
peer_add(struct peer_text *t, const void *p, size_t n)
{
	if (n > t->room - t->n) {
		t->room = 2 * (t->n + n) + 256;
		t->p = realloc(t->p, t->room);
		if (t->p == NULL)
			abort();
	}
	if (n > 0)
		memcpy(t->p + t->n, p, n);
	t->n += n;
}

void
peer_clear(struct peer_text *t)
{
	free(t->p);
	memset(t, 0, sizeof(*t));
}

void
peer_record(struct peer_text *t, int type, uint16_t id, struct str content,
	uint8_t pad)
{
	uint8_t head[8] = { 1, (uint8_t)type, (uint8_t)(id >> 8),
		(uint8_t)id, (uint8_t)(content.n >> 8), (uint8_t)content.n,
		pad, 0x55 };
	uint8_t padding[256];

	memset(padding, 0xA5, sizeof(padding));
	peer_add(t, head, sizeof(head));
	peer_add(t, content.p, content.n);
	peer_add(t, padding, pad);
}

void
peer_begin(struct peer_text *t, uint16_t id, uint16_t role, uint8_t flags)
{
	char body[8] = { (char)(role >> 8), (char)role, (char)flags };

	peer_record(t, 1, id, (struct str){ body, sizeof(body) }, 0);
}

static void
add_length(struct peer_text *t, size_t n, bool lengthy)
{
	uint8_t four[4] = { (uint8_t)(n >> 24 | 0x80), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n };

	if (lengthy || n > 127)
		peer_add(t, four, 4);
	else
		peer_add(t, four + 3, 1);
}

void
peer_pair(struct peer_text *t, struct str name, struct str value, bool lengthy)
{
	add_length(t, name.n, lengthy);
	add_length(t, value.n, lengthy);
	peer_add(t, name.p, name.n);
	peer_add(t, value.p, value.n);
}

static uint16_t
id_of(const struct peer_call *c)
{
	return c->id != 0 ? c->id : 1;
}

void
peer_stream(struct peer_text *t, int type, const struct peer_call *c,
	struct str content)
{
	size_t chunk = c->chunk != 0 ? c->chunk : CHUNK_MOST;

	for (; content.n > 0; content = str_from(content, chunk))
		peer_record(t, type, id_of(c), str_head(content, chunk),
			c->pad);
	peer_record(t, type, id_of(c), STR_NONE, c->pad_empty ? c->pad : 0);
}

void
peer_params(struct peer_text *t, const struct peer_call *c)
{
	const char *const *v = c->pairs != NULL ? c->pairs : usual;

	if (c->params.p != NULL) {
		peer_add(t, c->params.p, c->params.n);
		return;
	}
	for (; *v != NULL; v += 2)
		peer_pair(t, str_of(v[0]), str_of(v[1]), false);
}

void
peer_call(struct peer_text *t, const struct peer_call *c)
{
	struct peer_text params = { 0 };
	char begin[8] = { 0, 1, (char)c->flags };

	if (c->role != 0) {
		begin[0] = (char)(c->role >> 8);
		begin[1] = (char)c->role;
	}
	peer_params(&params, c);
	peer_record(t, 1, id_of(c), (struct str){ begin, 8 },
		c->pad_empty ? c->pad : 0);
	peer_stream(t, 4, c, (struct str){ (char *)params.p, params.n });
	peer_stream(t, 5, c, c->body);
	peer_clear(&params);
}

/* ---- the way back ---- */

static void
take_record(struct peer_reply *r, const uint8_t *h, size_t n)
{
	const uint8_t *content = h + 8;

	r->id = (uint16_t)(h[2] << 8 | h[3]);
	r->last_type = h[1];
	if (r->id == 0) {
		r->management_n = n < 64 ? n : 64;
		memcpy(r->management, content, r->management_n);
	} else if (h[1] == 6 && n > 0) {
		r->broken = r->broken || r->out_closed;
		r->records++;
		peer_add(&r->out, content, n);
	} else if (h[1] == 6) {
		r->out_closed = true;
	} else if (h[1] == 3 && n == 8) {
		r->ended = true;
		r->protocol_status = content[4];
	} else {
		r->broken = true;
	}
}

void
peer_parse(struct peer_reply *r)
{
	while (!r->ended && !r->broken && r->raw.n - r->at >= 8) {
		const uint8_t *h = r->raw.p + r->at;
		size_t n = (size_t)(h[4] << 8 | h[5]), all = 8 + n + h[6];

		if (h[0] != 1)
			r->broken = true;
		if (r->raw.n - r->at < all)
			return;
		take_record(r, h, n);
		r->at += all;
	}
}

/* Where the header block ends in out, with its empty line; 0: not yet. */
static size_t
headers_end(const struct peer_reply *r)
{
	struct str all = { (const char *)r->out.p, r->out.n };
	size_t at = str_search(all, STR("\r\n\r\n"));

	return at < all.n ? at + 4 : 0;
}

struct str
peer_body(const struct peer_reply *r)
{
	struct str all = { (const char *)r->out.p, r->out.n };
	size_t end = headers_end(r);

	return end > 0 ? (struct str){ all.p + end, all.n - end } : STR("");
}

struct str
peer_header(const struct peer_reply *r, const char *name)
{
	struct str rest = { (const char *)r->out.p, headers_end(r) };

	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');
		struct str before = str_cut(&line, ':');

		if (line.p != NULL && str_is_nocase(before, name))
			return str_trim(str_head(line, line.n - 1));
	}
	return STR_NONE;
}

int
peer_status(const struct peer_reply *r)
{
	uint64_t status = 0;

	if (!str_number(str_head(peer_header(r, "Status"), 3), &status))
		return 0;
	return (int)status;
}

void
peer_next(struct peer_reply *r)
{
	struct peer_reply fresh = { 0 };

	if (r->raw.n > r->at)
		peer_add(&fresh.raw, r->raw.p + r->at, r->raw.n - r->at);
	fresh.closed = r->closed;
	peer_reply_clear(r);
	*r = fresh;
}

void
peer_reply_clear(struct peer_reply *r)
{
	peer_clear(&r->raw);
	peer_clear(&r->out);
	memset(r, 0, sizeof(*r));
}

/* ---- sockets ---- */

static int
connect_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
connect_tcp(const char *where)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *colon = strrchr(where, ':');
	int fd;

	if (colon == NULL)
		return -1;
	a.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
peer_connect(const char *path)
{
	return path[0] == '/' ? connect_unix(path) : connect_tcp(path);
}

bool
peer_send(int fd, const struct peer_text *t, size_t step)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	size_t at = 0;

	while (at < t->n) {
		size_t n = t->n - at;
		ssize_t k;

		if (step > 0 && n > step)
			n = step;
		if (poll(&p, 1, 5000) != 1)
			return false;
		k = send(fd, t->p + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		at += k > 0 ? (size_t)k : 0;
	}
	return true;
}

void
peer_read_some(int fd, struct peer_reply *r)
{
	char room[65536];
	ssize_t k;

	do {
		k = recv(fd, room, sizeof(room), MSG_DONTWAIT);
		if (k > 0)
			peer_add(&r->raw, room, (size_t)k);
	} while (k > 0);
	if (k == 0 || (errno != EAGAIN && errno != EINTR))
		r->closed = true;
	peer_parse(r);
}

bool
peer_receive(int fd, struct peer_reply *r, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	peer_parse(r);
	while (!r->ended && !r->closed && !r->broken) {
		if (poll(&p, 1, wait_ms) != 1)
			return false;
		peer_read_some(fd, r);
	}
	return true;
}
