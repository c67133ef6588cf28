// SPDX-License-Identifier: GPL-2.0
/*
 * What mmap() of an arena refuses, by exact errno, and that a refusal costs
 * nothing: the mapping that was at the address is still there, the file is as
 * it was, and the next, correct mmap() succeeds without a fault.
 *
 * The refusal of a MAP_FIXED address that is not chunk-aligned is the delicate
 * one: the core tears down what is there before it calls the driver's mmap, so
 * it has to come earlier, from get_unmapped_area().
 */
#include "fault_utils.h"
#include "proc_utils.h"

#ifndef PR_SET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#endif

#define LENGTH (4 * CHUNK)

FIXTURE(rules)
{
	int fd;
};

FIXTURE_SETUP(rules)
{
	need_arena();
	self->fd = must_open(O_RDWR);
	must_create(self->fd, LENGTH, 0);
}

FIXTURE_TEARDOWN(rules)
{
	close(self->fd);
}

/* After refusals: nothing is mapped, and a correct mapping works. */
#define EXPECT_UNHARMED() do {						\
	char *__p;							\
	EXPECT_EQ(0, must_info(self->fd).out_mappings);			\
	__p = must_mmap(self->fd, LENGTH);				\
	EXPECT_NO_FAULTS(__p, LENGTH);					\
	EXPECT_EQ(0, must_info(self->fd).out_refaults);			\
} while (0)

TEST_F(rules, private_mapping_is_einval)
{
	const int prots[] = { PROT_NONE, PROT_READ, PROT_WRITE, RW };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prots); i++)
		fails_mmap_at(EINVAL, NULL, LENGTH, prots[i], MAP_PRIVATE,
			      self->fd, 0);
	EXPECT_UNHARMED();
}

TEST_F(rules, executable_mapping_is_eperm)
{
	fails_mmap_at(EPERM, NULL, LENGTH, PROT_EXEC, MAP_SHARED, self->fd, 0);
	fails_mmap_at(EPERM, NULL, LENGTH, PROT_READ | PROT_EXEC, MAP_SHARED,
		      self->fd, 0);
	fails_mmap_at(EPERM, NULL, LENGTH, RW | PROT_EXEC, MAP_SHARED,
		      self->fd, 0);
	EXPECT_UNHARMED();
}

TEST_F(rules, mapping_never_becomes_executable)
{
	char *p = must_mmap(self->fd, LENGTH);

	fails(EACCES, mprotect(p, LENGTH, PROT_READ | PROT_EXEC));
	fails(EACCES, mprotect(p, CHUNK, RW | PROT_EXEC));
	fails(EACCES, mprotect(p, LENGTH, PROT_EXEC));
	EXPECT_EQ(1, must_info(self->fd).out_mappings);
	EXPECT_NO_FAULTS(p, LENGTH);
}

/* A personality that reads as execute must not smuggle it in either. */
TEST_F(rules, read_implies_exec_does_not_make_it_executable)
{
	char *p;

	must(syscall(SYS_personality, 0x0400000ul));
	p = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, self->fd, 0);
	if (p == MAP_FAILED) {
		EXPECT_EQ(EPERM, errno);
		return;
	}
	EXPECT_FALSE(smaps_flag(p, "ex"));
}

