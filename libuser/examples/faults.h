/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The page faults of the loop: how many, of which kind, and where the first
 * one was.
 */
#ifndef EXAMPLES_FAULTS_H
#define EXAMPLES_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "arenauser.h"

struct fault_counts {
	struct arena_faults thread;
	struct arena_faults process;
};

struct fault_log {
	struct arena_fault_counter *counter;
	struct fault_counts training;	/* of all steps */
	struct fault_counts evaluation;
	const char *first_counter;	/* NULL: there was no fault */
	uint64_t first_count;		/* how many there were at once */
	uint64_t first_step;		/* from 1 on; 0: in the evaluation */
};

/* 0 or a negative errno; what is wrong has been printed then. */
int fault_log_open(struct fault_log *log);
void fault_log_close(struct fault_log *log);

void fault_log_start(struct fault_log *log);

/* Reads the counter after step number @step, the first being 1. */
void fault_log_step(struct fault_log *log, uint64_t step);

/* Reads it after the evaluation. */
void fault_log_evaluation(struct fault_log *log);

/* Pages populated in the loop so far, by whatever thread. */
uint64_t fault_log_total(const struct fault_log *log);

bool fault_log_has_traps(const struct fault_log *log);

#endif
