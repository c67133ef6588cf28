// SPDX-License-Identifier: GPL-2.0
/*
 * Zero faults under disturbance.
 *
 * A thread walks its memory while another process does what makes the kernel
 * take pages away. /dev/arena must not take a single fault, nor be found at
 * another physical address, in any row; its rivals are shown beside it, in the
 * same process and under the same disturbance. Each row also has to prove that
 * it disturbed: that a rival did suffer and that the kernel's own counters rose.
 * One row is no zero and is asserted as such: soft-dirty tracking, which
 * write-protects all memory on purpose, costs one fault for each entry.
 *
 * Run as root; by hand on a real machine too. Every setting of the kernel that
 * is changed is named before, and restored at the end. See --help.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disturb.h"

#define NR_ROWS_MAX 16
#define LENGTH (16UL << 20)
#define LENGTH_SLOW (4UL << 20)
#define SLOW_US 60
#define MILLISECONDS 1500
#define MILLISECONDS_SLOW 500
#define TUNABLES "GLIBC_TUNABLES"
#define NO_RSEQ "glibc.pthread.rseq=0"
#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

struct options options = {
	.exact = true,
};

static void usage(void)
{
	unsigned int i;

	printf("usage: disturb_test [--row NAME] [--size MIB] [--time MS]\n"
	       "                    [--no-perf] [--sabotage WAY]\n"
	       "  --size MIB      of each memory [16; 4 where faults are slow]\n"
	       "  --time MS       that a disturbance goes on for, about [1500; 500]\n"
	       "  --no-perf       compare with a control instead of counting by address\n"
	       "  --sabotage dontneed    take a chunk of the arena away after each walk\n"
	       "  --sabotage substitute  put anonymous memory in the arena's place\n"
	       "Both make the test fail; they show that it can.\n"
	       "rows:");
	for (i = 0; i < nr_disturbances; i++)
		printf(" %s", disturbances[i].name);
	printf("\n");
}

static bool parse_sabotage(const char *word)
{
	if (!strcmp(word, "dontneed"))
		options.sabotage = SABOTAGE_DONTNEED;
	else if (!strcmp(word, "substitute"))
		options.sabotage = SABOTAGE_SUBSTITUTE;
	else
		return false;
	return true;
}

static bool parse_row(const char *word)
{
	unsigned int i;

	options.row = word;
	for (i = 0; i < nr_disturbances; i++)
		if (!strcmp(word, disturbances[i].name))
			return true;
	return false;
}

static bool parse_options(int argc, char **argv)
{
	static const struct option words[] = {
		{ "row", required_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		{ "time", required_argument, NULL, 't' },
		{ "no-perf", no_argument, NULL, 'n' },
		{ "sabotage", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool ok = true;
	int word;

	while (ok && (word = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (word == 'r')
			ok = parse_row(optarg);
		else if (word == 's')
			options.length = strtoul(optarg, NULL, 10) << 20;
		else if (word == 't')
			options.milliseconds = strtoul(optarg, NULL, 10);
		else if (word == 'n')
			options.exact = false;
		else if (word == 'b')
			ok = parse_sabotage(optarg);
		else
			ok = false;
	}
	return ok && optind == argc && !(options.length % CHUNK_BYTES);
}

/*
 * glibc's rseq area is written by the kernel at every switch and lies in a page
 * that a fork makes copy-on-write: noise of the program, not of a memory.
 */
static void without_rseq(char **argv)
{
	const char *tunables = getenv(TUNABLES);

	if (tunables && !strcmp(tunables, NO_RSEQ))
		return;
	setenv(TUNABLES, NO_RSEQ, 1);
	execv("/proc/self/exe", argv);
}

static void leave(int signal)
{
	(void)signal;
	cell_kill();
	knob_restore(0);
	_exit(1);
}

/* Settings for all rows: quiet, and memory for the huge rivals. */
static void prepare_rivals(void)
{
	uint64_t nr_huge = 0;
	char text[24];

	knob_set("/proc/sys/kernel/numa_balancing", "0");
	knob_set(THP, "madvise");
	if (knob_read_u64(HUGE_PAGES, &nr_huge))
		return;
	/* Twice shared and private, and a copy of the private after a fork. */
	nr_huge += 4 * options.length / CHUNK_BYTES;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)nr_huge);
	knob_set(HUGE_PAGES, text);
}

static void choose_size_and_time(void)
{
	unsigned long us = calibration_fault_us();
	bool slow = us > SLOW_US;

	if (!options.length)
		options.length = slow ? LENGTH_SLOW : LENGTH;
	if (!options.milliseconds)
		options.milliseconds = slow ? MILLISECONDS_SLOW : MILLISECONDS;
	table_note("memories of %zu MiB (a fault takes about %lu us here)",
		   options.length >> 20, us);
}

static const char *probe_arena(void)
{
	int ret;

	if (options.sabotage == SABOTAGE_SUBSTITUTE)
		return NULL;
	ret = memory_arena_probe();
	return ret ? strerror(-ret) : NULL;
}

int main(int argc, char **argv)
{
	static struct row rows[NR_ROWS_MAX];
	const char *reason, *no_arena;
	unsigned int i;

	if (!parse_options(argc, argv)) {
		usage();
		return 2;
	}
	without_rseq(argv);
	signal(SIGINT, leave);
	signal(SIGTERM, leave);
	reason = machine_prepare();
	if (reason) {
		printf("1..0 # SKIP %s\n", reason);
		return 4;
	}
	table_begin(CALIBRATION_NR_RESULTS + nr_disturbances * ROW_NR_RESULTS);
	no_arena = probe_arena();
	if (no_arena)
		table_note("/dev/arena: %s: its results are skipped", no_arena);
	if (options.exact && !counter_is_exact_possible()) {
		table_note("no perf events: comparing with the control");
		options.exact = false;
	}
	choose_size_and_time();
	prepare_rivals();
	calibration_run(no_arena);
	for (i = 0; i < nr_disturbances; i++)
		row_run(&disturbances[i], &rows[i], no_arena);
	table_print(rows, nr_disturbances);
	knob_restore(0);
	return table_end();
}
