// SPDX-License-Identifier: GPL-2.0
/*
 * Arenas across fork, exec and exit.
 *
 * A child shares the arena: same pages, writes seen by both. fork() does not
 * copy the page tables of such a mapping, so the child pays one fault a chunk
 * on its first touch; the parent pays nothing, not even for copy on write,
 * which is what costs anonymous memory its promise. INFO counts each copy of
 * each mapping for as long as it lives, however the process ends.
 */
#include "fault_utils.h"
#include "proc_utils.h"

#define CHUNKS 8
#define LENGTH (CHUNKS * CHUNK)

FIXTURE(family)
{
	int fd;
	char *p;
	/* What a child has to tell, and pipes to hold it at a point. */
	volatile long *told;
	int ready[2];
	int go[2];
};

FIXTURE_SETUP(family)
{
	need_arena();
	self->fd = must_open(O_RDWR);
	must_create(self->fd, LENGTH, 0);
	self->p = must_mmap(self->fd, LENGTH);
	fill(self->p, LENGTH, 0);
	self->told = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->told);
	must(pipe2(self->ready, O_CLOEXEC));
	must(pipe2(self->go, O_CLOEXEC));
}

FIXTURE_TEARDOWN(family)
{
	close(self->fd);
}

#define mappings() must_info(self->fd).out_mappings

/* In the child: say that the point is reached, wait until told to go on. */
static void hold(FIXTURE_DATA(family) *self)
{
	char byte = 0;

	if (write(self->ready[1], &byte, 1) != 1)
		_exit(99);
	if (read(self->go[0], &byte, 1) != 1)
		_exit(98);
}

#define wait_ready() do {						\
	char __byte;							\
	ASSERT_EQ(1, read(self->ready[0], &__byte, 1));			\
} while (0)

#define let_go() ASSERT_EQ(1, write(self->go[1], "", 1))

/* mmput() of a killed process may come a moment after its end is reported. */
#define EXPECT_MAPPINGS_SOON(n) do {					\
	double __end = now() + 5;					\
	while (mappings() != (n) && now() < __end)			\
		sleep_ms(10);						\
	EXPECT_EQ(n, mappings());					\
} while (0)

TEST_F(family, parent_takes_no_fault)
{
	int round;

	for (round = 0; round < 3; round++) {
		EXPECT_EQ(0, in_child((walk(self->p, LENGTH, WALK_WRITE), 0)));
		EXPECT_NO_FAULTS(self->p, LENGTH);
	}
	EXPECT_FILLED(self->p, LENGTH, 0);
}

TEST_F(family, parent_takes_no_fault_while_the_child_lives)
{
	pid_t child = fork();

	if (!child) {
		hold(self);
		_exit(0);
	}
	wait_ready();
	EXPECT_NO_FAULTS(self->p, LENGTH);
	let_go();
	EXPECT_EQ(0, reap(child));
	EXPECT_NO_FAULTS(self->p, LENGTH);
}

TEST_F(family, child_takes_at_most_one_fault_a_chunk)
{
	bool huge = must_info(self->fd).out_huge_bytes == LENGTH;

	if (!huge)
		SKIP(return, "memory is too fragmented for 2 MiB chunks");
	ASSERT_EQ(0, in_child((
		self->told[0] = faults_of(self->p, LENGTH, WALK_READ),
		self->told[1] = faults_of(self->p, LENGTH, WALK_WRITE),
		self->told[2] = faults_of(self->p, LENGTH, WALK_READ), 0)));
	EXPECT_GE(CHUNKS, self->told[0] + self->told[1]);
	EXPECT_EQ(0, self->told[2]);
	EXPECT_EQ(self->told[0] + self->told[1],
		  (long)must_info(self->fd).out_refaults);
	EXPECT_NO_FAULTS(self->p, LENGTH);
}

TEST_F(family, both_see_what_either_writes)
{
	pid_t child = fork();

	if (!child) {
		if (unlike(self->p, LENGTH, 0) != -1)
			_exit(1);
		fill(self->p, LENGTH / 2, 100000);
		hold(self);
		_exit(unlike(self->p, LENGTH / 2, 100000) == -1 &&
		      unlike(self->p + LENGTH / 2, LENGTH / 2, 200000) == -1 ?
		      0 : 2);
	}
	wait_ready();
	EXPECT_FILLED(self->p, LENGTH / 2, 100000);
	fill(self->p + LENGTH / 2, LENGTH / 2, 200000);
	let_go();
	EXPECT_EQ(0, reap(child));
}

