// SPDX-License-Identifier: GPL-2.0
/*
 * The module cannot be unloaded while an arena exists, and can be afterwards.
 *
 * The object of the test is delete_module(2) itself, not rmmod. It needs the
 * module's file to load it again: ARENA_KO names it.
 */
#include <sys/stat.h>

#include "fault_utils.h"
#include "proc_utils.h"

FIXTURE(module)
{
	int fd;
	const char *path;
	/* Who may open the device: a node made anew does not know. */
	struct stat node;
};

/* The module's file, or NULL. */
static const char *module_path(void)
{
	const char *const paths[] = {
		getenv("ARENA_KO"), "/arena.ko", "/lib/guest/arena.ko",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (paths[i] && !access(paths[i], R_OK))
			return paths[i];
	return NULL;
}

static int try_unload(void)
{
	return syscall(SYS_delete_module, "arena", O_NONBLOCK) ? -errno : 0;
}

static int try_load(const char *path, const struct stat *node)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (!err && (chown(arena_path(), node->st_uid, node->st_gid) ||
		     chmod(arena_path(), node->st_mode & 07777)))
		err = -errno;
	return err;
}

FIXTURE_SETUP(module)
{
	need_root();
	need_arena();
	self->path = module_path();
	if (!self->path)
		SKIP(return, "ARENA_KO does not name arena.ko");
	must(stat(arena_path(), &self->node));
	self->fd = must_open(O_RDWR);
}

FIXTURE_TEARDOWN(module)
{
	if (arena_missing())
		try_load(self->path, &self->node);
}

#define fails_unload(err) EXPECT_EQ(-(err), try_unload())

TEST_F(module, stays_while_a_descriptor_is_open)
{
	fails_unload(EWOULDBLOCK);
	must_create(self->fd, CHUNK, 0);
	fails_unload(EWOULDBLOCK);
	EXPECT_EQ(CHUNK, must_info(self->fd).out_length);
}

TEST_F(module, stays_while_only_a_mapping_is_left)
{
	char *p = must_mmap(self->fd, 2 * CHUNK);

	fill(p, 2 * CHUNK, 0);
	close(self->fd);
	fails_unload(EWOULDBLOCK);
	EXPECT_NO_FAULTS(p, 2 * CHUNK);
	EXPECT_FILLED(p, 2 * CHUNK, 0);
	must(madvise(p, 2 * CHUNK, MADV_DONTNEED));
	EXPECT_FILLED(p, 2 * CHUNK, 0);
}

TEST_F(module, stays_while_a_child_holds_it)
{
	int hold[2];
	pid_t child;
	char byte;

	must(pipe2(hold, O_CLOEXEC));
	must_mmap(self->fd, CHUNK);
	child = fork();
	if (!child) {
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(hold[0]);
	close(self->fd);
	fails_unload(EWOULDBLOCK);
	close(hold[1]);
	EXPECT_EQ(0, reap(child));
}

TEST_F(module, goes_and_comes_again)
{
	const long memory = meminfo_kb("MemAvailable");
	char *p = must_mmap(self->fd, 64 * MIB);
	int round;

	*p = 1;
	must(munmap(p, 64 * MIB));
	close(self->fd);
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, try_unload());
		fails_open(ENOENT, O_RDWR);
		ASSERT_EQ(0, try_load(self->path, &self->node));
		self->fd = must_open(O_RDWR);
		p = must_mmap(self->fd, 64 * MIB);
		EXPECT_NO_FAULTS(p, 64 * MIB);
		EXPECT_TRUE(all_zero(p, 64 * MIB));
		memset(p, 1, 64 * MIB);
		must(munmap(p, 64 * MIB));
		close(self->fd);
	}
	EXPECT_EQ(0, missing_kb(memory));
}

TEST_HARNESS_MAIN
