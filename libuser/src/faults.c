// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The fault counter: how many page faults a stretch of code took.
 *
 * Two sources, because they count different things. getrusage() counts pages
 * that were populated, also those that the kernel populated inside a system
 * call; it always works. perf counts the exceptions taken, and may be forbidden
 * or absent; see traps.c.
 *
 * Reading must not fault: open does one whole start and stop, so that what they
 * touch is there, and nothing is allocated after it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "traps.h"

struct arena__fault_reading {
	struct arena_faults thread;
	struct arena_faults process;
};

struct arena_fault_counter {
	struct arena__traps traps;
	struct arena__fault_reading start;
};

static void arena__faults_usage(int who, struct arena_faults *faults)
{
	struct rusage usage;

	getrusage(who, &usage);
	faults->minor = (uint64_t)usage.ru_minflt;
	faults->major = (uint64_t)usage.ru_majflt;
}

static void arena__faults_take(struct arena_fault_counter *counter,
			       struct arena__fault_reading *reading)
{
	int saved_errno = errno;

	arena__faults_usage(RUSAGE_THREAD, &reading->thread);
	arena__faults_usage(RUSAGE_SELF, &reading->process);
	arena__traps_read(&counter->traps, &reading->thread.traps,
			  &reading->process.traps);
	errno = saved_errno;
}

/* Where a reading failed, traps are 0 rather than half of the truth. */
static void arena__faults_subtract(const struct arena_fault_counter *counter,
				   const struct arena_faults *stop,
				   const struct arena_faults *start,
				   struct arena_faults *faults)
{
	memset(faults, 0, sizeof(*faults));
	faults->minor = stop->minor - start->minor;
	faults->major = stop->major - start->major;
	if (!counter->traps.error)
		faults->traps = stop->traps - start->traps;
}

int arena_fault_counter_open(struct arena_fault_counter **counter)
{
	struct arena_faults thread, process;
	struct arena_fault_counter *made;
	int saved_errno = errno;
	int error = 0;

	made = calloc(1, sizeof(*made));
	if (!made) {
		error = -ENOMEM;
		goto out_errno;
	}
	arena__traps_open(&made->traps);
	if (made->traps.error == -EMFILE || made->traps.error == -ENFILE ||
	    made->traps.error == -ENOMEM) {
		error = made->traps.error;
		free(made);
		goto out_errno;
	}
	arena_fault_counter_start(made);
	arena_fault_counter_stop(made, &thread, &process);
	*counter = made;

out_errno:
	errno = saved_errno;
	return error;
}

void arena_fault_counter_close(struct arena_fault_counter *counter)
{
	int saved_errno = errno;

	if (!counter)
		return;
	arena__traps_close(&counter->traps);
	free(counter);
	errno = saved_errno;
}

void arena_fault_counter_start(struct arena_fault_counter *counter)
{
	arena__faults_take(counter, &counter->start);
}

void arena_fault_counter_stop(struct arena_fault_counter *counter,
			      struct arena_faults *thread,
			      struct arena_faults *process)
{
	struct arena__fault_reading stop;

	arena__faults_take(counter, &stop);
	if (thread)
		arena__faults_subtract(counter, &stop.thread,
				       &counter->start.thread, thread);
	if (process)
		arena__faults_subtract(counter, &stop.process,
				       &counter->start.process, process);
}

bool arena_fault_counter_has_traps(const struct arena_fault_counter *counter)
{
	return !arena__traps_error(&counter->traps);
}

const char *arena_fault_counter_why(const struct arena_fault_counter *counter)
{
	return arena__traps_why(&counter->traps);
}
