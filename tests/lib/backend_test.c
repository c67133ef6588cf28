// SPDX-License-Identifier: GPL-2.0
/*
 * Backends: every guarantee that an arena reports is checked by other means.
 *
 * The anonymous backend by default; with ARENA_TEST_BACKEND=device the same
 * questions are put to /dev/arena, but for those about what only anonymous
 * memory does.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "lib_utils.h"

#define SIZE (16 * MIB)
/* With the bookkeeping it fills chunks wholly. */
#define SIZE_WHOLE (SIZE - 16384)

FIXTURE(arena)
{
	struct arena *arena;
	unsigned int guarantees;
};

FIXTURE_SETUP(arena)
{
	self->arena = must_create(SIZE_WHOLE);
	self->guarantees = arena_guarantees(self->arena);
}

FIXTURE_TEARDOWN(arena)
{
	arena_destroy(self->arena);
}

#define must_hold(guarantee) do {					\
	if (!(self->guarantees & (guarantee)))				\
		SKIP(return, "not held here: " #guarantee);		\
} while (0)

/* Faults of this thread while @block is written, page by page. */
#define count_walk(block, size, faults) do {				\
	struct arena_fault_counter *__counter = NULL;			\
									\
	ASSERT_EQ(0, arena_fault_counter_open(&__counter));		\
	arena_fault_counter_start(__counter);				\
	touch_pages(block, size);					\
	arena_fault_counter_stop(__counter, faults, NULL);		\
	if (!arena_fault_counter_has_traps(__counter))			\
		TH_LOG("%s", arena_fault_counter_why(__counter));	\
	arena_fault_counter_close(__counter);				\
} while (0)

#define expect_no_faults(faults) do {					\
	EXPECT_EQ(0, (faults).minor);					\
	EXPECT_EQ(0, (faults).major);					\
	EXPECT_EQ(0, (faults).traps);					\
} while (0)

TEST_F(arena, populated_walk_takes_no_fault)
{
	struct arena_faults faults;
	void *block;

	must_hold(ARENA_GUARANTEE_POPULATED);
	block = must_alloc(self->arena, SIZE_WHOLE);
	count_walk(block, SIZE_WHOLE, &faults);
	expect_no_faults(faults);
}

/* The walk above would see faults if there were any. */
TEST(walk_of_plain_memory_takes_faults)
{
	struct arena_faults faults;
	void *plain = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, plain);
	ASSERT_EQ(0, madvise(plain, SIZE, MADV_NOHUGEPAGE));
	count_walk(plain, SIZE, &faults);
	EXPECT_EQ(SIZE / 4096, faults.minor);
}

/* The bookkeeping is memory of the arena, too. */
TEST_F(arena, marks_and_children_take_no_fault)
{
	struct arena_fault_counter *counter;
	struct arena_faults faults;
	struct arena_mark mark;
	struct arena *child = NULL;
	int i, errors = 0;

	must_hold(ARENA_GUARANTEE_POPULATED);
	ASSERT_EQ(0, arena_fault_counter_open(&counter));
	/* Once to bind the functions. */
	for (i = 0; i < 2; i++) {
		arena_reset(self->arena);
		arena_fault_counter_start(counter);
		while (!arena_mark(self->arena, &mark))
			errors += !arena_alloc(self->arena, 64);
		errors += arena_rewind(self->arena, &mark);
		errors += arena_carve(self->arena, MIB, &child);
		errors += !arena_calloc(child, MIB, 1);
		arena_fault_counter_stop(counter, &faults, NULL);
	}
	EXPECT_EQ(0, errors);
	if (!is_sanitized())
		expect_no_faults(faults);
	arena_fault_counter_close(counter);
}

TEST_F(arena, locked_is_seen_in_vmlck)
{
	must_hold(ARENA_GUARANTEE_LOCKED);
	if (test_backend() != ARENA_BACKEND_ANONYMOUS)
		SKIP(return, "the device needs no lock");
	EXPECT_EQ(SIZE >> 10, proc_number("/proc/self/status", "VmLck:"));
}

