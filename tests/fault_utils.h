/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page faults that a walk over memory takes, and nothing else.
 *
 * The walker must not take faults of its own. What it needs (its text, its
 * stack, the rusage structs) is touched by a walk over a page of its own just
 * before the counted one. Two things would still fault behind its back, and are
 * off before main(): glibc's rseq area, which the kernel writes to at any
 * preemption, and which is copied on write after a fork; and NUMA balancing,
 * which makes the program's own pages fault. It leaves alone who has a memory
 * policy, and MPOL_LOCAL is the default one by name.
 *
 * Two counts, as the kernel keeps them. getrusage(2) counts every page that was
 * populated for this thread, also those that a driver populates on its own
 * within one trap: when it says 0, there was nothing. The software event of
 * perf counts traps, that is how often the thread was stopped.
 *
 * A walk touches one byte of each 4 KiB page, whatever the page-table entries
 * are: a hole in the population anywhere is found.
 */
#ifndef FAULT_UTILS_H
#define FAULT_UTILS_H

#include <linux/mempolicy.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/rseq.h>

#include "arena_utils.h"

static __attribute__((constructor)) void noise_off(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		syscall(SYS_rseq, area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0ul);
}

enum walk { WALK_READ, WALK_WRITE };

static inline void walk(volatile char *p, size_t length, enum walk how)
{
	volatile char *end = p + length;

	for (; p < end; p += PAGE) {
		char byte = *p;

		if (how == WALK_WRITE)
			*p = byte;
	}
}

struct faults {
	long populated;
	/* -1 where perf is not to be had. */
	long traps;
};

static inline int trap_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

static inline struct faults faults_so_far(int counter)
{
	struct rusage usage;
	uint64_t traps;

	getrusage(RUSAGE_THREAD, &usage);
	if (read(counter, &traps, sizeof(traps)) != sizeof(traps))
		traps = -1;
	return (struct faults) { usage.ru_minflt + usage.ru_majflt, traps };
}

/* Faults taken by touching each page of @p; contents stay. */
static inline struct faults count_faults(void *p, size_t length, enum walk how)
{
	int counter = trap_counter();
	struct faults before, after;
	char own[PAGE];

	own[0] = 0;
	walk(own, sizeof(own), how);
	before = faults_so_far(counter);
	walk(own, sizeof(own), how);
	before = faults_so_far(counter);
	walk(p, length, how);
	after = faults_so_far(counter);
	if (counter >= 0)
		close(counter);
	after.populated -= before.populated;
	after.traps = before.traps < 0 ? -1 : after.traps - before.traps;
	return after;
}

static inline long faults_of(void *p, size_t length, enum walk how)
{
	return count_faults(p, length, how).populated;
}

#define EXPECT_NO_FAULTS(p, length) do {				\
	EXPECT_EQ(0, faults_of(p, length, WALK_READ));			\
	EXPECT_EQ(0, faults_of(p, length, WALK_WRITE));			\
} while (0)

#endif /* FAULT_UTILS_H */
