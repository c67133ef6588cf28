/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What /proc and /sys say: of this process, one mapping, or the machine.
 */
#ifndef PROC_UTILS_H
#define PROC_UTILS_H

#include <sys/utsname.h>

#include "arena_utils.h"

#define THP_ENABLED "/sys/kernel/mm/transparent_hugepage/enabled"

/* 0 or -errno. */
static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Bytes read, @text ends in a NUL; or -errno. */
static inline int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	return n;
}

/* The number after @key in a file of "Key:   number kB" lines, or -1. */
static inline long key_kb(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	long kb = -1;
	char line[256];

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) &&
		    line[strlen(key)] == ':') {
			kb = strtol(line + strlen(key) + 1, NULL, 10);
			break;
		}
	fclose(f);
	return kb;
}

static inline long meminfo_kb(const char *key)
{
	return key_kb("/proc/meminfo", key);
}

static inline long status_kb(const char *key)
{
	return key_kb("/proc/self/status", key);
}

/* Copy the line of @key in the smaps entry that @p is in; false if none. */
static inline bool smaps_line(const void *p, const char *key, char *line,
			      int size)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool inside = false;
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, size, f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)p >= start &&
				 (unsigned long)p < end;
		else if (inside)
			found = !strncmp(line, key, strlen(key));
	}
	fclose(f);
	return found;
}

static inline long smaps_kb(const void *p, const char *key)
{
	char line[256];

	if (!smaps_line(p, key, line, sizeof(line)))
		return -1;
	return strtol(strchr(line, ':') + 1, NULL, 10);
}

/* How many mappings of the device this process has. */
static inline int mappings_of_arena(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, arena_path());
	fclose(f);
	return n;
}

static inline bool smaps_flag(const void *p, const char *flag)
{
	char line[256], word[8];

	snprintf(word, sizeof(word), " %s ", flag);
	return smaps_line(p, "VmFlags:", line, sizeof(line)) &&
	       strstr(line, word);
}

/* How many pages of @p /proc/self/pagemap does not call present. */
static inline long pages_absent(const void *p, size_t length)
{
	size_t i, n = (length + PAGE - 1) / PAGE;
	uint64_t *entry = malloc(n * sizeof(*entry));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	long absent = -1;

	if (!entry || fd < 0)
		goto out_free;
	if (pread(fd, entry, n * sizeof(*entry),
		  (uintptr_t)p / PAGE * sizeof(*entry)) !=
	    (ssize_t)(n * sizeof(*entry)))
		goto out_free;
	for (absent = 0, i = 0; i < n; i++)
		absent += !(entry[i] >> 63);
out_free:
	if (fd >= 0)
		close(fd);
	free(entry);
	return absent;
}

static inline bool kernel_at_least(int major, int minor)
{
	struct utsname name;
	int a = 0, b = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &a, &b);
	return a > major || (a == major && b >= minor);
}

/* A kernel with sanitizers is many times slower; times are scaled by it. */
static inline bool kernel_is_slow(void)
{
	return !access("/proc/lockdep", F_OK) ||
	       !access("/sys/kernel/debug/kmemleak", F_OK);
}

/*
 * Per-CPU lists keep freed pages, also of 2 MiB, where nobody counts them as
 * available: tens of MiB. A test of leaks has to lose more than this when it
 * fails, so it makes and loses arenas many times over.
 */
#define SLACK_KB (128 * 1024)

/*
 * Wait until the machine has @kb available again, or nearly: work queues take
 * their time. How much is missing after ten seconds, or 0.
 */
static inline long missing_kb(long kb)
{
	double end = now() + 10;
	long missing;

	do {
		missing = kb - SLACK_KB - meminfo_kb("MemAvailable");
		if (missing <= 0)
			return 0;
		sleep_ms(50);
	} while (now() < end);
	return missing;
}

#endif /* PROC_UTILS_H */
