// SPDX-License-Identifier: GPL-2.0
/*
 * What a program may do to the mapping of an arena: unmap, protect, move,
 * resize, remap and look at it.
 *
 * Three things must hold after each operation, allowed or refused: the bytes
 * are those that were written, touching what is left takes no fault, and
 * INFO's count of mappings is the truth, because a wrong count is the first
 * sign of a VMA that was split or copied behind the driver's back. Everything
 * runs twice, with 2 MiB entries and (where the kernel obeys
 * PR_SET_THP_DISABLE) with 4 KiB ones. madvise(2) has its own file.
 */
#include <linux/userfaultfd.h>

#include "fault_utils.h"
#include "proc_utils.h"

#ifndef PR_SET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#endif

#define CHUNKS 8
#define LENGTH (CHUNKS * CHUNK)

FIXTURE(mapping)
{
	int fd;
	char *p;
};

FIXTURE_VARIANT(mapping)
{
	bool thp_disable;
};

FIXTURE_VARIANT_ADD(mapping, huge) {};
FIXTURE_VARIANT_ADD(mapping, small) { .thp_disable = true };

FIXTURE_SETUP(mapping)
{
	need_arena();
	if (variant->thp_disable)
		must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	self->fd = must_open(O_RDWR);
	must_create(self->fd, LENGTH, 0);
	self->p = must_mmap(self->fd, LENGTH);
	fill(self->p, LENGTH, 0);
}

FIXTURE_TEARDOWN(mapping)
{
	close(self->fd);
}

#define EXPECT_MAPPINGS(n) do {						\
	EXPECT_EQ(n, must_info(self->fd).out_mappings);			\
	EXPECT_EQ(n, mappings_of_arena());				\
} while (0)

/* The part of the arena from page @first on is at @at, whole and populated. */
#define EXPECT_INTACT(at, length, first) do {				\
	EXPECT_NO_FAULTS(at, length);					\
	EXPECT_FILLED(at, length, first);				\
	EXPECT_EQ(0, must_info(self->fd).out_refaults);			\
} while (0)

#define EXPECT_ALL_INTACT() do {					\
	EXPECT_INTACT(self->p, LENGTH, 0);				\
	EXPECT_MAPPINGS(1);						\
} while (0)

TEST_F(mapping, unmapped_whole_keeps_the_contents)
{
	must(munmap(self->p, LENGTH));
	EXPECT_MAPPINGS(0);
	self->p = must_mmap(self->fd, LENGTH);
	EXPECT_ALL_INTACT();
}

TEST_F(mapping, unmapped_chunk_in_the_middle)
{
	must(munmap(self->p + 3 * CHUNK, CHUNK));
	EXPECT_MAPPINGS(2);
	EXPECT_EQ(128 + SIGSEGV, reading_ends(self->p + 3 * CHUNK));
	EXPECT_INTACT(self->p, 3 * CHUNK, 0);
	EXPECT_INTACT(self->p + 4 * CHUNK, 4 * CHUNK, 4 * CHUNK_PAGES);
	must(munmap(self->p, CHUNK));
	EXPECT_MAPPINGS(2);
	must(munmap(self->p + 7 * CHUNK, CHUNK));
	EXPECT_MAPPINGS(2);
	EXPECT_INTACT(self->p + CHUNK, 2 * CHUNK, CHUNK_PAGES);
	must(munmap(self->p, LENGTH));
	EXPECT_MAPPINGS(0);
}

/* The hole is filled again: by the same pages, and only those. */
TEST_F(mapping, unmapped_chunk_mapped_again)
{
	must(munmap(self->p + 3 * CHUNK, CHUNK));
	must_mmap_at(self->p + 3 * CHUNK, CHUNK, RW, MAP_SHARED | MAP_FIXED,
		     self->fd, 3 * CHUNK);
	EXPECT_INTACT(self->p, LENGTH, 0);
}

TEST_F(mapping, part_of_a_chunk_cannot_be_unmapped)
{
	fails(EINVAL, munmap(self->p, PAGE));
	fails(EINVAL, munmap(self->p + LENGTH - PAGE, PAGE));
	fails(EINVAL, munmap(self->p + 2 * CHUNK + PAGE, PAGE));
	fails(EINVAL, munmap(self->p + 2 * CHUNK + PAGE, CHUNK));
	EXPECT_ALL_INTACT();
	/* The core has split at the good end before it is told of the bad. */
	fails(EINVAL, munmap(self->p + 2 * CHUNK, CHUNK - PAGE));
	EXPECT_MAPPINGS(mappings_of_arena());
	EXPECT_INTACT(self->p, LENGTH, 0);
}

