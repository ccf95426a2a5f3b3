/* SPDX-License-Identifier: MIT */
/*
 * conf_rig -- load a configuration from a text, in a directory of its own
 *
 *	struct conf_rig r = conf_rig_new();
 *	const struct conf *c = conf_rig_load(&r, "{ ... }");
 *	... r.messages ...
 *	conf_rig_end(&r);
 */
#ifndef KIT_CONF_RIG_H
#define KIT_CONF_RIG_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "conf/conf.h"

struct conf_rig {
	char dir[64], file[96];
	struct arena *arena;
	struct conf_source source;
	struct conf_messages messages;
	struct conf_gen *gen;		/* of the last load; NULL: refused */
};

static inline struct conf_rig
conf_rig_new(void)
{
	struct conf_rig r;

	memset(&r, 0, sizeof(r));
	snprintf(r.dir, sizeof(r.dir), "%s", "/tmp/gate-test-XXXXXX");
	if (mkdtemp(r.dir) == NULL) {
		perror(r.dir);
		exit(1);
	}
	snprintf(r.file, sizeof(r.file), "%s/c", r.dir);
	r.arena = arena_new(1 << 24);
	return r;
}

/* A file in the directory; returns its name. */
static inline struct str
conf_rig_write(struct conf_rig *r, const char *name, const char *text,
	mode_t mode)
{
	struct str path = str_fmt(r->arena, "%s/%s", r->dir, name);
	FILE *f = fopen(path.p, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 ||
	    chmod(path.p, mode) != 0) {
		perror(path.p);
		exit(1);
	}
	return path;
}

/* NULL: refused; r->messages says why. The load before it is let go. */
static inline const struct conf *
conf_rig_load(struct conf_rig *r, const char *text)
{
	conf_release(r->gen);
	conf_rig_write(r, "c", text, 0600);
	r->source.file = r->file;
	r->gen = conf_load(&r->source, r->arena, &r->messages);
	return r->gen != NULL ? conf_tree(r->gen) : NULL;
}

/* True when a message has this id and holds this text. */
static inline bool
conf_rig_said(const struct conf_rig *r, const char *id, const char *text)
{
	for (uint32_t i = 0; i < r->messages.n; i++) {
		const struct conf_message *m = &r->messages.v[i];

		if (strcmp(m->id, id) == 0 && str_search(m->text,
		    str_of(text)) < m->text.n)
			return true;
	}
	return false;
}

static inline void
conf_rig_show(const struct conf_rig *r)
{
	for (uint32_t i = 0; i < r->messages.n; i++)
		printf("# %s %.*s\n", r->messages.v[i].id,
			STR_ARG(r->messages.v[i].text));
}

static inline void
conf_rig_end(struct conf_rig *r)
{
	DIR *d = opendir(r->dir);

	for (struct dirent *e = d != NULL ? readdir(d) : NULL; e != NULL;
	    e = readdir(d)) {
		char path[400];

		snprintf(path, sizeof(path), "%s/%s", r->dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(r->dir);
	conf_release(r->gen);
	arena_free(r->arena);
}

/* A file of the sources, whole. */
static inline struct str
conf_rig_sample(struct conf_rig *r, const char *name)
{
	const char *top = getenv("top_srcdir");
	struct str path = str_fmt(r->arena, "%s/%s", top != NULL ? top : ".",
		name);
	FILE *f = fopen(path.p, "r");
	char *p = arena_alloc(r->arena, 1 << 20);
	size_t n = f != NULL ? fread(p, 1, (1 << 20) - 1, f) : 0;

	if (f == NULL) {
		perror(path.p);
		exit(1);
	}
	fclose(f);
	return (struct str){ p, n };
}

#endif
