// SPDX-License-Identifier: GPL-2.0
/*
 * The table of disturbances, with the evidence that each has to give.
 *
 * The witness is the locked memory wherever locking is no protection, plain
 * anonymous memory where it is one. Dropping caches has none: it takes nothing
 * that a process has mapped, and its counters have to do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disturb.h"

#define KSM "/sys/kernel/mm/ksm/"
#define NR_FORKS 3
/* One may be half done, the next takes checksums, the third one merges. */
#define NR_SCANS 3
#define NR_CLEARS 3
#define STEP_LIMIT_MS 3000
#define GO_ON_LIMIT_MS 50000

/* The witness may be in another process, where perf is missing. */
bool stage_goes_on(const struct stage *stage, uint64_t start, bool went_round)
{
	const struct suffering *witness = &stage->suffering[stage->witness];
	uint64_t past = now_ms() - start;

	if (past < options.milliseconds)
		return true;
	if (past > GO_ON_LIMIT_MS)
		return false;
	if (!went_round)
		return true;
	return stage->memories & MEMORY_BIT(stage->witness) &&
	       witness->faults + witness->moved < stage->enough;
}

bool stage_wait_passes(struct stage *stage, unsigned long count)
{
	unsigned long goal = atomic_load(&stage->passes) + count;
	uint64_t end = now_ms() + STEP_LIMIT_MS;

	while (atomic_load(&stage->passes) < goal) {
		if (now_ms() > end)
			return false;
		sleep_ms(2);
	}
	return true;
}

bool stage_wait_flag(_Atomic bool *flag, bool value, unsigned int limit_ms)
{
	uint64_t end = now_ms() + limit_ms;

	while (atomic_load(flag) != value) {
		if (now_ms() > end)
			return false;
		sleep_ms(2);
	}
	return true;
}

static int run_nothing(struct stage *stage)
{
	sleep_ms(options.milliseconds / 2);
	stage_wait_passes(stage, 2);
	return 0;
}

static const char *prepare_ksm(void)
{
	if (knob_set(KSM "pages_to_scan", "20000"))
		return "this kernel has no KSM";
	knob_set(KSM "sleep_millisecs", "5");
	/* Of 6.7: it skips for a while what was not a duplicate at once. */
	knob_set(KSM "smart_scan", "0");
	if (knob_set(KSM "run", "1"))
		return "KSM cannot be started";
	return NULL;
}

static int run_ksm(struct stage *stage)
{
	uint64_t start = now_ms();
	uint64_t first = 0, scans = 0, sharing, most = 0;
	/* With nothing but unmergeable memory there is nothing to scan. */
	bool scanned = !(stage->memories & MEMORY_BIT(stage->witness));

	knob_read_u64(KSM "full_scans", &first);
	do {
		sleep_ms(20);
		if (!knob_read_u64(KSM "pages_sharing", &sharing) &&
		    sharing > most)
			most = sharing;
		knob_read_u64(KSM "full_scans", &scans);
		stage->steps = scans - first;
		scanned |= stage->steps >= NR_SCANS;
	} while (stage_goes_on(stage, start, scanned));
	snprintf(stage->note, sizeof(stage->note),
		 "%lu full scans, pages_sharing was %llu at most",
		 stage->steps, (unsigned long long)most);
	return scanned ? 0 : -EAGAIN;
}

/* Unmerge what is left before KSM is put back to how it was. */
static void finish_ksm(void)
{
	knob_write(KSM "run", "2");
}

static int run_fork(struct stage *stage)
{
	unsigned int i;

	for (i = 1; i <= NR_FORKS; i++) {
		uint64_t end = now_ms() + 2 * STEP_LIMIT_MS;

		atomic_store(&stage->forks_wanted, i);
		while (atomic_load(&stage->forks_done) < i) {
			if (now_ms() > end)
				return -ETIMEDOUT;
			sleep_ms(5);
		}
		stage->steps++;
	}
	return 0;
}

/* Ask a page of our own whether the kernel tracks what is written at all. */
static const char *prepare_soft_dirty(void)
{
	const char *reason = "this kernel has no soft-dirty tracking";
	uint64_t entry = 0;
	char *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return "no memory";
	*page = 1;
	if (!pagemap_read(page, PAGE_BYTES, &entry) &&
	    entry & PAGEMAP_SOFT_DIRTY)
		reason = NULL;
	munmap(page, PAGE_BYTES);
	return reason;
}

/* Two whole walks after each clear, so that each entry faults just once. */
static int run_soft_dirty(struct stage *stage)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/clear_refs",
		 atomic_load(&stage->walker));
	for (; stage->steps < NR_CLEARS; stage->steps++) {
		int ret = knob_write(path, "4");

		if (ret)
			return ret;
		if (!stage_wait_passes(stage, 2))
			return -ETIMEDOUT;
	}
	return 0;
}

const struct disturbance disturbances[] = {
	{
		.name = "nothing",
		.run = run_nothing,
		.flags = DISTURB_NOTHING,
	}, {
		.name = "compaction",
		.prepare = migration_prepare_compaction,
		.run = migration_compact,
		.witness = MEMORY_ANON_MLOCK,
		.counters = { "compact_migrate_scanned", "pgmigrate_success" },
		.flags = DISTURB_FRAGMENTED,
	}, {
		.name = "numa_balancing",
		.prepare = migration_prepare_numa,
		.run = migration_hop,
		.witness = MEMORY_ANON_MLOCK,
		.percent = 100,
		.counters = { "numa_hint_faults", "numa_pages_migrated" },
		.flags = DISTURB_NODES,
	}, {
		.name = "ksm",
		.prepare = prepare_ksm,
		.run = run_ksm,
		.finish = finish_ksm,
		.witness = MEMORY_ANON_MLOCK,
		.percent = 5,
		.flags = DISTURB_MERGEABLE,
	}, {
		.name = "migrate_pages",
		.run = migration_migrate_pages,
		.witness = MEMORY_ANON_MLOCK,
		.counters = { "pgmigrate_success" },
		.flags = DISTURB_NODES,
	}, {
		.name = "move_pages",
		.run = migration_move_pages,
		.witness = MEMORY_ANON_MLOCK,
		.counters = { "pgmigrate_success" },
		.flags = DISTURB_NODES,
	}, {
		.name = "memory.reclaim",
		.run = reclaim_cgroup,
		.witness = MEMORY_ANON,
		.percent = 10,
		.counters = { "pswpout" },
		.flags = DISTURB_IN_CGROUP | DISTURB_SWAP,
	}, {
		.name = "drop_caches",
		.run = reclaim_drop_caches,
		.witness = MEMORY_CONTROL,
		.counters = { "drop_pagecache", "drop_slab" },
	}, {
		.name = "swap_pressure",
		.before = reclaim_join,
		.run = reclaim_press,
		.witness = MEMORY_ANON,
		.counters = { "pswpout", "pswpin" },
		.flags = DISTURB_IN_CGROUP | DISTURB_SWAP,
	}, {
		.name = "fork",
		.run = run_fork,
		.witness = MEMORY_ANON_MLOCK,
	}, {
		.name = "soft_dirty",
		.prepare = prepare_soft_dirty,
		.run = run_soft_dirty,
		.witness = MEMORY_ANON_MLOCK,
		.flags = DISTURB_SOFT_DIRTY,
	},
};

const unsigned int nr_disturbances =
	sizeof(disturbances) / sizeof(disturbances[0]);
