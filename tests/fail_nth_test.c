// SPDX-License-Identifier: GPL-2.0
/*
 * Every point of failure on the way to an arena, one after the other.
 *
 * Each test is a plain success story, told again with its first allocation
 * failing, then its second, and so on until it is through without a failure.
 * Wherever it fails, the file must be as it was before, nothing may be mapped,
 * and the same call must then succeed and give memory without a fault. That
 * nothing is leaked or used after it was freed, the kernel's log has to tell.
 *
 * Needs CONFIG_FAULT_INJECTION; stock kernels skip.
 */
#include "fault_utils.h"
#include "inject_utils.h"

#define LENGTH (3 * CHUNK + PAGE)
#define NTH_MAX 3000

FIXTURE(nth)
{
	int fd;
	int file;
	char *p;
};

FIXTURE_SETUP(nth)
{
	need_root();
	need_arena();
	self->file = nth_open();
	if (self->file < 0 || inject_prepare())
		SKIP(return, "kernel lacks CONFIG_FAULT_INJECTION");
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(nth)
{
	close(self->fd);
}

#define fresh_file() do {						\
	close(self->fd);						\
	self->fd = must_open(O_RDWR);					\
} while (0)

/*
 * Tell @story with its @nth failure point failing, for all of them. @story is
 * an expression that is 0 or -errno, @before makes ready for it, @failed and
 * @succeeded check what came of it.
 */
#define SWEEP(before, story, failed, succeeded) do {			\
	int __nth, __ret, __failures = 0;				\
	bool __struck = true;						\
	for (__nth = 1; __struck && __nth < NTH_MAX; __nth++) {		\
		before;							\
		nth_arm(self->file, __nth);				\
		__ret = (story);					\
		__struck = nth_has_struck(self->file);			\
		if (__ret) {						\
			__failures++;					\
			EXPECT_TRUE(__struck);				\
			EXPECT_TRUE(__ret == -ENOMEM ||			\
				    __ret == -EFAULT)			\
				TH_LOG("nth %d: %s", __nth,		\
				       strerror(-__ret));		\
			failed;						\
			ASSERT_EQ(0, (story))				\
				TH_LOG("after nth %d", __nth);		\
		}							\
		succeeded;						\
	}								\
	EXPECT_FALSE(__struck);						\
	EXPECT_LT(0, __failures);					\
	TH_LOG("%d points, %d failures", __nth - 1, __failures);	\
} while (0)

static int map(FIXTURE_DATA(nth) *self)
{
	self->p = try_mmap(self->fd, LENGTH, RW);
	return self->p == MAP_FAILED ? -errno : 0;
}

#define check_mapping() do {						\
	EXPECT_EQ(1, must_info(self->fd).out_mappings);			\
	EXPECT_NO_FAULTS(self->p, LENGTH);				\
	EXPECT_TRUE(all_zero(self->p, LENGTH));				\
	EXPECT_EQ(0, must_info(self->fd).out_refaults);			\
	must(munmap(self->p, LENGTH));					\
} while (0)

TEST_F_TIMEOUT(nth, create, 120)
{
	SWEEP(fresh_file(),
	      try_create(self->fd, LENGTH, 0),
	      fails_info(ENODATA, self->fd),
	      { EXPECT_EQ(4 * CHUNK, must_info(self->fd).out_length);
		ASSERT_EQ(0, map(self));
		check_mapping(); });
}

TEST_F_TIMEOUT(nth, create_huge, 120)
{
	SWEEP(fresh_file(),
	      try_create(self->fd, 3 * CHUNK, ARENA_IOC_CREATE_HUGE),
	      fails_info(ENODATA, self->fd),
	      EXPECT_EQ(3 * CHUNK, must_info(self->fd).out_huge_bytes));
}

TEST_F_TIMEOUT(nth, mmap_of_a_created_file, 120)
{
	SWEEP({ fresh_file(); must_create(self->fd, LENGTH, 0); },
	      map(self),
	      EXPECT_EQ(0, must_info(self->fd).out_mappings),
	      check_mapping());
}

TEST_F_TIMEOUT(nth, mmap_of_a_fresh_file, 120)
{
	SWEEP(fresh_file(),
	      map(self),
	      fails_info(ENODATA, self->fd),
	      check_mapping());
}

TEST_F_TIMEOUT(nth, open_device, 120)
{
	int fd;

	SWEEP({},
	      ({ fd = try_open(O_RDWR); fd < 0 ? fd : 0; }),
	      {},
	      { EXPECT_EQ(0, try_create(fd, CHUNK, 0));
		close(fd); });
}

#define map_and_fill() do {						\
	fresh_file();							\
	ASSERT_EQ(0, map(self));					\
	fill(self->p, LENGTH, 0);					\
} while (0)

#define check_contents(mappings) do {					\
	EXPECT_EQ(mappings_of_arena(),					\
		  must_info(self->fd).out_mappings);			\
	EXPECT_EQ(mappings, mappings_of_arena());			\
	EXPECT_FILLED(self->p, CHUNK, 0);				\
	EXPECT_FILLED(self->p + 2 * CHUNK, CHUNK + PAGE,		\
		      2 * CHUNK_PAGES);					\
	walk(self->p, CHUNK, WALK_WRITE);				\
	EXPECT_NO_FAULTS(self->p, CHUNK);				\
} while (0)

/* A hole splits the mapping: two more VMAs to allocate. */
TEST_F_TIMEOUT(nth, munmap_of_a_chunk, 120)
{
	SWEEP(map_and_fill(),
	      munmap(self->p + CHUNK, CHUNK) ? -errno : 0,
	      {},
	      { check_contents(2); munmap(self->p, LENGTH); });
}

static int try_fork(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	if (child < 0)
		return errno == EAGAIN ? -ENOMEM : -errno;
	reap(child);
	return 0;
}

TEST_F_TIMEOUT(nth, fork, 240)
{
	SWEEP(map_and_fill(),
	      try_fork(),
	      check_contents(1),
	      { check_contents(1); munmap(self->p, LENGTH); });
}

/*
 * A refault that cannot allocate a page table is retried, or served by 4 KiB
 * entries; either way the bytes come back.
 */
TEST_F_TIMEOUT(nth, refault, 120)
{
	bool struck = true;
	int nth;

	for (nth = 1; struck && nth < NTH_MAX; nth++) {
		map_and_fill();
		must(madvise(self->p, LENGTH, MADV_DONTNEED));
		nth_arm(self->file, nth);
		walk(self->p, LENGTH, WALK_WRITE);
		struck = nth_has_struck(self->file);
		EXPECT_FILLED(self->p, LENGTH, 0);
		EXPECT_NO_FAULTS(self->p, LENGTH);
		must(munmap(self->p, LENGTH));
	}
	EXPECT_FALSE(struck);
}

TEST_HARNESS_MAIN
