// SPDX-License-Identifier: GPL-2.0
/*
 * Disturbances that move pages: compaction, NUMA balancing, migrate_pages(2)
 * and move_pages(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disturb.h"

#define HOP_POLL_MS 50
#define NR_HOPS 2
#define ROUNDS_PER_HOP 2
#define SCHED "/sys/kernel/debug/sched/numa_balancing/"

const char *migration_prepare_compaction(void)
{
	if (access("/proc/sys/vm/compact_memory", W_OK))
		return "this kernel has no compaction";
	knob_set("/proc/sys/vm/compact_unevictable_allowed", "1");
	/* Holes that a processor keeps for itself are none to compaction. */
	knob_set("/proc/sys/vm/percpu_pagelist_high_fraction", "100000");
	return NULL;
}

/* The walker's memory lies amid holes: see memory_create(). */
int migration_compact(struct stage *stage)
{
	uint64_t end = now_ms() + options.milliseconds;
	int ret;

	do {
		ret = knob_write("/proc/sys/vm/compact_memory", "1");
		if (ret)
			return ret;
		stage->steps++;
		stage_wait_passes(stage, 1);
	} while (now_ms() < end);
	return 0;
}

/* The knobs that make the scanner bite within seconds are debugfs only. */
const char *migration_prepare_numa(void)
{
	if (knob_set("/proc/sys/kernel/numa_balancing", "1"))
		return "this kernel has no NUMA balancing";
	knob_set(SCHED "scan_delay_ms", "10");
	knob_set(SCHED "scan_period_min_ms", "20");
	knob_set(SCHED "scan_period_max_ms", "50");
	knob_set(SCHED "scan_size_mb", "1024");
	return NULL;
}

/*
 * Drag the walker from node to node; its memory is to follow. The scanner skips
 * what is on the node that the walker runs on, so it has to get round on each
 * of them: it says in /proc/PID/sched how often it has, and of the two rounds
 * waited for the first may be half done.
 */
int migration_hop(struct stage *stage)
{
	uint64_t start = now_ms(), rounds, at_hop = 0;
	unsigned int nr_hops = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/sched",
		 atomic_load(&stage->walker));
	rounds = knob_counter(path, "mm->numa_scan_seq");
	do {
		int ret;

		if (!nr_hops || rounds >= at_hop + ROUNDS_PER_HOP) {
			ret = machine_pin(atomic_load(&stage->walker),
					  ++nr_hops);
			if (ret)
				return ret;
			stage->steps = nr_hops - 1;
			at_hop = rounds;
		}
		sleep_ms(HOP_POLL_MS);
		rounds = knob_counter(path, "mm->numa_scan_seq");
	} while (stage_goes_on(stage, start, stage->steps >= NR_HOPS));
	snprintf(stage->note, sizeof(stage->note),
		 "scanned on %lu nodes in turn, %llu times in all",
		 stage->steps, (unsigned long long)rounds);
	return stage->steps < NR_HOPS ? -EAGAIN : 0;
}

int migration_migrate_pages(struct stage *stage)
{
	uint64_t end = now_ms() + options.milliseconds;
	long left = 0;

	do {
		unsigned long from = 1UL << machine_node(stage->steps);
		unsigned long to = 1UL << machine_node(stage->steps + 1);

		left = syscall(SYS_migrate_pages, atomic_load(&stage->walker),
			       8 * sizeof(from) + 1, &from, &to);
		if (left < 0)
			return -errno;
		stage->steps++;
		stage_wait_passes(stage, 1);
	} while (now_ms() < end);
	snprintf(stage->note, sizeof(stage->note),
		 "pages not moved by the last call: %ld", left);
	return 0;
}

static int move_memory(pid_t pid, const struct memory *memory, int node)
{
	size_t i, nr_pages = memory->length / PAGE_BYTES;
	int *wanted = calloc(nr_pages, sizeof(*wanted));
	int *status = calloc(nr_pages, sizeof(*status));
	void **pages = calloc(nr_pages, sizeof(*pages));
	int ret = -ENOMEM;

	if (!wanted || !status || !pages)
		goto out_free;
	for (i = 0; i < nr_pages; i++) {
		pages[i] = memory->base + i * PAGE_BYTES;
		wanted[i] = node;
	}
	ret = 0;
	if (syscall(SYS_move_pages, pid, nr_pages, pages, wanted, status,
		    MPOL_MF_MOVE_ALL) < 0)
		ret = -errno;
out_free:
	free(pages);
	free(status);
	free(wanted);
	return ret;
}

/* A memory that cannot be moved may make the call fail: that is its right. */
int migration_move_pages(struct stage *stage)
{
	uint64_t end = now_ms() + options.milliseconds;
	unsigned int id;

	do {
		stage->steps++;
		for (id = 0; id < NR_MEMORIES; id++)
			if (stage->made & MEMORY_BIT(id))
				move_memory(atomic_load(&stage->walker),
					    &stage->memory[id],
					    machine_node(stage->steps));
		stage_wait_passes(stage, 1);
	} while (now_ms() < end);
	return 0;
}