TEST_F(family, mappings_are_counted_in_every_process)
{
	pid_t child = fork();

	if (!child) {
		hold(self);
		munmap(self->p + 2 * CHUNK, CHUNK);
		hold(self);
		munmap(self->p, LENGTH);
		hold(self);
		_exit(0);
	}
	wait_ready();
	EXPECT_EQ(2, mappings());
	let_go();
	wait_ready();
	EXPECT_EQ(3, mappings());
	let_go();
	wait_ready();
	EXPECT_EQ(1, mappings());
	let_go();
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(1, mappings());
	must(munmap(self->p, LENGTH));
	EXPECT_EQ(0, mappings());
}

TEST_F(family, killed_child_gives_its_mapping_back)
{
	pid_t child = fork();

	if (!child) {
		hold(self);
		_exit(0);
	}
	wait_ready();
	EXPECT_EQ(2, mappings());
	must(kill(child, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, reap(child));
	EXPECT_MAPPINGS_SOON(1);
	EXPECT_NO_FAULTS(self->p, LENGTH);
	EXPECT_FILLED(self->p, LENGTH, 0);
}

/* The program that exec starts (this one) says so, and waits. */
static __attribute__((constructor)) void executed(void)
{
	const char *fds = getenv("ARENA_TEST_EXECUTED");
	int ready, go;
	char byte = 0;

	if (!fds || sscanf(fds, "%d %d", &ready, &go) != 2)
		return;
	if (write(ready, &byte, 1) != 1)
		_exit(99);
	_exit(read(go, &byte, 1) == 1 ? 0 : 98);
}

TEST_F(family, exec_ends_the_mapping)
{
	char fds[32], *const argv[] = { "executed", NULL };
	pid_t child;

	snprintf(fds, sizeof(fds), "%d %d", self->ready[1], self->go[0]);
	child = fork();
	if (!child) {
		hold(self);
		fcntl(self->ready[1], F_SETFD, 0);
		fcntl(self->go[0], F_SETFD, 0);
		setenv("ARENA_TEST_EXECUTED", fds, 1);
		execv("/proc/self/exe", argv);
		_exit(97);
	}
	wait_ready();
	EXPECT_EQ(2, mappings());
	let_go();
	wait_ready();
	EXPECT_EQ(1, mappings());
	EXPECT_NO_FAULTS(self->p, LENGTH);
	let_go();
	EXPECT_EQ(0, reap(child));
	EXPECT_FILLED(self->p, LENGTH, 0);
}

TEST_F(family, dontfork_keeps_it_from_the_child)
{
	must(madvise(self->p, LENGTH, MADV_DONTFORK));
	EXPECT_EQ(128 + SIGSEGV, reading_ends(self->p));
	EXPECT_EQ(1, mappings());
	EXPECT_NO_FAULTS(self->p, LENGTH);
	must(madvise(self->p, LENGTH, MADV_DOFORK));
	EXPECT_EQ(0, reading_ends(self->p));
	EXPECT_NO_FAULTS(self->p, LENGTH);
}

/* The descriptor is inherited too: the child makes a mapping of its own. */
TEST_F(family, child_maps_the_inherited_descriptor)
{
	pid_t child = fork();

	if (!child) {
		char *q = try_mmap(self->fd, LENGTH, RW);

		if (q == MAP_FAILED)
			_exit(1);
		self->told[0] = faults_of(q, LENGTH, WALK_WRITE);
		self->told[1] = unlike(q, LENGTH, 0);
		hold(self);
		_exit(0);
	}
	wait_ready();
	EXPECT_EQ(3, mappings());
	EXPECT_EQ(0, self->told[0]);
	EXPECT_EQ(-1, self->told[1]);
	let_go();
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(1, mappings());
}

/* A child of a child of a child. */
TEST_F(family, generations)
{
	ASSERT_EQ(0, in_child((
		self->told[0] = in_child((
			self->told[1] = in_child((
				self->told[2] = unlike(self->p, LENGTH, 0),
				self->p[0] = 77, 0)),
			0)),
		0)));
	EXPECT_EQ(0, self->told[0]);
	EXPECT_EQ(0, self->told[1]);
	EXPECT_EQ(-1, self->told[2]);
	EXPECT_EQ(77, self->p[0]);
	EXPECT_EQ(1, mappings());
	EXPECT_NO_FAULTS(self->p, LENGTH);
}

TEST_HARNESS_MAIN
