// SPDX-License-Identifier: GPL-2.0
/*
 * Marks: which are valid, and that the others are found out.
 *
 * The hard case is a mark whose position the arena has passed again since it
 * went stale: comparing positions would accept it and free what is alive.
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

TEST_F(arena, rewind_gives_back_what_came_after)
{
	void *kept = must_alloc(self->arena, 100);
	struct arena_mark mark = must_mark(self->arena);
	void *first = must_alloc(self->arena, 1000);

	memset(kept, 7, 100);
	ASSERT_EQ(0, arena_rewind(self->arena, &mark));
	EXPECT_EQ(128, arena_used(self->arena));
	EXPECT_EQ(first, must_alloc(self->arena, 1000));
	EXPECT_EQ(7, ((char *)kept)[99]);
}

TEST_F(arena, one_mark_serves_every_step)
{
	struct arena_mark mark;
	int step;

	must_alloc(self->arena, 64);
	mark = must_mark(self->arena);
	for (step = 0; step < 100000; step++) {
		ASSERT_EQ(0, arena_rewind(self->arena, &mark));
		must_alloc(self->arena, MIB - 64);
	}
}

TEST_F(arena, a_mark_in_every_step_is_the_same_mark)
{
	struct arena_mark first = must_mark(self->arena);
	int step;

	for (step = 0; step < 1000; step++) {
		struct arena_mark mark = must_mark(self->arena);

		ASSERT_EQ(0, memcmp(&first, &mark, sizeof(mark)));
		must_alloc(self->arena, 1000);
		ASSERT_EQ(0, arena_rewind(self->arena, &mark));
	}
}

TEST_F(arena, marks_nest)
{
	struct arena_mark outer, inner;

	must_alloc(self->arena, 64);
	outer = must_mark(self->arena);
	must_alloc(self->arena, 64);
	inner = must_mark(self->arena);
	must_alloc(self->arena, 64);
	EXPECT_EQ(0, arena_rewind(self->arena, &inner));
	EXPECT_EQ(128, arena_used(self->arena));
	EXPECT_EQ(0, arena_rewind(self->arena, &outer));
	EXPECT_EQ(64, arena_used(self->arena));
	EXPECT_EQ(-ESTALE, arena_rewind(self->arena, &inner));
	EXPECT_EQ(0, arena_rewind(self->arena, &outer));
}

TEST_F(arena, stale_mark_stays_stale_when_its_position_comes_again)
{
	struct arena_mark outer = must_mark(self->arena);
	struct arena_mark stale, fresh;

	must_alloc(self->arena, 64);
	stale = must_mark(self->arena);
	ASSERT_EQ(0, arena_rewind(self->arena, &outer));
	must_alloc(self->arena, 64);
	EXPECT_EQ(-ESTALE, arena_rewind(self->arena, &stale));
	fresh = must_mark(self->arena);
	must_alloc(self->arena, 64);
	EXPECT_EQ(-ESTALE, arena_rewind(self->arena, &stale));
	EXPECT_EQ(128, arena_used(self->arena));
	EXPECT_EQ(0, arena_rewind(self->arena, &fresh));
}

TEST_F(arena, reset_makes_every_mark_stale)
{
	struct arena_mark at_start = must_mark(self->arena);
	struct arena_mark later;

	must_alloc(self->arena, 64);
	later = must_mark(self->arena);
	arena_reset(self->arena);
	EXPECT_EQ(0, arena_used(self->arena));
	must_alloc(self->arena, 64);
	EXPECT_EQ(-ESTALE, arena_rewind(self->arena, &at_start));
	EXPECT_EQ(-ESTALE, arena_rewind(self->arena, &later));
	EXPECT_EQ(64, arena_used(self->arena));
}

TEST_F(arena, foreign_mark_is_einval)
{
	struct arena *other = must_create(MIB);
	struct arena_mark mark = must_mark(other);
	struct arena_mark zero = { 0 };

	must_alloc(self->arena, 64);
	EXPECT_EQ(-EINVAL, arena_rewind(self->arena, &mark));
	EXPECT_EQ(-EINVAL, arena_rewind(self->arena, &zero));
	EXPECT_EQ(-EINVAL, arena_rewind(self->arena, NULL));
	EXPECT_EQ(64, arena_used(self->arena));
	arena_destroy(other);
}

/* A child carved again lies where the first one lay, down to its address. */
TEST_F(arena, mark_of_a_dead_arena_at_the_same_address_is_estale)
{
	struct arena_mark before = must_mark(self->arena);
	struct arena_mark mark;
	struct arena *child, *again;

	ASSERT_EQ(0, arena_carve(self->arena, 4096, &child));
	mark = must_mark(child);
	ASSERT_EQ(0, arena_rewind(self->arena, &before));
	ASSERT_EQ(0, arena_carve(self->arena, 4096, &again));
	ASSERT_EQ(child, again);
	must_mark(again);
	EXPECT_EQ(-ESTALE, arena_rewind(again, &mark));
}

TEST_F(arena, a_mark_too_many_is_enospc_and_changes_nothing)
{
	struct arena_mark marks[ARENA_MARKS_MAX], more;
	int i;

	for (i = 0; i < ARENA_MARKS_MAX; i++) {
		marks[i] = must_mark(self->arena);
		must_alloc(self->arena, 64);
	}
	EXPECT_EQ(-ENOSPC, arena_mark(self->arena, &more));
	for (i = ARENA_MARKS_MAX - 1; i >= 0; i--) {
		ASSERT_EQ(0, arena_rewind(self->arena, &marks[i]));
		ASSERT_EQ(64 * i, arena_used(self->arena));
	}
	must_alloc(self->arena, 64);
	EXPECT_EQ(0, arena_mark(self->arena, &more));
}

TEST_HARNESS_MAIN
