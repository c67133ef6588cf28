// SPDX-License-Identifier: GPL-2.0
/*
 * Chunks of 512 single pages, which an arena gets where no 2 MiB page is to be
 * had. Nothing else is different: populated, zeroed, kept, given back.
 *
 * Where the kernel has fault injection, page allocations of order 9 are made to
 * fail. Elsewhere memory is fragmented for real: nearly all of it is filled,
 * one page in every 256 KiB is pinned by a pipe, so that compaction cannot help
 * either, and the rest is given back; what 2 MiB pages are left then are taken
 * by arenas that insist on them.
 */
#include <sys/uio.h>

#include "fault_utils.h"
#include "inject_utils.h"

#define CHUNKS 4
#define LENGTH (CHUNKS * CHUNK)
#define PIN_EVERY (256 * 1024)
#define PINS_PER_PIPE 256
#define FREE_KB_MIN (64 * 1024)
#define TOTAL_KB_MAX (8L << 20)

FIXTURE(small)
{
	int fd;
	bool injected;
};

/* Pin the page at @p for as long as this process lives. */
static bool pin_for_life(char *p)
{
	struct iovec byte = { p, 1 };
	static int ends[2], left;

	if (!left) {
		if (pipe2(ends, O_CLOEXEC) ||
		    fcntl(ends[1], F_SETPIPE_SZ, PINS_PER_PIPE * PAGE) < 0)
			return false;
		left = PINS_PER_PIPE;
	}
	left--;
	return vmsplice(ends[1], &byte, 1, SPLICE_F_NONBLOCK) == 1;
}

