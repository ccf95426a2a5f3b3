/* SPDX-License-Identifier: MIT */
/*
 * check_policy -- rules that would not say what their author meant
 */
#include "config.h"
#include "conf/load.h"

/* Without a word it would deny, and nobody would know. */
static void
check_effect(struct loading *l, const struct node *rule)
{
	const struct node *effect = node_get(rule, "effect");

	if (effect == NULL || effect->type == JDOC_NULL)
		report_add(l->report, "E02", rule,
		    "expected an effect, found none");
}

/* A claim without values is never fulfilled: in a rule that denies, that
 * would be an open door; in jwt.claims, there would be no condition left. */
void
check_claims(struct loading *l, const struct node *claims)
{
	for (uint32_t i = 0; claims != NULL && i < claims->n; i++) {
		const struct node *n = claims->kids[i];

		if (!n->bad && (n->type == JDOC_NULL ||
		    (n->type == JDOC_ARRAY && n->n == 0)))
			report_add(l->report, "E02", n,
			    "expected a value, found none");
	}
}

void
check_policy(struct loading *l, const struct node *options)
{
	const struct node *list = node_get(options, "policy");

	for (uint32_t i = 0; list != NULL && list->type == JDOC_ARRAY &&
	    i < list->n; i++) {
		if (list->kids[i]->bad || list->kids[i]->type != JDOC_OBJECT)
			continue;
		check_effect(l, list->kids[i]);
		check_claims(l, node_get(list->kids[i], "claims"));
	}
}
