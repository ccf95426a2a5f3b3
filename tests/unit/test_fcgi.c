/* SPDX-License-Identifier: MIT */
/*
 * What libfcgi makes of a screened request is what the peer has sent, and
 * what the screen has counted; a failed decode harms nobody.
 */
#include "config.h"
#include "door/fcgi.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "kit/fcgi_peer.h"
#include "kit/tap.h"

static const struct screen_limits limits = {
	MAX_PARAMS, MAX_PAIRS, MIB(8), MAX_DROPPED,
};
static struct bytes_pool pool;

static enum screen_verdict
feed(struct screen *s, const struct peer_text *t)
{
	enum screen_verdict v = SCREEN_MORE;

	screen_init(s, &pool, &limits);
	screen_eat(s, t->p, t->n, &v);
	return v;
}

/* Decodes the text; the caller looks into params and body, and frees. */
static const char *
decode(struct decoder *d, const struct peer_text *t, struct params *params_r,
	struct str *body_r)
{
	struct screen s;
	const char *why = "not complete";

	params_init(params_r, arena_new(MAX_ARENA), 8);
	if (feed(&s, t) == SCREEN_COMPLETE)
		why = decoder_run(d, &s, params_r, body_r);
	screen_reset(&s, &limits);
	return why;
}

/* Text whose bytes say where they are. */
static struct str
counted(size_t n)
{
	char *p = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 7 + i / 251);
	return (struct str){ p, n };
}

/* ---- what comes out is what was sent ---- */

static const struct {
	const char *name;
	size_t body;
	uint32_t chunk;
	uint8_t pad, flags;
	uint16_t id;
} rows[] = {
	{ "no body", 0, 0, 0, 0, 1 },
	{ "one byte", 1, 0, 7, 1, 255 },
	{ "small, in small records", 400, 13, 3, 1, 256 },
	{ "8 KiB, the size of its buffer", 8192, 0, 0, 0, 257 },
	{ "one record, full", 65535, 0, 1, 0, 32768 },
	{ "more than one record", 65536, 0, 255, 3, 65535 },
	{ "2 MB", 2000000, 0, 0, 1, 2 },
	{ "small after large", 10, 1, 0, 0, 3 },
};

static void
test_same(struct decoder *d)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer_call c = { .id = rows[i].id, .pad = rows[i].pad,
			.pad_empty = true, .flags = rows[i].flags,
			.chunk = rows[i].chunk };
		struct peer_text t = { 0 };
		struct params params;
		struct str body = STR_NONE;
		const char *why;

		c.body = counted(rows[i].body);
		peer_call(&t, &c);
		why = decode(d, &t, &params, &body);
		tap_ok(why == NULL && str_eq(body, c.body), "%s",
			rows[i].name);
		if (why != NULL)
			printf("# %s\n", why);
		IS_STR(params_server(&params, "REQUEST_URI"), "/mcp/s?x=1");
		IS_INT(params.n, 15);	/* REMOTE_USER is empty */
		OK(params_server(&params, "FCGI_ROLE").n == 0);
		free((char *)(uintptr_t)c.body.p);
		arena_free(params.arena);
		peer_clear(&t);
	}
	IS_INT(pool.held, 0);
}

static void
test_variables(struct decoder *d)
{
	static const char *const pairs[] = {
		"A", "1", "A", "2", "HTTP_X", "b=c", "HTTP_X", "", "HTTP_X",
		"d", "QUERY_STRING", "a=1&b=2", "x.y", "\xc3\xa4", "EMPTY", "",
		NULL
	};
	struct peer_call c = { .pairs = pairs };
	struct peer_text t = { 0 };
	struct params params;
	struct str body = STR_NONE;
	uint32_t n;

	peer_call(&t, &c);
	OK(decode(d, &t, &params, &body) == NULL);
	IS_STR(params_server(&params, "A"), "2");
	IS_STR(params_server(&params, "QUERY_STRING"), "a=1&b=2");
	IS_STR(params_server(&params, "X_Y"), "\xc3\xa4");
	IS_STR(params_client(&params, "HTTP_X", &n), "b=c");
	IS_INT(n, 2);
	IS_INT(params_server(&params, "EMPTY").n, 0);
	IS_INT(body.n, 0);
	arena_free(params.arena);
	peer_clear(&t);
}

static void
test_most_variables(struct decoder *d)
{
	struct peer_call c = { 0 };
	struct peer_text t = { 0 }, p = { 0 };
	struct params params;
	struct str body, value = counted(100);

	for (size_t i = 0; i < value.n; i++)
		((char *)(uintptr_t)value.p)[i] = 'v';
	for (int i = 0; i < MAX_PAIRS; i++)
		peer_pair(&p, STR("NAME_OF_A_VARIABLE"), value, i % 2 == 0);
	c.params = (struct str){ (char *)p.p, p.n };
	c.chunk = 1000;
	peer_call(&t, &c);
	OK(decode(d, &t, &params, &body) == NULL);
	IS_INT(params.n, MAX_PAIRS);
	arena_free(params.arena);
	free((char *)(uintptr_t)value.p);
	peer_clear(&p);
	peer_clear(&t);
}

/* ---- what must not happen ---- */

