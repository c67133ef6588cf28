// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The counter is read after each step. That takes no fault, and it is what
 * makes a fault attributable to a step.
 */
#include "faults.h"

#include <err.h>
#include <stddef.h>

int fault_log_open(struct fault_log *log)
{
	int error = arena_fault_counter_open(&log->counter);

	if (error)
		warnx("no fault counter: %s", arena_strerror(error));
	return error;
}

void fault_log_close(struct fault_log *log)
{
	arena_fault_counter_close(log->counter);
	log->counter = NULL;
}

void fault_log_start(struct fault_log *log)
{
	struct arena_fault_counter *counter = log->counter;

	*log = (struct fault_log) { .counter = counter };
	arena_fault_counter_start(counter);
}

/* What the thread took itself is named before what the process took. */
static void note_first(struct fault_log *log, const struct fault_counts *counts,
		       uint64_t step)
{
	const struct {
		const char *name;
		uint64_t count;
	} counters[] = {
		{ "thread.traps", counts->thread.traps },
		{ "thread.minor", counts->thread.minor },
		{ "thread.major", counts->thread.major },
		{ "process.traps", counts->process.traps },
		{ "process.minor", counts->process.minor },
		{ "process.major", counts->process.major },
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		if (!counters[i].count || log->first_counter)
			continue;
		log->first_counter = counters[i].name;
		log->first_count = counters[i].count;
		log->first_step = step;
	}
}

void fault_log_step(struct fault_log *log, uint64_t step)
{
	struct fault_counts *counts = &log->training;

	arena_fault_counter_stop(log->counter, &counts->thread,
				 &counts->process);
	note_first(log, counts, step);
}

static void subtract(struct arena_faults *from, const struct arena_faults *what)
{
	from->minor -= what->minor;
	from->major -= what->major;
	from->traps -= what->traps;
}

void fault_log_evaluation(struct fault_log *log)
{
	struct fault_counts *counts = &log->evaluation;

	arena_fault_counter_stop(log->counter, &counts->thread,
				 &counts->process);
	subtract(&counts->thread, &log->training.thread);
	subtract(&counts->process, &log->training.process);
	note_first(log, counts, 0);
}

uint64_t fault_log_total(const struct fault_log *log)
{
	const struct arena_faults *training = &log->training.process;
	const struct arena_faults *evaluation = &log->evaluation.process;

	return training->minor + training->major + evaluation->minor +
	       evaluation->major;
}

bool fault_log_has_traps(const struct fault_log *log)
{
	return arena_fault_counter_has_traps(log->counter);
}
