// SPDX-License-Identifier: GPL-2.0
/*
 * madvise(2) with every advice there is, and soft-dirty tracking: what takes
 * page-table entries away, how they come back, and that INFO tells.
 *
 * Contents are never lost, whatever is advised: the arena owns its pages, the
 * page table only refers to them. Only three things cost a fault afterwards:
 * MADV_DONTNEED, its _LOCKED sister, and a soft-dirty clear: one trap a chunk,
 * and out_refaults counts each of them and nothing else.
 *
 * MADV_HWPOISON is left out: it works, and takes the memory from the machine.
 */
#include "fault_utils.h"
#include "proc_utils.h"

#ifndef PR_SET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#define MADV_GUARD_INSTALL_NR 102

#define CHUNKS 8
#define LENGTH (CHUNKS * CHUNK)

FIXTURE(advised)
{
	int fd;
	char *p;
	bool huge;
};

FIXTURE_VARIANT(advised)
{
	bool thp_disable;
};

FIXTURE_VARIANT_ADD(advised, huge) {};
FIXTURE_VARIANT_ADD(advised, small) { .thp_disable = true };

FIXTURE_SETUP(advised)
{
	need_arena();
	if (variant->thp_disable)
		must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	self->fd = must_open(O_RDWR);
	must_create(self->fd, LENGTH, 0);
	self->p = must_mmap(self->fd, LENGTH);
	fill(self->p, LENGTH, 0);
	self->huge = must_info(self->fd).out_huge_bytes == LENGTH;
}

FIXTURE_TEARDOWN(advised)
{
	close(self->fd);
}

#define refaults() ((long)must_info(self->fd).out_refaults)

/*
 * Touch it all after entries of @chunks chunks were taken away: one trap a
 * chunk, counted by INFO, and then it is quiet again.
 */
static void expect_refaults(struct __test_metadata *_metadata,
			    FIXTURE_DATA(advised) *self, long chunks,
			    enum walk how)
{
	long before = refaults();
	struct faults faults = count_faults(self->p, LENGTH, how);

	EXPECT_LE(chunks, faults.populated);
	if (faults.traps >= 0)
		EXPECT_EQ(chunks, faults.traps);
	EXPECT_EQ(before + chunks, refaults());
	EXPECT_FILLED(self->p, LENGTH, 0);
	EXPECT_NO_FAULTS(self->p, LENGTH);
	EXPECT_EQ(before + chunks, refaults());
}

static void expect_untouched(struct __test_metadata *_metadata,
			     FIXTURE_DATA(advised) *self)
{
	EXPECT_NO_FAULTS(self->p, LENGTH);
	EXPECT_FILLED(self->p, LENGTH, 0);
	EXPECT_EQ(0, refaults());
	EXPECT_EQ(1, must_info(self->fd).out_mappings);
}

TEST_F(advised, advice_that_is_accepted_and_costs_nothing)
{
	const int advice[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTDUMP, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, madvise(self->p, LENGTH, advice[i]))
			TH_LOG("advice %d: %s", advice[i], strerror(errno));
		expect_untouched(_metadata, self);
		EXPECT_EQ(0, madvise(self->p + CHUNK, CHUNK, advice[i]));
		EXPECT_NO_FAULTS(self->p, LENGTH);
	}
}

