// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Traps: the page-fault exceptions taken, counted by perf's software event.
 *
 * perf follows threads, not processes. For the process there is one event for
 * each thread that exists at open; threads made later inherit their maker's. A
 * thread that is born while events are being attached is counted once, twice or
 * not at all, depending on what its maker had by then. So the threads are listed
 * first, then attached, then listed again; if there is a new one, all is closed
 * and done again.
 *
 * A count that cannot be trusted must not look like one: what a read returns
 * has to bear the event's own number, because the descriptor may have been
 * closed behind our back and be another file by now; and the reader has to be
 * the thread that opened it, because a forked child reads its parent's events.
 * What is found wrong stays in @error, and no count is given from then on.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include "traps.h"

/* How often the threads are listed before they are said to come and go. */
#define ARENA__TRAPS_ATTEMPTS 10

/* What read(2) gives for PERF_FORMAT_ID. */
struct arena__traps_count {
	uint64_t value;
	uint64_t id;
};

static int arena__traps_attach(int tid, bool inherit, bool user_only,
			       struct arena__traps_event *event)
{
	struct arena__traps_count count;
	struct perf_event_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_SOFTWARE;
	attr.size = sizeof(attr);
	attr.config = PERF_COUNT_SW_PAGE_FAULTS;
	attr.read_format = PERF_FORMAT_ID;
	attr.inherit = inherit;
	attr.inherit_thread = inherit;
	attr.exclude_kernel = user_only;
	attr.exclude_hv = 1;
	event->tid = tid;
	event->fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1,
				 PERF_FLAG_FD_CLOEXEC);
	if (event->fd < 0)
		return -errno;
	if (read(event->fd, &count, sizeof(count)) != sizeof(count)) {
		close(event->fd);
		event->fd = -1;
		return -EIO;
	}
	event->id = count.id;
	return 0;
}

static int arena__traps_read_event(const struct arena__traps_event *event,
				   uint64_t *sum)
{
	struct arena__traps_count count;

	if (read(event->fd, &count, sizeof(count)) != sizeof(count) ||
	    count.id != event->id)
		return -EBADF;
	*sum += count.value;
	return 0;
}

static bool arena__traps_knows(const struct arena__traps *traps, int tid)
{
	size_t i;

	for (i = 0; i < traps->nr_events; i++)
		if (traps->events[i].tid == tid)
			return true;
	return false;
}

static int arena__traps_add(struct arena__traps *traps, int tid)
{
	struct arena__traps_event *events;

	events = realloc(traps->events,
			 (traps->nr_events + 1) * sizeof(*events));
	if (!events)
		return -ENOMEM;
	traps->events = events;
	events[traps->nr_events++] =
		(struct arena__traps_event) { .tid = tid, .fd = -1 };
	return 0;
}

/* List the threads that are not listed yet; -EAGAIN if there are any. */
static int arena__traps_list(struct arena__traps *traps)
{
	struct dirent *entry;
	int result = 0;
	int error = 0;
	DIR *tasks;

	tasks = opendir("/proc/self/task");
	if (!tasks)
		return errno == EMFILE || errno == ENFILE ? -errno : -EIO;
	while (!error && (entry = readdir(tasks))) {
		int tid = atoi(entry->d_name);

		if (tid <= 0 || arena__traps_knows(traps, tid))
			continue;
		result = -EAGAIN;
		error = arena__traps_add(traps, tid);
	}
	closedir(tasks);
	return error ? error : result;
}

/* Descriptors that somebody else closed may be other files now: not ours. */
static void arena__traps_detach(struct arena__traps *traps)
{
	size_t i;

	for (i = 0; i < traps->nr_events; i++)
		if (traps->events[i].fd >= 0 && traps->error != -EBADF)
			close(traps->events[i].fd);
	free(traps->events);
	traps->events = NULL;
	traps->nr_events = 0;
}

/* Attach to all threads; -EAGAIN if there are others by now. */
static int arena__traps_try(struct arena__traps *traps)
{
	int error = arena__traps_list(traps);
	size_t i;

	if (error != -EAGAIN)
		return error ? error : -EIO;
	for (i = 0; i < traps->nr_events; i++) {
		struct arena__traps_event *event = &traps->events[i];

		error = arena__traps_attach(event->tid, true, traps->user_only,
					    event);
		/* A thread that ended since has nothing left to count. */
		if (error && error != -ESRCH)
			return error;
	}
	return arena__traps_list(traps);
}

static int arena__traps_open_events(struct arena__traps *traps)
{
	int attempts = ARENA__TRAPS_ATTEMPTS;
	int error;

	error = arena__traps_attach(0, false, false, &traps->thread);
	if (error == -EACCES || error == -EPERM) {
		traps->user_only = true;
		error = arena__traps_attach(0, false, true, &traps->thread);
	}
	if (error)
		return error;
	do {
		arena__traps_detach(traps);
		error = arena__traps_try(traps);
	} while (error == -EAGAIN && --attempts);
	return error;
}

void arena__traps_open(struct arena__traps *traps)
{
	memset(traps, 0, sizeof(*traps));
	traps->thread.fd = -1;
	traps->pid = getpid();
	traps->tid = (int)syscall(SYS_gettid);
	traps->error = arena__traps_open_events(traps);
	if (traps->error)
		arena__traps_close(traps);
}

void arena__traps_close(struct arena__traps *traps)
{
	arena__traps_detach(traps);
	if (traps->thread.fd >= 0 && traps->error != -EBADF)
		close(traps->thread.fd);
	traps->thread.fd = -1;
}

int arena__traps_error(const struct arena__traps *traps)
{
	if (traps->error)
		return traps->error;
	return traps->pid == getpid() ? 0 : -ECHILD;
}

static int arena__traps_read_all(const struct arena__traps *traps,
				 uint64_t *thread, uint64_t *process)
{
	int error = arena__traps_error(traps);
	size_t i;

	if (error)
		return error;
	if (traps->tid != (int)syscall(SYS_gettid))
		return -EXDEV;
	error = arena__traps_read_event(&traps->thread, thread);
	for (i = 0; !error && i < traps->nr_events; i++)
		if (traps->events[i].fd >= 0)
			error = arena__traps_read_event(&traps->events[i],
							process);
	return error;
}

void arena__traps_read(struct arena__traps *traps, uint64_t *thread,
		       uint64_t *process)
{
	*thread = 0;
	*process = 0;
	traps->error = arena__traps_read_all(traps, thread, process);
}

const char *arena__traps_why(const struct arena__traps *traps)
{
	switch (arena__traps_error(traps)) {
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
	case -EINVAL:
		return "traps are not counted: this kernel cannot follow "
		       "threads, which takes Linux 5.13";
	case -EAGAIN:
		return "traps are not counted: threads come and go while the "
		       "counter is opened; open it when they are made";
	case -EBADF:
		return "traps are not counted: somebody closed the counter's "
		       "descriptors; open a new one";
	case -ECHILD:
		return "traps are not counted: the counter is one of the "
		       "process before fork(); open a new one";
	case -EXDEV:
		return "traps are not counted: a thread that did not open the "
		       "counter has read it; open one in each thread";
	default:
		return "traps are not counted: perf_event_open(2) failed";
	}
	if (traps->user_only)
		return "only traps in user mode are counted: run 'sysctl "
		       "kernel.perf_event_paranoid=1' or have CAP_PERFMON";
	return NULL;
}
