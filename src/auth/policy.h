/* SPDX-License-Identifier: MIT */
/*
 * policy -- what a configuration makes of inboundAuth, ready to judge
 *
 * Lifetime: lies in an arena of the configuration's generation, whose tree
 * it borrows from.
 * Sharing: const for everybody, but for the key objects, which are made at
 * first need.
 */
#ifndef AUTH_POLICY_H
#define AUTH_POLICY_H

#include "auth/credential.h"
#include "auth/jws.h"
#include "auth/keyring.h"
#include "auth/proxyhdr.h"
#include "base/digest.h"
#include "conf/conf.h"

struct auth_policy {
	const struct conf_inbound *in;
	struct str name;
	struct credential_rules rules;	/* where credentials lie */
	struct credential_rules guard;	/* Authorization, for the look only */
	struct proxy_rules proxy;
	struct jose_rules jose;
	struct jwk_table *keys;		/* NULL: no jwt, or keys are fetched */
	struct keyring *ring;		/* NULL: they are not */
	enum jws_backend backend;
	struct conf_jwt answers;	/* rules for answers of introspection */
	const struct conf_outproxy *out;	/* the way to the issuer */
	struct str ca_file;		/* "" : the system's */
	int64_t verdict_ttl_s;		/* 0: verdicts are not kept */
	uint8_t digest[SHA256_SIZE];	/* of all a verdict depends on */
	bool wants_credential;		/* some strategy asks for one */
	bool has_proxy;
};

#endif
