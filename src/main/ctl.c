/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl: options, and which verb it is
 */
#include "config.h"

#include "main/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "main/options.h"
#include "main/print.h"
#include "main/secure.h"
#include "main/settings.h"
#include "shm/revoked.h"

#define MAX_WORDS 8
#define LENGTH_PRESET 32

enum word { JSON, QUIET, CONFIG, STATE, WATCH, LENGTH, SHA256, VERSION_WORD,
	HELP,
	FIRST_GIVEN };		/* rows of enum ctl_given follow */
#define GIVEN(id) [(int)FIRST_GIVEN + CTL_##id]

static const struct option_row rows[] = {
	[JSON] = { "json", 0, NULL, false, "answer in JSON" },
	[QUIET] = { "quiet", 'q', NULL, false, "say nothing but errors" },
	[CONFIG] = { "config", 'c', "FILE", false, "configuration file" },
	[STATE] = { "state", 0, "FILE", false, "file of the shared state" },
	[WATCH] = { "watch", 0, NULL, false, "status: again each second" },
	[LENGTH] = { "length", 0, "N", false, "token new: random bytes, 16..128" },
	[SHA256] = { "sha256", 0, NULL, false, "token new: its digest, too" },
	[VERSION_WORD] = { "version", 'V', NULL, false, "print the version" },
	[HELP] = { "help", 'h', NULL, false, "print this" },
	GIVEN(JTI) = { "jti", 0, "ID", false, "revoke, token mint: token with "
		"this id" },
	GIVEN(ISS) = { "iss", 0, "URL", false, "its issuer; revoke: whoever "
		"issued it when absent" },
	GIVEN(USER) = { "user", 0, "NAME", false, "revoke: all of this user" },
	GIVEN(BEFORE) = { "before", 0, "TIME", false, "what was issued earlier; "
		"now when absent" },
	GIVEN(TOKEN) = { "token", 0, "FILE", false, "revoke: the token in FILE, "
		"- for standard input" },
	GIVEN(UNTIL) = { "until", 0, "TIME", false, "end, as "
		"2027-01-31T00:00:00Z" },
	GIVEN(SUB) = { "sub", 0, "USER", false, "token mint: whose it is" },
	GIVEN(AUD) = { "aud", 0, "NAME", false, "token mint: for whom" },
	GIVEN(SCOPE) = { "scope", 0, "WORDS", false, "token mint: scopes" },
	GIVEN(TTL) = { "ttl", 0, "TIME", false, "token mint: how long it is "
		"good; else 1h" },
	GIVEN(CLAIM) = { "claim", 0, "NAME=VALUE", false, "token mint: one "
		"more, JSON or text; again and again" },
	GIVEN(ALG) = { "alg", 0, "ALG", false, "token mint: as HS256, ES256" },
	GIVEN(KEY) = { "key", 0, "FILE", false, "token mint: private key or "
		"secret; env:NAME for a variable" },
	GIVEN(KID) = { "kid", 0, "ID", false, "token mint: name of the key" },
	GIVEN(SERVER) = { "server", 0, "NAME", false, "token verify: whose "
		"rules; else those of mcpProxy" },
	GIVEN(FOR) = { "for", 0, "TIME", false, "end from now, as 1h or 7d" },
	GIVEN(GIVEN) = { NULL, 0, NULL, false, NULL }
};

static int
check(struct ctl *c)
{
	struct settings s = { .config = c->config, .env_overrides = -1 };

	return settings_check(&s, c->quiet ? SETTINGS_NOTHING :
		c->json ? SETTINGS_JSON : SETTINGS_TEXT);
}

