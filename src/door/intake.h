/* SPDX-License-Identifier: MIT */
/*
 * intake -- from a complete, screened request to what the gate takes
 */
#ifndef DOOR_INTAKE_H
#define DOOR_INTAKE_H

#include "door/desk.h"

/* Fills variables, body and refusal of in, in a new arena; the stage of s is
 * given back.  NULL, or why decoder and screen differ (no arena then). */
const char *intake(struct desk *d, struct screen *s, struct inbound *in);

#endif
