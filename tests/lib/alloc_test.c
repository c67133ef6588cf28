// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation: what fits, what does not, and where blocks lie.
 *
 * Boundaries come by table: the sizes round one line, the whole arena and one
 * byte more, and sizes whose rounding would overflow, which a careless bump
 * hands out as blocks of nothing.
 */
#include "lib_utils.h"

FIXTURE(arena)
{
	struct arena *arena;
};

FIXTURE_SETUP(arena)
{
	self->arena = must_create(MIB);
}

FIXTURE_TEARDOWN(arena)
{
	arena_destroy(self->arena);
}

TEST_F(arena, starts_empty_and_on_a_chunk)
{
	EXPECT_EQ(MIB, arena_size(self->arena));
	EXPECT_EQ(0, arena_used(self->arena));
	EXPECT_EQ(MIB, arena_left(self->arena));
	EXPECT_EQ(0, arena_peak(self->arena));
	EXPECT_TRUE(is_aligned(self->arena->next, 2 * MIB));
}

TEST_F(arena, blocks_are_aligned_exact_and_apart)
{
	static const size_t sizes[] = { 1, 63, 64, 65, 127, 128, 129, 4095,
					4096, 4097, 100000 };
	unsigned char *end = NULL;
	size_t used = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char *block = must_alloc(self->arena, sizes[i]);

		EXPECT_TRUE(is_aligned(block, ARENA_ALIGNMENT));
		EXPECT_GE((uintptr_t)block, (uintptr_t)end);
		memset(block, 0xa5, sizes[i]);
		end = block + sizes[i];
		used += (sizes[i] + 63) / 64 * 64;
		EXPECT_EQ(used, arena_used(self->arena));
		EXPECT_EQ(MIB - used, arena_left(self->arena));
	}
}

TEST_F(arena, size_zero_is_a_pointer_and_takes_nothing)
{
	void *first = must_alloc(self->arena, 0);

	EXPECT_EQ(first, must_alloc(self->arena, 0));
	EXPECT_EQ(0, arena_used(self->arena));
	must_alloc(self->arena, MIB);
	EXPECT_NE(NULL, arena_alloc(self->arena, 0));
}

TEST_F(arena, whole_arena_fits)
{
	unsigned char *block = must_alloc(self->arena, MIB);

	memset(block, 1, MIB);
	EXPECT_EQ(0, arena_left(self->arena));
	EXPECT_EQ(NULL, arena_alloc(self->arena, 1));
	EXPECT_EQ(MIB, arena_used(self->arena));
}

TEST_F(arena, last_line_fits)
{
	must_alloc(self->arena, MIB - 64);
	must_alloc(self->arena, 1);
	EXPECT_EQ(NULL, arena_alloc(self->arena, 1));
}

TEST_F(arena, no_room_is_null_and_takes_nothing)
{
	static const size_t sizes[] = { MIB - 63, MIB, MIB + 1, 2 * MIB,
					PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
					SIZE_MAX - 64, SIZE_MAX - 63,
					SIZE_MAX - 62, SIZE_MAX - 1, SIZE_MAX };
	size_t i;

	must_alloc(self->arena, 64);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		volatile size_t size = sizes[i];

		EXPECT_EQ(NULL, arena_alloc(self->arena, size));
		EXPECT_EQ(64, arena_used(self->arena));
	}
	must_alloc(self->arena, MIB - 64);
}

TEST_F(arena, calloc_zeroes_what_was_dirty)
{
	struct arena_mark mark = must_mark(self->arena);
	unsigned char *block;
	size_t i;

	memset(must_alloc(self->arena, 4000), 0xff, 4000);
	ASSERT_EQ(0, arena_rewind(self->arena, &mark));
	block = arena_calloc(self->arena, 100, 40);
	ASSERT_NE(NULL, block);
	for (i = 0; i < 4000; i++)
		ASSERT_EQ(0, block[i]);
	EXPECT_EQ(4032, arena_used(self->arena));
}

