// SPDX-License-Identifier: GPL-2.0
/*
 * mmap() of an arena returns memory that is there: zeroed, aligned, and with
 * every page-table entry in place.
 *
 * "There" is asked in three ways that do not rest on each other: mincore() and
 * pagemap for each page, and the faults that the touching thread takes, which
 * must be none. It must hold however the machine is set up: the THP switches of
 * sysfs and prctl(2) are the ones that silently turned earlier designs into
 * lazily faulting memory (handle_mm_fault() filled one page in 512, and
 * reported success), so each test runs under each of them.
 */
#include "fault_utils.h"
#include "proc_utils.h"

#ifndef PR_SET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#endif

FIXTURE(populated)
{
	int fd;
	char thp_before[64];
};

FIXTURE_VARIANT(populated)
{
	/* What to write to THP_ENABLED, or NULL to leave it. */
	const char *thp;
	bool thp_disable;
};

FIXTURE_VARIANT_ADD(populated, as_is) {};
FIXTURE_VARIANT_ADD(populated, thp_always) { .thp = "always" };
FIXTURE_VARIANT_ADD(populated, thp_madvise) { .thp = "madvise" };
FIXTURE_VARIANT_ADD(populated, thp_never) { .thp = "never" };
FIXTURE_VARIANT_ADD(populated, prctl_disable) { .thp_disable = true };
FIXTURE_VARIANT_ADD(populated, prctl_disable_thp_never)
{
	.thp = "never",
	.thp_disable = true,
};

/* "always [madvise] never": the word in brackets. */
static void thp_remember(char *word)
{
	char text[64] = "", *start, *end;

	read_file(THP_ENABLED, text, sizeof(text));
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (!end)
		return;
	*end = '\0';
	strcpy(word, start + 1);
}

FIXTURE_SETUP(populated)
{
	int err = 0;

	need_arena();
	self->fd = must_open(O_RDWR);
	thp_remember(self->thp_before);
	if (variant->thp)
		err = write_file(THP_ENABLED, variant->thp);
	if (err)
		SKIP(return, THP_ENABLED ": %s", strerror(-err));
	if (variant->thp_disable)
		must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
}

FIXTURE_TEARDOWN(populated)
{
	close(self->fd);
	if (variant->thp && self->thp_before[0])
		write_file(THP_ENABLED, self->thp_before);
}

static long pages_not_in_core(void *p, size_t length)
{
	size_t i, n = (length + PAGE - 1) / PAGE;
	unsigned char *core = malloc(n);
	long absent = 0;

	if (!core || mincore(p, length, core))
		return -1;
	for (i = 0; i < n; i++)
		absent += !(core[i] & 1);
	free(core);
	return absent;
}

static void expect_populated(struct __test_metadata *_metadata, char *p,
			     size_t length)
{
	EXPECT_TRUE(chunk_aligned(p)) TH_LOG("%p", p);
	EXPECT_EQ(0, pages_not_in_core(p, length));
	EXPECT_EQ(0, pages_absent(p, length));
	EXPECT_NO_FAULTS(p, length);
	EXPECT_TRUE(all_zero(p, length));
}

/* What INFO says of @fd, mapped once and whole at @p, is what smaps says. */
static void expect_true_info(struct __test_metadata *_metadata, int fd,
			     char *p, size_t length)
{
	struct arena_ioc_info info = must_info(fd);
	size_t chunks = (length + CHUNK - 1) / CHUNK * CHUNK;

	EXPECT_EQ(chunks, info.out_length);
	EXPECT_EQ(chunks, info.out_huge_bytes + info.out_small_bytes);
	EXPECT_EQ(info.out_huge_bytes / 1024, smaps_kb(p, "FilePmdMapped"));
	EXPECT_EQ((length + PAGE - 1) / PAGE * 4, smaps_kb(p, "Rss"));
	EXPECT_EQ(0, info.out_refaults);
	EXPECT_EQ(1, info.out_mappings);
}

static const size_t lengths[] = {
	1, PAGE, PAGE + 1, 2 * MIB - PAGE, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1,
	2 * MIB + PAGE, 3 * MIB, 4 * MIB - 1, 4 * MIB, 5 * MIB, 64 * MIB,
};

TEST_F(populated, fresh_file_of_any_length)
{
	size_t i;
	char *p;
	int fd;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		fd = must_open(O_RDWR);
		p = must_mmap(fd, lengths[i]);
		expect_populated(_metadata, p, lengths[i]);
		expect_true_info(_metadata, fd, p, lengths[i]);
		EXPECT_TRUE(__test_passed(_metadata))
			TH_LOG("length was %zu", lengths[i]);
		must(munmap(p, lengths[i]));
		EXPECT_EQ(0, must_info(fd).out_mappings);
		close(fd);
	}
}

TEST_F(populated, created_file_of_any_length)
{
	size_t i;
	char *p;
	int fd;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		fd = must_open(O_RDWR);
		must_create(fd, lengths[i], 0);
		p = must_mmap(fd, lengths[i]);
		expect_populated(_metadata, p, lengths[i]);
		expect_true_info(_metadata, fd, p, lengths[i]);
		EXPECT_TRUE(__test_passed(_metadata))
			TH_LOG("length was %zu", lengths[i]);
		close(fd);
		must(munmap(p, lengths[i]));
	}
}

