/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http/transfer.h"
#include "main/notify.h"
#include "main/probe.h"
#include "main/worker.h"

#define MAX_CHILDREN 64		/* the ceiling of the key "workers" */
#define QUICK_MS 1000		/* who dies younger has to wait ... */
#define FIRST_WAIT_MS 100	/* ... so long, twice as long each time ... */
#define LAST_WAIT_MS 10000	/* ... up to here */
#define LAST_CALL_MS 5000	/* after the grace period: SIGKILL */
#define LOOK_MS 1000		/* the master's own pulse */

struct child {
	pid_t pid;			/* 0: none */
	uint64_t started_ms, due_ms;
	uint32_t quick;			/* early deaths in a row */
	bool leaving;			/* was told to go: not replaced */
};

struct pool {
	const struct settings *settings;
	struct conf_gen *conf;
	const char *state;		/* conf_state() at the start */
	struct str listen;		/* then, by the file; its mode */
	uint32_t socket_mode;
	bool given;			/* the socket is of somebody else */
	struct segment *segment;
	bool state_lost;		/* it was there */
	struct arena *arena, *state_arena;
	int fd;
	struct child children[MAX_CHILDREN];
	uint32_t wanted;
	uint32_t seen_reload;		/* segment_reload_wanted() */
	bool refused;			/* the file did not load … */
	uint64_t refused_stamp, refused_ms;	/* … which, and when */
	bool stopping;
	pid_t prober;			/* asks the upstreams; 0: none */
	int rc;				/* how the master ends */
	uint64_t kill_ms;		/* when patience ends */
	sigset_t signals, before;
	pid_t master;
};

static uint64_t
now_ms(void)
{
	return clock_mono_us() / 1000;
}

static void
tell_children(const struct pool *p, int signo)
{
	for (uint32_t i = 0; i < MAX_CHILDREN; i++) {
		if (p->children[i].pid > 0)
			(void)kill(p->children[i].pid, signo);
	}
}

static uint32_t
count_children(const struct pool *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MAX_CHILDREN; i++)
		n += p->children[i].pid > 0;
	return n;
}

/* The one that the workers have made since; never one of ours: with another
 * version of the program on the same name there would be no end to it. */
static void
find_state(struct pool *p)
{
	struct arena *a = arena_new(MAX_ARENA);
	const char *why;

	p->segment = segment_open(p->state, 0, a, &why);
	p->state_lost = p->segment == NULL;
	if (p->state_lost) {
		arena_free(a);
		return;
	}
	p->state_arena = a;
	p->seen_reload = segment_reload_wanted(p->segment);
}

/* Asked once a second, and before it is touched: the workers of a file that
 * was cut off end by a signal, and the next ones make another. */
static struct segment *
state_of(struct pool *p)
{
	if (p->segment != NULL && !segment_in_place(p->segment)) {
		log_say(LOG_LEVEL_ERROR, "state", "the shared state '%s' is "
			"another one now", segment_path(p->segment));
		segment_close(p->segment);
		arena_free(p->state_arena);
		p->segment = NULL;
		p->state_arena = NULL;
		p->state_lost = true;
	}
	if (p->state_lost)
		find_state(p);
	return p->segment;
}

/* ---- the configuration ------------------------------------------------------ */
static uint32_t
workers_of(const struct settings *s, const struct conf *c)
{
	uint32_t n = s->workers > 0 ? s->workers : c->workers;

	if (n == 0)
		n = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > MAX_CHILDREN ? MAX_CHILDREN : n;
}

/* What stays as it was at the start, when the generation has gone. */
static void
keep_fixed(struct pool *p, const struct conf *c)
{
	if (conf_state(c) != NULL)
		p->state = str_copy(p->arena, str_of(conf_state(c))).p;
	p->listen = str_copy(p->arena, c->listen);
	p->socket_mode = c->socket_mode;
}