TEST_F(arena, calloc_refuses_a_product_that_overflows)
{
	static const size_t pairs[][2] = {
		{ SIZE_MAX, 2 }, { 2, SIZE_MAX }, { SIZE_MAX, SIZE_MAX },
		{ (size_t)1 << 32, (size_t)1 << 32 },
		{ ((size_t)1 << 32) + 1, (size_t)1 << 32 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		volatile size_t count = pairs[i][0], size = pairs[i][1];

		EXPECT_EQ(NULL, arena_calloc(self->arena, count, size));
	}
	EXPECT_EQ(0, arena_used(self->arena));
}

TEST_F(arena, aligned_blocks_lie_where_asked)
{
	size_t alignment;

	for (alignment = 1; alignment <= MIB / 2; alignment *= 2) {
		void *block = NULL;

		arena_reset(self->arena);
		must_alloc(self->arena, 1);
		ASSERT_EQ(0, arena_alloc_aligned(self->arena, 100, alignment,
						 &block));
		EXPECT_TRUE(is_aligned(block, alignment));
		EXPECT_TRUE(is_aligned(block, ARENA_ALIGNMENT));
		memset(block, 0x5a, 100);
		EXPECT_EQ((alignment < 64 ? 64 : alignment) + 128,
			  arena_used(self->arena));
	}
}

TEST_F(arena, alignment_that_is_no_power_of_two_is_einval)
{
	static const size_t bad[] = { 0, 3, 63, 65, 96, SIZE_MAX };
	void *block = self;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, arena_alloc_aligned(self->arena, 8, bad[i],
						       &block));
	EXPECT_EQ((void *)self, block);
	EXPECT_EQ(0, arena_used(self->arena));
}

TEST_F(arena, aligned_without_room_is_enomem_and_takes_nothing)
{
	void *block = self;

	must_alloc(self->arena, 64);
	EXPECT_EQ(-ENOMEM, arena_alloc_aligned(self->arena, MIB / 2 + 1,
					       MIB / 2, &block));
	EXPECT_EQ(-ENOMEM, arena_alloc_aligned(self->arena, 0,
					       (size_t)1 << 63, &block));
	EXPECT_EQ(-ENOMEM, arena_alloc_aligned(self->arena, SIZE_MAX, 64,
					       &block));
	EXPECT_EQ(-ENOMEM, arena_alloc_aligned(self->arena, SIZE_MAX - 1000,
					       4096, &block));
	EXPECT_EQ((void *)self, block);
	EXPECT_EQ(64, arena_used(self->arena));
	EXPECT_EQ(0, arena_alloc_aligned(self->arena, MIB / 2, MIB / 2,
					 &block));
	EXPECT_EQ(0, arena_left(self->arena));
}

TEST_F(arena, peak_is_the_most_that_was_taken)
{
	struct arena_mark mark = must_mark(self->arena);

	must_alloc(self->arena, 1000);
	EXPECT_EQ(1024, arena_peak(self->arena));
	ASSERT_EQ(0, arena_rewind(self->arena, &mark));
	must_alloc(self->arena, 10);
	EXPECT_EQ(1024, arena_peak(self->arena));
	must_alloc(self->arena, 2000);
	arena_reset(self->arena);
	EXPECT_EQ(64 + 2048, arena_peak(self->arena));
}

TEST(size_is_exact_at_chunk_borders)
{
	static const struct {
		size_t asked, got;
	} sizes[] = {
		{ 1, 64 }, { 64, 64 }, { 65, 128 }, { 2 * MIB - 1, 2 * MIB },
		{ 2 * MIB, 2 * MIB }, { 2 * MIB + 1, 2 * MIB + 64 },
		{ 2 * MIB - 4096, 2 * MIB - 4096 },
		{ 4 * MIB - 8192, 4 * MIB - 8192 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct arena *arena = must_create(sizes[i].asked);
		unsigned char *block = must_alloc(arena, sizes[i].got);
		struct arena_mark mark;

		EXPECT_EQ(sizes[i].got, arena_size(arena));
		memset(block, 0xff, sizes[i].got);
		EXPECT_EQ(NULL, arena_alloc(arena, 1));
		EXPECT_EQ(0, arena_mark(arena, &mark));
		EXPECT_EQ(0, arena_rewind(arena, &mark));
		arena_destroy(arena);
	}
}

TEST(fresh_memory_is_zero)
{
	struct arena *arena = must_create(MIB);
	unsigned char *block = must_alloc(arena, MIB);
	size_t i;

	for (i = 0; i < MIB; i++)
		ASSERT_EQ(0, block[i]);
	arena_destroy(arena);
}

TEST_HARNESS_MAIN
