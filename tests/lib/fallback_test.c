// SPDX-License-Identifier: GPL-2.0
/*
 * The device backend where there is no device, or one that fails: which errors
 * lead to anonymous memory, which do not, and that nothing is lost on the way.
 *
 * Errors come from their real cause where a machine can be made to produce it,
 * else through a failing system call; so does a device that works.
 */
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "error_utils.h"
#include "seccomp_utils.h"

TEST(device_absent_is_enoent)
{
	fails_device(ENOENT, "/nonexistent/arena", ARENA_BACKEND_DEVICE, 0);
	EXPECT_NE(NULL, strstr(arena_strerror(-ENOENT), "modprobe arena"));
}

/* A typing error must not cost the pinning. */
TEST(device_named_and_absent_is_enoent)
{
	fails_device(ENOENT, "/nonexistent/arena", ARENA_BACKEND_ANY, 0);
	fails_device(ENOENT, "", ARENA_BACKEND_ANY, 0);
}

TEST(device_absent_falls_back_visibly)
{
	struct arena *arena = NULL;

	if (!access("/dev/arena", F_OK))
		must_fail_device_open(ENOENT);
	ASSERT_EQ(0, try_device(NULL, ARENA_BACKEND_ANY, 0, &arena));
	EXPECT_EQ(ARENA_BACKEND_ANONYMOUS, arena_backend(arena));
	EXPECT_STREQ("anonymous", arena_backend_name(arena));
	EXPECT_EQ(0, arena_guarantees(arena) & ARENA_GUARANTEE_PINNED);
	arena_destroy(arena);
}

TEST(device_absent_and_pinned_required_is_enoent)
{
	fails_device(ENOENT, "/nonexistent/arena", ARENA_BACKEND_ANY,
		     ARENA_GUARANTEE_PINNED);
}

TEST(not_the_device_is_enotty)
{
	fails_device(ENOTTY, "/dev/null", ARENA_BACKEND_DEVICE, 0);
	fails_device(ENOTTY, "/dev/null", ARENA_BACKEND_ANY, 0);
	fails_device(ENOTTY, "/proc", ARENA_BACKEND_ANY, 0);
}

/* In a child that is nobody; the exit status is what arena_create() said. */
static int device_error_as_nobody(const char *path)
{
	struct arena *arena;
	pid_t pid = fork();

	if (!pid) {
		if (!getuid() && (setgid(NOBODY) || setuid(NOBODY)))
			_exit(255);
		_exit(-try_device(path, ARENA_BACKEND_ANY, 0, &arena));
	}
	return wait_for(pid);
}

TEST(device_not_permitted_is_eacces)
{
	char path[] = "/tmp/arena-error-XXXXXX";
	int fd = mkstemp(path);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fchmod(fd, 0));
	EXPECT_EQ(EACCES, device_error_as_nobody(path));
	EXPECT_TRUE(has_text(-EACCES));
	EXPECT_NE(NULL, strstr(arena_strerror(-EACCES), "chgrp GROUP /dev/arena"));
	close(fd);
	unlink(path);
}

/* A terminal in exclusive mode is what any machine has that can be busy. */
TEST(device_busy_is_ebusy)
{
	char path[128];
	int master, slave;

	if (getuid())
		SKIP(return, "a busy terminal is busy for others: needs root");
	if (openpty(&master, &slave, path, NULL, NULL))
		SKIP(return, "no pseudo terminals here");
	ASSERT_EQ(0, chmod(path, 0666));
	ASSERT_EQ(0, ioctl(slave, TIOCEXCL));
	EXPECT_EQ(EBUSY, device_error_as_nobody(path));
	EXPECT_TRUE(has_text(-EBUSY));
}

/*
 * Nodes of numbers that no driver has: a major, and of the misc devices the
 * minor of a bus mouse that is long gone.
 */
TEST(node_without_driver_is_enxio_or_enodev)
{
	static const struct {
		int error;
		unsigned int major, minor;
	} nodes[] = { { ENXIO, 254, 1048575 }, { ENODEV, 10, 2 } };
	char path[] = "/tmp/arena-node-XXXXXX";
	size_t i;

	ASSERT_NE(NULL, mkdtemp(path));
	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		char node[64];

		snprintf(node, sizeof(node), "%s/node", path);
		if (mknod(node, S_IFCHR | 0600, makedev(nodes[i].major,
							nodes[i].minor))) {
			rmdir(path);
			SKIP(return, "mknod is not allowed here");
		}
		fails_device(nodes[i].error, node, ARENA_BACKEND_DEVICE, 0);
		fails_device(nodes[i].error, node, ARENA_BACKEND_ANY, 0);
		unlink(node);
	}
	rmdir(path);
}

FIXTURE(open_fails)
{
};

FIXTURE_VARIANT(open_fails)
{
	int with;
	int error;
	bool absent;
};

#define OPEN_FAILS(name, with_, error_, absent_)			\
	FIXTURE_VARIANT_ADD(open_fails, name)				\
	{								\
		.with = with_, .error = error_, .absent = absent_,	\
	}

OPEN_FAILS(enoent, ENOENT, ENOENT, true);
OPEN_FAILS(enxio, ENXIO, ENXIO, true);
OPEN_FAILS(enodev, ENODEV, ENODEV, true);
OPEN_FAILS(eacces, EACCES, EACCES, false);
OPEN_FAILS(eperm, EPERM, EPERM, false);
OPEN_FAILS(ebusy, EBUSY, EBUSY, false);
OPEN_FAILS(emfile, EMFILE, EMFILE, false);
OPEN_FAILS(enfile, ENFILE, ENFILE, false);
OPEN_FAILS(enomem, ENOMEM, ENOMEM, false);
OPEN_FAILS(eisdir, EISDIR, ENOTTY, false);

