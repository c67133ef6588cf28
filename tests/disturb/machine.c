// SPDX-License-Identifier: GPL-2.0
/*
 * The machine that the rows run on: NUMA nodes, swap, a cgroup, mounts.
 *
 * debugfs and cgroup2 are mounted where they belong if nobody has, in a mount
 * namespace of our own, so that nothing of it stays behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disturb.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define NR_NODES 2
#define NR_NODES_MAX 64

static struct {
	int id;
	cpu_set_t cpus;
} nodes[NR_NODES];

static unsigned int nr_nodes;
static char cgroup[64];

static int read_cpus(int node, cpu_set_t *cpus)
{
	char path[64], text[256], *at = text;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist",
		 node);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	CPU_ZERO(cpus);
	while (*at >= '0' && *at <= '9') {
		long first = strtol(at, &at, 10);
		long last = *at == '-' ? strtol(at + 1, &at, 10) : first;

		for (; first <= last && first < CPU_SETSIZE; first++)
			CPU_SET(first, cpus);
		at += *at == ',';
	}
	return CPU_COUNT(cpus) ? 0 : -ENODEV;
}

/* The first two nodes that have a processor and free memory. */
static void find_nodes(void)
{
	int id;

	for (id = 0; id < NR_NODES_MAX && nr_nodes < NR_NODES; id++) {
		char path[64];
		uint64_t nr_free;

		if (read_cpus(id, &nodes[nr_nodes].cpus))
			continue;
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/vmstat", id);
		nr_free = knob_counter(path, "nr_free_pages");
		if (!nr_free)
			continue;
		nodes[nr_nodes++].id = id;
	}
}

static void mount_unless(const char *probe, const char *type, const char *where)
{
	if (access(probe, F_OK))
		mount(type, where, type, 0, NULL);
}

/* NULL, or why nothing can run here. */
const char *machine_prepare(void)
{
	if (geteuid())
		return "needs root";
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return "no mount namespace to be had";
	mount_unless("/sys/kernel/mm", "sysfs", "/sys");
	mount_unless("/sys/kernel/debug/sched", "debugfs", "/sys/kernel/debug");
	mount_unless(CGROUP_ROOT "/cgroup.controllers", "cgroup2", CGROUP_ROOT);
	find_nodes();
	return NULL;
}

bool machine_has_nodes(void)
{
	return nr_nodes == NR_NODES;
}

int machine_node(unsigned int index)
{
	return nodes[index % NR_NODES].id;
}

/* Let @pid run on nothing but the processors of a node. */
int machine_pin(pid_t pid, unsigned int index)
{
	if (sched_setaffinity(pid, sizeof(cpu_set_t),
			      &nodes[index % NR_NODES].cpus))
		return -errno;
	return 0;
}

/* Take the caller's memory from a node, if there is a choice at all. */
int machine_prefer(unsigned int index)
{
	unsigned long mask = 1UL << machine_node(index);

	if (!machine_has_nodes())
		return 0;
	if (syscall(SYS_set_mempolicy, MPOL_PREFERRED, &mask,
		    8 * sizeof(mask) + 1))
		return -errno;
	return 0;
}

void machine_prefer_none(void)
{
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0);
}

/* In bytes. */
uint64_t machine_swap_free(void)
{
	return knob_counter("/proc/meminfo", "SwapFree:") * 1024;
}

static bool has_memory_controller(const char *path)
{
	char text[256] = " ";
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text + 1, sizeof(text) - 2);
	close(fd);
	text[got > 0 ? got + 1 : 1] = '\0';
	return strstr(text, " memory");
}

/* NULL, or why there is no cgroup. */
const char *machine_cgroup_create(void)
{
	if (!has_memory_controller(CGROUP_ROOT "/cgroup.controllers"))
		return "cgroup2 has no memory controller here";
	if (!has_memory_controller(CGROUP_ROOT "/cgroup.subtree_control") &&
	    knob_write(CGROUP_ROOT "/cgroup.subtree_control", "+memory"))
		return "cannot enable the memory controller";
	snprintf(cgroup, sizeof(cgroup), CGROUP_ROOT "/disturb_test.%d",
		 getpid());
	if (mkdir(cgroup, 0755)) {
		cgroup[0] = '\0';
		return "cannot make a cgroup";
	}
	if (access(machine_cgroup_file("memory.reclaim"), F_OK)) {
		machine_cgroup_destroy();
		return "this kernel has no memory.reclaim";
	}
	return NULL;
}

void machine_cgroup_destroy(void)
{
	unsigned int tries;

	if (!cgroup[0])
		return;
	for (tries = 0; rmdir(cgroup) && errno == EBUSY && tries < 100; tries++)
		sleep_ms(10);
	cgroup[0] = '\0';
}

const char *machine_cgroup_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	return path;
}

int machine_cgroup_join(void)
{
	return knob_write(machine_cgroup_file("cgroup.procs"), "0");
}
