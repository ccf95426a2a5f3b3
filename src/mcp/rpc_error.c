/* SPDX-License-Identifier: MIT */
/*
 * rpc_error -- the error reply: fixed sentences, a reason word, numbers
 */
#include "config.h"
#include "mcp/rpc.h"

#include "base/buf.h"
#include "base/limits.h"

static bool
tells_wait(struct str data)
{
	return str_search(data, STR("\"retryAfterSeconds\"")) < data.n;
}

static bool
say(struct arena *a, struct str id, const struct fault *f,
	struct str request_id, struct str *text_r)
{
	struct buf b = buf_new(a, MAX_ERROR_REPLY);

	buf_add(&b, STR("{\"jsonrpc\":\"2.0\","));
	if (id.n > 0)
		buf_fmt(&b, "\"id\":%.*s,", STR_ARG(id));
	buf_fmt(&b, "\"error\":{\"code\":%d,\"message\":\"", fault_rpc(f));
	buf_json(&b, str_of(f->said));
	buf_fmt(&b, "\",\"data\":{\"reason\":\"%s\",\"requestId\":\"",
		fault_reason(f->kind));
	buf_json(&b, request_id);
	buf_char(&b, '"');
	if (f->retry_after_s > 0 && !tells_wait(f->data))
		buf_fmt(&b, ",\"retryAfterSeconds\":%u", f->retry_after_s);
	if (f->data.n > 0) {
		buf_char(&b, ',');
		buf_add(&b, f->data);
	}
	buf_add(&b, STR("}}}"));
	return buf_take(&b, text_r);
}

struct str
rpc_error(struct arena *a, struct str id, const struct fault *f,
	struct str request_id)
{
	struct fault brief = *f;
	struct str text = STR_NONE;

	if (say(a, id, f, request_id, &text))
		return text;
	/* A name of the client's made it too long. */
	brief.said = fault_said(f->kind);
	brief.data = STR_NONE;
	say(a, id, &brief, str_head(request_id, MAX_REQUEST_ID), &text);
	return text;
}
