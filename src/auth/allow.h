/* SPDX-License-Identifier: MIT */
/*
 * allow -- may this caller do that? toolFilter, policy, publicTools
 *
 * Pure: configuration, caller and operation in, verdict out.  The same
 * question decides a call and whether an entry of a list is shown.
 *
 * A rule's targets: the list of a kind (tools, prompts, resources) speaks for
 * operations of that kind, `methods` for all operations whose kind has no
 * list in the rule; a rule without any list speaks for everything.
 * Once there are rules, what none of them matches is denied.  The methods
 * that a session is made of (handshake, ping, lists, notifications) are the
 * exception: only a rule with `methods` speaks of them.
 */
#ifndef AUTH_ALLOW_H
#define AUTH_ALLOW_H

#include "auth/identity.h"
#include "conf/conf.h"

enum allow_kind { ALLOW_METHOD, ALLOW_TOOL, ALLOW_PROMPT, ALLOW_RESOURCE };

/* What is to be done: a method, and what it names. */
struct allow_ask {
	struct str method;		/* "" : HTTP GET or DELETE */
	enum allow_kind kind;
	struct str name;
	bool named;			/* else nobody knows what it is about */
};

/* The verdicts, mildest first. */
enum allow {
	ALLOW_YES,
	ALLOW_NO,		/* as if it did not exist */
	ALLOW_SCOPES,		/* would be allowed with more scopes */
	ALLOW_LOGIN,		/* not without a credential */
};

struct allow_rules {
	const struct conf_options *options;
	bool anonymous;			/* only what is public: publicTools */
};

/* Something limits operations of this kind for this caller. */
bool allow_governs(const struct allow_rules *r, enum allow_kind kind);

/* rule_r: for ALLOW_SCOPES the rule whose scopes are wanted. */
enum allow allow_judge(const struct allow_rules *r, const struct identity *w,
	const struct allow_ask *ask, const struct conf_rule **rule_r);

#endif