/* Workers started later share the socket and the state of the others. */
static void
tell_fixed(const struct pool *p, const struct conf *c)
{
	const char *state = conf_state(c);
	bool same = p->state == NULL || state == NULL ? p->state == state :
		strcmp(p->state, state) == 0;

	if (!same)
		log_say(LOG_LEVEL_WARN, "config", "\"store.path\" takes "
			"effect at a restart");
	if (!p->given && (!str_eq(p->listen, c->listen) ||
	    p->socket_mode != c->socket_mode))
		log_say(LOG_LEVEL_WARN, "config", "\"listen\" and "
			"\"socketMode\" take effect at a restart");
}

/* A bad file changes nothing. */
static void
load_again(struct pool *p, bool aloud)
{
	uint64_t stamp = conf_stamp(p->settings->file);
	struct conf_gen *g = settings_reload(p->settings, aloud);

	p->refused = g == NULL;
	p->refused_stamp = stamp;
	p->refused_ms = now_ms();
	if (g == NULL)
		return;
	tell_fixed(p, conf_tree(g));
	conf_release(p->conf);
	p->conf = g;
	settings_log(p->settings, conf_tree(g));
	p->wanted = workers_of(p->settings, conf_tree(g));
}

static void
reload(struct pool *p)
{
	notify_reloading();
	load_again(p, true);
	if (state_of(p) != NULL) {
		segment_want_reload(p->segment);
		p->seen_reload = segment_reload_wanted(p->segment);
	}
	tell_children(p, SIGHUP);
	notify_say("READY=1");
}

/* Somebody else asked, mcpgatectl for one: the workers see it themselves. */
static void
look_for_reload(struct pool *p)
{
	uint32_t wanted = state_of(p) != NULL ?
		segment_reload_wanted(p->segment) : p->seen_reload;

	if (wanted == p->seen_reload || p->stopping)
		return;
	p->seen_reload = wanted;
	load_again(p, true);
}

/* Nobody asked: the file is another one.  The workers look as well, and each
 * says what is wrong with it; a refused one waits until it changes. */
static void
look_at_file(struct pool *p)
{
	if (p->stopping || !conf_changed(p->conf))
		return;
	if (!p->refused
	    || conf_stamp(p->settings->file) != p->refused_stamp
	    || now_ms() - p->refused_ms >= CONF_REFUSED_MS)
		load_again(p, false);
}

/* ---- birth -------------------------------------------------------------------- */
/* In the child: an ordinary process again, bound to the master's life. */
static int
be_worker(struct pool *p)
{
	struct conf_gen *conf = p->conf;
	int rc;

	(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0L, 0L, 0L);
	(void)sigprocmask(SIG_SETMASK, &p->before, NULL);
	if (getppid() != p->master) {
		conf_release(conf);
		return EX_TEMPFAIL;	/* it died in between */
	}
	if (p->segment != NULL)
		segment_close(p->segment);
	(void)unsetenv("NOTIFY_SOCKET");
	rc = worker_run(&(struct worker_plan){ .settings = p->settings,
		.conf = conf, .state = p->state, .fd = p->fd,
		.own_master = true });
	return rc;
}

/* True in the child. */
static bool
start_child(struct pool *p, struct child *c)
{
	pid_t pid;

	look_at_file(p);		/* the newest that is good */
	log_flush();
	pid = fork();
	if (pid == 0)
		return true;
	c->started_ms = now_ms();
	if (pid > 0) {
		c->pid = pid;
		c->leaving = false;
		return false;
	}
	log_say(LOG_LEVEL_ERROR, "worker", "cannot fork: %s",
		strerror(errno));
	c->due_ms = c->started_ms + LAST_WAIT_MS;
	return false;
}

/* True in a child. */
static bool
start_due(struct pool *p)
{
	for (uint32_t i = 0; i < p->wanted && !p->stopping; i++) {
		struct child *c = &p->children[i];

		if (c->pid == 0 && c->due_ms <= now_ms()
		    && start_child(p, c))
			return true;
	}
	return false;
}

