/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page faults that a walk over memory takes, and nothing else.
 *
 * The walker must not take faults of its own. What it needs (its text, its
 * stack, the rusage structs) is touched by a walk over a page of its own just
 * before the counted one. glibc's rseq area is the one thing that the kernel
 * writes to behind the walker's back, at any preemption; after a fork that page
 * is copied on write, so rseq is unregistered before main().
 *
 * A walk touches one byte of each 4 KiB page, whatever the page-table entries
 * are: a hole in the population anywhere is found.
 */
#ifndef FAULT_UTILS_H
#define FAULT_UTILS_H

#include <sys/resource.h>
#include <sys/rseq.h>

#include "arena_utils.h"

static __attribute__((constructor)) void rseq_off(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		syscall(SYS_rseq, area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
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

static inline long faults_taken(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* Faults taken by touching each page of @p; contents stay. */
static inline long faults_of(void *p, size_t length, enum walk how)
{
	char own[PAGE];
	long before, after;

	own[0] = 0;
	walk(own, sizeof(own), how);
	before = faults_taken();
	walk(own, sizeof(own), how);
	before = faults_taken();
	walk(p, length, how);
	after = faults_taken();
	return after - before;
}

#define EXPECT_NO_FAULTS(p, length) do {				\
	EXPECT_EQ(0, faults_of(p, length, WALK_READ));			\
	EXPECT_EQ(0, faults_of(p, length, WALK_WRITE));			\
} while (0)

#endif /* FAULT_UTILS_H */
