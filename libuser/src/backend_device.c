// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The device backend: memory of /dev/arena, by the ABI of <linux/arena.h>.
 *
 * CREATE gathers the memory, mmap() maps and populates it; INFO says whether
 * all of it is in 2 MiB entries. The mapping is shared, so fork() neither
 * copies nor write-protects it. The descriptor stays open as long as the arena,
 * closed on exec.
 *
 * Errnos are passed up as the kernel gave them, but for those that would
 * mislead: mmap()'s EAGAIN is the limit of locked memory, and a path that is
 * a directory is not the device, like one that does not know the command.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/arena.h>

#include "internal.h"

#define ARENA__DEVICE_PATH "/dev/arena"

_Static_assert(ARENA__CHUNK_SIZE == ARENA_CHUNK_SIZE, "one chunk, one size");

/* O_NOCTTY: should the path be a terminal, it must not become ours. */
int arena__device_open(const char *path)
{
	int fd = open(path ? path : ARENA__DEVICE_PATH,
		      O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0)
		return fd;
	return errno == EISDIR ? -ENOTTY : -errno;
}

static int arena__device_create(int fd, size_t length, unsigned int require)
{
	struct arena_ioc_create create = {
		.size = sizeof(create),
		.length = length,
		.node = ARENA_NODE_ANY,
	};

	if (require & ARENA_GUARANTEE_HUGE)
		create.flags |= ARENA_IOC_CREATE_HUGE;
	return ioctl(fd, ARENA_IOC_CREATE, &create) ? -errno : 0;
}

static unsigned int arena__device_guarantees(int fd)
{
	struct arena_ioc_info info = { .size = sizeof(info) };
	unsigned int guarantees = ARENA_GUARANTEE_POPULATED |
				  ARENA_GUARANTEE_LOCKED |
				  ARENA_GUARANTEE_PINNED |
				  ARENA_GUARANTEE_DIRECT_IO;

	if (!ioctl(fd, ARENA_IOC_INFO, &info) && info.out_length &&
	    info.out_huge_bytes == info.out_length)
		guarantees |= ARENA_GUARANTEE_HUGE;
	return guarantees;
}

/* @fd is the arena's from now on, and closed on failure. */
int arena__device_map(int fd, size_t size, const struct arena_options *options,
		      struct arena__memory *memory)
{
	size_t length = arena__round_up(size, ARENA__CHUNK_SIZE);
	void *base;
	int error;

	error = arena__device_create(fd, length, options->require);
	if (error)
		goto out_close;
	base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		error = errno == EAGAIN ? -EDQUOT : -errno;
		goto out_close;
	}
	*memory = (struct arena__memory) {
		.base = base,
		.length = length,
		.fd = fd,
		.backend = ARENA_BACKEND_DEVICE,
		.guarantees = arena__device_guarantees(fd),
	};
	return 0;

out_close:
	close(fd);
	return error;
}

void arena__device_unmap(struct arena__memory *memory)
{
	munmap(memory->base, memory->length);
	close(memory->fd);
}