FIXTURE_SETUP(open_fails)
{
	(void)variant;
}

FIXTURE_TEARDOWN(open_fails)
{
}

/* Only a device that is not there may be replaced. */
TEST_F(open_fails, falls_back_only_if_absent)
{
	struct arena *arena = NULL;

	must_fail_device_open(variant->with);
	fails_device(variant->error, NULL, ARENA_BACKEND_DEVICE, 0);
	fails_device(variant->error, NULL, ARENA_BACKEND_ANY,
		     ARENA_GUARANTEE_PINNED);
	if (!variant->absent) {
		fails_device(variant->error, NULL, ARENA_BACKEND_ANY, 0);
		return;
	}
	ASSERT_EQ(0, try_device(NULL, ARENA_BACKEND_ANY, 0, &arena));
	EXPECT_EQ(ARENA_BACKEND_ANONYMOUS, arena_backend(arena));
	arena_destroy(arena);
}

TEST(too_many_files_is_emfile)
{
	struct rlimit none = { 0, 0 };
	struct arena_fault_counter *counter = NULL;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	fails_device(EMFILE, "/dev/null", ARENA_BACKEND_ANY, 0);
	EXPECT_EQ(-EMFILE, arena_fault_counter_open(&counter));
	EXPECT_EQ(NULL, counter);
}

/* A file that cannot be the device, but says yes to every command. */
#define must_fake_device() ({						\
	static char __path[64];						\
	int __fd = memfd_create("fake", MFD_CLOEXEC);			\
									\
	ASSERT_LE(0, __fd);						\
	ASSERT_EQ(0, ftruncate(__fd, 8 * MIB));				\
	snprintf(__path, sizeof(__path), "/proc/self/fd/%d", __fd);	\
	must_fail_syscall(SYS_ioctl, 0, 0, 0, 0);			\
	__path;								\
})

TEST(device_that_works_is_taken)
{
	const char *path = must_fake_device();
	struct arena *arena = NULL;

	ASSERT_EQ(0, try_device(path, ARENA_BACKEND_ANY, 0, &arena));
	EXPECT_EQ(ARENA_BACKEND_DEVICE, arena_backend(arena));
	EXPECT_STREQ("device", arena_backend_name(arena));
	EXPECT_EQ(ARENA_GUARANTEE_POPULATED | ARENA_GUARANTEE_LOCKED |
		  ARENA_GUARANTEE_PINNED | ARENA_GUARANTEE_DIRECT_IO,
		  arena_guarantees(arena));
	memset(must_alloc(arena, MIB), 1, MIB);
	arena_destroy(arena);
	fails_device(EOPNOTSUPP, path, ARENA_BACKEND_ANY,
		     ARENA_GUARANTEE_HUGE);
}

FIXTURE(map_fails)
{
};

FIXTURE_VARIANT(map_fails)
{
	int with;
	int error;
};

#define MAP_FAILS(name, with_, error_)					\
	FIXTURE_VARIANT_ADD(map_fails, name)				\
	{								\
		.with = with_, .error = error_,				\
	}

MAP_FAILS(eagain, EAGAIN, EDQUOT);
MAP_FAILS(enomem, ENOMEM, ENOMEM);
MAP_FAILS(eperm, EPERM, EPERM);
MAP_FAILS(einval, EINVAL, EINVAL);

FIXTURE_SETUP(map_fails)
{
	(void)variant;
}

FIXTURE_TEARDOWN(map_fails)
{
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

TEST_F(map_fails, and_nothing_is_lost)
{
	const char *path = must_fake_device();
	int fd = next_fd();

	must_fail_syscall(SYS_mmap, 3, MAP_SHARED, MAP_SHARED, variant->with);
	fails_device(variant->error, path, ARENA_BACKEND_ANY, 0);
	EXPECT_EQ(fd, next_fd());
}

TEST(command_fails_and_nothing_is_lost)
{
	static const int errors[] = { EDQUOT, EBUSY, EOPNOTSUPP, ENOMEM, EPERM };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		pid_t pid = fork();

		if (!pid) {
			struct arena *arena;
			int fd = next_fd();

			if (fail_syscall(SYS_ioctl, 0, 0, 0, errors[i]))
				_exit(255);
			if (try_device("/dev/null", ARENA_BACKEND_ANY, 0,
				       &arena) != -errors[i])
				_exit(1);
			_exit(fd == next_fd() ? 0 : 2);
		}
		EXPECT_EQ(0, wait_for(pid));
		EXPECT_TRUE(has_text(-errors[i]));
	}
}

/* A /dev of this process's own, with an arena in it that is no arena. */
static bool make_own_dev(void)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("own", "/dev", "tmpfs", 0, NULL) &&
	       !mknod("/dev/arena", S_IFCHR | 0600, makedev(1, 3));
}

/* What an open device says is not that there is none. */
TEST(command_that_says_absent_does_not_fall_back)
{
	static const int errors[] = { ENOENT, ENXIO, ENODEV };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		pid_t pid = fork();
		struct arena *arena;
		int status;

		if (!pid) {
			if (!make_own_dev() ||
			    fail_syscall(SYS_ioctl, 0, 0, 0, errors[i]))
				_exit(255);
			_exit(-try_device(NULL, ARENA_BACKEND_ANY, 0, &arena));
		}
		status = wait_for(pid);
		if (status == 255)
			SKIP(return, "no /dev of its own can be had here");
		EXPECT_EQ(errors[i], status);
	}
}

TEST_HARNESS_MAIN
