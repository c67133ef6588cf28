/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/arena share: calling the device, mapping an arena,
 * filling it and knowing it again, and the reasons to skip.
 *
 * Calls come as a triple. try_x() makes the call and returns its result, or
 * -errno; it can be used in children and threads. must_x() asserts that the
 * call succeeds and hands on its result. fails_x(errno, ...) asserts that it
 * fails, and with which errno: one meaning each is what the ABI promises, so
 * "it failed" is never good enough.
 *
 * Everything here is static inline, so that a test is one file and its headers,
 * and builds in a kernel tree as well as beside the module. fault_utils.h has
 * the counting of page faults, proc_utils.h the reading of /proc and /sys.
 */
#ifndef ARENA_UTILS_H
#define ARENA_UTILS_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/arena.h>

#include "kselftest_harness.h"

#define PAGE ((size_t)4096)
#define CHUNK ((size_t)ARENA_CHUNK_SIZE)
#define MIB ((size_t)1 << 20)
#define CHUNK_PAGES (CHUNK / PAGE)
#define RW (PROT_READ | PROT_WRITE)

static inline const char *arena_path(void)
{
	const char *path = getenv("ARENA_DEV");

	return path ? path : "/dev/arena";
}

static inline int try_open(int flags)
{
	int fd = open(arena_path(), flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

#define must_open(flags) ({						\
	int __must_fd = try_open(flags);				\
	ASSERT_LE(0, __must_fd)						\
		TH_LOG("open: %s", strerror(-__must_fd));		\
	__must_fd; })

#define fails_open(err, flags) EXPECT_EQ(-(err), try_open(flags))

/* Why the device cannot be tested here, or NULL. */
static inline const char *arena_missing(void)
{
	int fd = try_open(O_RDWR);

	switch (fd) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return "no /dev/arena: load the module (insmod arena.ko)";
	case -EACCES:
	case -EPERM:
		return "/dev/arena may not be opened: run as root";
	}
	if (fd < 0)
		return strerror(-fd);
	close(fd);
	return NULL;
}

#define need_arena() do {						\
	const char *__missing = arena_missing();			\
	if (__missing)							\
		SKIP(return, "%s", __missing);				\
} while (0)

#define need_root() do {						\
	if (geteuid())							\
		SKIP(return, "needs root");				\
} while (0)

static inline int try_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) ? -errno : 0;
}

#define must_ioctl(fd, cmd, arg) ASSERT_EQ(0, try_ioctl(fd, cmd, arg))
#define fails_ioctl(err, fd, cmd, arg)					\
	EXPECT_EQ(-(err), try_ioctl(fd, cmd, arg))

static inline int try_create_on(int fd, uint64_t length, uint32_t flags,
				int32_t node)
{
	struct arena_ioc_create create = {
		.size = sizeof(create),
		.flags = flags,
		.length = length,
		.node = node,
	};

	return try_ioctl(fd, ARENA_IOC_CREATE, &create);
}

static inline int try_create(int fd, uint64_t length, uint32_t flags)
{
	return try_create_on(fd, length, flags, ARENA_NODE_ANY);
}

#define must_create(fd, length, flags)					\
	ASSERT_EQ(0, try_create(fd, length, flags))
#define fails_create(err, fd, length, flags)				\
	EXPECT_EQ(-(err), try_create(fd, length, flags))

static inline int try_info(int fd, struct arena_ioc_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return try_ioctl(fd, ARENA_IOC_INFO, info);
}

#define must_info(fd) ({						\
	struct arena_ioc_info __must_info;				\
	ASSERT_EQ(0, try_info(fd, &__must_info));			\
	__must_info; })
#define fails_info(err, fd) ({						\
	struct arena_ioc_info __fails_info;				\
	EXPECT_EQ(-(err), try_info(fd, &__fails_info)); })

/* The mapping, or MAP_FAILED and errno. */
static inline void *try_mmap(int fd, size_t length, int prot)
{
	return mmap(NULL, length, prot, MAP_SHARED, fd, 0);
}

#define must_mmap_at(addr, length, prot, flags, fd, offset) ({		\
	char *__must_map = mmap(addr, length, prot, flags, fd, offset);	\
	ASSERT_NE(MAP_FAILED, (void *)__must_map)			\
		TH_LOG("mmap: %s", strerror(errno));			\
	__must_map; })