static const struct verb {
	const char *name;
	int (*run)(struct ctl *c);
	int least, most;		/* words, itself included */
	const char *help;
} verbs[] = {
	{ "status", ctl_status, 1, 1,
		"status [--watch]         workers, reload, requests, pools" },
	{ "errors", ctl_errors, 1, 1,
		"errors                   the faults of late" },
	{ "pool", ctl_pool, 1, 4,
		"pool [SERVER]            token states\n"
		"  pool clear SERVER [N]    forget failures and cooldown\n"
		"  pool disable SERVER N    take a token out\n"
		"  pool enable SERVER [N]   and in again\n"
		"  pool rewind SERVER       the next index is 0" },
	{ "metrics", ctl_metrics, 1, 1,
		"metrics                  counters as Prometheus text" },
	{ "doctor", ctl_doctor, 1, 2,
		"doctor [URL]             what is wrong between a client and us" },
	{ "reload", ctl_reload, 1, 1,
		"reload                   load the configuration again" },
	{ "sessions", ctl_sessions, 1, 3,
		"sessions                 sessions of clients that are alive\n"
		"  sessions end ID          end one" },
	{ "revoke", ctl_revoke, 1, 3,
		"revoke --jti J [--iss I] | --user U [--before T] | --token FILE\n"
		"         [--until T | --for D]\n"
		"                           refuse it from the next request on\n"
		"  revoke jti J, revoke subject U, revoke token-file FILE\n"
		"                           the same in words\n"
		"  revoke list              what is refused" },
	{ "ip", ctl_ip, 2, 3,
		"ip ban ADDRESS [--for 1h]\n"
		"  ip allow ADDRESS [--for 1h]\n"
		"                           an address or block, everywhere, at once\n"
		"  ip clear ADDRESS         neither any more; also ip remove\n"
		"  ip list                  what is banned or let in" },
	{ "check", check, 1, 1,
		"check                    is the configuration good?" },
	{ "token", ctl_token, 2, 3,
		"token new [--length 32] [--sha256]\n"
		"                           a random token\n"
		"  token mint --sub USER --alg ALG --key FILE|env:NAME\n"
		"         [--aud A --iss I --scope S --ttl 1h --jti J --kid K]\n"
		"         [--claim NAME=VALUE]\n"
		"                           a signed token\n"
		"  token verify [-] [--server NAME]\n"
		"                           what we would say to a token" },
	{ "secret", ctl_secret, 2, 3,
		"secret new               a new 32-byte key\n"
		"  secret hash [-]          digest of a secret on stdin" },
};

#define VERBS (sizeof verbs / sizeof verbs[0])

