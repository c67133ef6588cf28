/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The half of the fault counter that perf serves; traps.c says how.
 */
#ifndef ARENA_TRAPS_H
#define ARENA_TRAPS_H

#include "internal.h"

/* @id: the kernel's number of the event, by which it is told from other files */
struct arena__traps_event {
	int tid;
	int fd;
	uint64_t id;
};

/*
 * @thread: the event of the opening thread alone
 * @events: one for each thread of the process, inherited; no fd if it has ended
 * @pid: who opened it
 * @tid: and which of its threads
 * @error: why nothing is counted, a negative errno
 * @user_only: exceptions taken in the kernel are not counted
 */
struct arena__traps {
	struct arena__traps_event thread;
	struct arena__traps_event *events;
	size_t nr_events;
	int pid;
	int tid;
	int error;
	bool user_only;
};

arena__hidden void arena__traps_open(struct arena__traps *traps);
arena__hidden void arena__traps_close(struct arena__traps *traps);
arena__hidden void arena__traps_read(struct arena__traps *traps,
				     uint64_t *thread, uint64_t *process);
arena__hidden int arena__traps_error(const struct arena__traps *traps);
arena__hidden const char *arena__traps_why(const struct arena__traps *traps);

#endif /* ARENA_TRAPS_H */
