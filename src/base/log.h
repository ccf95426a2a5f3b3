/* SPDX-License-Identifier: MIT */
/*
 * log -- one line for one thing that happened
 *
 * Lines are written at once, or after log_gather() with one write() at the
 * end of a loop turn (log_flush).  The target is non-blocking where it can
 * block: what does not go out now stays in a buffer of 64 KiB, and a line that
 * finds it full is dropped and counted, never waited for.
 * Secrets: the caller never passes one; text from outside is escaped here.
 * Limits: a field is cut at MAX_LOG_FIELD, a line at MAX_LOG_LINE bytes.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };
enum log_format { LOG_JSON, LOG_LOGFMT, LOG_PLAIN,
	LOG_TEXT };			/* another word for plain */
enum log_target { LOG_STDERR, LOG_FILE, LOG_SYSLOG };

struct log_plan {
	enum log_target target;
	const char *path;		/* LOG_FILE only */
	enum log_format format;
	enum log_level level;
};

/* False: path cannot be opened (errno says why); the old target stays. */
bool log_open(const struct log_plan *plan);
bool log_reopen(void);			/* after rotation */

/* In a worker, after fork: from now on lines wait for log_flush(). */
void log_gather(void);
void log_flush(void);
bool log_wants(enum log_level level);
void log_generation(uint32_t generation);	/* stands in every line */
uint64_t log_dropped(void);

/* A line made of fields: begin, any number of fields, end.  Empty texts and
 * zero numbers are left out by the _opt functions. */
struct log_line {
	char text[4096];
	size_t n;
	enum log_format format;
	enum log_level level;
	bool cut;			/* something was left out; the line says so */
};

void log_begin(struct log_line *l, enum log_level level, const char *event);
void log_str(struct log_line *l, const char *key, struct str value);
void log_opt(struct log_line *l, const char *key, struct str value);
void log_num(struct log_line *l, const char *key, int64_t value);
void log_ms(struct log_line *l, const char *key, uint64_t us); /* "1.234" */
void log_end(struct log_line *l);

/* A line with level, event and one text. */
void log_say(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
