/* SPDX-License-Identifier: MIT */
/*
 * rates -- how often a server, an address, a caller, a tool may be asked
 *
 * A request is counted by all limits or by none: when one refuses, the others
 * get back what they gave, those of earlier steps too.
 */
#ifndef GATE_RATES_H
#define GATE_RATES_H

#include "gate/pipeline.h"

/* Before auth: our limit, the server's, and that of the client's address. */
const struct fault *rates_enter(struct req *q);

/* Headers of a reply that refuses by a rate. */
void rates_headers(const struct req *q, struct headers *h);

/* ---- callers that fail ------------------------------------------------------ */
/* The address has failed so often that costly checks are refused; not to be
 * asked for local clients. */
bool rates_tired(struct req *q);

/* A costly check has failed; of a local client nothing is kept. */
void rates_failed(struct req *q);

/* What a costly check that was refused is answered with. */
const struct fault *rates_tired_fault(struct req *q);

#endif
