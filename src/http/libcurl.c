/* SPDX-License-Identifier: MIT */
/*
 * libcurl -- the library itself, loaded when the first connection needs it
 *
 * Some thirty libraries come with it.  Loading them takes longer than all
 * else that a CGI process does, and a page or a refusal needs none of them.
 * To the linker the functions below are libcurl's, so nobody else knows; in C
 * they have names of ours.  wire_warm() comes before all of them.
 * With --disable-late-curl this file is left out and libcurl linked as usual.
 */
#include "config.h"
#include "http/wire.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/log.h"

#define EACH(X) \
	X(global_init) X(global_cleanup) X(free) \
	X(easy_init) X(easy_cleanup) X(easy_setopt) X(easy_getinfo) \
	X(easy_send) X(easy_recv) X(easy_strerror) \
	X(multi_init) X(multi_cleanup) X(multi_setopt) X(multi_add_handle) \
	X(multi_remove_handle) X(multi_socket_action) X(multi_info_read) \
	X(url) X(url_cleanup) X(url_get) X(url_set)

#define POINTER(name)	__typeof__(curl_##name) *name;
static struct { EACH(POINTER) } real;

typedef void any_fn(void);

static void *
look_up(void *library, const char *name)
{
	void *found = library != NULL ? dlsym(library, name) : NULL;

	if (found == NULL) {
		log_say(LOG_LEVEL_ERROR, "http", "cannot load '%s': %s",
			GATE_LIBCURL, dlerror());
		log_flush();
		abort();
	}
	return found;
}

#define LOOK_UP(name) \
	*(void **)(void *)&real.name = look_up(library, "curl_" #name);

void
wire_load(void)
{
	void *library;

	if (real.global_init != NULL)
		return;
	library = dlopen(GATE_LIBCURL, RTLD_LAZY | RTLD_LOCAL);
	EACH(LOOK_UP)
}

/* ---- stand-ins ------------------------- */

#define STAND_IN(type, name, parameters) \
	type stand_in_##name parameters __asm__("curl_" #name); \
	type stand_in_##name parameters

STAND_IN(CURLcode, global_init, (long flags))
{
	return real.global_init(flags);
}

STAND_IN(void, global_cleanup, (void))
{
	real.global_cleanup();
}

STAND_IN(void, free, (void *p))
{
	real.free(p);
}

STAND_IN(CURL *, easy_init, (void))
{
	return real.easy_init();
}

STAND_IN(void, easy_cleanup, (CURL *e))
{
	real.easy_cleanup(e);
}

/* The number of an option says what type its value has. */
STAND_IN(CURLcode, easy_setopt, (CURL *e, CURLoption option, ...))
{
	CURLcode code;
	va_list ap;

	va_start(ap, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		code = real.easy_setopt(e, option, va_arg(ap, long));
	else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
		code = real.easy_setopt(e, option, va_arg(ap, curl_off_t));
	else if (option >= CURLOPTTYPE_FUNCTIONPOINT &&
	    option < CURLOPTTYPE_OFF_T)
		code = real.easy_setopt(e, option, va_arg(ap, any_fn *));
	else
		code = real.easy_setopt(e, option, va_arg(ap, void *));
	va_end(ap);
	return code;
}

STAND_IN(CURLcode, easy_getinfo, (CURL *e, CURLINFO what, ...))
{
	CURLcode code;
	va_list ap;

	va_start(ap, what);
	code = real.easy_getinfo(e, what, va_arg(ap, void *));
	va_end(ap);
	return code;
}

STAND_IN(CURLcode, easy_send, (CURL *e, const void *p, size_t n, size_t *n_r))
{
	return real.easy_send(e, p, n, n_r);
}

STAND_IN(CURLcode, easy_recv, (CURL *e, void *p, size_t n, size_t *n_r))
{
	return real.easy_recv(e, p, n, n_r);
}

STAND_IN(const char *, easy_strerror, (CURLcode code))
{
	return real.easy_strerror(code);
}

STAND_IN(CURLM *, multi_init, (void))
{
	return real.multi_init();
}

STAND_IN(CURLMcode, multi_cleanup, (CURLM *m))
{
	return real.multi_cleanup(m);
}

STAND_IN(CURLMcode, multi_setopt, (CURLM *m, CURLMoption option, ...))
{
	CURLMcode code;
	va_list ap;

	va_start(ap, option);
	if ((int)option < CURLOPTTYPE_OBJECTPOINT)
		code = real.multi_setopt(m, option, va_arg(ap, long));
	else if ((int)option < CURLOPTTYPE_FUNCTIONPOINT)
		code = real.multi_setopt(m, option, va_arg(ap, void *));
	else
		code = real.multi_setopt(m, option, va_arg(ap, any_fn *));
	va_end(ap);
	return code;
}

STAND_IN(CURLMcode, multi_add_handle, (CURLM *m, CURL *e))
{
	return real.multi_add_handle(m, e);
}

STAND_IN(CURLMcode, multi_remove_handle, (CURLM *m, CURL *e))
{
	return real.multi_remove_handle(m, e);
}

STAND_IN(CURLMcode, multi_socket_action, (CURLM *m, curl_socket_t fd, int bits,
	int *running_r))
{
	return real.multi_socket_action(m, fd, bits, running_r);
}

STAND_IN(CURLMsg *, multi_info_read, (CURLM *m, int *left_r))
{
	return real.multi_info_read(m, left_r);
}

STAND_IN(CURLU *, url, (void))
{
	return real.url();
}

STAND_IN(void, url_cleanup, (CURLU *u))
{
	real.url_cleanup(u);
}

STAND_IN(CURLUcode, url_get, (CURLU *u, CURLUPart part, char **text_r,
	unsigned int flags))
{
	return real.url_get(u, part, text_r, flags);
}

STAND_IN(CURLUcode, url_set, (CURLU *u, CURLUPart part, const char *text,
	unsigned int flags))
{
	return real.url_set(u, part, text, flags);
}
