/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The command line of train. */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_FAULTS = 3,	/* --assert-no-faults, and there were some */
};

struct options {
	enum backend backend;
	uint32_t epochs;
	uint32_t samples;	/* of the training set; 0: all */
	uint32_t batch;
	uint64_t seed;
	double learning_rate;
	const char *data;
	bool assert_no_faults;
	bool json;
	bool quiet;
};

/* Exits with EXIT_USAGE on a bad command line. */
void options_parse(struct options *options, int argc, char **argv);

#endif