TEST_F(arena, huge_is_seen_in_smaps)
{
	const char *key = test_backend() == ARENA_BACKEND_DEVICE ?
			  "FilePmdMapped:" : "AnonHugePages:";

	must_hold(ARENA_GUARANTEE_HUGE);
	EXPECT_LE(SIZE >> 10, proc_number("/proc/self/smaps_rollup", key));
}

/* Can this system fill @size bytes with huge pages at all? */
static bool has_huge_pages(size_t size)
{
	long before = proc_number("/proc/self/smaps_rollup", "AnonHugePages:");
	unsigned char *start;
	bool huge;

	start = mmap(NULL, size + 2 * MIB, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return false;
	madvise(start, size + 2 * MIB, MADV_HUGEPAGE);
	touch_pages(start, size + 2 * MIB);
	huge = proc_number("/proc/self/smaps_rollup", "AnonHugePages:") -
	       before >= (long)(size >> 10);
	munmap(start, size + 2 * MIB);
	return huge;
}

TEST(huge_where_the_system_has_huge_pages)
{
	struct arena *arena;

	if (test_backend() != ARENA_BACKEND_ANONYMOUS)
		SKIP(return, "the device has pages of its own");
	if (!has_huge_pages(SIZE))
		SKIP(return, "this system gives no transparent huge pages");
	arena = must_create(SIZE_WHOLE);
	EXPECT_NE(0, arena_guarantees(arena) & ARENA_GUARANTEE_HUGE);
	arena_destroy(arena);
}

/* mlockall(MCL_FUTURE) populates what becomes writable: advice comes first. */
TEST(huge_in_a_process_that_locks_all)
{
	struct arena *arena;

	if (test_backend() != ARENA_BACKEND_ANONYMOUS)
		SKIP(return, "the device has pages of its own");
	if (!has_huge_pages(SIZE))
		SKIP(return, "this system gives no transparent huge pages");
	if (is_sanitized())
		SKIP(return, "sanitizers make mlockall() do nothing");
	if (mlockall(MCL_FUTURE))
		SKIP(return, "mlockall() is not allowed: %s", strerror(errno));
	arena = must_create(SIZE_WHOLE);
	EXPECT_NE(0, arena_guarantees(arena) & ARENA_GUARANTEE_HUGE);
	EXPECT_NE(0, arena_guarantees(arena) & ARENA_GUARANTEE_LOCKED);
	arena_destroy(arena);
}

/* Neighbours that the kernel merged would spoil each other's evidence. */
TEST(neighbours_do_not_spoil_the_evidence)
{
	struct arena *arenas[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arenas); i++) {
		arenas[i] = must_create(SIZE_WHOLE);
		EXPECT_EQ(arena_guarantees(arenas[0]),
			  arena_guarantees(arenas[i]));
	}
	for (i = 0; i < ARRAY_SIZE(arenas); i++)
		arena_destroy(arenas[i]);
}