/* The number of workers has become smaller. */
static void
stop_surplus(struct pool *p)
{
	for (uint32_t i = p->wanted; i < MAX_CHILDREN; i++) {
		struct child *c = &p->children[i];

		if (c->pid > 0 && !c->leaving) {
			c->leaving = true;
			(void)kill(c->pid, SIGTERM);
		}
	}
}

/* ---- death -------------------------------------------------------------------- */
static void
plan_next(struct child *c, uint64_t now)
{
	uint64_t wait = FIRST_WAIT_MS;

	if (now - c->started_ms >= QUICK_MS) {
		c->quick = 0;
		c->due_ms = now;
		return;
	}
	for (uint32_t i = 0; i < c->quick && wait < LAST_WAIT_MS; i++)
		wait *= 2;
	c->quick++;
	c->due_ms = now + (wait < LAST_WAIT_MS ? wait : LAST_WAIT_MS);
}

static void
bury(struct pool *p, struct child *c, int status)
{
	uint64_t now = now_ms();
	pid_t pid = c->pid;

	c->pid = 0;
	if (p->stopping || c->leaving)
		return;
	plan_next(c, now);
	log_say(LOG_LEVEL_ERROR, "worker", "worker %ld ended by %s %d, next "
		"one in %u ms", (long)pid,
		WIFSIGNALED(status) ? "signal" : "exit code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		(unsigned)(c->due_ms - now));
}

static void
begin_stop(struct pool *p)
{
	int64_t grace = conf_tree(p->conf)->drain_ms;

	if (p->stopping) {
		tell_children(p, SIGKILL);
		return;
	}
	p->stopping = true;
	p->kill_ms = now_ms() + (uint64_t)grace + LAST_CALL_MS;
	notify_say("STOPPING=1");
	log_say(LOG_LEVEL_INFO, "stop", "%u worker(s) are finishing",
		count_children(p));
	tell_children(p, SIGTERM);
	if (p->prober > 0)
		(void)kill(p->prober, SIGTERM);
}

/* It has said in the log what does not answer, unless it was killed. */
static void
bury_prober(struct pool *p, int status)
{
	p->prober = 0;
	segment_starting(state_of(p), 0);
	if (p->stopping || (WIFEXITED(status) && WEXITSTATUS(status) == EX_OK))
		return;
	if (WIFSIGNALED(status))
		log_say(LOG_LEVEL_ERROR, "start", "who asks the upstreams "
			"was ended by signal %d", WTERMSIG(status));
	p->rc = EX_UNAVAILABLE;
	begin_stop(p);
}

static void
reap(struct pool *p)
{
	int status;
	pid_t pid;

	while (true) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return;
		if (pid == p->prober)
			bury_prober(p, status);
		for (uint32_t i = 0; i < MAX_CHILDREN; i++) {
			if (p->children[i].pid == pid)
				bury(p, &p->children[i], status);
		}
	}
}

/* ---- signals ------------------------------------------------------------------ */
static void
handle(struct pool *p, int signo)
{
	switch (signo) {
	case SIGHUP:
		reload(p);
		break;
	case SIGUSR1:
		(void)log_reopen();
		tell_children(p, SIGUSR1);
		break;
	case SIGTERM:
	case SIGINT:
		begin_stop(p);
		break;
	default:
		break;			/* SIGCHLD: reap() looks always */
	}
}

/* How long nothing is to be done. */
static uint64_t
sleep_ms(const struct pool *p)
{
	uint64_t now = now_ms(), least = LOOK_MS;

	for (uint32_t i = 0; i < p->wanted; i++) {
		const struct child *c = &p->children[i];
		uint64_t left = c->due_ms > now ? c->due_ms - now : 1;

		if (c->pid == 0 && !p->stopping && left < least)
			least = left;
	}
	return least;
}

static void
wait_for_signal(struct pool *p)
{
	uint64_t ms = sleep_ms(p);
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	int signo = sigtimedwait(&p->signals, NULL, &ts);

	if (signo > 0)
		handle(p, signo);
	if (p->stopping && now_ms() >= p->kill_ms)
		tell_children(p, SIGKILL);
}

