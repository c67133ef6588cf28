// SPDX-License-Identifier: GPL-2.0
/*
 * Child arenas: exact, apart from their siblings, and owned by other threads.
 */
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib_utils.h"

#define SKIPPED 77

FIXTURE(arena)
{
	struct arena *arena;
};

FIXTURE_SETUP(arena)
{
	self->arena = must_create(8 * MIB);
}

FIXTURE_TEARDOWN(arena)
{
	arena_destroy(self->arena);
}

TEST_F(arena, child_holds_what_was_asked)
{
	static const size_t sizes[] = { 1, 64, 65, 4096, 4097, MIB };
	struct arena *child;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t whole = (sizes[i] + 63) / 64 * 64;
		size_t before = arena_used(self->arena);

		ASSERT_EQ(0, arena_carve(self->arena, sizes[i], &child));
		EXPECT_EQ(whole, arena_size(child));
		EXPECT_EQ(arena_carve_size(sizes[i]),
			  arena_used(self->arena) - before);
		memset(must_alloc(child, whole), 0xff, whole);
		EXPECT_EQ(NULL, arena_alloc(child, 1));
		EXPECT_EQ(arena_backend(self->arena), arena_backend(child));
		EXPECT_EQ(arena_guarantees(self->arena),
			  arena_guarantees(child));
	}
}

TEST_F(arena, child_and_parent_do_not_touch_each_other)
{
	struct arena *child, *grandchild;
	unsigned char *before, *inside, *deep, *after;

	before = must_alloc(self->arena, 1000);
	ASSERT_EQ(0, arena_carve(self->arena, 64 * 1024, &child));
	after = must_alloc(self->arena, 1000);
	ASSERT_EQ(0, arena_carve(child, 1024, &grandchild));
	inside = must_alloc(child, arena_left(child));
	deep = must_alloc(grandchild, 1024);
	memset(before, 1, 1000);
	memset(after, 2, 1000);
	memset(inside, 3, arena_size(child) - arena_carve_size(1024));
	memset(deep, 4, 1024);
	EXPECT_EQ(1, before[999]);
	EXPECT_EQ(2, after[0]);
	EXPECT_EQ(3, inside[0]);
	EXPECT_EQ(4, deep[1023]);
	arena_reset(child);
	EXPECT_EQ(0, arena_used(child));
	EXPECT_EQ(2, after[0]);
}

TEST_F(arena, marks_of_a_child_are_its_own)
{
	struct arena *child;
	struct arena_mark of_parent, of_child;

	ASSERT_EQ(0, arena_carve(self->arena, 4096, &child));
	of_parent = must_mark(self->arena);
	of_child = must_mark(child);
	EXPECT_EQ(-EINVAL, arena_rewind(child, &of_parent));
	EXPECT_EQ(-EINVAL, arena_rewind(self->arena, &of_child));
	must_alloc(child, 100);
	EXPECT_EQ(0, arena_rewind(child, &of_child));
	EXPECT_EQ(0, arena_used(child));
}

TEST_F(arena, destroying_a_child_gives_the_parent_nothing_back)
{
	struct arena_mark mark = must_mark(self->arena);
	struct arena *child;
	size_t used;

	ASSERT_EQ(0, arena_carve(self->arena, 4096, &child));
	used = arena_used(self->arena);
	arena_destroy(child);
	EXPECT_EQ(used, arena_used(self->arena));
	EXPECT_EQ(0, arena_rewind(self->arena, &mark));
	EXPECT_EQ(0, arena_used(self->arena));
}

TEST_F(arena, no_room_is_enomem_and_takes_nothing)
{
	struct arena *child = NULL;

	EXPECT_EQ(-ENOMEM, arena_carve(self->arena, 8 * MIB, &child));
	EXPECT_EQ(-ENOMEM, arena_carve(self->arena, PTRDIFF_MAX, &child));
	EXPECT_EQ(NULL, child);
	EXPECT_EQ(0, arena_used(self->arena));
	EXPECT_EQ(0, arena_carve(self->arena,
				 8 * MIB - arena_carve_size(0), &child));
	EXPECT_EQ(0, arena_left(self->arena));
}

TEST_F(arena, sizes_that_cannot_be)
{
	struct arena *child = NULL;

	EXPECT_EQ(-EINVAL, arena_carve(self->arena, 0, &child));
	EXPECT_EQ(-EOVERFLOW, arena_carve(self->arena, SIZE_MAX, &child));
	EXPECT_EQ(-EOVERFLOW, arena_carve(self->arena, SIZE_MAX - 64, &child));
	EXPECT_EQ(SIZE_MAX, arena_carve_size(SIZE_MAX));
	EXPECT_EQ(NULL, child);
	EXPECT_EQ(0, arena_used(self->arena));
}

#define NR_THREADS 4
#define NR_STEPS 2000

/* Own the arena: fill it and check it, again and again. Returns NULL if well. */
static void *thread_main(void *argument)
{
	struct arena *arena = argument;
	unsigned char value = (unsigned char)(uintptr_t)arena->state;
	int step;

	for (step = 0; step < NR_STEPS; step++) {
		size_t size = 1 + (size_t)step % 4000;
		unsigned char *block = arena_alloc(arena, size);

		if (!block)
			return arena;
		memset(block, value + step, size);
		if (block[0] != (unsigned char)(value + step) ||
		    block[size - 1] != (unsigned char)(value + step))
			return arena;
		arena_reset(arena);
	}
	return NULL;
}

TEST_F(arena, threads_own_children)
{
	pthread_t threads[NR_THREADS];
	struct arena *child;
	void *result;
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		ASSERT_EQ(0, arena_carve(self->arena, 4096, &child));
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, thread_main,
					    child));
	}
	for (i = 0; i < NR_THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(NULL, result);
	}
}

/* In a child that any system call kills, and so does reading a clock. */
static void loop_in_a_cage(struct arena *arena)
{
	struct arena_mark mark;
	struct arena *child;
	int step, errors = 0;

	prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		_exit(SKIPPED);
	for (step = 0; step < 1000; step++) {
		errors += arena_mark(arena, &mark);
		errors += arena_carve(arena, 4096, &child);
		errors += !arena_calloc(child, 1, 4096);
		arena_destroy(child);
		errors += arena_rewind(arena, &mark);
	}
	syscall(SYS_exit, errors != 0);
}

TEST(loop_that_carves_never_enters_the_kernel)
{
	struct arena *arena;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (try_create(MIB, &arena))
			_exit(255);
		loop_in_a_cage(arena);
	}
	status = wait_for(pid);
	if (status == SKIPPED)
		SKIP(return, "no seccomp here");
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
