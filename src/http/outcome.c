/* SPDX-License-Identifier: MIT */
/*
 * outcome -- what libcurl's verdict means to us
 *
 * Details are fixed words: libcurl's own sentences can hold names and URLs.
 */
#include "config.h"
#include "http/wire.h"

#include <errno.h>
#include <string.h>

#define NEWER_TOO_LARGE	((CURLcode)100)	/* CURLE_TOO_LARGE from 8.6 on */

static const struct {
	CURLcode code;
	enum transfer_end end;
	const char *detail;
} rows[] = {
	{ CURLE_OK, TRANSFER_OK, "" },
	{ CURLE_COULDNT_RESOLVE_HOST, TRANSFER_DOWN, "host not found" },
	{ CURLE_COULDNT_RESOLVE_PROXY, TRANSFER_PROXY, "host not found" },
	{ CURLE_GOT_NOTHING, TRANSFER_DOWN, "closed without a reply" },
	{ CURLE_SEND_ERROR, TRANSFER_DOWN, "reset while sending" },
	{ CURLE_RECV_ERROR, TRANSFER_DOWN, "reset while receiving" },
	{ CURLE_PARTIAL_FILE, TRANSFER_DOWN, "reply ended early" },
	{ CURLE_ABORTED_BY_CALLBACK, TRANSFER_DOWN, "closed without a reply" },
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
	{ CURLE_HTTP2, TRANSFER_PROTOCOL, "HTTP/2 framing" },
	{ CURLE_HTTP2_STREAM, TRANSFER_PROTOCOL, "HTTP/2 stream" },
	{ NEWER_TOO_LARGE, TRANSFER_PROTOCOL, "header is too large" },
	{ CURLE_OUT_OF_MEMORY, TRANSFER_PROTOCOL, "header is too large" },
	{ CURLE_WRITE_ERROR, TRANSFER_PROTOCOL, "reply was refused" },
	{ CURLE_BAD_CONTENT_ENCODING, TRANSFER_PROTOCOL, "bad encoding" },
};

static void
judge(struct transfer *t, enum transfer_end end, const char *detail)
{
	t->run.judged = true;
	t->run.end = end;
	t->run.detail = detail;
}

static long
ask_long(const struct transfer *t, CURLINFO what)
{
	long value = 0;

	curl_easy_getinfo(t->easy, what, &value);
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

static const char *
proxy_cause(const struct transfer *t, CURLcode code, long status)
{
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
		return tunnel_cause(status);
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
	bool http = strncmp(t->way->keys[0], "http", 4) == 0;

	if (status == 407) {
		judge(t, TRANSFER_PROXY_AUTH, "status 407");
		return true;
	}
	/* Through the tunnel already: what failed is the upstream's. */
	if (http ? status / 100 == 2 : is_tls(code))
		return false;
	judge(t, TRANSFER_PROXY, proxy_cause(t, code, status));
	return true;
}

static void
judge_connect(struct transfer *t)
{
	if (t->run.refused) {
		judge(t, TRANSFER_BLOCKED, "private address");
		return;
	}
	switch (ask_long(t, CURLINFO_OS_ERRNO)) {
	case ECONNREFUSED:
		judge(t, TRANSFER_DOWN, "refused");
		break;
	case ETIMEDOUT:
		judge(t, TRANSFER_TIMEOUT, "connect");
		break;
	default:
		judge(t, TRANSFER_DOWN, "unreachable");
		break;
	}
}

void
outcome_of(struct transfer *t, CURLcode code)
{
	if (t->run.judged)
		return;
	if (t->way->proxied && t->run.asked == 0 && code != CURLE_OK &&
	    judge_proxy(t, code))
		return;
	if (code == CURLE_COULDNT_CONNECT) {
		judge_connect(t);
		return;
	}
	if (code == CURLE_OK && !t->run.head_done) {
		judge(t, TRANSFER_PROTOCOL, "reply is not HTTP");
		return;
	}
	if (code == CURLE_RECV_ERROR && strstr(t->error, "chunked") != NULL) {
		judge(t, TRANSFER_PROTOCOL, "bad chunk");
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code) {
			judge(t, rows[i].end, rows[i].detail);
			return;
		}
	}
	judge(t, TRANSFER_DOWN, curl_easy_strerror(code));
}

void
outcome_timeout(struct transfer *t, const char *detail)
{
	if (t->run.asked == 0 && t->run.in_multi)
		outcome_of(t, CURLE_OPERATION_TIMEDOUT);
	else
		judge(t, TRANSFER_TIMEOUT, detail);
}