/* The master waits for signals instead of being interrupted by them. */
static void
block_signals(struct pool *p)
{
	static const int all[] = { SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGCHLD };

	(void)sigemptyset(&p->signals);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		(void)signal(all[i], SIG_DFL);
		(void)sigaddset(&p->signals, all[i]);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_BLOCK, &p->signals, &p->before);
}

/* ---- panicIfInvalid ------------------------------------------------------------ */
/* In the child; it ends with the master. */
static int
be_prober(struct pool *p)
{
	int rc;

	(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0L, 0L, 0L);
	(void)sigprocmask(SIG_SETMASK, &p->before, NULL);
	rc = probe_run(conf_tree(p->conf), p->segment);
	log_flush();
	if (p->segment != NULL)
		segment_close(p->segment);
	conf_release(p->conf);
	return rc;
}

/* True in the child.  Workers serve meanwhile, and /ready says so. */
static bool
start_prober(struct pool *p)
{
	pid_t pid;

	if (!probe_wanted(conf_tree(p->conf)))
		return false;
	log_flush();
	pid = fork();
	if (pid == 0)
		return true;
	if (pid < 0) {
		log_say(LOG_LEVEL_ERROR, "start", "cannot fork: %s",
			strerror(errno));
		p->rc = EX_OSERR;	/* nobody knows what answers */
		return false;
	}
	p->prober = pid;
	segment_starting(p->segment, pid);
	return false;
}

/* True in a child, at once. */
static bool
watch_over(struct pool *p, const char *address)
{
	if (start_due(p))
		return true;
	settings_say_loaded(conf_tree(p->conf));
	log_say(LOG_LEVEL_INFO, "start", "%u worker(s) listen on %s",
		p->wanted, address);
	notify_say("READY=1");
	while (!p->stopping || count_children(p) > 0) {
		log_flush();
		wait_for_signal(p);
		look_for_reload(p);
		look_at_file(p);
		reap(p);
		stop_surplus(p);
		if (start_due(p))
			return true;
	}
	return false;
}

/* Better no service than one that lets in who was sent away. */
static bool
can_know_revocations(struct pool *p)
{
	struct revoked *r = worker_revoked(p->state, p->segment, p->arena);

	if (r == NULL) {
		log_flush();
		conf_release(p->conf);
	}
	revoked_close(r);
	return r != NULL;
}

static int
run(struct pool *p, const struct pool_plan *plan, bool *master_r)
{
	*master_r = true;
	/* without it each worker counts alone, and /ready says so */
	p->segment = worker_segment(p->state, p->arena);
	if (!can_know_revocations(p))
		return EX_IOERR;
	p->wanted = workers_of(p->settings, conf_tree(p->conf));
	if (p->segment != NULL)
		p->seen_reload = segment_reload_wanted(p->segment);
	block_signals(p);
	wire_load();
	if (start_prober(p)) {
		*master_r = false;
		return be_prober(p);
	}
	if (p->rc == EX_OK && watch_over(p, plan->listener->name)) {
		*master_r = false;
		return be_worker(p);	/* takes the generation over */
	}
	log_say(LOG_LEVEL_INFO, "stop", "all workers have ended");
	log_flush();
	if (p->segment != NULL)
		segment_close(p->segment);
	conf_release(p->conf);
	return p->rc;
}

int
pool_run(const struct pool_plan *plan, bool *master_r)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct pool *p = ARENA_NEW(a, struct pool);
	int rc;

	p->settings = plan->settings;
	p->conf = plan->conf;
	p->fd = plan->listener->fd;
	p->master = getpid();
	p->arena = a;
	keep_fixed(p, conf_tree(p->conf));
	p->given = p->settings->listen != NULL ||
		str_starts(str_of(plan->listener->name), STR("fd:"));
	settings_log(p->settings, conf_tree(p->conf));
	rc = run(p, plan, master_r);
	arena_free(p->state_arena);
	arena_free(a);
	return rc;
}
