// SPDX-License-Identifier: GPL-2.0
/*
 * Where the pages of a memory are, from /proc/self/pagemap.
 *
 * A page that is migrated is mapped again before its owner can see it, so a
 * fault is taken only if a touch falls into the gap. Its new physical address
 * stays: it is the evidence that does not depend on luck. The same goes for an
 * entry taken away: it is seen absent even if nobody touched it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "disturb.h"

int pagemap_read(const void *base, size_t length, uint64_t *entries)
{
	size_t left = length / PAGE_BYTES * sizeof(*entries);
	off_t offset = (uintptr_t)base / PAGE_BYTES * sizeof(*entries);
	char *out = (char *)entries;
	int fd, ret = 0;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (left) {
		ssize_t got = pread(fd, out, left, offset);

		if (got <= 0) {
			ret = got ? -errno : -EIO;
			break;
		}
		out += got;
		offset += got;
		left -= got;
	}
	close(fd);
	return ret;
}

/*
 * Count what changed since the last look; @known is brought up to date. What
 * cannot be looked at counts as away, so that it never passes for untouched.
 */
void pagemap_compare(const struct memory *memory, uint64_t *known,
		     uint64_t *scratch, struct suffering *suffering)
{
	size_t i, nr_pages = memory->length / PAGE_BYTES;

	if (pagemap_read(memory->base, memory->length, scratch)) {
		suffering->away += nr_pages;
		return;
	}
	for (i = 0; i < nr_pages; i++) {
		uint64_t pfn = scratch[i] & PAGEMAP_PFN_MASK;

		if (!(scratch[i] & PAGEMAP_PRESENT)) {
			suffering->away++;
			continue;
		}
		if (pfn != (known[i] & PAGEMAP_PFN_MASK))
			suffering->moved++;
		known[i] = scratch[i];
	}
}

/* How many chunks are one aligned, contiguous piece of physical memory? */
unsigned long pagemap_contiguous_chunks(const uint64_t *entries, size_t length)
{
	size_t per_chunk = CHUNK_BYTES / PAGE_BYTES;
	unsigned long nr_chunks = 0;
	size_t first, i;

	for (first = 0; first < length / PAGE_BYTES; first += per_chunk) {
		uint64_t pfn = entries[first] & PAGEMAP_PFN_MASK;

		if (pfn % per_chunk)
			continue;
		for (i = 1; i < per_chunk; i++)
			if ((entries[first + i] & PAGEMAP_PFN_MASK) != pfn + i)
				break;
		nr_chunks += i == per_chunk;
	}
	return nr_chunks;
}