/* A file system that takes the flag O_DIRECT and copies all the same. */
static bool is_in_memory(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

TEST_F(arena, direct_io_reads_what_was_written)
{
	char path[] = "arena-direct-XXXXXX";
	void *aligned = NULL;
	unsigned char *out, *in;
	ssize_t got;
	int fd;

	must_hold(ARENA_GUARANTEE_DIRECT_IO);
	out = must_alloc(self->arena, 65536);
	must_alloc(self->arena, 64);
	in = must_alloc(self->arena, 65536);
	ASSERT_FALSE(is_aligned(in, 512));
	ASSERT_EQ(0, arena_alloc_aligned(self->arena, 65536, 4096, &aligned));
	ASSERT_TRUE(is_aligned(out, 4096));
	memset(out, 0x3c, 65536);
	memset(in, 0, 65536);
	fd = mkostemp(path, O_DIRECT);
	if (fd >= 0 && is_in_memory(fd)) {
		unlink(path);
		SKIP(return, "direct I/O means nothing in a tmpfs");
	}
	if (fd < 0)
		SKIP(return, "no O_DIRECT file in this directory: %s",
		     strerror(errno));
	unlink(path);
	ASSERT_EQ(65536, pwrite(fd, out, 65536, 0));
	ASSERT_EQ(65536, pread(fd, aligned, 65536, 0));
	EXPECT_EQ(0, memcmp(aligned, out, 65536));
	/* Any other block only where the file takes it. */
	got = pread(fd, in, 65536, 0);
	TH_LOG("a block on a border of 64 bytes: %s",
	       got < 0 ? strerror(errno) : "read");
	EXPECT_TRUE(got < 0 ? errno == EINVAL : !memcmp(in, out, 65536));
	close(fd);
}

/* MADV_DONTFORK: a fork costs the parent no fault. */
TEST_F(arena, fork_costs_the_parent_no_fault)
{
	struct arena_faults faults;
	unsigned char *block;
	int gate[2];
	pid_t pid;
	char byte;

	must_hold(ARENA_GUARANTEE_POPULATED);
	if (test_backend() != ARENA_BACKEND_ANONYMOUS)
		SKIP(return, "the device shares its mapping");
	block = must_alloc(self->arena, SIZE_WHOLE);
	ASSERT_EQ(0, pipe(gate));
	pid = fork();
	if (!pid) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) != 0);
	}
	count_walk(block, SIZE_WHOLE, &faults);
	close(gate[1]);
	EXPECT_EQ(0, wait_for(pid));
	/* The stack and the counter's heap were shared by the fork. */
	EXPECT_GE(16, faults.traps);
	EXPECT_GE(16, faults.minor);
}

TEST_F(arena, does_not_exist_in_a_forked_child)
{
	volatile unsigned char *block = must_alloc(self->arena, 64);
	pid_t pid;

	if (test_backend() != ARENA_BACKEND_ANONYMOUS)
		SKIP(return, "the device shares its mapping");
	block[0] = 1;
	pid = fork();
	if (!pid)
		_exit(mincore((void *)block, 4096, (unsigned char[2]){ 0 }) &&
		      errno == ENOMEM ? 0 : 1);
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(1, block[0]);
}

TEST_F(arena, pages_round_it_are_inaccessible)
{
	unsigned char *base = self->arena->next;
	unsigned char vec[2];

	if (test_backend() != ARENA_BACKEND_ANONYMOUS)
		SKIP(return, "the device has no guard pages");
	EXPECT_EQ(0, mincore(base - 4096, 4096, vec));
	EXPECT_EQ(-1, madvise(base - 4096, 4096, 23 /* POPULATE_WRITE */));
	EXPECT_EQ(-1, madvise(base + SIZE, 4096, 23 /* POPULATE_WRITE */));
	EXPECT_EQ(0, madvise(base, SIZE, 23 /* POPULATE_WRITE */));
}

TEST(create_and_destroy_leave_nothing)
{
	long size, locked;
	int i;

	arena_destroy(must_create(SIZE));
	size = proc_number("/proc/self/status", "VmSize:");
	locked = proc_number("/proc/self/status", "VmLck:");
	for (i = 0; i < 50; i++)
		arena_destroy(must_create(SIZE));
	EXPECT_EQ(size, proc_number("/proc/self/status", "VmSize:"));
	EXPECT_EQ(locked, proc_number("/proc/self/status", "VmLck:"));
}

TEST(required_guarantees_hold)
{
	static const unsigned int all[] = {
		ARENA_GUARANTEE_POPULATED, ARENA_GUARANTEE_LOCKED,
		ARENA_GUARANTEE_HUGE, ARENA_GUARANTEE_DIRECT_IO,
	};
	struct arena *arena = must_create(SIZE);
	unsigned int held = arena_guarantees(arena);
	unsigned int i;

	arena_destroy(arena);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct arena_options options = ARENA_OPTIONS_INIT;

		if (!(held & all[i]))
			continue;
		options.backend = test_backend();
		options.require = all[i];
		ASSERT_EQ(0, arena_create(SIZE, &options, &arena));
		EXPECT_EQ(all[i], arena_guarantees(arena) & all[i]);
		arena_destroy(arena);
	}
}

TEST_HARNESS_MAIN
