// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What /proc tells about memory: how much there is, and how a range is mapped.
 *
 * Both are read once, when an arena is created. Where /proc does not answer,
 * the callers get the value that promises nothing.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* Bytes that can be had without swapping; SIZE_MAX if unknown. */
size_t arena__proc_available(void)
{
	size_t available = SIZE_MAX;
	unsigned long kib;
	char line[256];
	FILE *file;

	file = fopen("/proc/meminfo", "re");
	if (!file)
		return SIZE_MAX;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %lu kB", &kib) == 1) {
			available = (size_t)kib << 10;
			break;
		}
	}
	fclose(file);
	return available;
}

/*
 * Bytes of the mapping [@base, @base + @length) in 2 MiB entries. It has to be
 * a mapping of its own in smaps; neighbours that the kernel merged with it
 * would be counted with it, so the caller keeps them apart.
 */
size_t arena__proc_huge_bytes(const void *base, size_t length)
{
	unsigned long first, end, kib;
	bool inside = false;
	size_t bytes = 0;
	char line[512];
	FILE *file;

	file = fopen("/proc/self/smaps", "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2) {
			if (inside)
				break;
			inside = first == (uintptr_t)base &&
				 end - first == length;
		} else if (inside &&
			   sscanf(line, "AnonHugePages: %lu kB", &kib) == 1) {
			bytes = (size_t)kib << 10;
			break;
		}
	}
	fclose(file);
	return bytes;
}