/* Why memory could not be fragmented, or NULL. */
static const char *fragment(void)
{
	size_t length = meminfo_kb("MemTotal") * 1024, at;
	char *p;
	int fd;

	if (length / 1024 > TOTAL_KB_MAX)
		return "too much memory to fragment, and no fault injection";
	p = mmap(NULL, length, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return "cannot fill memory";
	madvise(p, length, MADV_NOHUGEPAGE);
	for (at = 0; at < length; at += PAGE) {
		p[at] = 1;
		if (at % PIN_EVERY == 0 && !pin_for_life(p + at))
			return "vmsplice pins nothing";
		if (at % (4 * MIB) == 0 &&
		    meminfo_kb("MemAvailable") < FREE_KB_MIN)
			break;
	}
	munmap(p, length);
	do
		fd = try_open(O_RDWR);
	while (meminfo_kb("MemAvailable") > FREE_KB_MIN &&
	       !try_create(fd, CHUNK, ARENA_IOC_CREATE_HUGE));
	close(fd);
	return NULL;
}

FIXTURE_SETUP(small)
{
	const char *why = NULL;

	need_root();
	need_arena();
	self->injected = !inject_order("9");
	if (!self->injected)
		why = fragment();
	if (why)
		SKIP(return, "%s", why);
	self->fd = must_open(O_RDWR);
	must_create(self->fd, LENGTH, 0);
	if (must_info(self->fd).out_huge_bytes)
		SKIP(return, "memory would not be fragmented");
}

FIXTURE_TEARDOWN(small)
{
	if (self->injected)
		inject_stop();
	close(self->fd);
}

TEST_F_TIMEOUT(small, is_populated_and_zero, 120)
{
	struct arena_ioc_info info;
	char *p = must_mmap(self->fd, LENGTH);

	EXPECT_TRUE(chunk_aligned(p));
	EXPECT_EQ(0, pages_absent(p, LENGTH));
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_TRUE(all_zero(p, LENGTH));
	info = must_info(self->fd);
	EXPECT_EQ(LENGTH, info.out_length);
	EXPECT_EQ(LENGTH, info.out_small_bytes);
	EXPECT_EQ(0, info.out_huge_bytes);
	EXPECT_EQ(0, info.out_refaults);
	EXPECT_EQ(0, smaps_kb(p, "FilePmdMapped"));
	EXPECT_EQ(LENGTH / 1024, smaps_kb(p, "Rss"));
}

/*
 * Memory that is fragmented for real still has a 2 MiB page turn up now and
 * then: such are taken away until there are none. Injection is exact.
 */
TEST_F_TIMEOUT(small, huge_flag_is_enomem, 120)
{
	int fd = must_open(O_RDWR);
	int taken = 0;
	int ret;

	while (!(ret = try_create(fd, CHUNK, ARENA_IOC_CREATE_HUGE)) &&
	       !self->injected && taken++ < 64) {
		EXPECT_EQ(CHUNK, must_info(fd).out_huge_bytes);
		fd = must_open(O_RDWR);
	}
	ASSERT_EQ(-ENOMEM, ret);
	fails_create(ENOMEM, fd, 16 * CHUNK, ARENA_IOC_CREATE_HUGE);
	fails_info(ENODATA, fd);
	EXPECT_EQ(0, try_create(fd, CHUNK, 0));
	if (self->injected)
		EXPECT_EQ(CHUNK, must_info(fd).out_small_bytes);
}

TEST_F_TIMEOUT(small, contents_survive_all_that_takes_entries, 120)
{
	char *p = must_mmap(self->fd, LENGTH), *q;
	struct faults faults;

	fill(p, LENGTH, 0);
	must(madvise(p, LENGTH, MADV_DONTNEED));
	faults = count_faults(p, LENGTH, WALK_WRITE);
	if (faults.traps >= 0)
		EXPECT_EQ(CHUNKS, faults.traps);
	EXPECT_EQ(CHUNKS, must_info(self->fd).out_refaults);
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_EQ(0, in_child(unlike(p, LENGTH, 0) == -1 ? 0 : 1));
	EXPECT_NO_FAULTS(p, LENGTH);
	must(munmap(p + CHUNK, CHUNK));
	fails(EINVAL, munmap(p, PAGE));
	EXPECT_NO_FAULTS(p, CHUNK);
	EXPECT_FILLED(p, CHUNK, 0);
	q = must_mmap_at(NULL, CHUNK + PAGE, RW, MAP_SHARED, self->fd,
			 2 * CHUNK);
	EXPECT_NO_FAULTS(q, CHUNK + PAGE);
	EXPECT_FILLED(q, CHUNK + PAGE, 2 * CHUNK_PAGES);
}

TEST_F_TIMEOUT(small, is_given_back_and_comes_zeroed, 120)
{
	long memory = meminfo_kb("MemAvailable");
	int round;
	char *p;

	for (round = 0; round < 30; round++) {
		p = must_mmap(self->fd, LENGTH);
		ASSERT_TRUE(all_zero(p, LENGTH));
		memset(p, 0xa5, LENGTH);
		must(munmap(p, LENGTH));
		close(self->fd);
		self->fd = must_open(O_RDWR);
		must_create(self->fd, LENGTH, 0);
	}
	EXPECT_EQ(0, missing_kb(memory));
}

/* Single pages are pinned one by one. */
TEST_F_TIMEOUT(small, pages_in_a_pipe_outlive_the_arena, 120)
{
	char *p = must_mmap(self->fd, LENGTH);
	static char data[PAGE];
	struct iovec page = { p + CHUNK + 7 * PAGE, PAGE };
	int ends[2];

	fill(p, LENGTH, 0);
	must(pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(PAGE, vmsplice(ends[1], &page, 1, 0));
	must(munmap(p, LENGTH));
	close(self->fd);
	self->fd = must_open(O_RDWR);
	p = must_mmap(self->fd, LENGTH);
	memset(p, 0xa5, LENGTH);
	ASSERT_EQ(PAGE, read(ends[0], data, PAGE));
	EXPECT_FILLED(data, PAGE, CHUNK_PAGES + 7);
}

TEST_HARNESS_MAIN
