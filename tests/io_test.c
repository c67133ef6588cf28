// SPDX-License-Identifier: GPL-2.0
/*
 * An arena as the source and target of I/O that works on its pages: O_DIRECT,
 * vmsplice, MSG_ZEROCOPY, and other processes that read and write it.
 *
 * All of them take references on the pages behind a page table, which memory of
 * drivers often refuses (VM_PFNMAP, VM_IO). After each, the bytes next to the
 * target must be as before, and touching the arena must take no fault: I/O may
 * not cost an entry. Pins that last longer are pin_test.c's.
 *
 * The disk tests overwrite the disk that ARENA_DISK names. Without one they use
 * a file in TMPDIR, if that is on a real file system.
 */
#include <linux/futex.h>
#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "fault_utils.h"
#include "proc_utils.h"

#define CHUNKS 12
#define LENGTH (CHUNKS * CHUNK)

FIXTURE(io)
{
	int fd;
	char *p;
};

FIXTURE_SETUP(io)
{
	need_arena();
	self->fd = must_open(O_RDWR);
	must_create(self->fd, LENGTH, 0);
	self->p = must_mmap(self->fd, LENGTH);
	fill(self->p, LENGTH, 0);
}

FIXTURE_TEARDOWN(io)
{
	close(self->fd);
}

#define EXPECT_QUIET() do {						\
	EXPECT_NO_FAULTS(self->p, LENGTH);				\
	EXPECT_EQ(0, must_info(self->fd).out_refaults);			\
} while (0)

/* All but @length bytes at @at are as fill() left them. */
#define EXPECT_NEIGHBOURS_INTACT(at, length) do {			\
	EXPECT_FILLED(self->p, at, 0);					\
	EXPECT_FILLED(self->p + (at) + (length), LENGTH - (at) - (length), \
		      ((at) + (length)) / PAGE);			\
} while (0)

static int open_disk(void)
{
	const char *disk = getenv("ARENA_DISK");
	const char *dir = getenv("TMPDIR");
	struct statfs fs;

	if (disk)
		return open(disk, O_RDWR | O_DIRECT | O_CLOEXEC);
	dir = dir ? dir : "/var/tmp";
	/* Some memory file systems take O_DIRECT, and copy. */
	if (statfs(dir, &fs) || fs.f_type == TMPFS_MAGIC ||
	    fs.f_type == RAMFS_MAGIC)
		return -1;
	return open(dir, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
}

/* Where in the arena, and how much: within a chunk, across borders, much. */
static const struct { size_t at, length; } spans[] = {
	{ 0, PAGE },
	{ CHUNK, MIB },
	{ CHUNK - PAGE, 2 * PAGE },
	{ CHUNK - MIB / 2, MIB },
	{ CHUNK + PAGE, 16 * MIB },
	{ 0, 16 * MIB },
};

TEST_F(io, direct_reads_from_a_disk)
{
	int disk = open_disk();
	char *plain;
	size_t i;

	if (disk < 0)
		SKIP(return, "no ARENA_DISK, and no disk behind TMPDIR");
	plain = mmap(NULL, LENGTH, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill(plain, LENGTH, 5000);
	ASSERT_EQ(LENGTH, pwrite(disk, plain, LENGTH, 0));
	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		fill(self->p, LENGTH, 0);
		ASSERT_EQ(spans[i].length,
			  pread(disk, self->p + spans[i].at, spans[i].length,
				0));
		EXPECT_FILLED(self->p + spans[i].at, spans[i].length, 5000);
		EXPECT_NEIGHBOURS_INTACT(spans[i].at, spans[i].length);
		EXPECT_QUIET();
	}
	close(disk);
}

TEST_F(io, direct_writes_to_a_disk)
{
	int disk = open_disk();
	char *plain;
	size_t i;

	if (disk < 0)
		SKIP(return, "no ARENA_DISK, and no disk behind TMPDIR");
	plain = mmap(NULL, LENGTH, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		ASSERT_EQ(spans[i].length,
			  pwrite(disk, self->p + spans[i].at, spans[i].length,
				 0));
		memset(plain, 0, spans[i].length);
		ASSERT_EQ(spans[i].length,
			  pread(disk, plain, spans[i].length, 0));
		EXPECT_EQ(0, memcmp(plain, self->p + spans[i].at,
				    spans[i].length));
		EXPECT_QUIET();
	}
	EXPECT_FILLED(self->p, LENGTH, 0);
	close(disk);
}

static int copy_remotely(pid_t pid, char *remote)
{
	static char buffer[2 * PAGE];
	struct iovec here = { buffer, sizeof(buffer) };
	struct iovec there = { remote, sizeof(buffer) };

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != sizeof(buffer))
		return errno;
	if (unlike(buffer, sizeof(buffer), CHUNK_PAGES - 1) != -1)
		return 120;
	fill(buffer, sizeof(buffer), 9000);
	if (process_vm_writev(pid, &here, 1, &there, 1, 0) != sizeof(buffer))
		return errno;
	return 0;
}

