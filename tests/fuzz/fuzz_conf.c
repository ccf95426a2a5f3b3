/* SPDX-License-Identifier: MIT */
/*
 * fuzz_conf -- no text breaks the loader; what it takes, it can dump
 *
 * The text goes through a file, as a configuration does.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "conf/conf.h"
#include "fuzz/fuzz.h"

static char path[] = "/dev/shm/gate-fuzz-XXXXXX";	/* or /var/tmp */

static void
gone(void)
{
	unlink(path);
}

static void
put_file(const uint8_t *p, size_t n)
{
	static int fd = -1;

	if (fd < 0) {
		if (access("/dev/shm", W_OK) != 0)
			memcpy(path, "/var/tmp", 8);
		fd = mkstemp(path);
		atexit(gone);
	}
	if (fd < 0 || ftruncate(fd, 0) != 0 ||
	    pwrite(fd, p, n, 0) != (ssize_t)n)
		abort();
}

/* Every message has a place and nothing a terminal obeys. */
static void
check_messages(const struct conf_messages *m, bool loaded)
{
	if (loaded != (m->errors == 0))
		abort();
	for (uint32_t i = 0; i < m->n; i++) {
		struct str text = m->v[i].text;

		if (str_search(text, STR(": ")) == text.n)
			abort();
		for (size_t k = 0; k < text.n; k++) {
			if ((unsigned char)text.p[k] < 0x20)
				abort();
		}
	}
}

static void
check_dump(const struct conf_gen *g, struct arena *a)
{
	static const struct jdoc_limits limits = { 64, 1000000, 1 };
	struct jdoc_report report;

	if (jdoc_check(a, conf_dump(g, a), JDOC_STRICT, &limits, &report) !=
	    JDOC_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf_source source = { .file = path };
	struct arena *a = arena_new(MIB(64));
	struct conf_messages messages;
	struct conf_gen *g;

	put_file(p, n);
	g = conf_load(&source, a, &messages);
	check_messages(&messages, g != NULL);
	if (g != NULL)
		check_dump(g, a);
	conf_release(g);
	arena_free(a);
	return 0;
}
