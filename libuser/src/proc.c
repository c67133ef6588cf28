// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the kernel's files tell about memory: how much can be had, and how a
 * range is mapped.
 *
 * They are read once, when an arena is created. A file that is not there, as in
 * a chroot without /proc, checks nothing and promises nothing; that there was no
 * descriptor left to read it with is an error, because the answer would differ.
 *
 * What can be had is the least of the machine's memory and of the limits of the
 * control groups that this process is in, with all their parents: past one of
 * those, populating ends in the OOM killer just as well. A group's page cache is
 * charged to it and is given up first, so it counts as free, as it does in
 * MemAvailable.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define ARENA__PATH_SIZE 4608

/* The files of a control group's memory, by version. */
struct arena__cgroup_files {
	const char *root;
	const char *limit;
	const char *usage;
	const char *cache[2];
};

static const struct arena__cgroup_files arena__cgroup_v1 = {
	.root = "/sys/fs/cgroup/memory",
	.limit = "memory.limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.cache = { "total_inactive_file ", "total_active_file " },
};

static const struct arena__cgroup_files arena__cgroup_v2 = {
	.root = "/sys/fs/cgroup",
	.limit = "memory.max",
	.usage = "memory.current",
	.cache = { "inactive_file ", "active_file " },
};

static int arena__proc_open(const char *path, FILE **file)
{
	*file = fopen(path, "re");
	if (*file)
		return 0;
	return errno == EMFILE || errno == ENFILE ? -errno : -ENODATA;
}

/* The number behind @key, times @unit. -ENODATA: there is none. */
static int arena__proc_number(const char *path, const char *key, size_t unit,
			      size_t *number)
{
	unsigned long long value;
	char line[256];
	FILE *file;
	int error;

	error = arena__proc_open(path, &file);
	if (error)
		return error;
	error = -ENODATA;
	while (error && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) ||
		    sscanf(line + strlen(key), "%llu", &value) != 1)
			continue;
		*number = value > SIZE_MAX / unit ? SIZE_MAX :
						    (size_t)value * unit;
		error = 0;
	}
	fclose(file);
	return error;
}

static int arena__cgroup_number(const char *group, const char *name,
				const char *key, size_t *number)
{
	char path[ARENA__PATH_SIZE + 32];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return arena__proc_number(path, key, 1, number);
}

/* Lower @available to what @group leaves; a group without a limit does not. */
static int arena__cgroup_apply(const struct arena__cgroup_files *files,
			       const char *group, size_t *available)
{
	size_t limit, usage, cache, i;
	int error;

	error = arena__cgroup_number(group, files->limit, "", &limit);
	if (error)
		return error;
	error = arena__cgroup_number(group, files->usage, "", &usage);
	if (error)
		return error;
	for (i = 0; i < 2; i++) {
		error = arena__cgroup_number(group, "memory.stat",
					     files->cache[i], &cache);
		if (error && error != -ENODATA)
			return error;
		if (!error)
			usage -= cache < usage ? cache : usage;
	}
	limit -= usage < limit ? usage : limit;
	if (limit < *available)
		*available = limit;
	return 0;
}

/*
 * Apply the limits of the group @path and of those above it. In a container
 * @path may be one of the host's, of which only the root is to be seen here: what
 * is not there is passed over.
 */
static int arena__cgroup_walk(const struct arena__cgroup_files *files,
			      const char *path, size_t *available)
{
	size_t root = strlen(files->root);
	char group[ARENA__PATH_SIZE];
	int error;

	snprintf(group, sizeof(group), "%s%s", files->root,
		 strstr(path, "/..") ? "" : path);
	for (;;) {
		error = arena__cgroup_apply(files, group, available);
		if (error && error != -ENODATA)
			return error;
		if (strlen(group) <= root)
			return 0;
		*strrchr(group, '/') = '\0';
	}
}

/* A line of /proc/self/cgroup: number, controllers, path. */
static int arena__cgroup_line(char *line, size_t *available)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return 0;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (!strncmp(line, "0:", 2) && !controllers[1])
		return arena__cgroup_walk(&arena__cgroup_v2, path, available);
	if (strstr(controllers, "memory"))
		return arena__cgroup_walk(&arena__cgroup_v1, path, available);
	return 0;
}

static int arena__cgroup_available(size_t *available)
{
	char line[ARENA__PATH_SIZE - 64];
	FILE *file;
	int error;

	error = arena__proc_open("/proc/self/cgroup", &file);
	if (error)
		return error;
	while (!error && fgets(line, sizeof(line), file))
		error = arena__cgroup_line(line, available);
	fclose(file);
	return error;
}

/* Bytes that can be had without swapping; SIZE_MAX if unknown. */
int arena__proc_available(size_t *available)
{
	int error;

	*available = SIZE_MAX;
	error = arena__proc_number("/proc/meminfo", "MemAvailable:", 1024,
				   available);
	if (!error || error == -ENODATA)
		error = arena__cgroup_available(available);
	return error == -ENODATA ? 0 : error;
}

/*
 * Bytes of the mapping [@base, @base + @length) in 2 MiB entries, 0 if unknown.
 * It has to be a mapping of its own in smaps; neighbours that the kernel merged
 * with it would be counted with it, so the caller keeps them apart.
 */
int arena__proc_huge_bytes(const void *base, size_t length, size_t *bytes)
{
	unsigned long first, end, kib;
	bool inside = false;
	char line[512];
	FILE *file;
	int error;

	*bytes = 0;
	error = arena__proc_open("/proc/self/smaps", &file);
	if (error)
		return error == -ENODATA ? 0 : error;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2) {
			if (inside)
				break;
			inside = first == (uintptr_t)base &&
				 end - first == length;
		} else if (inside &&
			   sscanf(line, "AnonHugePages: %lu kB", &kib) == 1) {
			*bytes = (size_t)kib << 10;
			break;
		}
	}
	fclose(file);
	return 0;
}