/* The child must not have the arena itself, or it would prove nothing. */
TEST_F(io, another_process_reads_and_writes_it)
{
	const size_t at = CHUNK - PAGE;
	pid_t parent = getpid();

	must(madvise(self->p, LENGTH, MADV_DONTFORK));
	EXPECT_EQ(0, in_child(copy_remotely(parent, self->p + at)));
	EXPECT_FILLED(self->p + at, 2 * PAGE, 9000);
	EXPECT_NEIGHBOURS_INTACT(at, 2 * PAGE);
	EXPECT_QUIET();
}

TEST_F(io, proc_mem_reads_and_writes_it)
{
	const size_t at = CHUNK - PAGE;
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	static char buffer[2 * PAGE];

	if (mem < 0)
		SKIP(return, "/proc/self/mem: %s", strerror(errno));
	ASSERT_EQ(sizeof(buffer), pread(mem, buffer, sizeof(buffer),
					(uintptr_t)(self->p + at)));
	EXPECT_FILLED(buffer, sizeof(buffer), CHUNK_PAGES - 1);
	fill(buffer, sizeof(buffer), 9000);
	ASSERT_EQ(sizeof(buffer), pwrite(mem, buffer, sizeof(buffer),
					 (uintptr_t)(self->p + at)));
	EXPECT_FILLED(self->p + at, sizeof(buffer), 9000);
	EXPECT_NEIGHBOURS_INTACT(at, sizeof(buffer));
	EXPECT_QUIET();
	close(mem);
}

/* Ordinary read(2) and write(2), which copy. */
TEST_F(io, pipes_and_files_copy_from_and_to_it)
{
	FILE *f = tmpfile();
	int fd = f ? fileno(f) : syscall(SYS_memfd_create, "copy", 0u);

	ASSERT_LE(0, fd);
	ASSERT_EQ(4 * MIB, pwrite(fd, self->p + MIB, 4 * MIB, 0));
	ASSERT_EQ(4 * MIB, pread(fd, self->p + 8 * MIB, 4 * MIB, 0));
	EXPECT_FILLED(self->p + 8 * MIB, 4 * MIB, MIB / PAGE);
	EXPECT_QUIET();
}

static int try_futex(uint32_t *word, int op, uint32_t value)
{
	struct timespec soon = { 0, 1000000 };

	return syscall(SYS_futex, word, op, value, &soon, NULL, 0) < 0 ?
	       -errno : 0;
}

/*
 * A futex that processes share is found by the page's place in a file's page
 * cache, which an arena's pages are not in. The manual says so.
 */
TEST_F(io, futexes_are_private_only)
{
	uint32_t *word = (uint32_t *)self->p;

	*word = 1;
	EXPECT_EQ(0, try_futex(word, FUTEX_WAKE_PRIVATE, 1));
	EXPECT_EQ(-ETIMEDOUT, try_futex(word, FUTEX_WAIT_PRIVATE, 1));
	EXPECT_EQ(-EAGAIN, try_futex(word, FUTEX_WAIT_PRIVATE, 2));
	EXPECT_EQ(-EFAULT, try_futex(word, FUTEX_WAKE, 1));
	EXPECT_EQ(-EFAULT, try_futex(word, FUTEX_WAIT, 1));
	EXPECT_QUIET();
}

TEST_HARNESS_MAIN