TEST_F(mapping, another_mapping_over_part_of_a_chunk_is_refused)
{
	void *p = mmap(self->p + 2 * CHUNK + PAGE, PAGE, RW,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	EXPECT_EQ(MAP_FAILED, p);
	/* The core's errno, which changed between 6.1 and 6.12. */
	EXPECT_TRUE(errno == EINVAL || errno == ENOMEM);
	EXPECT_ALL_INTACT();
}

TEST_F(mapping, another_mapping_over_a_chunk)
{
	must_mmap_at(self->p + 2 * CHUNK, CHUNK, RW,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	EXPECT_MAPPINGS(2);
	EXPECT_EQ(0, self->p[2 * CHUNK]);
	EXPECT_INTACT(self->p, 2 * CHUNK, 0);
	EXPECT_INTACT(self->p + 3 * CHUNK, 5 * CHUNK, 3 * CHUNK_PAGES);
}

TEST_F(mapping, protected_whole_and_back)
{
	const int prots[] = { PROT_READ, PROT_NONE, PROT_WRITE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		must(mprotect(self->p, LENGTH, prots[i]));
		if (prots[i] == PROT_READ)
			EXPECT_EQ(0, faults_of(self->p, LENGTH, WALK_READ));
		if (prots[i] != PROT_WRITE)
			EXPECT_EQ(128 + SIGSEGV, writing_ends(self->p));
		must(mprotect(self->p, LENGTH, RW));
		EXPECT_ALL_INTACT();
	}
}

TEST_F(mapping, protected_chunk_and_back)
{
	char *chunk = self->p + 5 * CHUNK;

	must(mprotect(chunk, CHUNK, PROT_READ));
	EXPECT_MAPPINGS(3);
	EXPECT_EQ(128 + SIGSEGV, writing_ends(chunk + CHUNK - 1));
	EXPECT_EQ(0, faults_of(self->p, LENGTH, WALK_READ));
	EXPECT_EQ(0, faults_of(self->p, 5 * CHUNK, WALK_WRITE));
	must(mprotect(chunk, CHUNK, RW));
	EXPECT_INTACT(self->p, LENGTH, 0);
}

TEST_F(mapping, part_of_a_chunk_cannot_be_protected)
{
	fails(EINVAL, mprotect(self->p, PAGE, PROT_READ));
	fails(EINVAL, mprotect(self->p + CHUNK + PAGE, PAGE, PROT_NONE));
	fails(EINVAL, mprotect(self->p, LENGTH - PAGE, PROT_READ));
	EXPECT_ALL_INTACT();
}

TEST_F(mapping, mapped_read_only_then_writable)
{
	char *p = must_mmap_at(NULL, LENGTH, PROT_READ, MAP_SHARED, self->fd,
			       0);

	EXPECT_EQ(0, faults_of(p, LENGTH, WALK_READ));
	EXPECT_EQ(128 + SIGSEGV, writing_ends(p));
	must(mprotect(p, LENGTH, RW));
	EXPECT_INTACT(p, LENGTH, 0);
}

TEST_F(mapping, moved_to_an_aligned_address)
{
	char *to = hold_range(LENGTH, 0);
	char *p;

	ASSERT_NE(NULL, to);
	p = mremap(self->p, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, p);
	EXPECT_EQ(128 + SIGSEGV, reading_ends(self->p));
	self->p = p;
	EXPECT_ALL_INTACT();
}

TEST_F(mapping, one_chunk_moved_out_of_the_middle)
{
	char *to = hold_range(CHUNK, 0);
	char *p;

	ASSERT_NE(NULL, to);
	p = mremap(self->p + 4 * CHUNK, CHUNK, CHUNK,
		   MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, p);
	EXPECT_MAPPINGS(3);
	EXPECT_INTACT(p, CHUNK, 4 * CHUNK_PAGES);
	EXPECT_INTACT(self->p, 4 * CHUNK, 0);
	EXPECT_INTACT(self->p + 5 * CHUNK, 3 * CHUNK, 5 * CHUNK_PAGES);
}

/* VM_DONTEXPAND: the core refuses these for any such mapping. */
TEST_F(mapping, cannot_grow_be_doubled_or_left_behind)
{
	fails(EFAULT, mremap(self->p, LENGTH, LENGTH + CHUNK, MREMAP_MAYMOVE));
	fails(EFAULT, mremap(self->p, LENGTH, LENGTH + PAGE, 0));
	fails(EFAULT, mremap(self->p, 0, LENGTH, MREMAP_MAYMOVE));
	fails(EINVAL, mremap(self->p, LENGTH, LENGTH,
			     MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	EXPECT_ALL_INTACT();
}

TEST_F(mapping, shrinks_by_chunks_only)
{
	fails(EINVAL, mremap(self->p, LENGTH, LENGTH - PAGE, 0));
	fails(EINVAL, mremap(self->p, LENGTH, CHUNK + PAGE, 0));
	EXPECT_ALL_INTACT();
	EXPECT_EQ(self->p, mremap(self->p, LENGTH, LENGTH - CHUNK, 0));
	EXPECT_INTACT(self->p, LENGTH - CHUNK, 0);
	EXPECT_EQ(128 + SIGSEGV, reading_ends(self->p + LENGTH - CHUNK));
	EXPECT_MAPPINGS(1);
}

/* The kernel emulates it by a new mmap() of the same file. */
TEST_F(mapping, remap_file_pages_keeps_the_rules)
{
	if (remap_file_pages(self->p, CHUNK, 0, 2 * CHUNK_PAGES, 0)) {
		EXPECT_ALL_INTACT();
		return;
	}
	EXPECT_INTACT(self->p, CHUNK, 2 * CHUNK_PAGES);
	EXPECT_INTACT(self->p + CHUNK, LENGTH - CHUNK, CHUNK_PAGES);
}

TEST_F(mapping, locking_is_allowed_and_changes_nothing)
{
	must(mlock(self->p, LENGTH));
	EXPECT_ALL_INTACT();
	must(munlock(self->p, LENGTH));
	must(mlockall(MCL_CURRENT | MCL_FUTURE));
	EXPECT_ALL_INTACT();
	must(munlockall());
	EXPECT_ALL_INTACT();
	EXPECT_EQ(0, status_kb("VmLck"));
}

TEST_F(mapping, syncing_has_nothing_to_do)
{
	must(msync(self->p, LENGTH, MS_ASYNC));
	must(msync(self->p, LENGTH, MS_INVALIDATE));
	fails(EINVAL, msync(self->p, LENGTH, MS_SYNC));
	fails(EINVAL, fsync(self->fd));
	EXPECT_ALL_INTACT();
}

TEST_F(mapping, is_visible_in_smaps_and_status)
{
	long rss_file = status_kb("RssFile");
	long huge_kb = must_info(self->fd).out_huge_bytes / 1024;

	EXPECT_EQ(LENGTH / 1024, smaps_kb(self->p, "Rss"));
	EXPECT_EQ(huge_kb, smaps_kb(self->p, "FilePmdMapped"));
	EXPECT_EQ(0, smaps_kb(self->p, "Swap"));
	EXPECT_LE(LENGTH / 1024, rss_file);
	must(munmap(self->p, LENGTH));
	EXPECT_GE(rss_file - (long)(LENGTH / 1024), status_kb("RssFile"));
}

TEST_F(mapping, is_left_out_of_core_dumps)
{
	EXPECT_TRUE(smaps_flag(self->p, "dd"));
	EXPECT_TRUE(smaps_flag(self->p, "sh"));
	EXPECT_TRUE(smaps_flag(self->p, "de"));
	/* What would break the promises: I/O, raw PFN or mixed mappings. */
	EXPECT_FALSE(smaps_flag(self->p, "io"));
	EXPECT_FALSE(smaps_flag(self->p, "pf"));
	EXPECT_FALSE(smaps_flag(self->p, "mm"));
	fails(EINVAL, madvise(self->p, LENGTH, MADV_DODUMP));
}

TEST_F(mapping, userfaultfd_cannot_take_it)
{
	const unsigned int modes[] = {
		UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
		UFFDIO_REGISTER_MODE_MINOR,
	};
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg;
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	size_t i;

	if (fd < 0)
		SKIP(return, "userfaultfd: %s", strerror(errno));
	must(ioctl(fd, UFFDIO_API, &api));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		reg = (struct uffdio_register) {
			.range = { (uintptr_t)self->p, LENGTH },
			.mode = modes[i],
		};
		fails(EINVAL, ioctl(fd, UFFDIO_REGISTER, &reg));
	}
	close(fd);
	EXPECT_ALL_INTACT();
}

/* Moving the process's own pages: asked for politely, they stay. */
TEST_F(mapping, mbind_and_mempolicy_do_not_move_it)
{
	unsigned long nodes = 1;
	long ret = syscall(SYS_mbind, self->p, LENGTH, 2, &nodes, 64ul, 2);

	if (ret && errno == ENOSYS)
		SKIP(return, "no NUMA in this kernel");
	EXPECT_NO_FAULTS(self->p, LENGTH);
	EXPECT_FILLED(self->p, LENGTH, 0);
	EXPECT_EQ(0, must_info(self->fd).out_refaults);
}

TEST_HARNESS_MAIN
