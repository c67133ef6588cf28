// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations against an oracle.
 *
 * The oracle knows what the header promises and nothing of how it is done: it
 * keeps the position as a number, the live blocks with the pattern that was
 * written into each, and every mark ever made with whether it is still valid.
 * After each operation position and result must agree; whenever blocks are
 * given back, and at the end, all live blocks must still hold their pattern.
 *
 * ARENA_TEST_SEED repeats a run; the seed in use is printed.
 */
#include <time.h>

#include "lib_utils.h"

#define NR_OPERATIONS 20000
#define NR_RUNS 10
#define NR_BLOCKS_MAX 16384
#define NR_MARKS_MAX 4096

struct block {
	unsigned char *start;
	size_t size;
	unsigned char value;
};

struct mark {
	struct arena_mark mark;
	size_t used;
	size_t nr_blocks;
	bool valid;
};

struct model {
	struct arena *arena;
	uint64_t random;
	unsigned char *base;
	size_t size;
	size_t used;
	size_t peak;
	struct block blocks[NR_BLOCKS_MAX];
	size_t nr_blocks;
	struct mark marks[NR_MARKS_MAX];
	size_t nr_marks;
	size_t nr_valid;
};

static struct model model;

static uint64_t draw(uint64_t below)
{
	uint64_t x = model.random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	model.random = x;
	return (x >> 16) % below;
}

/* Mostly small, sometimes large, sometimes absurd. */
static size_t draw_size(void)
{
	switch (draw(16)) {
	case 0:
		return draw(model.size * 2);
	case 1:
		return SIZE_MAX - draw(1000);
	case 2:
		return draw(4) * 64;
	case 3:
		return draw(20000);
	default:
		return draw(300);
	}
}

static size_t line_up(size_t size)
{
	return (size + 63) / 64 * 64;
}

static size_t room(void)
{
	return model.size - model.used;
}

/* All bytes are the first one if each is the one before it. */
static bool block_holds(const struct block *block)
{
	return !block->size ||
	       (block->start[0] == block->value &&
		!memcmp(block->start, block->start + 1, block->size - 1));
}

static bool contents_hold(void)
{
	size_t i;

	for (i = 0; i < model.nr_blocks; i++)
		if (!block_holds(&model.blocks[i]))
			return false;
	return true;
}

/* The oracle's side of a block at @start: it is where the position was. */
static bool block_taken(unsigned char *start, size_t skip, size_t size)
{
	struct block *block = &model.blocks[model.nr_blocks++];

	if (start != model.base + model.used + skip)
		return false;
	block->start = start;
	block->size = size;
	block->value = (unsigned char)draw(256);
	memset(start, block->value, size);
	model.used += skip + line_up(size);
	return true;
}

static bool do_alloc(void)
{
	size_t size = draw_size();
	unsigned char *start = arena_alloc(model.arena, size);

	if (size > room())
		return !start;
	return start && block_taken(start, 0, size);
}

static bool do_calloc(void)
{
	size_t count = draw_size(), size = draw(40), i;
	unsigned char *start = arena_calloc(model.arena, count, size);

	if (size && count > room() / size)
		return !start;
	if (!start)
		return false;
	for (i = 0; i < count * size; i++)
		if (start[i])
			return false;
	return block_taken(start, 0, count * size);
}

static bool do_alloc_aligned(void)
{
	size_t alignment = (size_t)1 << draw(18), size = draw_size(), skip;
	uintptr_t here = (uintptr_t)model.base + model.used;
	void *start = NULL;
	int error;

	if (alignment < 64)
		alignment = 64;
	skip = (alignment - here % alignment) % alignment;
	error = arena_alloc_aligned(model.arena, size, alignment, &start);
	if (skip > room() || size > room() - skip)
		return error == -ENOMEM && !start;
	return !error && block_taken(start, skip, size);
}

static bool do_matrix(void)
{
	size_t rows = 1 + draw(40), cols = 1 + draw(40), size = 1 + draw(20);
	unsigned int flags = (unsigned int)draw(4);
	struct arena_matrix m = { .data = NULL };
	size_t stride = line_up(cols * size);
	int error;

	if ((flags & ARENA_MATRIX_PADDED) && stride / 64 % 2 == 0)
		stride += 64;
	error = arena_carve_matrix(model.arena, rows, cols, size, flags, &m);
	if (rows * stride > room())
		return error == -ENOMEM && !m.data;
	return !error && m.stride == stride &&
	       block_taken(m.data, 0, rows * stride);
}

/* A child's memory is a block; what lies behind it is its bookkeeping. */
static bool do_carve(void)
{
	size_t size = 1 + draw(5000), whole = arena_carve_size(size);
	struct arena *child = NULL;
	unsigned char *start;
	int error;

	error = arena_carve(model.arena, size, &child);
	if (whole > room())
		return error == -ENOMEM && !child;
	if (error || arena_size(child) != line_up(size))
		return false;
	start = arena_alloc(child, size);
	if (!start || !block_taken(start, 0, size))
		return false;
	model.used += whole - line_up(size);
	return true;
}

