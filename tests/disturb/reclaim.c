// SPDX-License-Identifier: GPL-2.0
/*
 * Disturbances that take pages away: memory.reclaim, swap pressure and
 * drop_caches.
 *
 * Pressure is made inside the walker's own cgroup, by a limit that the
 * disturber's memory does not fit into beside the walker's: the rest of the
 * machine is left in peace, and it is the same code that takes the pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disturb.h"

#define RECLAIM_BYTES (2 * options.length)
#define PRESS_BYTES (4 * options.length)
#define ROOM_BYTES options.length
#define IDLE_LIMIT_MS 10000

/* EAGAIN says that less was found than asked for, which is what locked is. */
int reclaim_cgroup(struct stage *stage)
{
	uint64_t start = now_ms();
	unsigned int full = 0;
	char wanted[24];

	snprintf(wanted, sizeof(wanted), "%zu", RECLAIM_BYTES);
	do {
		int ret = knob_write(machine_cgroup_file("memory.reclaim"),
				     wanted);

		if (ret && ret != -EAGAIN)
			return ret;
		full += !ret;
		stage->steps++;
		stage_wait_passes(stage, 2);
	} while (stage_goes_on(stage, start, true));
	snprintf(stage->note, sizeof(stage->note),
		 "%s bytes were found %u times of %lu", wanted, full,
		 stage->steps);
	return 0;
}

/* If memory runs out after all, it is the disturber that is to go. */
int reclaim_join(struct stage *stage)
{
	(void)stage;
	knob_write("/proc/self/oom_score_adj", "1000");
	return machine_cgroup_join();
}

static int press_once(void)
{
	char *base = mmap(NULL, PRESS_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t offset;

	if (base == MAP_FAILED)
		return -errno;
	madvise(base, PRESS_BYTES, MADV_NOHUGEPAGE);
	for (offset = 0; offset < PRESS_BYTES; offset += PAGE_BYTES)
		*(uint64_t *)(base + offset) = offset + 1;
	munmap(base, PRESS_BYTES);
	return 0;
}

/* The walker rests meanwhile: what is touched all the time is not swapped. */
int reclaim_press(struct stage *stage)
{
	uint64_t end = now_ms() + options.milliseconds;
	uint64_t current;
	char limit[32];
	int ret;

	atomic_store(&stage->idle, true);
	if (!stage_wait_flag(&stage->is_idle, true, IDLE_LIMIT_MS))
		return -ETIMEDOUT;
	ret = knob_read_u64(machine_cgroup_file("memory.current"), &current);
	if (ret)
		return ret;
	snprintf(limit, sizeof(limit), "%llu",
		 (unsigned long long)current + ROOM_BYTES);
	ret = knob_write(machine_cgroup_file("memory.max"), limit);
	if (ret)
		return ret;
	do {
		ret = press_once();
		stage->steps++;
	} while (!ret && now_ms() < end);
	knob_write(machine_cgroup_file("memory.max"), "max");
	atomic_store(&stage->idle, false);
	stage_wait_passes(stage, 2);
	return ret;
}

int reclaim_drop_caches(struct stage *stage)
{
	uint64_t end = now_ms() + options.milliseconds / 2;
	int ret;

	do {
		ret = knob_write("/proc/sys/vm/drop_caches", "3");
		stage->steps++;
		stage_wait_passes(stage, 2);
	} while (!ret && now_ms() < end);
	return ret;
}