/* The sysfs switches are for what the kernel gives unasked. */
TEST_F(populated, entries_of_2_mib_whatever_sysfs_says)
{
	char *p;

	if (variant->thp_disable)
		SKIP(return, "prctl(2) forbids 2 MiB entries");
	must_create(self->fd, 16 * MIB, 0);
	if (must_info(self->fd).out_huge_bytes < 16 * MIB)
		SKIP(return, "memory is too fragmented for 2 MiB chunks");
	p = must_mmap(self->fd, 16 * MIB);
	EXPECT_EQ(16 * 1024, smaps_kb(p, "FilePmdMapped"));
	EXPECT_EQ(16 * MIB, must_info(self->fd).out_huge_bytes);
}

TEST_F(populated, any_protection)
{
	const int prots[] = { PROT_READ, PROT_WRITE, RW, PROT_NONE };
	size_t i;
	char *p;

	must_create(self->fd, 3 * CHUNK, 0);
	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		p = must_mmap_at(NULL, 3 * CHUNK, prots[i], MAP_SHARED,
				 self->fd, 0);
		EXPECT_EQ(0, pages_absent(p, 3 * CHUNK))
			TH_LOG("protection %d", prots[i]);
		must(mprotect(p, 3 * CHUNK, PROT_READ));
		EXPECT_EQ(0, faults_of(p, 3 * CHUNK, WALK_READ));
		must(mprotect(p, 3 * CHUNK, RW));
		EXPECT_EQ(0, faults_of(p, 3 * CHUNK, WALK_WRITE))
			TH_LOG("protection %d", prots[i]);
		must(munmap(p, 3 * CHUNK));
	}
	EXPECT_EQ(0, must_info(self->fd).out_refaults);
}

TEST_F(populated, extra_map_flags_change_nothing)
{
	const int flags[] = {
		MAP_POPULATE, MAP_LOCKED, MAP_NORESERVE, MAP_NONBLOCK,
		MAP_POPULATE | MAP_LOCKED,
	};
	size_t i;
	char *p;

	must_create(self->fd, 2 * CHUNK, 0);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		p = must_mmap_at(NULL, 2 * CHUNK, RW, MAP_SHARED | flags[i],
				 self->fd, 0);
		expect_populated(_metadata, p, 2 * CHUNK);
		must(munmap(p, 2 * CHUNK));
	}
	EXPECT_EQ(0, must_info(self->fd).out_refaults);
}

/* Each window of an arena shows the same pages, and is populated by itself. */
TEST_F(populated, parts_and_second_mappings)
{
	const struct { size_t offset, length; } part[] = {
		{ 0, CHUNK }, { CHUNK, CHUNK }, { 2 * CHUNK, 2 * CHUNK },
		{ 3 * CHUNK, PAGE }, { CHUNK, CHUNK + PAGE },
	};
	char *whole, *p;
	size_t i;

	must_create(self->fd, 4 * CHUNK, 0);
	whole = must_mmap(self->fd, 4 * CHUNK);
	fill(whole, 4 * CHUNK, 0);
	for (i = 0; i < ARRAY_SIZE(part); i++) {
		p = must_mmap_at(NULL, part[i].length, RW, MAP_SHARED,
				 self->fd, part[i].offset);
		EXPECT_TRUE(chunk_aligned(p));
		EXPECT_EQ(0, pages_absent(p, part[i].length));
		EXPECT_NO_FAULTS(p, part[i].length);
		EXPECT_FILLED(p, part[i].length, part[i].offset / PAGE);
		EXPECT_EQ(2 + i, must_info(self->fd).out_mappings);
	}
	EXPECT_NO_FAULTS(whole, 4 * CHUNK);
	EXPECT_EQ(0, must_info(self->fd).out_refaults);
}

TEST_F(populated, fixed_and_hinted_addresses)
{
	char *at = hold_range(4 * CHUNK, 0);
	char *p;

	ASSERT_NE(NULL, at);
	must_create(self->fd, 2 * CHUNK, 0);
	p = must_mmap_at(at, 2 * CHUNK, RW, MAP_SHARED | MAP_FIXED, self->fd,
			 0);
	EXPECT_EQ(at, p);
	expect_populated(_metadata, p, 2 * CHUNK);
	must(munmap(at, 4 * CHUNK));

	p = must_mmap_at(at + CHUNK, 2 * CHUNK, RW,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
	EXPECT_EQ(at + CHUNK, p);
	expect_populated(_metadata, p, 2 * CHUNK);
	fails_mmap_at(EEXIST, at + CHUNK, CHUNK, RW,
		      MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd, 0);
	EXPECT_NO_FAULTS(p, 2 * CHUNK);
	must(munmap(p, 2 * CHUNK));

	/* Whatever is made of a hint, the address is aligned. */
	p = must_mmap_at(at + PAGE, CHUNK, RW, MAP_SHARED, self->fd, 0);
	expect_populated(_metadata, p, CHUNK);
	p = must_mmap_at(at + PAGE, CHUNK, RW, MAP_SHARED, self->fd, 0);
	expect_populated(_metadata, p, CHUNK);
	p = must_mmap_at((void *)PAGE, CHUNK, RW, MAP_SHARED, self->fd, CHUNK);
	expect_populated(_metadata, p, CHUNK);
	p = must_mmap_at(NULL, CHUNK, RW, MAP_SHARED | MAP_32BIT, self->fd, 0);
	expect_populated(_metadata, p, CHUNK);
}

TEST_HARNESS_MAIN