static struct mark *newest_valid(void)
{
	size_t i;

	for (i = model.nr_marks; i--; )
		if (model.marks[i].valid)
			return &model.marks[i];
	return NULL;
}

static bool do_mark(void)
{
	struct mark *newest = newest_valid();
	struct arena_mark mark;
	int error;

	if (model.nr_marks == NR_MARKS_MAX)
		return true;
	error = arena_mark(model.arena, &mark);
	if (newest && newest->used == model.used)
		return !error && !memcmp(&mark, &newest->mark, sizeof(mark));
	if (model.nr_valid == ARENA_MARKS_MAX)
		return error == -ENOSPC;
	model.marks[model.nr_marks++] = (struct mark) {
		.mark = mark, .used = model.used,
		.nr_blocks = model.nr_blocks, .valid = true,
	};
	model.nr_valid++;
	return !error;
}

/* Marks after @first, all if NULL, are no longer valid. */
static void forget_marks(const struct mark *first)
{
	size_t i = first ? (size_t)(first - model.marks) + 1 : 0;

	for (; i < model.nr_marks; i++) {
		model.nr_valid -= model.marks[i].valid;
		model.marks[i].valid = false;
	}
}

static void go_back(size_t used, size_t nr_blocks)
{
	if (model.used > model.peak)
		model.peak = model.used;
	model.used = used;
	model.nr_blocks = nr_blocks;
}

static bool do_rewind(void)
{
	struct mark *mark;
	int error;

	if (!model.nr_marks)
		return true;
	/* The late ones more often, or the arena would stay empty. */
	mark = &model.marks[model.nr_marks - 1 -
			    draw(1 + draw(model.nr_marks))];
	if (!contents_hold())
		return false;
	error = arena_rewind(model.arena, &mark->mark);
	if (!mark->valid)
		return error == -ESTALE;
	forget_marks(mark);
	go_back(mark->used, mark->nr_blocks);
	return !error;
}

static bool do_reset(void)
{
	if (draw(50))
		return true;
	if (!contents_hold())
		return false;
	arena_reset(model.arena);
	forget_marks(NULL);
	go_back(0, 0);
	return true;
}

static bool agrees(void)
{
	size_t peak = model.used > model.peak ? model.used : model.peak;

	return arena_used(model.arena) == model.used &&
	       arena_left(model.arena) == room() &&
	       arena_peak(model.arena) == peak;
}

static const struct {
	const char *name;
	bool (*run)(void);
	unsigned int weight;
} operations[] = {
	{ "alloc", do_alloc, 40 },
	{ "calloc", do_calloc, 10 },
	{ "alloc_aligned", do_alloc_aligned, 5 },
	{ "matrix", do_matrix, 5 },
	{ "carve", do_carve, 3 },
	{ "mark", do_mark, 30 },
	{ "rewind", do_rewind, 5 },
	{ "reset", do_reset, 2 },
};

/* The name of an operation that failed, or NULL. */
static const char *step(void)
{
	uint64_t ticket = draw(100);
	size_t i = 0;

	if (model.nr_blocks >= NR_BLOCKS_MAX - 2 ||
	    model.nr_marks == NR_MARKS_MAX) {
		arena_reset(model.arena);
		forget_marks(NULL);
		model.nr_marks = 0;
		go_back(0, 0);
	}
	while (ticket >= operations[i].weight)
		ticket -= operations[i++].weight;
	if (operations[i].run() && agrees())
		return NULL;
	return operations[i].name;
}

static uint64_t choose_seed(void)
{
	const char *seed = getenv("ARENA_TEST_SEED");
	struct timespec now;

	if (seed)
		return strtoull(seed, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

FIXTURE(model)
{
	uint64_t seed;
};

FIXTURE_SETUP(model)
{
	self->seed = choose_seed();
	TH_LOG("ARENA_TEST_SEED=%llu", (unsigned long long)self->seed);
	memset(&model, 0, sizeof(model));
	model.random = self->seed | 1;
}

FIXTURE_TEARDOWN(model)
{
	arena_destroy(model.arena);
}

TEST_F_TIMEOUT(model, agrees_with_the_arena, 120)
{
	size_t run, i;

	for (run = 0; run < NR_RUNS; run++) {
		uint64_t random = model.random;

		arena_destroy(model.arena);
		memset(&model, 0, sizeof(model));
		model.random = random;
		model.size = 4096 * (1 + draw(1024));
		model.arena = must_create(model.size);
		model.base = model.arena->next;
		for (i = 0; i < NR_OPERATIONS; i++) {
			const char *failed = step();

			if (failed)
				TH_LOG("run %zu, operation %zu: %s", run, i,
				       failed);
			ASSERT_EQ(NULL, failed);
		}
		ASSERT_TRUE(contents_hold());
	}
}

TEST_HARNESS_MAIN
