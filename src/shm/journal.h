/* SPDX-License-Identifier: MIT */
/*
 * journal -- the faults of late, of all workers, for `mcpgatectl errors`
 *
 * A ring of 256 records; the oldest goes.
 * Sharing: lock-free.  Whoever writes takes the next number, and with it a
 * place.  A record counts while its checksum fits: one whose writer was
 * killed, or that two write at once (256 numbers apart), is none.
 * Secrets: none may be in a detail (the log has it, too); what looks like a
 * credential nevertheless is blotted out here.
 */
#ifndef SHM_JOURNAL_H
#define SHM_JOURNAL_H

#include "shm/segment.h"

#define JOURNAL_RECORDS 256
#define JOURNAL_DETAIL 200	/* bytes, with the NUL */

/* Texts are cut: 63, 47, 15, 31 and 199 bytes. */
struct journal_fault {
	int64_t at_unix_ms;
	int status;			/* that the client got */
	struct str request_id, server, step, reason, detail;
};

void journal_add(struct segment *s, const struct journal_fault *f);

/* Newest first, at most JOURNAL_RECORDS; texts lie in the arena. */
uint32_t journal_list(const struct segment *s, struct journal_fault *v_r,
	uint32_t room, struct arena *a);

#endif