#define must_mmap(fd, length)						\
	must_mmap_at(NULL, length, RW, MAP_SHARED, fd, 0)

#define fails_mmap_at(err, addr, length, prot, flags, fd, offset) ({	\
	void *__fails_map = mmap(addr, length, prot, flags, fd, offset);\
	EXPECT_EQ(MAP_FAILED, __fails_map);				\
	if (__fails_map == MAP_FAILED)					\
		EXPECT_EQ(err, errno); })
#define fails_mmap(err, fd, length)					\
	fails_mmap_at(err, NULL, length, RW, MAP_SHARED, fd, 0)

/* Any call that returns -1 and sets errno. */
#define must(call) ASSERT_NE(-1, (long)(call))				\
	TH_LOG(#call ": %s", strerror(errno))
#define fails(err, call) ({						\
	long __fails_ret = (long)(call);				\
	int __fails_errno = errno;					\
	EXPECT_EQ(-1, __fails_ret) TH_LOG(#call);			\
	if (__fails_ret == -1)						\
		EXPECT_EQ(err, __fails_errno) TH_LOG(#call); })

/*
 * An address range of @length that starts at a chunk border plus @shift, free
 * but for the anonymous pages that reserve it.
 */
static inline char *hold_range(size_t length, size_t shift)
{
	char *p = mmap(NULL, length + 2 * CHUNK, RW,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *start;

	if (p == MAP_FAILED)
		return NULL;
	start = (char *)(((uintptr_t)p + CHUNK - 1) & ~(CHUNK - 1)) + shift;
	munmap(p, start - p);
	munmap(start + length, p + length + 2 * CHUNK - (start + length));
	return start;
}

/* What page @index of a filled arena holds, in its first and last word. */
static inline uint64_t pattern_of(size_t index)
{
	return (index + 1) * 0x9e3779b97f4a7c15ull;
}

static inline void fill(char *p, size_t length, size_t first_page)
{
	size_t i;

	for (i = 0; i < length / PAGE; i++) {
		uint64_t word = pattern_of(first_page + i);

		memcpy(p + i * PAGE, &word, sizeof(word));
		memcpy(p + (i + 1) * PAGE - sizeof(word), &word, sizeof(word));
	}
}

/* The first page that does not hold its pattern, or -1. */
static inline long unlike(const char *p, size_t length, size_t first_page)
{
	size_t i;

	for (i = 0; i < length / PAGE; i++) {
		uint64_t word = pattern_of(first_page + i);

		if (memcmp(p + i * PAGE, &word, sizeof(word)) ||
		    memcmp(p + (i + 1) * PAGE - sizeof(word), &word,
			   sizeof(word)))
			return i;
	}
	return -1;
}

#define EXPECT_FILLED(p, length, first_page)				\
	EXPECT_EQ(-1, unlike(p, length, first_page))

static inline bool all_zero(const char *p, size_t length)
{
	const uint64_t *word = (const uint64_t *)p;
	size_t i;

	for (i = 0; i < length / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

static inline bool chunk_aligned(const void *p)
{
	return !((uintptr_t)p & (CHUNK - 1));
}

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static inline void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* Exit status of @pid, or 128 + the signal that ended it. */
static inline int reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

/*
 * Run @expr in a child; the result is its exit status, so keep it below 128.
 * The harness's own assertions do not work in there.
 */
#define in_child(expr) ({						\
	pid_t __child;							\
	fflush(NULL);							\
	__child = fork();						\
	if (!__child)							\
		_exit(expr);						\
	reap(__child); })

/* The kernel logs a signal that nobody catches, and its log is checked. */
static inline void exit_on_signal(int sig)
{
	_exit(128 + sig);
}

static inline int touch(volatile char *p, bool writing)
{
	signal(SIGSEGV, exit_on_signal);
	signal(SIGBUS, exit_on_signal);
	if (writing)
		*p = 1;
	else
		(void)*p;
	return 0;
}

/* What a read or write of one byte ends in: 0, or 128 + SIGSEGV or SIGBUS. */
#define reading_ends(p) in_child(touch(p, false))
#define writing_ends(p) in_child(touch(p, true))

#endif /* ARENA_UTILS_H */
