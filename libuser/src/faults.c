// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The fault counter: how many page faults a stretch of code took.
 *
 * Two sources, because they count different things. getrusage() counts pages
 * that were populated, also those that the kernel populated inside a system
 * call; it always works. perf's software event counts the exceptions taken, and
 * may be forbidden or absent.
 *
 * perf follows threads, not processes. For the process there is one event for
 * each thread that exists at open; events are inherited by threads made later.
 * A thread made by another thread while the list is read could be missed, so
 * the list is read until it shows nothing new.
 *
 * Reading must not fault: open does one whole start and stop, so that what they
 * touch is there, and nothing is allocated after it.
 */
#include <errno.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include "internal.h"

struct arena__task_event {
	int tid;
	int fd;
};

struct arena__fault_reading {
	struct arena_faults thread;
	struct arena_faults process;
};

/*
 * @thread_fd: the event of the opening thread alone, -1 if there is none
 * @events: one for each task of the process, inherited
 * @traps_error: why there are no events, a negative errno
 * @user_only: exceptions taken in the kernel are not counted
 */
struct arena_fault_counter {
	int thread_fd;
	struct arena__task_event *events;
	size_t nr_events;
	int traps_error;
	bool user_only;
	struct arena__fault_reading start;
};

static int arena__faults_event(int tid, bool inherit, bool user_only)
{
	struct perf_event_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_SOFTWARE;
	attr.size = sizeof(attr);
	attr.config = PERF_COUNT_SW_PAGE_FAULTS;
	attr.inherit = inherit;
	attr.inherit_thread = inherit;
	attr.exclude_kernel = user_only;
	attr.exclude_hv = 1;
	fd = syscall(SYS_perf_event_open, &attr, tid, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

static uint64_t arena__faults_read(int fd)
{
	uint64_t count = 0;

	if (fd < 0 || read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

static bool arena__faults_has_task(const struct arena_fault_counter *counter,
				   int tid)
{
	size_t i;

	for (i = 0; i < counter->nr_events; i++)
		if (counter->events[i].tid == tid)
			return true;
	return false;
}

/* A task that ended since it was listed (ESRCH) has nothing to count. */
static int arena__faults_add_task(struct arena_fault_counter *counter, int tid)
{
	struct arena__task_event *events;
	int fd;

	fd = arena__faults_event(tid, true, counter->user_only);
	if (fd == -ESRCH)
		return 0;
	if (fd < 0)
		return fd;
	events = realloc(counter->events,
			 (counter->nr_events + 1) * sizeof(*events));
	if (!events) {
		close(fd);
		return -ENOMEM;
	}
	events[counter->nr_events].tid = tid;
	events[counter->nr_events].fd = fd;
	counter->events = events;
	counter->nr_events++;
	return 0;
}

/* Add the tasks that are new; @found tells whether there were any. */
static int arena__faults_scan(struct arena_fault_counter *counter, bool *found)
{
	struct dirent *entry;
	int error = 0;
	DIR *tasks;

	*found = false;
	tasks = opendir("/proc/self/task");
	if (!tasks)
		return errno == EMFILE || errno == ENFILE ? -errno : -EIO;
	while (!error && (entry = readdir(tasks))) {
		int tid = atoi(entry->d_name);

		if (tid <= 0 || arena__faults_has_task(counter, tid))
			continue;
		*found = true;
		error = arena__faults_add_task(counter, tid);
	}
	closedir(tasks);
	return error;
}

static void arena__faults_close_events(struct arena_fault_counter *counter)
{
	size_t i;

	for (i = 0; i < counter->nr_events; i++)
		close(counter->events[i].fd);
	free(counter->events);
	counter->events = NULL;
	counter->nr_events = 0;
	if (counter->thread_fd >= 0)
		close(counter->thread_fd);
	counter->thread_fd = -1;
}

static int arena__faults_open_events(struct arena_fault_counter *counter)
{
	bool found = true;
	int error = 0;

	counter->thread_fd = arena__faults_event(0, false, false);
	if (counter->thread_fd == -EACCES || counter->thread_fd == -EPERM) {
		counter->user_only = true;
		counter->thread_fd = arena__faults_event(0, false, true);
	}
	if (counter->thread_fd < 0)
		return counter->thread_fd;
	while (!error && found)
		error = arena__faults_scan(counter, &found);
	if (error)
		arena__faults_close_events(counter);
	return error;
}

static void arena__faults_usage(int who, struct arena_faults *faults)
{
	struct rusage usage;

	getrusage(who, &usage);
	faults->minor = (uint64_t)usage.ru_minflt;
	faults->major = (uint64_t)usage.ru_majflt;
}

static void arena__faults_take(const struct arena_fault_counter *counter,
			       struct arena__fault_reading *reading)
{
	size_t i;

	arena__faults_usage(RUSAGE_THREAD, &reading->thread);
	arena__faults_usage(RUSAGE_SELF, &reading->process);
	reading->thread.traps = arena__faults_read(counter->thread_fd);
	reading->process.traps = 0;
	for (i = 0; i < counter->nr_events; i++)
		reading->process.traps +=
			arena__faults_read(counter->events[i].fd);
}

static void arena__faults_subtract(const struct arena_faults *stop,
				   const struct arena_faults *start,
				   struct arena_faults *faults)
{
	faults->minor = stop->minor - start->minor;
	faults->major = stop->major - start->major;
	faults->traps = stop->traps - start->traps;
}

int arena_fault_counter_open(struct arena_fault_counter **counter)
{
	struct arena_faults thread, process;
	struct arena_fault_counter *made;
	int saved_errno = errno;
	int error = 0;

	made = calloc(1, sizeof(*made));
	if (!made) {
		error = -ENOMEM;
		goto out_errno;
	}
	made->thread_fd = -1;
	made->traps_error = arena__faults_open_events(made);
	if (made->traps_error == -EMFILE || made->traps_error == -ENFILE ||
	    made->traps_error == -ENOMEM) {
		error = made->traps_error;
		free(made);
		goto out_errno;
	}
	arena_fault_counter_start(made);
	arena_fault_counter_stop(made, &thread, &process);
	*counter = made;

out_errno:
	errno = saved_errno;
	return error;
}

void arena_fault_counter_close(struct arena_fault_counter *counter)
{
	int saved_errno = errno;

	if (!counter)
		return;
	arena__faults_close_events(counter);
	free(counter);
	errno = saved_errno;
}

void arena_fault_counter_start(struct arena_fault_counter *counter)
{
	arena__faults_take(counter, &counter->start);
}

void arena_fault_counter_stop(struct arena_fault_counter *counter,
			      struct arena_faults *thread,
			      struct arena_faults *process)
{
	struct arena__fault_reading stop;

	arena__faults_take(counter, &stop);
	if (thread)
		arena__faults_subtract(&stop.thread, &counter->start.thread,
				       thread);
	if (process)
		arena__faults_subtract(&stop.process, &counter->start.process,
				       process);
}

int arena_fault_counter_has_traps(const struct arena_fault_counter *counter)
{
	return !counter->traps_error;
}

const char *arena_fault_counter_why(const struct arena_fault_counter *counter)
{
	switch (counter->traps_error) {
	case 0:
		break;
	case -EACCES:
	case -EPERM:
		return "traps are not counted: the system forbids it; run "
		       "'sysctl kernel.perf_event_paranoid=2' or have "
		       "CAP_PERFMON";
	case -ENOSYS:
	case -ENOENT:
		return "traps are not counted: this kernel has no perf events";
	default:
		return "traps are not counted: perf_event_open(2) failed";
	}
	if (counter->user_only)
		return "only traps in user mode are counted: run 'sysctl "
		       "kernel.perf_event_paranoid=1' or have CAP_PERFMON";
	return NULL;
}
