// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The command line, by argp. Numbers are checked here, and strictly: no sign,
 * no rest, no zero where zero makes no sense. What depends on the data files,
 * such as more samples than there are, is checked where they are read.
 */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 65536
#define EPOCHS_MAX 1000000
#define DATA_DEFAULT "/usr/share/datasets/fashion-mnist"

enum {
	KEY_BACKEND = 256,
	KEY_EPOCHS,
	KEY_SAMPLES,
	KEY_BATCH,
	KEY_SEED,
	KEY_LEARNING_RATE,
	KEY_DATA,
	KEY_ASSERT_NO_FAULTS,
	KEY_JSON,
	KEY_QUIET,
};

static const struct argp_option descriptions[] = {
	{ .name = "backend", .key = KEY_BACKEND, .arg = "NAME",
	  .doc = "Memory of the loop: device, anonymous, or malloc and free for each matrix (default: device if /dev/arena is there, else anonymous)" },
	{ .name = "epochs", .key = KEY_EPOCHS, .arg = "N",
	  .doc = "Passes over the training set (default: 10)" },
	{ .name = "samples", .key = KEY_SAMPLES, .arg = "N",
	  .doc = "Train on the first N samples (default: all)" },
	{ .name = "batch", .key = KEY_BATCH, .arg = "N",
	  .doc = "Samples in one step (default: 128)" },
	{ .name = "seed", .key = KEY_SEED, .arg = "N",
	  .doc = "Decides weights and order of samples (default: 1)" },
	{ .name = "learning-rate", .key = KEY_LEARNING_RATE, .arg = "R",
	  .doc = "Step size of the descent (default: 0.1)" },
	{ .name = "data", .key = KEY_DATA, .arg = "DIR",
	  .doc = "Where {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] are (default: " DATA_DEFAULT ")" },
	{ .name = "assert-no-faults", .key = KEY_ASSERT_NO_FAULTS,
	  .doc = "Exit with 3 if the loop took a page fault" },
	{ .name = "json", .key = KEY_JSON,
	  .doc = "One JSON object on standard output, instead of the report" },
	{ .name = "quiet", .key = KEY_QUIET, .doc = "No progress" },
	{ 0 }
};

static uint64_t parse_count(struct argp_state *state, const char *name,
			    const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || strspn(text, " \t+-") ||
	    value < min || value > max)
		argp_error(state, "--%s: '%s' is not a whole number from %llu to %llu",
			   name, text, (unsigned long long)min,
			   (unsigned long long)max);
	return value;
}

static double parse_rate(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value <= 0)
		argp_error(state, "--learning-rate: '%s' is not a number above 0",
			   text);
	return value;
}

static enum backend parse_backend(struct argp_state *state, const char *text)
{
	for (enum backend b = BACKEND_DEVICE; b <= BACKEND_MALLOC; b++)
		if (!strcmp(text, backend_name(b)))
			return b;
	argp_error(state, "--backend: '%s' is none of device, anonymous, malloc",
		   text);
	return BACKEND_AUTO;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_BACKEND:
		options->backend = parse_backend(state, arg);
		return 0;
	case KEY_EPOCHS:
		options->epochs = parse_count(state, "epochs", arg, 1,
					      EPOCHS_MAX);
		return 0;
	case KEY_SAMPLES:
		options->samples = parse_count(state, "samples", arg, 1,
					       UINT32_MAX);
		return 0;
	case KEY_BATCH:
		options->batch = parse_count(state, "batch", arg, 1, BATCH_MAX);
		return 0;
	case KEY_SEED:
		options->seed = parse_count(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case KEY_LEARNING_RATE:
		options->learning_rate = parse_rate(state, arg);
		return 0;
	case KEY_DATA:
		options->data = arg;
		return 0;
	case KEY_ASSERT_NO_FAULTS:
		options->assert_no_faults = true;
		return 0;
	case KEY_JSON:
		options->json = true;
		return 0;
	case KEY_QUIET:
		options->quiet = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = descriptions,
		.parser = parse_option,
		.doc = "Trains a small neural network on images without a page fault: all memory of the loop comes from one arena.\v"
		       "Exit status: 0 done, 1 failed, 2 usage, 3 faults in spite of --assert-no-faults.",
	};

	*options = (struct options) {
		.backend = BACKEND_AUTO,
		.epochs = 10,
		.batch = 128,
		.seed = 1,
		.learning_rate = 0.1,
		.data = DATA_DEFAULT,
	};
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