int
ctl_fail(int code, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("mcpgatectl: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputs("\n", stderr);
	return code;
}

int
ctl_print(const struct ctl *c, struct buf *b)
{
	struct str text;

	if (!buf_take(b, &text))
		return ctl_fail(EX_SOFTWARE, "too much to print");
	if (c->quiet)
		return EX_OK;
	if (fwrite(text.p, 1, text.n, stdout) != text.n
	    || fflush(stdout) != 0)
		return ctl_fail(EX_IOERR, "cannot write");
	return EX_OK;
}

static void
print_help(void)
{
	(void)printf("usage: mcpgatectl [options] VERB\n\n");
	for (size_t i = 0; i < VERBS; i++)
		(void)printf("  %s\n", verbs[i].help);
	(void)printf("\n");
	options_help(rows, stdout);
}

/* ---- what the verbs stand on -------------------------------------------------- */
static void
load(struct ctl *c)
{
	struct conf_messages said = { 0 };
	struct conf_source src = { 0 };

	src.file = c->file = conf_find(c->config, c->arena);
	if (src.file == NULL) {
		c->why_no_conf = STR("there is no configuration file");
		return;
	}
	c->gen = conf_load(&src, c->arena, &said);
	for (uint32_t i = 0; c->gen == NULL && i < said.n; i++) {
		if (said.v[i].level == CONF_ERROR && c->why_no_conf.n == 0)
			c->why_no_conf = said.v[i].text;
	}
}

bool
ctl_load(struct ctl *c)
{
	if (!c->loaded)
		load(c);
	c->loaded = true;
	return c->gen != NULL || c->file == NULL;
}

static const char *
configured_state(const struct ctl *c)
{
	return c->gen != NULL ? conf_state(conf_tree(c->gen)) : NULL;
}

const char *
ctl_state(const struct ctl *c)
{
	return c->state != NULL ? c->state : configured_state(c);
}

/* Root may look into any; why it cannot has another reason then. */
static bool
is_for_others(const char *file)
{
	struct stat st;

	if (file == NULL || geteuid() == 0)
		return false;
	if (lstat(file, &st) != 0)
		return errno == EACCES;
	return st.st_uid != geteuid();
}

static int
not_open(const struct ctl *c, const char *why)
{
	int code = is_for_others(ctl_state(c)) ? EX_NOPERM : EX_NOINPUT;
	struct str others = ctl_state(c) == NULL ?
		segment_others("/dev/shm", c->arena) : STR("");

	return ctl_fail(code, "cannot open the shared state: %s%s%.*s", why,
		others.n > 0 ? "; try --state " : "", STR_ARG(others));
}

/* A state where it lies by rule may be that of another gateway: it is named,
 * not taken. */
static int
not_loaded(const struct ctl *c)
{
	const char *why = "";
	struct segment *s = segment_open(NULL, SEGMENT_READ_ONLY, c->arena,
		&why);
	int code = access(c->file, F_OK) != 0 ? EX_NOINPUT : EX_CONFIG;

	ctl_fail(code, "cannot load the configuration, say --state %s to look "
		"without it: %.*s", s != NULL ? segment_path(s) : "FILE",
		STR_ARG(c->why_no_conf));
	if (s != NULL)
		segment_close(s);
	return code;
}

int
ctl_open(struct ctl *c, int flags)
{
	const char *why = "";

	if (!ctl_load(c) && c->state == NULL)
		return not_loaded(c);
	c->segment = segment_open(ctl_state(c), flags, c->arena, &why);
	return c->segment != NULL ? EX_OK : not_open(c, why);
}

/* By the configuration; --state says where the shared file is, not where the
 * journal is.  With another configuration, or none: what the gateway says. */
const char *
ctl_journal(const struct ctl *c)
{
	const char *configured[] = { configured_state(c), NULL, NULL };
	const char *first = NULL;

	if (c->segment != NULL)
		configured[2] = segment_path(c->segment);
	for (size_t i = 0; i < sizeof(configured) / sizeof(*configured); i++) {
		const char *journal = revoked_journal(configured[i],
			c->segment, c->arena);

		if (revoked_served(c->segment, journal) == REVOKED_SERVED)
			return journal;
		if (i == 0 && c->gen != NULL)
			first = journal;
	}
	return first;
}

const struct conf_server *
ctl_server(const struct ctl *c, const char *name)
{
	const struct conf *conf = c->gen != NULL ? conf_tree(c->gen) : NULL;

	for (uint32_t i = 0; conf != NULL && i < conf->n_servers; i++) {
		if (str_is(conf->servers[i].name, name))
			return &conf->servers[i];
	}
	return NULL;
}

/* ---- the command line ---------------------------------------------------------- */
/* The last one counts; claims are gathered. */
static int
set_given(struct ctl *c, enum ctl_given which, const char *value)
{
	if (which != CTL_CLAIM) {
		c->given[which] = value;
		return EX_OK;
	}
	if (c->n_claims == CTL_CLAIMS)
		return ctl_fail(EX_USAGE, "at most %d claims", CTL_CLAIMS);
	c->claims[c->n_claims++] = value;
	return EX_OK;
}

static int
set(struct ctl *c, enum word word, const char *value)
{
	uint64_t n;

	switch (word) {
	case JSON:
		c->json = true;
		return EX_OK;
	case QUIET:
		c->quiet = true;
		return EX_OK;
	case CONFIG:
		c->config = value;
		return EX_OK;
	case STATE:
		c->state = value;
		return EX_OK;
	case WATCH:
		c->watch = true;
		return EX_OK;
	case LENGTH:
		if (!str_number(str_of(value), &n) || n < 16 || n > 128)
			return ctl_fail(EX_USAGE, "--length is not within "
				"16..128 bytes");
		c->length = (uint32_t)n;
		return EX_OK;
	case SHA256:
		c->sha256 = true;
		return EX_OK;
	case VERSION_WORD:
		print_version("mcpgatectl");
		return -1;
	case HELP:
		print_help();
		return -1;
	default:
		return set_given(c, word - FIRST_GIVEN, value);
	}
}

/* Options may stand before and behind the verb. 0: go on; -1: done. */
static int
read_line(struct ctl *c, int argc, char **argv)
{
	struct options o;
	int word, rc = EX_OK;

	options_init(&o, rows, argc, argv);
	while (rc == EX_OK) {
		word = options_next(&o);
		if (word == OPTIONS_BAD)
			return ctl_fail(EX_USAGE, "%s", o.why);
		if (word >= 0) {
			rc = set(c, (enum word)word, o.value);
			continue;
		}
		if (o.at >= argc)
			return EX_OK;
		if (c->n_words == MAX_WORDS)
			return ctl_fail(EX_USAGE, "too many words");
		c->words[c->n_words++] = argv[o.at++];
	}
	return rc;
}

/* What changes something is on record, before and after. */
static int
run(struct ctl *c, const struct verb *v)
{
	int rc, after;

	if (v->run == ctl_revoke)
		ctl_revoke_words(c);
	rc = ctl_audit(c, -1);
	if (rc != EX_OK)
		return rc;
	rc = v->run(c);
	after = ctl_audit(c, rc);
	return rc != EX_OK ? rc : after;
}

static int
dispatch(struct ctl *c)
{
	if (c->n_words == 0)
		return ctl_fail(EX_USAGE, "a verb is missing, try --help");
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, c->words[0]) != 0)
			continue;
		if (c->n_words < verbs[i].least
		    || c->n_words > verbs[i].most)
			return ctl_fail(EX_USAGE, "usage:\n  %s",
				verbs[i].help);
		return run(c, &verbs[i]);
	}
	return ctl_fail(EX_USAGE, "unknown verb '%s', try --help",
		c->words[0]);
}

int
main(int argc, char **argv)
{
	char *words[MAX_WORDS];
	struct ctl c = { .words = words, .length = LENGTH_PRESET };
	int rc;

	secure_process(false);
	rc = read_line(&c, argc, argv);
	if (rc != EX_OK)
		return rc < 0 ? EX_OK : rc;
	c.arena = arena_new(MAX_ARENA);
	rc = dispatch(&c);
	if (c.segment != NULL)
		segment_close(c.segment);
	if (c.gen != NULL)
		conf_release(c.gen);
	arena_free(c.arena);
	return rc;
}