/* What the screen never stages, staged by hand. */
static void
test_failures(struct decoder *d)
{
	struct peer_text good = { 0 };
	struct peer_call c = { .body = STR("{}") };
	struct params params;
	struct str body;

	peer_call(&good, &c);
	for (int way = 0; way < 8; way++) {
		struct arena *a = arena_new(MAX_ARENA);
		struct screen s;
		const char *why;

		OK(feed(&s, &good) == SCREEN_COMPLETE);
		if (way == 0)
			s.stage.p[0] = 9;	/* version: refused */
		else if (way == 1)
			s.stage.n = 20;		/* half of it */
		else if (way == 2)
			s.pairs++;
		else if (way == 3)
			s.text_n--;
		else if (way == 4)
			s.id++;
		else if (way == 5)
			s.flags ^= 1;
		else if (way == 6)
			s.body_n++;
		else
			s.body_n--;
		params_init(&params, a, 8);
		why = decoder_run(d, &s, &params, &body);
		tap_ok(why != NULL, "difference %d is seen", way);
		screen_reset(&s, &limits);
		arena_free(a);
		why = decode(d, &good, &params, &body);
		tap_ok(why == NULL && str_eq(body, c.body),
			"a good request follows");
		arena_free(params.arena);
	}
	peer_clear(&good);
}

/* A body that was refused: the variables come, with an empty body. */
static void
test_refused_body(struct decoder *d)
{
	struct peer_call c = { .flags = 1 };
	struct peer_text t = { 0 };
	struct params params;
	struct str body;

	c.body = counted(MIB(8) + 1);
	peer_call(&t, &c);
	OK(decode(d, &t, &params, &body) == NULL);
	IS_STR(params_server(&params, "REQUEST_METHOD"), "POST");
	IS_INT(body.n, 0);
	free((char *)(uintptr_t)c.body.p);
	arena_free(params.arena);
	peer_clear(&t);
}

static void
handler(int signo)
{
	(void)signo;
}

static void
test_signals(void)
{
	static const int signals[] = { SIGPIPE, SIGUSR1, SIGTERM };
	struct sigaction a = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &a, NULL);
	a.sa_handler = handler;
	sigaction(SIGUSR1, &a, NULL);
	decoder_free(decoder_new(NULL));
	for (int i = 0; i < 3; i++) {
		sigaction(signals[i], NULL, &a);
		OK(a.sa_handler == (i == 0 ? SIG_IGN :
			i == 1 ? handler : SIG_DFL));
	}
}

/* No token is left in any file of this process; a large request's body may
 * be, a small one leaves nothing. */
static void
test_wiped(struct decoder *d, size_t body_n, int files_with_body)
{
	static char room[KIB(512)], text[KIB(64)];
	static const struct str words = { "the body may stay", 17 };
	struct peer_call c = { .body = { text, body_n } };
	struct peer_text t = { 0 };
	struct params params;
	struct str body;
	int files = 0;

	memset(text, 'x', sizeof(text));
	memcpy(text, words.p, words.n);
	peer_call(&t, &c);
	OK(decode(d, &t, &params, &body) == NULL);
	for (int fd = 3; fd < 20; fd++) {
		ssize_t n = pread(fd, room, sizeof(room), 0);
		struct str all = { room, n > 0 ? (size_t)n : 0 };

		if (str_search(all, words) < all.n)
			files++;
		OK(str_search(all, STR("tok_abc")) == all.n);
	}
	IS_INT(files, files_with_body);
	arena_free(params.arena);
	peer_clear(&t);
}

/* Requests of many sizes after one another, through the window's end. */
static void
test_sizes(struct decoder *d)
{
	static char text[KIB(64)];
	int wrong = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 251);
	for (size_t n = 0; n < 600; n++) {
		struct peer_call c = { .body = { text, n * n % 60000 } };
		struct peer_text t = { 0 };
		struct params params;
		struct str body;

		peer_call(&t, &c);
		if (decode(d, &t, &params, &body) != NULL ||
		    !str_eq(body, c.body))
			wrong++;
		arena_free(params.arena);
		peer_clear(&t);
	}
	IS_INT(wrong, 0);
}

/* ---- two workers at once ---- */

static int
worker(char mark)
{
	struct decoder *d = decoder_new(NULL);
	struct peer_text t = { 0 };
	struct peer_call c = { 0 };
	char text[3000];
	int wrong = 0;

	memset(text, mark, sizeof(text));
	for (int i = 0; i < 1000; i++) {
		struct params params;
		struct str body;

		c.body = (struct str){ text, (size_t)(i * 3) };
		peer_call(&t, &c);
		if (decode(d, &t, &params, &body) != NULL ||
		    !str_eq(body, c.body))
			wrong++;
		arena_free(params.arena);
		peer_clear(&t);
	}
	decoder_free(d);
	bytes_pool_clear(&pool);
	return wrong > 0 ? 1 : 0;
}

static void
test_two_workers(void)
{
	pid_t child = fork();
	int mine, status = -1;

	if (child == 0)
		_exit(worker('c'));
	mine = worker('p');
	IS_INT(mine, 0);
	OK(waitpid(child, &status, 0) == child && status == 0);
}

static int
open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int
main(void)
{
	struct decoder *d = decoder_new(NULL);
	int before = open_descriptors();

	bytes_pool_init(&pool, SIZE_MAX);
	for (int file = 0; file < 2; file++) {
		test_same(d);
		test_variables(d);
		test_most_variables(d);
		test_failures(d);
		test_refused_body(d);
		test_wiped(d, 20, 0);
		test_wiped(d, KIB(48), 1);
		test_sizes(d);
		decoder_use_file(d);
	}
	test_two_workers();
	test_signals();
	decoder_free(d);
	IS_INT(open_descriptors(), before);
	IS_INT(pool.held, 0);
	bytes_pool_clear(&pool);
	return tap_done();
}
