// SPDX-License-Identifier: GPL-2.0
/*
 * Arena memory is charged to the cgroup of who makes the arena, and its limit
 * is an ENOMEM in the caller, not an OOM kill of somebody: in the middle of
 * CREATE, whether chunks are compound pages or single ones.
 *
 * Each test works in a cgroup of its own; what is left of a charge when the
 * arena is gone is compared with before, with some slack for the pages that the
 * kernel keeps at hand for each CPU.
 */
#include <sys/stat.h>

#include "proc_utils.h"

#define ROOT "/sys/fs/cgroup"
#define LENGTH (16 * CHUNK)
#define LIMIT "16777216"	/* bytes: half of LENGTH */
#define SLACK (2 * CHUNK)

FIXTURE(memcg)
{
	char group[64];
	int fd;
};

static int memcg_file(const char *group, const char *name, char *path)
{
	return sprintf(path, "%s/%s", group, name);
}

static int memcg_write(const char *group, const char *name, const char *text)
{
	char path[128];

	memcg_file(group, name, path);
	return write_file(path, text);
}

/* The number in a file, or the one after @key in a file of "key number" lines. */
static long memcg_read(const char *group, const char *name, const char *key)
{
	char path[128], text[4096];
	char *start = text;

	memcg_file(group, name, path);
	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	if (key)
		start = strstr(text, key);
	return start ? strtol(start + (key ? strlen(key) : 0), NULL, 10) : -1;
}

FIXTURE_SETUP(memcg)
{
	self->fd = -1;
	need_root();
	need_arena();
	if (write_file(ROOT "/cgroup.subtree_control", "+memory"))
		SKIP(return, "no cgroup2 memory controller at " ROOT);
	sprintf(self->group, ROOT "/arena-test-%d", getpid());
	must(mkdir(self->group, 0755));
	ASSERT_EQ(0, memcg_write(self->group, "cgroup.procs", "0"));
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(memcg)
{
	if (self->fd >= 0)
		close(self->fd);
	write_file(ROOT "/cgroup.procs", "0");
	rmdir(self->group);
}

TEST_F(memcg, arena_is_charged_to_its_maker)
{
	long before = memcg_read(self->group, "memory.current", NULL);
	long charged;

	must_create(self->fd, LENGTH, 0);
	charged = memcg_read(self->group, "memory.current", NULL) - before;
	EXPECT_LE((long)LENGTH, charged);
	EXPECT_GE((long)(LENGTH + SLACK), charged);
	close(self->fd);
	self->fd = -1;
	EXPECT_GE((long)SLACK,
		  memcg_read(self->group, "memory.current", NULL) - before);
}

TEST_F(memcg, charge_stays_when_the_maker_moves_on)
{
	must_create(self->fd, LENGTH, 0);
	ASSERT_EQ(0, write_file(ROOT "/cgroup.procs", "0"));
	EXPECT_LE((long)LENGTH,
		  memcg_read(self->group, "memory.current", NULL));
}

/* The file is as before, nobody was killed, and nothing stays charged. */
static void check_limit(struct __test_metadata *_metadata, const char *group,
			int fd, unsigned int flags)
{
	long before = memcg_read(group, "memory.current", NULL);

	ASSERT_EQ(0, memcg_write(group, "memory.max", LIMIT));
	fails_create(ENOMEM, fd, LENGTH, flags);
	fails_info(ENODATA, fd);
	EXPECT_EQ(0, memcg_read(group, "memory.events", "oom_kill "));
	EXPECT_GE((long)SLACK,
		  memcg_read(group, "memory.current", NULL) - before);
	ASSERT_EQ(0, memcg_write(group, "memory.max", "max"));
	must_create(fd, LENGTH, flags);
	must(munmap(must_mmap(fd, LENGTH), LENGTH));
}

TEST_F(memcg, limit_in_the_middle_of_create_is_enomem)
{
	check_limit(_metadata, self->group, self->fd, 0);
}

TEST_F(memcg, limit_in_the_middle_of_a_huge_create_is_enomem)
{
	check_limit(_metadata, self->group, self->fd, ARENA_IOC_CREATE_HUGE);
}

TEST_F(memcg, limit_in_the_middle_of_mmap_is_enomem)
{
	ASSERT_EQ(0, memcg_write(self->group, "memory.max", LIMIT));
	fails_mmap(ENOMEM, self->fd, LENGTH);
	fails_info(ENODATA, self->fd);
	EXPECT_EQ(0, memcg_read(self->group, "memory.events", "oom_kill "));
	must_mmap(self->fd, 2 * CHUNK);
}

TEST_HARNESS_MAIN
