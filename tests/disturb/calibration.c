// SPDX-License-Identifier: GPL-2.0
/*
 * Does the counter count? Known faults, and what must come of them.
 *
 * A table of zeros is worth as much as the proof that a fault would have shown
 * in it: each calibration takes entries away from a memory on purpose and
 * expects just these faults, at these addresses, and no other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disturb.h"

#define LENGTH (2 * CHUNK_BYTES)
#define NR_PAGES (LENGTH / PAGE_BYTES)
#define STRIDE 5
#define NR_LARGE_RING 16
#define NR_TRIALS 5
#define NR_SMALL_RING 1

static int memory_add(struct stage *stage, enum memory_id id)
{
	int ret = memory_create(id, LENGTH, NULL, &stage->memory[id]);

	if (!ret)
		stage->made |= MEMORY_BIT(id);
	return ret;
}

static void memories_remove(struct stage *stage)
{
	unsigned int id;

	for (id = 0; id < NR_MEMORIES; id++) {
		struct memory *memory = &stage->memory[id];

		if (!(stage->made & MEMORY_BIT(id)))
			continue;
		munmap(memory->base, memory->length);
		if (memory->fd >= 0)
			close(memory->fd);
	}
	memset(stage, 0, sizeof(*stage));
}

static unsigned long take_away(const struct memory *memory)
{
	unsigned long taken = 0;
	size_t page;

	for (page = 0; page < NR_PAGES; page += STRIDE, taken++)
		madvise(memory->base + page * PAGE_BYTES, PAGE_BYTES,
			MADV_DONTNEED);
	return taken;
}

/* Every fifth page of one memory, none of its neighbour. */
static void known_faults(struct stage *stage)
{
	const struct memory *anon = &stage->memory[MEMORY_ANON];
	struct suffering *suffering = &stage->suffering[MEMORY_ANON];
	static uint64_t known[NR_PAGES], scratch[NR_PAGES];
	unsigned long taken = 0;
	struct counter counter;
	bool all = false;

	if (!memory_add(stage, MEMORY_ANON) &&
	    !memory_add(stage, MEMORY_MEMFD_MLOCK) &&
	    !pagemap_read(anon->base, anon->length, known) &&
	    !counter_open(&counter, true, NR_LARGE_RING)) {
		taken = take_away(anon);
		pagemap_compare(anon, known, scratch, suffering);
		counter_start(&counter);
		memory_touch(&stage->memory[MEMORY_MEMFD_MLOCK]);
		/* The first touch reads, the second one writes. */
		memory_touch(anon);
		all = counter_stop(&counter, stage);
		counter_close(&counter);
	}
	table_note("calibration: %lu pages taken away: %lu seen away, %lu faults there, %lu beside it, %lu elsewhere",
		   taken, suffering->away, suffering->faults,
		   stage->suffering[MEMORY_MEMFD_MLOCK].faults,
		   stage->elsewhere);
	table_result(all && taken && suffering->faults == 2 * taken &&
			     !stage->suffering[MEMORY_MEMFD_MLOCK].faults,
		     "calibration: each known fault is counted where it was");
	table_result(taken && suffering->away == taken,
		     "calibration: each absent page is seen absent");
	memories_remove(stage);
}

/* A page that the kernel touches on behalf of a system call. */
static void kernel_faults(struct stage *stage)
{
	struct counter counter;
	unsigned long faults = 0;
	bool all = false;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && !memory_add(stage, MEMORY_ANON) &&
	    !counter_open(&counter, true, NR_LARGE_RING)) {
		char *base = stage->memory[MEMORY_ANON].base;

		madvise(base, PAGE_BYTES, MADV_DONTNEED);
		counter_start(&counter);
		all = read(fd, base, 64) == 64;
		all &= counter_stop(&counter, stage);
		counter_close(&counter);
		faults = stage->suffering[MEMORY_ANON].faults;
	}
	if (fd >= 0)
		close(fd);
	table_result(all && faults == 1,
		     "calibration: a fault inside a system call is counted");
	memories_remove(stage);
}

/* More faults than the ring holds: that must not look like few faults. */
static void lost_records(struct stage *stage)
{
	struct counter counter;
	bool all = true;

	if (!memory_add(stage, MEMORY_ANON) &&
	    !counter_open(&counter, true, NR_SMALL_RING)) {
		madvise(stage->memory[MEMORY_ANON].base, LENGTH, MADV_DONTNEED);
		counter_start(&counter);
		memory_touch(&stage->memory[MEMORY_ANON]);
		all = counter_stop(&counter, stage);
		counter_close(&counter);
	}
	table_result(!all, "calibration: lost records are noticed");
	memories_remove(stage);
}

/* One chunk of the arena: the module maps it again, with one fault. */
static void arena_fault(struct stage *stage)
{
	struct suffering *arena = &stage->suffering[MEMORY_ARENA];
	struct suffering *small = &stage->suffering[MEMORY_ARENA_4K];
	struct memory *memory = &stage->memory[MEMORY_ARENA];
	struct counter counter;
	bool ok = false;

	if (!memory_add(stage, MEMORY_ARENA) &&
	    !memory_add(stage, MEMORY_ARENA_4K) &&
	    !memory_arena_info(memory, arena) &&
	    !memory_arena_info(&stage->memory[MEMORY_ARENA_4K], small) &&
	    !counter_open(&counter, options.exact, NR_LARGE_RING)) {
		ok = arena->huge_bytes == LENGTH &&
		     !small->huge_bytes;
		table_note("calibration: arena has %lu entries of 2 MiB, arena-4k %lu of 4 KiB",
			   arena->nr_entries, small->nr_entries);
		madvise(memory->base, CHUNK_BYTES, MADV_DONTNEED);
		counter_start(&counter);
		ok &= !memory_touch(memory);
		ok &= counter_stop(&counter, stage);
		counter_close(&counter);
		ok &= !memory_arena_info(memory, arena);
		ok &= arena->refaults == 1;
		ok &= !options.exact || arena->faults == 1;
		table_note("calibration: arena: %lu faults, %llu refaults after one chunk was taken away",
			   arena->faults, (unsigned long long)arena->refaults);
	}
	table_result(ok, "calibration: arena is huge, arena-4k small; a fault there is counted");
	memories_remove(stage);
}

/*
 * What a fault costs: with all of a kernel's checkers, under emulation, twenty
 * times as much. The least of some trials tells that from a busy machine.
 */
unsigned long calibration_fault_us(void)
{
	unsigned long least = -1UL;
	unsigned int trial;

	for (trial = 0; trial < NR_TRIALS; trial++) {
		uint64_t start = now_ms();
		struct memory memory;
		unsigned long us;

		if (memory_create(MEMORY_ANON, LENGTH, NULL, &memory))
			return 0;
		us = (now_ms() - start) * 1000 / NR_PAGES;
		munmap(memory.base, memory.length);
		least = us < least ? us : least;
	}
	return least;
}

void calibration_run(const char *no_arena)
{
	struct stage *stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE,
				   -1, 0);
	unsigned int i;

	if (stage == MAP_FAILED || !options.exact) {
		for (i = 0; i < CALIBRATION_NR_RESULTS - 1; i++)
			table_skip("calibration: no perf events to calibrate");
	} else {
		known_faults(stage);
		kernel_faults(stage);
		lost_records(stage);
	}
	if (stage == MAP_FAILED || no_arena)
		table_skip("calibration: arena: %s",
			   no_arena ? no_arena : "no memory");
	else
		arena_fault(stage);
	if (stage != MAP_FAILED)
		munmap(stage, sizeof(*stage));
}
