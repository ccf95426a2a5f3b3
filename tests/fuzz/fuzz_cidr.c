/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cidr -- a block that is read is written and read again as itself, and
 * the sorted list agrees with a look at every entry
 *
 * Each line is a block; the last one that is an address is looked for.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "fuzz/fuzz.h"

#define MOST 64

static void
check_text(const struct conf_cidr *c)
{
	char room[CONF_ADDR_TEXT];
	struct str text = conf_addr_text(c, room);
	struct conf_cidr again;

	if (c->unix_peer)
		return;
	if (!conf_cidr_parse(text, &again) || again.bits != c->bits ||
	    again.v6 != c->v6 || memcmp(again.addr, c->addr, 16) != 0)
		abort();
}

/* We are stricter than the C library, never looser. */
static void
check_library(struct str line, const struct conf_cidr *c)
{
	char text[64];
	uint8_t addr[16];
	size_t slash = str_find(line, '/');

	if (c->unix_peer || slash >= sizeof(text))
		return;
	memcpy(text, line.p, slash);
	text[slash] = '\0';
	if (inet_pton(AF_INET6, text, addr) != 1 &&
	    inet_pton(AF_INET, text, addr) != 1)
		abort();
}

static void
check_list(const struct conf_cidr *v, uint32_t n, const struct conf_cidr *a,
	struct arena *arena)
{
	struct conf_cidrs list = { .v = v, .n = n };
	struct span spans[MOST];
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (v[i].unix_peer)
			continue;
		memcpy(spans[count].addr, v[i].addr, 16);
		spans[count].bits = v[i].bits;
		spans[count].v6 = v[i].v6;
		spans[count++].until_unix_s = v[i].until_unix_s != 0 ?
			v[i].until_unix_s : SPANS_FOREVER;
	}
	for (int64_t now = 0; now < 4; now++) {
		if (conf_cidr_has(&list, a, now) != spans_has(spans_new(spans,
		    count, arena), a->addr, a->v6, now))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };
	struct arena *a = arena_new(1 << 20);
	struct conf_cidr v[MOST], address;
	bool has_address = false;
	uint32_t count = 0;

	while (text.n > 0 && count < MOST) {
		struct str line = str_cut(&text, '\n');

		has_address |= conf_addr_parse(line, &address);
		if (!conf_cidr_parse(line, &v[count]))
			continue;
		check_text(&v[count]);
		check_library(line, &v[count]);
		v[count].until_unix_s = (int64_t)(line.n % 4);
		count++;
	}
	if (has_address)
		check_list(v, count, &address, a);
	arena_free(a);
	return 0;
}
