// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults of the calling thread, each given to the memory that took it.
 *
 * The exact way: perf's software event page-faults fires for every trap that
 * the fault handler takes on a user address, once however often the kernel
 * retries it inside, for accesses by the kernel too. With a sample period of 1
 * each leaves a record with its address, so a fault belongs to the memory it
 * hit and the noise of the program counts nowhere else. The event's own count
 * tells at the end whether a record went missing.
 *
 * The other way, where perf is missing: getrusage() of the whole thread, good
 * for one memory in a process, to be compared with the control.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disturb.h"

static int event_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_ADDR,
		.disabled = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			 PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool counter_is_exact_possible(void)
{
	int fd = event_open();

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static unsigned long thread_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* @ring_pages is a power of two; a page holds 256 faults between two drains. */
int counter_open(struct counter *counter, bool exact, size_t ring_pages)
{
	memset(counter, 0, sizeof(*counter));
	counter->fd = -1;
	if (!exact)
		return 0;
	counter->fd = event_open();
	if (counter->fd < 0)
		return counter->fd;
	counter->ring_bytes = ring_pages * PAGE_BYTES;
	counter->ring = mmap(NULL, PAGE_BYTES + counter->ring_bytes,
			     PROT_READ | PROT_WRITE, MAP_SHARED, counter->fd,
			     0);
	if (counter->ring == MAP_FAILED) {
		int ret = -errno;

		close(counter->fd);
		return ret;
	}
	mlock(counter->ring, PAGE_BYTES + counter->ring_bytes);
	return 0;
}

void counter_start(struct counter *counter)
{
	if (counter->fd < 0) {
		counter->last_total = thread_faults();
		return;
	}
	ioctl(counter->fd, PERF_EVENT_IOC_RESET, 0);
	ioctl(counter->fd, PERF_EVENT_IOC_ENABLE, 0);
}

static void attribute(struct stage *stage, uint64_t address)
{
	unsigned int id;

	for (id = 0; id < NR_MEMORIES; id++) {
		const struct memory *memory = &stage->memory[id];

		if (!(stage->made & MEMORY_BIT(id)))
			continue;
		if (address - (uintptr_t)memory->base < memory->length) {
			stage->suffering[id].faults++;
			return;
		}
	}
	stage->elsewhere++;
}

static void drain_total(struct counter *counter, struct stage *stage)
{
	unsigned long total = thread_faults();
	unsigned int id;

	for (id = 0; id < NR_MEMORIES; id++)
		if (stage->made & MEMORY_BIT(id))
			stage->suffering[id].faults +=
				total - counter->last_total;
	counter->last_total = total;
}

/* Records are multiples of eight bytes, so that a word never wraps round. */
void counter_drain(struct counter *counter, struct stage *stage)
{
	struct perf_event_mmap_page *page = counter->ring;
	uint64_t head, tail, *data;
	size_t mask;

	if (counter->fd < 0) {
		drain_total(counter, stage);
		return;
	}
	data = (void *)((char *)counter->ring + PAGE_BYTES);
	mask = counter->ring_bytes / sizeof(*data) - 1;
	head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	for (tail = page->data_tail; tail < head;) {
		size_t word = tail / sizeof(*data);
		struct perf_event_header *header =
			(void *)&data[word & mask];

		if (header->type == PERF_RECORD_SAMPLE) {
			counter->records++;
			attribute(stage, data[(word + 1) & mask]);
		} else if (header->type == PERF_RECORD_LOST) {
			counter->lost += data[(word + 2) & mask];
		}
		tail += header->size;
	}
	__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
}

/* Drain and stop. True if each fault that was counted left its record. */
bool counter_stop(struct counter *counter, struct stage *stage)
{
	uint64_t count = 0;

	if (counter->fd < 0) {
		counter_drain(counter, stage);
		return true;
	}
	ioctl(counter->fd, PERF_EVENT_IOC_DISABLE, 0);
	counter_drain(counter, stage);
	if (read(counter->fd, &count, sizeof(count)) != sizeof(count))
		return false;
	return count == counter->records && !counter->lost;
}

void counter_close(struct counter *counter)
{
	if (counter->fd < 0)
		return;
	munmap(counter->ring, PAGE_BYTES + counter->ring_bytes);
	close(counter->fd);
}
