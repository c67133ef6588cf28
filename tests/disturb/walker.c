// SPDX-License-Identifier: GPL-2.0
/*
 * The walker: it owns the memories and touches every page of them, over and
 * over, until it is told to stop.
 *
 * All memories live in one process, so the very disturbance that moves a rival
 * reaches the arena too; faults are told apart by their address. Where they
 * cannot be, the supervisor asks for one memory a process. Between two walks
 * the walker looks up where its pages are. What it writes of its own is in
 * shared or mlocked memory, and none of it is counted against a memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disturb.h"

#define NR_BASE_PASSES 3
#define RING_PAGES 128
#define CHILD_LIFE_MS 50
#define MERGE_SHARE 16

static uint64_t *known[NR_MEMORIES];
static char *all_holes[NR_MEMORIES];
static uint64_t *scratch;
static struct counter counter;

static int allocate_maps(struct stage *stage)
{
	size_t each = options.length / PAGE_BYTES * sizeof(uint64_t);
	unsigned int id;
	char *block;

	block = mmap(NULL, each * (NR_MEMORIES + 1), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (block == MAP_FAILED)
		return -errno;
	scratch = (void *)block;
	for (id = 0; id < NR_MEMORIES; id++)
		known[id] = (void *)(block + each * (id + 1));
	return stage->memories ? 0 : -EINVAL;
}

/*
 * A part of each: ksmd is slow, and it is to get round to all of them within
 * seconds, several times. What refuses is not merged.
 */
static void offer_for_merging(const struct memory *memory)
{
	size_t part = options.length / MERGE_SHARE;

	madvise(memory->base, memory->length < part ? memory->length : part,
		MADV_MERGEABLE);
}

static void make_memory(struct stage *stage, enum memory_id id)
{
	struct memory *memory = &stage->memory[id];
	char *holes = NULL;

	if (stage->fragmented && memory_is_small(id)) {
		holes = mmap(NULL, options.length, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (holes == MAP_FAILED)
			holes = NULL;
		else
			madvise(holes, options.length, MADV_NOHUGEPAGE);
	}
	stage->make_error[id] = memory_create(id, options.length, holes,
					      memory);
	if (!stage->make_error[id])
		stage->made |= MEMORY_BIT(id);
	if (stage->mergeable && !stage->make_error[id])
		offer_for_merging(memory);
	if (holes)
		all_holes[id] = holes;
}

/*
 * Huge ones first: small ones would break up the memory that they need. The
 * holes are made free when all are there, or the next memory would fill them.
 */
static void make_memories(struct stage *stage)
{
	static const enum memory_id order[] = {
		MEMORY_ARENA, MEMORY_THP_MLOCK, MEMORY_HUGETLB_SHARED,
		MEMORY_HUGETLB_PRIVATE, MEMORY_ARENA_4K, MEMORY_ANON,
		MEMORY_ANON_MLOCK, MEMORY_MEMFD_MLOCK, MEMORY_CONTROL,
	};
	unsigned int i;

	machine_prefer(0);
	for (i = 0; i < NR_MEMORIES; i++)
		if (stage->memories & MEMORY_BIT(order[i]))
			make_memory(stage, order[i]);
	for (i = 0; i < NR_MEMORIES; i++)
		if (all_holes[i])
			munmap(all_holes[i], options.length);
	machine_prefer_none();
}

static void walk(struct stage *stage)
{
	unsigned int id;

	for (id = 0; id < NR_MEMORIES; id++) {
		if (!(stage->made & MEMORY_BIT(id)))
			continue;
		stage->suffering[id].damaged +=
			memory_touch(&stage->memory[id]);
		counter_drain(&counter, stage);
	}
	atomic_fetch_add(&stage->passes, 1);
}

static void look(struct stage *stage)
{
	unsigned int id;

	for (id = 0; id < NR_MEMORIES; id++)
		if (stage->made & MEMORY_BIT(id))
			pagemap_compare(&stage->memory[id], known[id], scratch,
					&stage->suffering[id]);
}

/* The parent walks while a child that inherited everything is alive. */
static void fork_and_walk(struct stage *stage)
{
	pid_t child = fork();

	if (!child) {
		sleep_ms(CHILD_LIFE_MS);
		_exit(0);
	}
	walk(stage);
	if (child > 0) {
		waitpid(child, NULL, 0);
		atomic_fetch_add(&stage->forks_done, 1);
	}
}

static void commit_sabotage(struct stage *stage)
{
	struct memory *arena = &stage->memory[MEMORY_ARENA];

	if (options.sabotage == SABOTAGE_DONTNEED &&
	    stage->made & MEMORY_BIT(MEMORY_ARENA))
		madvise(arena->base, CHUNK_BYTES, MADV_DONTNEED);
}

static int start(struct stage *stage)
{
	unsigned int id, pass;
	int ret;

	for (pass = 0; pass < NR_BASE_PASSES; pass++)
		walk(stage);
	for (id = 0; id < NR_MEMORIES; id++) {
		struct suffering *suffering = &stage->suffering[id];

		if (!(stage->made & MEMORY_BIT(id)))
			continue;
		ret = pagemap_read(stage->memory[id].base,
				   stage->memory[id].length, known[id]);
		if (ret)
			return ret;
		*suffering = (struct suffering){ 0 };
	}
	stage->elsewhere = 0;
	if (stage->made & MEMORY_BIT(MEMORY_THP_MLOCK))
		stage->thp_chunks = pagemap_contiguous_chunks(
			known[MEMORY_THP_MLOCK], options.length);
	counter_start(&counter);
	return 0;
}

static int finish(struct stage *stage)
{
	unsigned int id;
	int ret = 0;

	walk(stage);
	look(stage);
	stage->counted_all = counter_stop(&counter, stage);
	for (id = MEMORY_ARENA; id <= MEMORY_ARENA_4K && !ret; id++)
		if (stage->made & MEMORY_BIT(id))
			ret = memory_arena_info(&stage->memory[id],
						&stage->suffering[id]);
	counter_close(&counter);
	return ret;
}

/* The body of the walker's process. 0 or a negative errno. */
int walker_run(struct stage *stage)
{
	int ret;

	atomic_store(&stage->walker, getpid());
	if (stage->in_cgroup) {
		ret = machine_cgroup_join();
		if (ret)
			return ret;
	}
	ret = allocate_maps(stage);
	if (!ret)
		ret = counter_open(&counter, options.exact, RING_PAGES);
	if (ret)
		return ret;
	make_memories(stage);
	ret = start(stage);
	if (ret)
		return ret;
	atomic_store(&stage->ready, true);
	while (!atomic_load(&stage->stop)) {
		bool idle = atomic_load(&stage->idle);

		atomic_store(&stage->is_idle, idle);
		if (idle) {
			sleep_ms(5);
			continue;
		}
		if (atomic_load(&stage->forks_wanted) >
		    atomic_load(&stage->forks_done))
			fork_and_walk(stage);
		else
			walk(stage);
		look(stage);
		commit_sabotage(stage);
	}
	return finish(stage);
}
