/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl: words that several verbs take: an end in time, a secret
 *
 * Secrets: come from standard input or a file, never from arguments; they
 * are wiped with the arena.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "conf/units.h"
#include "main/ctl.h"

int
ctl_until(const struct ctl *c, int64_t *unix_s_r)
{
	const char *until = c->given[CTL_UNTIL], *span = c->given[CTL_FOR];
	int64_t ms;

	*unix_s_r = INT64_MAX;
	if (until != NULL && span != NULL)
		return ctl_fail(EX_USAGE, "--until and --for exclude each other");
	if (until != NULL && !value_date(str_of(until), unix_s_r))
		return ctl_fail(EX_USAGE, "--until: '%s' is not a time like "
			"2027-01-31T00:00:00Z", until);
	if (until != NULL && *unix_s_r <= clock_unix_s())
		return ctl_fail(EX_USAGE, "--until: '%s' is over", until);
	if (span == NULL)
		return EX_OK;
	if (!value_duration(str_of(span), &ms) || ms < 1000)
		return ctl_fail(EX_USAGE, "--for: '%s' is not a time like 90s, "
			"1h or 7d", span);
	*unix_s_r = clock_unix_s() + ms / 1000;
	return EX_OK;
}

/* ---- secrets -------------------------------------------------------------------- */
static bool
read_line(FILE *from, char *room, size_t size)
{
	size_t n;

	(void)setvbuf(from, NULL, _IONBF, 0);	/* no copy in a buffer */
	if (fgets(room, (int)size, from) == NULL)
		room[0] = '\0';
	n = strlen(room);
	while (n > 0 && (room[n - 1] == '\n' || room[n - 1] == '\r'))
		n--;
	room[n] = '\0';
	return n > 0;
}

static bool
read_input(char *room, size_t size)
{
	struct termios was, silent;
	bool tty = tcgetattr(STDIN_FILENO, &was) == 0, some;

	if (tty) {
		silent = was;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		(void)fputs("secret: ", stderr);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	some = read_line(stdin, room, size);
	if (tty) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		(void)fputs("\n", stderr);
	}
	return some;
}

int
ctl_read_secret(struct ctl *c, const char *file, const char **text_r)
{
	static const size_t size = MAX_TOKEN + 2;
	char *room = arena_alloc(c->arena, size);	/* wiped with it */
	bool some;
	FILE *f;

	if (strcmp(file, "-") == 0) {
		some = read_input(room, size);
	} else {
		f = fopen(file, "re");
		if (f == NULL)
			return ctl_fail(EX_NOINPUT, "cannot open '%s': %s",
				file, strerror(errno));
		some = read_line(f, room, size);
		(void)fclose(f);
	}
	if (!some)
		return ctl_fail(EX_DATAERR, "no secret %s", strcmp(file, "-") == 0 ?
			"on standard input" : "in the file");
	if (strlen(room) > MAX_TOKEN)
		return ctl_fail(EX_DATAERR, "longer than %d bytes", MAX_TOKEN);
	*text_r = room;
	return EX_OK;
}
