/* SPDX-License-Identifier: MIT */
/*
 * outcome -- why an exchange has ended; what libcurl's verdict means to us
 *
 * Details are fixed words: libcurl's own sentences can hold names and URLs.
 */
#include "config.h"
#include "http/wire.h"

#include <errno.h>
#include <string.h>

static const struct {
	CURLcode code;
	enum transfer_end end;
	const char *detail;
} rows[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, TRANSFER_DOWN, "host not found" },
	{ CURLE_COULDNT_RESOLVE_PROXY, TRANSFER_PROXY, "host not found" },
	{ CURLE_GOT_NOTHING, TRANSFER_DOWN, "closed without a reply" },
	{ CURLE_SEND_ERROR, TRANSFER_DOWN, "reset while sending" },
	{ CURLE_RECV_ERROR, TRANSFER_DOWN, "reset while receiving" },
	{ CURLE_OPERATION_TIMEDOUT, TRANSFER_TIMEOUT, "connect" },
	{ CURLE_PEER_FAILED_VERIFICATION, TRANSFER_TLS,
		"certificate is not trusted" },
	{ CURLE_SSL_CONNECT_ERROR, TRANSFER_TLS, "handshake failed" },
	{ CURLE_SSL_CACERT_BADFILE, TRANSFER_TLS, "CA file is not usable" },
	{ CURLE_SSL_CERTPROBLEM, TRANSFER_TLS,
		"client certificate is not usable" },
	{ CURLE_SSL_CIPHER, TRANSFER_TLS, "cipher list is not usable" },
	{ CURLE_SSL_ISSUER_ERROR, TRANSFER_TLS, "certificate is not trusted" },
	{ CURLE_USE_SSL_FAILED, TRANSFER_TLS, "handshake failed" },
	{ CURLE_WEIRD_SERVER_REPLY, TRANSFER_PROTOCOL, "reply is not HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL, TRANSFER_PROTOCOL, "reply is not HTTP" },
	{ CURLE_URL_MALFORMAT, TRANSFER_PROTOCOL, "URL is not usable" },
};

void
outcome(struct transfer *t, enum transfer_end end, const char *detail)
{
	if (t->judged)
		return;
	t->judged = true;
	t->end = end;
	t->detail = detail;
}

static long
ask_long(const struct transfer *t, CURLINFO what)
{
	long value = 0;

	curl_easy_getinfo(t->on->connector->easy, what, &value);
	return value;
}

static const char *
socks_cause(long why)
{
	switch (why) {
	case CURLPX_RESOLVE_HOST:
	case CURLPX_REPLY_HOST_UNREACHABLE:
		return "host not found";
	case CURLPX_REPLY_CONNECTION_REFUSED:
	case CURLPX_REPLY_NETWORK_UNREACHABLE:
	case CURLPX_REPLY_NOT_ALLOWED:
	case CURLPX_REQUEST_FAILED:
		return "refused";
	case CURLPX_REPLY_TTL_EXPIRED:
		return "timeout";
	default:
		return "handshake";
	}
}

static const char *
tunnel_cause(long status)
{
	if (status == 504)
		return "timeout";
	return status == 403 ? "refused" : "handshake";
}

/* What the proxy said comes first: newer libcurls say COULDNT_CONNECT for any
 * tunnel that is not made. */
static const char *
proxy_cause(const struct transfer *t, CURLcode code, long status)
{
	if (status != 0)
		return tunnel_cause(status);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "host not found";
	case CURLE_COULDNT_CONNECT:
		return ask_long(t, CURLINFO_OS_ERRNO) == ETIMEDOUT ?
			"timeout" : "refused";
	case CURLE_OPERATION_TIMEDOUT:
		return "timeout";
	case CURLE_PROXY:
		return socks_cause(ask_long(t, CURLINFO_PROXY_ERROR));
	default:
		return "handshake";
	}
}

static bool
is_tls(CURLcode code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code)
			return rows[i].end == TRANSFER_TLS;
	}
	return false;
}

/* The way through the proxy was not ready.  True: it is the proxy's fault. */
static bool
judge_proxy(struct transfer *t, CURLcode code)
{
	long status = ask_long(t, CURLINFO_HTTP_CONNECTCODE);
	bool http = strncmp(t->place->way->keys[0], "http", 4) == 0;

	if (status == 407) {
		outcome(t, TRANSFER_PROXY_AUTH, "status 407");
		return true;
	}
	/* Through the tunnel already: what failed is the upstream's. */
	if (http ? status / 100 == 2 : is_tls(code))
		return false;
	outcome(t, TRANSFER_PROXY, proxy_cause(t, code, status));
	return true;
}

static void
judge_connect(struct transfer *t)
{
	if (t->on->refused) {
		outcome(t, TRANSFER_BLOCKED, "private address");
		return;
	}
	switch (ask_long(t, CURLINFO_OS_ERRNO)) {
	case ECONNREFUSED:
		outcome(t, TRANSFER_DOWN, "refused");
		break;
	case ETIMEDOUT:
		outcome(t, TRANSFER_TIMEOUT, "connect");
		break;
	default:
		outcome(t, TRANSFER_DOWN, "unreachable");
		break;
	}
}

void
outcome_of(struct transfer *t, CURLcode code)
{
	if (t->place->way->traits.proxied && judge_proxy(t, code))
		return;
	if (code == CURLE_COULDNT_CONNECT) {
		judge_connect(t);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code) {
			outcome(t, rows[i].end, rows[i].detail);
			return;
		}
	}
	outcome(t, TRANSFER_DOWN, curl_easy_strerror(code));
}

void
outcome_timeout(struct transfer *t, const char *detail)
{
	if (t->on != NULL && !t->on->up && t->on->in_multi)
		outcome_of(t, CURLE_OPERATION_TIMEDOUT);
	else
		outcome(t, TRANSFER_TIMEOUT, detail);
}
