/* SPDX-License-Identifier: MIT */
/*
 * out_rig -- one reply of door/out.c, and a peer that takes what it is told to
 *
 * sendmsg() and writev() of the program under test are the ones here, so that
 * a send may end after any byte, or with any error, and is counted.  For one
 * include per program.
 */
#ifndef KIT_OUT_RIG_H
#define KIT_OUT_RIG_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/arena.h"
#include "base/limits.h"
#include "door/out.h"
#include "door/proto.h"
#include "kit/tap.h"

#define RIG_FD	4242		/* nothing is ever sent there */
#define RIG_ID	300
#define ALL	MIB(64)		/* a send that takes whatever comes */

static struct out out;
static struct bytes_pool pool;

/* What the peer does with the next sends: bytes that it takes, or a negative
 * errno; everything after these. */
static struct {
	long next[8];
	unsigned n;
	char got[MIB(2)];
	size_t got_n;
	unsigned sends, pieces;		/* calls; most pieces of one */
	bool plain;			/* the last one was writev() */
	int flags;			/* of the last sendmsg() */
	unsigned news[OUT_GONE + 1];
} peer;

static ssize_t
take(const struct iovec *v, size_t n)
{
	long most = peer.n > 0 ? peer.next[0] : (long)ALL;
	size_t taken = 0;

	if (peer.n > 0) {
		peer.n--;
		memmove(peer.next, peer.next + 1, peer.n * sizeof(long));
	}
	peer.sends++;
	peer.pieces = n > peer.pieces ? (unsigned)n : peer.pieces;
	errno = most < 0 ? (int)-most : EINTR;	/* as left from before */
	if (most < 0)
		return -1;
	for (size_t i = 0; i < n && taken < (size_t)most; i++) {
		size_t k = (size_t)most - taken;

		k = k < v[i].iov_len ? k : v[i].iov_len;
		if (peer.got_n + k > sizeof(peer.got))
			abort();
		memcpy(peer.got + peer.got_n, v[i].iov_base, k);
		peer.got_n += k;
		taken += k;
	}
	return (ssize_t)taken;
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	peer.plain = false;
	peer.flags = flags;
	return fd == RIG_FD ? take(m->msg_iov, (size_t)m->msg_iovlen) : -1;
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	peer.plain = true;
	return fd == RIG_FD ? take(v, (size_t)n) : -1;
}

static inline void
rig_told(void *who, enum out_news news)
{
	(void)who;
	peer.news[news]++;
}

/* A new reply; the peer has heard and got nothing yet. */
static inline void
rig_start(bool plain)
{
	bytes_pool_init(&pool, SIZE_MAX);
	memset(&peer, 0, sizeof(peer));
	out_init(&out, RIG_FD, &pool, rig_told, NULL);
	out_start(&out, plain ? 0 : RIG_ID, plain);
}

/* What the next send meets; may be said several times. */
static inline void
rig_next(long takes)
{
	peer.next[peer.n++] = takes;
}

/* False: memory is left. */
static inline bool
rig_stop(void)
{
	out_clear(&out);
	bytes_pool_clear(&pool);
	return pool.held == 0 && out_waiting(&out) == 0;
}

/* 200 with a Content-Length (NULL: without). */
static inline void
rig_begin_reply(const char *length)
{
	struct header line = { STR("Content-Length"), STR_NONE };
	struct headers h = { .v = &line, .n = length != NULL };

	if (length != NULL)
		line.value = str_of(length);
	out.outlet.ops->begin(&out.outlet, 200, &h);
}

/* n bytes, different enough for a lost or doubled one to be seen. */
static inline struct str
rig_text(size_t n)
{
	static char text[MIB(1)];

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + (i + i / 26 + i / 4096) % 26);
	return (struct str){ text, n };
}

static inline bool
rig_write(size_t n)
{
	return out.outlet.ops->write(&out.outlet, rig_text(n));
}

static inline void
rig_end_reply(void)
{
	out.outlet.ops->end(&out.outlet);
}

static inline bool
rig_full(void)
{
	return out.outlet.ops->full(&out.outlet);
}

/* What the peer has got, record by record. */
struct seen {
	size_t content[32];	/* of each STDOUT record */
	unsigned n;
	size_t sum;
	bool good;		/* ids, lengths, padding of zeros */
	bool closed, ended;	/* empty STDOUT, END_REQUEST */
	int status;
};

static inline void
see_content(struct seen *s, size_t n)
{
	s->good = s->good && !s->closed && s->n < 32;
	if (n == 0)
		s->closed = true;
	else if (s->good)
		s->content[s->n++] = n;
	s->sum += n;
}

static inline void
see_end(struct seen *s, const uint8_t *p, size_t n)
{
	static const uint8_t none[4];

	s->good = s->good && !s->ended && n == 8 &&
		memcmp(p, none, 4) == 0 && memcmp(p + 5, none, 3) == 0;
	s->ended = true;
	s->status = p[4];
}

static inline struct seen
see(void)
{
	const uint8_t *p = (const uint8_t *)peer.got;
	struct seen s = { .good = true, .status = -1 };
	size_t at = 0;

	while (s.good && at + 8 <= peer.got_n) {
		const uint8_t *h = p + at;
		size_t n = (size_t)(h[4] << 8 | h[5]);

		at += 8 + n + h[6];
		s.good = h[0] == 1 && (h[2] << 8 | h[3]) == RIG_ID &&
			at % 8 == 0 && h[6] < 8 && h[7] == 0 &&
			at <= peer.got_n;
		for (unsigned i = 0; i < h[6] && s.good; i++)
			s.good = h[8 + n + i] == 0;
		if (h[1] == PROTO_STDOUT)
			see_content(&s, n);
		else if (s.good && h[1] == PROTO_END_REQUEST)
			see_end(&s, h + 8, n);
		else
			s.good = false;
	}
	s.good = s.good && at == peer.got_n;
	return s;
}

#endif
