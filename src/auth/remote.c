/* SPDX-License-Identifier: MIT */
/*
 * remote -- what must be fetched before a caller can be judged
 */
#include "config.h"
#include "auth/remote.h"

#include "auth/introspect.h"
#include "auth/keyfetch.h"
#include "base/arena.h"

struct auth_remote {
	struct arena *arena;
	struct introspect *introspect;
	struct keyfetch *keys;
};

struct auth_remote *
auth_remote_new(struct loop *l, struct wire *w, struct segment *s)
{
	struct arena *a = arena_new(4096);
	struct auth_remote *r = ARENA_NEW(a, struct auth_remote);

	r->arena = a;
	r->introspect = introspect_new(l, w, s);
	r->keys = keyfetch_new(l, w, s);
	return r;
}

void
auth_remote_free(struct auth_remote *r)
{
	if (r == NULL)
		return;
	keyfetch_free(r->keys);
	introspect_free(r->introspect);
	arena_free(r->arena);
}

struct introspect *
auth_remote_introspect(struct auth_remote *r)
{
	return r->introspect;
}

struct keyfetch *
auth_remote_keys(struct auth_remote *r)
{
	return r->keys;
}

const struct fault *
auth_remote_wait(struct auth_remote *r, const struct auth_need *need,
	struct waiter *w)
{
	if (need->kind == AUTH_NEED_ANSWER)
		return introspect_wait(r->introspect, need, w);
	return keyfetch_wait(r->keys, need->keys, w);
}

void
auth_remote_tick(struct auth_remote *r)
{
	keyfetch_tick(r->keys);
}

uint32_t
auth_remote_list(const struct segment *s, struct auth_remote_view *v_r,
	uint32_t room, struct arena *a)
{
	struct keyset_view *v = ARENA_ARRAY(a, struct keyset_view, room);
	uint32_t n = keyset_list(s, v, room, a);

	for (uint32_t i = 0; i < n; i++)
		v_r[i] = (struct auth_remote_view){
			.url = v[i].url, .keys = v[i].keys,
			.age_s = v[i].age_s, .stale = v[i].failing,
		};
	return n;
}