TEST_F(advised, advice_that_is_refused)
{
	const struct { int advice, err; } table[] = {
		{ MADV_FREE, EINVAL },
		{ MADV_REMOVE, ENODEV },
		{ MADV_COLLAPSE, EINVAL },
		{ MADV_WIPEONFORK, EINVAL },
		{ MADV_DODUMP, EINVAL },
		{ MADV_GUARD_INSTALL_NR, EINVAL },
		{ 12345, EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		errno = 0;
		EXPECT_EQ(-1, madvise(self->p, LENGTH, table[i].advice));
		EXPECT_EQ(table[i].err, errno)
			TH_LOG("advice %d", table[i].advice);
		expect_untouched(_metadata, self);
	}
}

/* Some kernels are built without them: then EINVAL, with the same effect. */
TEST_F(advised, optional_advice_costs_nothing)
{
	const int advice[] = {
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_SOFT_OFFLINE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		madvise(self->p, advice[i] == MADV_SOFT_OFFLINE ? PAGE : LENGTH,
			advice[i]);
		expect_untouched(_metadata, self);
	}
}

TEST_F(advised, pages_cannot_be_taken_offline)
{
	if (geteuid())
		SKIP(return, "needs root");
	EXPECT_EQ(-1, madvise(self->p, PAGE, MADV_SOFT_OFFLINE));
	EXPECT_TRUE(errno == EIO || errno == EINVAL || errno == EBUSY)
		TH_LOG("%s", strerror(errno));
	expect_untouched(_metadata, self);
}

TEST_F(advised, dontneed_keeps_the_contents)
{
	must(madvise(self->p, LENGTH, MADV_DONTNEED));
	EXPECT_EQ(0, refaults());
	expect_refaults(_metadata, self, CHUNKS, WALK_WRITE);
	must(madvise(self->p, LENGTH, MADV_DONTNEED));
	expect_refaults(_metadata, self, CHUNKS, WALK_READ);
}

TEST_F(advised, dontneed_of_one_chunk)
{
	must(madvise(self->p + 3 * CHUNK, CHUNK, MADV_DONTNEED));
	EXPECT_EQ(0, faults_of(self->p, 3 * CHUNK, WALK_WRITE));
	expect_refaults(_metadata, self, 1, WALK_WRITE);
}

/* The 2 MiB entry goes as a whole, and comes back as a whole. */
TEST_F(advised, dontneed_of_one_page)
{
	must(madvise(self->p + 3 * CHUNK + 5 * PAGE, PAGE, MADV_DONTNEED));
	expect_refaults(_metadata, self, 1, WALK_READ);
}

TEST_F(advised, dontneed_locked_is_the_same)
{
	if (madvise(self->p, LENGTH, MADV_DONTNEED_LOCKED))
		SKIP(return, "MADV_DONTNEED_LOCKED: %s", strerror(errno));
	expect_refaults(_metadata, self, CHUNKS, WALK_WRITE);
}

/* What was taken away can be had back at once, so that the loop has none. */
TEST_F(advised, populate_write_brings_it_all_back)
{
	must(madvise(self->p, LENGTH, MADV_DONTNEED));
	must(madvise(self->p, LENGTH, MADV_POPULATE_WRITE));
	EXPECT_NO_FAULTS(self->p, LENGTH);
	EXPECT_FILLED(self->p, LENGTH, 0);
	must(madvise(self->p, LENGTH, MADV_DONTNEED));
	must(madvise(self->p, LENGTH, MADV_POPULATE_READ));
	EXPECT_EQ(0, faults_of(self->p, LENGTH, WALK_READ));
	EXPECT_FILLED(self->p, LENGTH, 0);
}

/*
 * Without 2 MiB entries (6.12 obeys this advice, 6.1 does not) the pages must
 * come back too, and mapping the arena again must populate it again.
 */
TEST_F(advised, nohugepage_then_dontneed_keeps_the_contents)
{
	madvise(self->p, LENGTH, MADV_NOHUGEPAGE);
	must(madvise(self->p, LENGTH, MADV_DONTNEED));
	expect_refaults(_metadata, self, CHUNKS, WALK_WRITE);
	madvise(self->p, LENGTH, MADV_HUGEPAGE);
	EXPECT_NO_FAULTS(self->p, LENGTH);
	must(munmap(self->p, LENGTH));
	self->p = must_mmap(self->fd, LENGTH);
	EXPECT_NO_FAULTS(self->p, LENGTH);
	EXPECT_FILLED(self->p, LENGTH, 0);
}

TEST_F(advised, dontneed_of_one_mapping_leaves_the_other)
{
	char *q = must_mmap(self->fd, LENGTH);

	must(madvise(q, LENGTH, MADV_DONTNEED));
	EXPECT_NO_FAULTS(self->p, LENGTH);
	EXPECT_EQ(0, refaults());
	EXPECT_FILLED(q, LENGTH, 0);
}

TEST_F(advised, dontneed_after_the_descriptor_is_closed)
{
	int fd = dup(self->fd);

	close(self->fd);
	must(madvise(self->p, LENGTH, MADV_DONTNEED));
	self->fd = fd;
	close(fd);
	EXPECT_FILLED(self->p, LENGTH, 0);
	EXPECT_NO_FAULTS(self->p, LENGTH);
	self->fd = -1;
}

/*
 * The kernel write-protects every page of the process to see which are written
 * next; only its own walk over the page table knows of it, so it cannot be
 * refused, and costs one fault for each entry.
 */
TEST_F(advised, soft_dirty_tracking_costs_one_fault_an_entry)
{
	long entries = self->huge ? CHUNKS : CHUNKS * CHUNK_PAGES;
	struct faults faults;
	int err = write_file("/proc/self/clear_refs", "4");

	if (err)
		SKIP(return, "/proc/self/clear_refs: %s", strerror(-err));
	EXPECT_EQ(0, faults_of(self->p, LENGTH, WALK_READ));
	faults = count_faults(self->p, LENGTH, WALK_WRITE);
	EXPECT_FILLED(self->p, LENGTH, 0);
	EXPECT_NO_FAULTS(self->p, LENGTH);
	if (!faults.populated)
		SKIP(return, "this kernel does not track soft-dirty pages");
	if (faults.traps >= 0)
		EXPECT_EQ(entries, faults.traps);
	if (self->huge)
		EXPECT_EQ(CHUNKS, refaults());
}

/* Entries come back for a chunk at once, though this thread may not write. */
TEST_F(advised, protection_key_does_not_keep_entries_away)
{
	int key = pkey_alloc(0, PKEY_DISABLE_WRITE);

	if (key < 0)
		SKIP(return, "protection keys: %s", strerror(errno));
	must(pkey_mprotect(self->p, LENGTH, RW, key));
	EXPECT_EQ(0, faults_of(self->p, LENGTH, WALK_READ));
	must(madvise(self->p, LENGTH, MADV_DONTNEED));
	EXPECT_LE(CHUNKS, faults_of(self->p, LENGTH, WALK_READ));
	EXPECT_EQ(CHUNKS, refaults());
	EXPECT_EQ(128 + SIGSEGV, writing_ends(self->p));
	must(pkey_set(key, 0));
	EXPECT_EQ(0, faults_of(self->p, LENGTH, WALK_READ));
	EXPECT_FILLED(self->p, LENGTH, 0);
}

/* Reference tracking (1, 2, 3) and the reset of the peak (5) are free. */
TEST_F(advised, reference_tracking_costs_nothing)
{
	const char *const modes[] = { "1", "2", "3", "5" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(0, write_file("/proc/self/clear_refs", modes[i]));
		expect_untouched(_metadata, self);
	}
}

TEST_HARNESS_MAIN
