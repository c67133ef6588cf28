/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Making allocations fail on purpose, by the kernel's fault injection
 * (CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC, debugfs).
 *
 * Either the nth of this task's calls that can fail, whatever it is
 * (fail-nth), or all page allocations of this task from some order on.
 */
#ifndef INJECT_UTILS_H
#define INJECT_UTILS_H

#include "proc_utils.h"

#define DEBUGFS "/sys/kernel/debug/"
#define FAIL_PAGE DEBUGFS "fail_page_alloc/"

/* Let every allocation take part, and say nothing in the log. */
static inline int inject_prepare(void)
{
	write_file(DEBUGFS "failslab/verbose", "0");
	write_file(DEBUGFS "fail_usercopy/verbose", "0");
	write_file(DEBUGFS "failslab/ignore-gfp-wait", "N");
	write_file(FAIL_PAGE "verbose", "0");
	write_file(FAIL_PAGE "ignore-gfp-highmem", "N");
	return write_file(FAIL_PAGE "ignore-gfp-wait", "N") ?:
	       write_file(FAIL_PAGE "min-order", "0");
}

/* The file to give to the two below, or -errno. */
static inline int nth_open(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth",
		 syscall(SYS_gettid));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static inline void nth_arm(int fd, int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(fd, text, n, 0) != n)
		abort();
}

/* Disarm; whether the nth call has been reached, and so has failed. */
static inline bool nth_has_struck(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	bool read_failed = n < 0;

	/* Reading and writing this file can be what fails. */
	if (pwrite(fd, "0", 1, 0) != 1) {
		read_failed = true;
		if (pwrite(fd, "0", 1, 0) != 1)
			abort();
	}
	return !read_failed && atoi(text) == 0;
}

/* From now on no page allocation of this task of @order or more succeeds. */
static inline int inject_order(const char *order)
{
	return inject_prepare() ?:
	       write_file(FAIL_PAGE "task-filter", "Y") ?:
	       write_file(FAIL_PAGE "interval", "1") ?:
	       write_file(FAIL_PAGE "space", "0") ?:
	       write_file(FAIL_PAGE "times", "-1") ?:
	       write_file(FAIL_PAGE "min-order", order) ?:
	       write_file(FAIL_PAGE "probability", "100") ?:
	       write_file("/proc/self/make-it-fail", "1");
}

static inline void inject_stop(void)
{
	write_file("/proc/self/make-it-fail", "0");
	write_file(FAIL_PAGE "probability", "0");
	write_file(FAIL_PAGE "task-filter", "N");
}

#endif /* INJECT_UTILS_H */
