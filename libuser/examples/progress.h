/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What is seen of the training while it runs, on standard error: a bar on a
 * terminal, a line for each epoch elsewhere. Showing it takes no page fault.
 */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool quiet;
	bool terminal;
	uint32_t epochs;
	uint32_t steps;		/* in an epoch */
	double shown_at;	/* seconds */
	char line[256];
};

struct progress_state {
	uint32_t epoch;		/* from 0 on */
	uint32_t step;		/* steps done in this epoch */
	double loss;		/* mean of the epoch so far */
	double samples_per_second;
	uint64_t faults;
};

void progress_open(struct progress *progress, bool quiet, uint32_t epochs,
		   uint32_t steps);

/* Does all that showing does, but shows nothing. */
void progress_warm_up(struct progress *progress);

/* To be called after each step, at the time of @now seconds. */
void progress_step(struct progress *progress,
		   const struct progress_state *state, double now);

#endif
