/* SPDX-License-Identifier: MIT */
/*
 * remote -- what must be fetched before a caller can be judged
 */
#include "config.h"
#include "auth/remote.h"

#include "auth/introspect.h"
#include "base/arena.h"

struct auth_remote {
	struct arena *arena;
	struct introspect *introspect;
};

struct auth_remote *
auth_remote_new(struct loop *l, struct wire *w, struct segment *s)
{
	struct arena *a = arena_new(4096);
	struct auth_remote *r = ARENA_NEW(a, struct auth_remote);

	r->arena = a;
	r->introspect = introspect_new(l, w, s);
	return r;
}

void
auth_remote_free(struct auth_remote *r)
{
	if (r == NULL)
		return;
	introspect_free(r->introspect);
	arena_free(r->arena);
}

struct introspect *
auth_remote_introspect(struct auth_remote *r)
{
	return r->introspect;
}

const struct fault *
auth_remote_wait(struct auth_remote *r, const struct auth_need *need,
	struct waiter *w)
{
	if (need->kind == AUTH_NEED_ANSWER)
		return introspect_wait(r->introspect, need, w);
	return introspect_unavailable(w->arena, "keys cannot be fetched");
}

void
auth_remote_tick(struct auth_remote *r)
{
	(void)r;
}

uint32_t
auth_remote_list(const struct segment *s, struct auth_remote_view *v_r,
	uint32_t room, struct arena *a)
{
	(void)s;
	(void)v_r;
	(void)room;
	(void)a;
	return 0;
}