TEST_F(rules, offset_inside_a_chunk_is_einval)
{
	const size_t offsets[] = {
		PAGE, CHUNK - PAGE, CHUNK + PAGE, CHUNK / 2, LENGTH - PAGE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		fails_mmap_at(EINVAL, NULL, PAGE, RW, MAP_SHARED, self->fd,
			      offsets[i]);
	EXPECT_UNHARMED();
}

TEST_F(rules, beyond_the_arena_is_einval)
{
	const struct { size_t offset, length; } table[] = {
		{ 0, LENGTH + 1 },
		{ 0, LENGTH + PAGE },
		{ 0, LENGTH + CHUNK },
		{ CHUNK, LENGTH },
		{ CHUNK, LENGTH - CHUNK + 1 },
		{ LENGTH - CHUNK, CHUNK + 1 },
		{ LENGTH, 1 },
		{ LENGTH, CHUNK },
		{ LENGTH + CHUNK, CHUNK },
		{ 1ul << 40, CHUNK },
		{ (1ul << 62), CHUNK },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		fails_mmap_at(EINVAL, NULL, table[i].length, RW, MAP_SHARED,
			      self->fd, table[i].offset);
	EXPECT_UNHARMED();
}

TEST_F(rules, offset_and_length_that_overflow_are_refused)
{
	const off_t offset = -(off_t)CHUNK;
	void *p;

	p = mmap(NULL, CHUNK, RW, MAP_SHARED, self->fd, offset);
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_TRUE(errno == EOVERFLOW || errno == EINVAL);
	p = mmap(NULL, 2 * CHUNK, RW, MAP_SHARED, self->fd, offset);
	EXPECT_EQ(MAP_FAILED, p);
	EXPECT_TRUE(errno == EOVERFLOW || errno == EINVAL);
	EXPECT_UNHARMED();
}

TEST_F(rules, length_0_is_einval)
{
	fails_mmap(EINVAL, self->fd, 0);
	EXPECT_UNHARMED();
}

/* Those two have no pages in an arena: the core knows, not the driver. */
TEST_F(rules, hugetlb_and_sync_flags_are_refused)
{
	fails_mmap_at(EINVAL, NULL, LENGTH, RW, MAP_SHARED | MAP_HUGETLB,
		      self->fd, 0);
	fails_mmap_at(EOPNOTSUPP, NULL, LENGTH, RW,
		      MAP_SHARED_VALIDATE | MAP_SYNC, self->fd, 0);
	EXPECT_UNHARMED();
}

/* Every page of the old mapping, not just the first, has to be there. */
static void expect_old_intact(struct __test_metadata *_metadata, char *old,
			      size_t length)
{
	EXPECT_FILLED(old, length, 7);
	EXPECT_EQ(0, faults_of(old, length, WALK_WRITE));
}

TEST_F(rules, unaligned_fixed_address_is_einval_and_keeps_what_is_there)
{
	const size_t shifts[] = { PAGE, CHUNK / 2, CHUNK - PAGE };
	size_t i;
	char *old;

	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		old = hold_range(CHUNK, shifts[i]);
		ASSERT_NE(NULL, old);
		fill(old, CHUNK, 7);
		fails_mmap_at(EINVAL, old, CHUNK, RW, MAP_SHARED | MAP_FIXED,
			      self->fd, 0);
		expect_old_intact(_metadata, old, CHUNK);
		fails_mmap_at(EINVAL, old, PAGE, PROT_READ,
			      MAP_SHARED | MAP_FIXED, self->fd, CHUNK);
		expect_old_intact(_metadata, old, CHUNK);
		must(munmap(old, CHUNK));
		fails_mmap_at(EINVAL, old, CHUNK, RW,
			      MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
	}
	EXPECT_UNHARMED();
}

/* All that can be known to fail is refused while the old mapping is there. */
TEST_F(rules, fixed_address_with_a_bad_range_keeps_what_is_there)
{
	int fresh = must_open(O_RDWR);
	char *old = hold_range(2 * CHUNK, 0);

	ASSERT_NE(NULL, old);
	fill(old, 2 * CHUNK, 7);
	fails_mmap_at(EINVAL, old, CHUNK, RW, MAP_SHARED | MAP_FIXED, self->fd,
		      LENGTH);
	expect_old_intact(_metadata, old, 2 * CHUNK);
	fails_mmap_at(EINVAL, old, 2 * CHUNK, RW, MAP_SHARED | MAP_FIXED,
		      self->fd, LENGTH - CHUNK);
	expect_old_intact(_metadata, old, 2 * CHUNK);
	fails_mmap_at(EINVAL, old, CHUNK, RW, MAP_SHARED | MAP_FIXED, self->fd,
		      PAGE);
	expect_old_intact(_metadata, old, 2 * CHUNK);
	fails_mmap_at(EINVAL, old, CHUNK, RW, MAP_PRIVATE | MAP_FIXED,
		      self->fd, 0);
	expect_old_intact(_metadata, old, 2 * CHUNK);
	fails_mmap_at(EINVAL, old, CHUNK, RW, MAP_SHARED | MAP_FIXED, fresh,
		      CHUNK);
	expect_old_intact(_metadata, old, 2 * CHUNK);
	fails_info(ENODATA, fresh);
	close(fresh);
	EXPECT_UNHARMED();
}

TEST_F(rules, unaligned_mremap_is_einval_and_keeps_the_source)
{
	char *p = must_mmap(self->fd, LENGTH);
	char *to = hold_range(LENGTH, PAGE);

	ASSERT_NE(NULL, to);
	fill(p, LENGTH, 0);
	fails(EINVAL, mremap(p, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED,
			     to));
	fails(EINVAL, mremap(p, CHUNK, CHUNK, MREMAP_MAYMOVE | MREMAP_FIXED,
			     to + CHUNK / 2));
	EXPECT_FILLED(p, LENGTH, 0);
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_EQ(1, must_info(self->fd).out_mappings);
}

TEST_F(rules, descriptor_opened_for_writing_only_is_eacces)
{
	int fd = must_open(O_WRONLY);

	fails_mmap_at(EACCES, NULL, CHUNK, PROT_WRITE, MAP_SHARED, fd, 0);
	fails_mmap_at(EACCES, NULL, CHUNK, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
}

TEST_F(rules, huge_arena_in_a_process_without_thp_is_eperm)
{
	int fd = must_open(O_RDWR);
	char *p;

	must_create(fd, LENGTH, ARENA_IOC_CREATE_HUGE);
	must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	p = kernel_at_least(6, 12) ? MAP_FAILED : try_mmap(fd, LENGTH, RW);
	if (p != MAP_FAILED) {
		/* Not heeded for files: then 2 MiB entries it must be. */
		EXPECT_NO_FAULTS(p, LENGTH);
		EXPECT_EQ(LENGTH / 1024, smaps_kb(p, "FilePmdMapped"));
		return;
	}
	fails_mmap(EPERM, fd, LENGTH);
	fails_mmap_at(EPERM, NULL, CHUNK, PROT_READ, MAP_SHARED, fd, CHUNK);
	EXPECT_EQ(0, must_info(fd).out_mappings);
	EXPECT_EQ(LENGTH, must_info(fd).out_huge_bytes);
	must(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	p = must_mmap(fd, LENGTH);
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_EQ(LENGTH / 1024, smaps_kb(p, "FilePmdMapped"));
}

TEST_F(rules, huge_arena_by_parts_of_chunks_is_einval)
{
	const size_t lengths[] = {
		1, PAGE, CHUNK - PAGE, CHUNK + 1, LENGTH - PAGE,
	};
	int fd = must_open(O_RDWR);
	size_t i;
	char *p;

	must_create(fd, LENGTH, ARENA_IOC_CREATE_HUGE);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		fails_mmap(EINVAL, fd, lengths[i]);
	EXPECT_EQ(0, must_info(fd).out_mappings);
	/* The core rounds up to pages before the driver sees the length. */
	p = must_mmap(fd, LENGTH - 1);
	EXPECT_NO_FAULTS(p, LENGTH);
}

TEST_F(rules, address_space_limit_is_enomem)
{
	struct rlimit before, limit;
	char *p;
	int fd;

	must(getrlimit(RLIMIT_AS, &before));
	limit = before;
	limit.rlim_cur = status_kb("VmSize") * 1024 + CHUNK;
	must(setrlimit(RLIMIT_AS, &limit));
	fails_mmap(ENOMEM, self->fd, LENGTH);
	fd = must_open(O_RDWR);
	fails_mmap(ENOMEM, fd, LENGTH);
	fails_info(ENODATA, fd);
	must(setrlimit(RLIMIT_AS, &before));
	p = must_mmap(fd, LENGTH);
	EXPECT_NO_FAULTS(p, LENGTH);
	EXPECT_UNHARMED();
}

FIXTURE(fresh)
{
	int fd;
};

FIXTURE_SETUP(fresh)
{
	need_arena();
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(fresh)
{
	close(self->fd);
}

/* A refused mmap() of a fresh file must not have made an arena of it. */
TEST_F(fresh, refused_mmap_makes_no_arena)
{
	const size_t ram = meminfo_kb("MemTotal") * 1024ul;
	char *at = hold_range(CHUNK, PAGE);
	char *p;

	fails_mmap_at(EINVAL, NULL, CHUNK, RW, MAP_PRIVATE, self->fd, 0);
	fails_info(ENODATA, self->fd);
	fails_mmap_at(EPERM, NULL, CHUNK, RW | PROT_EXEC, MAP_SHARED, self->fd,
		      0);
	fails_info(ENODATA, self->fd);
	fails_mmap_at(EINVAL, NULL, CHUNK, RW, MAP_SHARED, self->fd, PAGE);
	fails_info(ENODATA, self->fd);
	fails_mmap_at(EINVAL, NULL, CHUNK, RW, MAP_SHARED, self->fd, CHUNK);
	fails_info(ENODATA, self->fd);
	fails_mmap_at(EINVAL, at, CHUNK, RW, MAP_SHARED | MAP_FIXED, self->fd,
		      0);
	fails_info(ENODATA, self->fd);
	fails_mmap(ENOMEM, self->fd, 2 * ram);
	fails_info(ENODATA, self->fd);
	fails_mmap(ENOMEM, self->fd, 1ul << 45);
	fails_info(ENODATA, self->fd);
	EXPECT_EQ(0, try_create(self->fd, CHUNK, 0));
	p = must_mmap(self->fd, CHUNK);
	EXPECT_NO_FAULTS(p, CHUNK);
}

/* The length of the first mmap() is the arena's, for ever. */
TEST_F(fresh, first_mmap_sets_the_length)
{
	char *p = must_mmap(self->fd, PAGE);

	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);
	must(munmap(p, PAGE));
	fails_mmap(EINVAL, self->fd, CHUNK + 1);
	p = must_mmap(self->fd, CHUNK);
	EXPECT_NO_FAULTS(p, CHUNK);
}

TEST_HARNESS_MAIN
