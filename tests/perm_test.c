// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: the mode of the device node, users other than root, and
 * descriptors that were opened for reading only.
 */
#include <sys/stat.h>

#include "fault_utils.h"
#include "proc_utils.h"

#define LENGTH (2 * CHUNK)
#define SOME_USER 1000

FIXTURE(node)
{
	int fd;
};

FIXTURE_SETUP(node)
{
	need_arena();
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(node)
{
	close(self->fd);
}

/* In a child: become a user who is in no group of root's. */
static int become_user(void)
{
	if (syscall(SYS_setgroups, 0, NULL) ||
	    syscall(SYS_setresgid, SOME_USER, SOME_USER, SOME_USER) ||
	    syscall(SYS_setresuid, SOME_USER, SOME_USER, SOME_USER))
		return -1;
	return 0;
}

TEST_F(node, is_a_character_device_of_root_only)
{
	struct stat st;

	must(stat(arena_path(), &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_mode & 0007) TH_LOG("mode %o", st.st_mode);
	EXPECT_EQ(0600, st.st_mode & 0600);
}

TEST_F(node, other_user_is_eacces)
{
	need_root();
	EXPECT_EQ(EACCES, in_child(become_user() ? 99 : -try_open(O_RDWR)));
	EXPECT_EQ(EACCES, in_child(become_user() ? 99 : -try_open(O_RDONLY)));
}

static int use_as_user(int fd)
{
	char *p;

	if (become_user())
		return 99;
	p = try_mmap(fd, LENGTH, RW);
	if (p == MAP_FAILED)
		return errno;
	if (faults_of(p, LENGTH, WALK_WRITE))
		return 98;
	fill(p, LENGTH, 3);
	return 0;
}

/* A descriptor is a capability: who was given it needs no more. */
TEST_F(node, other_user_with_a_descriptor)
{
	char *p;

	need_root();
	must_create(self->fd, LENGTH, 0);
	EXPECT_EQ(0, in_child(use_as_user(self->fd)));
	p = must_mmap(self->fd, LENGTH);
	EXPECT_FILLED(p, LENGTH, 3);
}

TEST_F(node, read_only_descriptor_maps_read_only)
{
	int fd = must_open(O_RDONLY);
	char *p;

	fails_mmap_at(EACCES, NULL, LENGTH, RW, MAP_SHARED, fd, 0);
	fails_mmap_at(EACCES, NULL, LENGTH, PROT_WRITE, MAP_SHARED, fd, 0);
	fails_info(ENODATA, fd);
	p = must_mmap_at(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT_EQ(0, pages_absent(p, LENGTH));
	EXPECT_EQ(0, faults_of(p, LENGTH, WALK_READ));
	EXPECT_TRUE(all_zero(p, LENGTH));
	EXPECT_EQ(128 + SIGSEGV, writing_ends(p));
	fails(EACCES, mprotect(p, LENGTH, RW));
	fails(EACCES, mprotect(p, CHUNK, PROT_WRITE));
	EXPECT_EQ(0, faults_of(p, LENGTH, WALK_READ));
	close(fd);
}

/* It may make the arena; what it can then read is zeros. */
TEST_F(node, read_only_descriptor_may_create)
{
	int fd = must_open(O_RDONLY);
	char *p;

	must_create(fd, LENGTH, 0);
	p = must_mmap_at(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT_EQ(0, faults_of(p, LENGTH, WALK_READ));
	EXPECT_TRUE(all_zero(p, LENGTH));
	close(fd);
}

/* What the owner of a mapping may write, a debugger may, and nobody else. */
TEST_F(node, read_only_mapping_is_not_written_through_proc)
{
	int fd = must_open(O_RDONLY);
	char *p = must_mmap_at(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0);
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	if (mem < 0)
		SKIP(return, "/proc/self/mem: %s", strerror(errno));
	EXPECT_EQ(-1, pwrite(mem, "x", 1, (uintptr_t)p));
	EXPECT_TRUE(all_zero(p, LENGTH));
	close(mem);
	close(fd);
}

/* No right to lock memory is needed, and none is used up. */
TEST_F(node, memory_lock_limit_of_root_is_left_alone)
{
	struct rlimit none = {};

	need_root();
	must(setrlimit(RLIMIT_MEMLOCK, &none));
	must_mmap(self->fd, LENGTH);
	EXPECT_EQ(0, status_kb("VmLck"));
}

TEST_HARNESS_MAIN
