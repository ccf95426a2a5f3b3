/* SPDX-License-Identifier: MIT */
/*
 * fuzz_jdoc -- no text breaks the scanner; what it calls good, json-c reads
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

static const struct jdoc_limits limits = { 64, 10000, 50 };

/* json-c reads it to the end, and what it writes then is good again.  Its own
 * text may differ in names and numbers only where the scanner says so. */
static void
read_tree(struct arena *a, struct str text, enum jdoc_profile profile)
{
	struct jdoc_report report;
	struct jdoc *d = jdoc_parse(a, text, profile, &limits, &report);

	if (d == NULL)
		abort();
	if (report.has_non_finite)	/* written as Infinity */
		return;
	if (jdoc_check(a, jdoc_text(a, d), profile, &limits, &report) !=
	    JDOC_OK)
		abort();
}

/* Every span lies in the text; a string among them can be unquoted. */
static void
read_message(struct arena *a, struct str text, const struct jdoc_message *m)
{
	const struct jdoc_span spans[] = { m->jsonrpc, m->id, m->method,
		m->params, m->result, m->error, m->name, m->uri, m->task_id,
		m->meta, m->meta_version, m->protocol_version };
	struct str word;

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct jdoc_span s = spans[i];

		if ((s.type == JDOC_ABSENT) != (s.raw.p == NULL))
			abort();
		if (s.raw.p != NULL && (s.raw.p < text.p || s.raw.n == 0 ||
		    s.raw.p + s.raw.n > text.p + text.n))
			abort();
		if (s.type == JDOC_STRING && !jdoc_unquote(a, s, &word))
			abort();
	}
}

static void
check(struct str text, enum jdoc_profile profile)
{
	struct arena *a = arena_new(MIB(16));
	struct jdoc_report report;
	enum jdoc_verdict v = jdoc_check(a, text, profile, &limits, &report);

	if ((v == JDOC_OK) != (report.why == NULL) || report.at > text.n)
		abort();
	for (uint32_t i = 0; v == JDOC_OK && i < report.n_messages; i++)
		read_message(a, text, &report.messages[i]);
	if (v == JDOC_OK)
		read_tree(a, text, profile);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };

	check(text, JDOC_STRICT);
	check(text, JDOC_MESSAGE);
	check(text, JDOC_CONFIG);
	return 0;
}
