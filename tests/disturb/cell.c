// SPDX-License-Identifier: GPL-2.0
/*
 * A cell: a fresh walker and a fresh disturber, and what came of them.
 *
 * The disturber is forked before the walker's memory exists and never from the
 * walker, so that no fault is copy-on-write by accident. Both die with the
 * supervisor, and both have a limited time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disturb.h"

#define PREPARE_LIMIT_MS 30000
#define READY_LIMIT_MS 60000
#define CELL_LIMIT_MS 120000

enum { WALKER, DISTURBER, NR_PARTS };

static volatile pid_t parts[NR_PARTS];

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

void sleep_ms(unsigned int milliseconds)
{
	struct timespec time = {
		.tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000L,
	};

	nanosleep(&time, NULL);
}

static int walker_body(const struct disturbance *disturbance,
		       struct stage *stage)
{
	(void)disturbance;
	if (!stage_wait_flag(&stage->prepared, true, PREPARE_LIMIT_MS))
		return -ETIMEDOUT;
	return walker_run(stage);
}

static int disturber_body(const struct disturbance *disturbance,
			  struct stage *stage)
{
	int ret = 0;

	if (disturbance->before)
		ret = disturbance->before(stage);
	atomic_store(&stage->prepared, true);
	if (!ret && !stage_wait_flag(&stage->ready, true, READY_LIMIT_MS))
		ret = -ETIMEDOUT;
	if (!ret)
		ret = disturbance->run(stage);
	atomic_store(&stage->idle, false);
	atomic_store(&stage->stop, true);
	return ret;
}

/* A negative errno fits into an exit status with its sign changed. */
static void part_start(unsigned int part, const struct disturbance *disturbance,
		       struct stage *stage)
{
	pid_t supervisor = getpid();
	pid_t pid = fork();

	if (pid) {
		parts[part] = pid;
		return;
	}
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(ECANCELED);
	if (part == WALKER)
		_exit(-walker_body(disturbance, stage));
	_exit(-disturber_body(disturbance, stage));
}

void cell_kill(void)
{
	unsigned int part;

	for (part = 0; part < NR_PARTS; part++)
		if (parts[part] > 0)
			kill(parts[part], SIGKILL);
}

static bool part_reap(unsigned int part, int *ret)
{
	int status;

	if (parts[part] <= 0)
		return true;
	if (waitpid(parts[part], &status, WNOHANG) != parts[part])
		return false;
	parts[part] = 0;
	*ret = WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
	return true;
}

/* Until both are gone. Whatever became of the one, the other is not kept. */
static void supervise(struct stage *stage, int ret[NR_PARTS])
{
	uint64_t end = now_ms() + CELL_LIMIT_MS;
	bool late = false;

	for (;;) {
		bool walker_gone = part_reap(WALKER, &ret[WALKER]);
		bool disturber_gone = part_reap(DISTURBER, &ret[DISTURBER]);

		if (walker_gone && disturber_gone)
			break;
		if (disturber_gone) {
			atomic_store(&stage->prepared, true);
			atomic_store(&stage->idle, false);
			atomic_store(&stage->stop, true);
		} else if (walker_gone) {
			kill(parts[DISTURBER], SIGKILL);
		}
		if (now_ms() > end) {
			late = true;
			cell_kill();
		}
		sleep_ms(10);
	}
	if (late)
		ret[WALKER] = -ETIMEDOUT;
}

static void take_evidence(const struct disturbance *disturbance,
			  uint64_t value[NR_COUNTERS_MAX])
{
	unsigned int i;

	for (i = 0; i < NR_COUNTERS_MAX && disturbance->counters[i]; i++)
		value[i] = knob_counter("/proc/vmstat",
					disturbance->counters[i]);
}

/*
 * 0, or why the walker failed, as a negative errno. That the disturber failed
 * is in @stage->disturber_error.
 */
int cell_run(const struct disturbance *disturbance, unsigned int memories,
	     struct stage *stage, struct evidence *evidence)
{
	int ret[NR_PARTS] = { -ECANCELED, -ECANCELED };
	unsigned int i;

	memset(stage, 0, sizeof(*stage));
	stage->memories = memories;
	stage->in_cgroup = disturbance->flags & DISTURB_IN_CGROUP;
	stage->fragmented = disturbance->flags & DISTURB_FRAGMENTED;
	stage->witness = disturbance->witness;
	stage->enough = options.length / PAGE_BYTES * disturbance->percent / 100;
	stage->mergeable = disturbance->flags & DISTURB_MERGEABLE;
	take_evidence(disturbance, evidence->before);
	part_start(DISTURBER, disturbance, stage);
	part_start(WALKER, disturbance, stage);
	supervise(stage, ret);
	take_evidence(disturbance, evidence->rise);
	for (i = 0; i < NR_COUNTERS_MAX; i++)
		evidence->rise[i] -= evidence->before[i];
	stage->disturber_error = ret[DISTURBER];
	return ret[WALKER];
}
