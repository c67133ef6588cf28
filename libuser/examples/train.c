// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * train: a neural network learns, and the loop that it learns in takes no page
 * fault.
 *
 * The idea in four lines, all of them in train() below: make everything that
 * stays, mark the arena, run a step, rewind. A step allocates as it likes: each
 * matrix moves a pointer, and the memory is that of the step before, which is in
 * the page table and in the cache.
 */
#include <cblas.h>
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "report.h"
#include "training.h"

static int train(struct training *training)
{
	const struct options *options = training->options;
	struct memory_mark mark;
	int error;

	error = memory_mark(&training->memory, &mark);
	if (!error)
		error = training_warm_up(training, &mark);
	if (error)
		return error;

	training_start(training);
	for (uint32_t epoch = 0; epoch < options->epochs; epoch++) {
		training_shuffle(training);
		for (uint32_t step = 0; step < training->steps; step++) {
			error = training_step(training, epoch, step);
			error = training_rewind(training, &mark, error);
			if (error)
				return error;
			training_note(training, epoch, step);
		}
	}
	return training_evaluate(training, &mark);
}

/* A full disk must not look like a success. */
static enum exit_code finish(const struct training *training)
{
	const struct options *options = training->options;

	if (options->json)
		report_json(training);
	else
		report_text(training);
	if (fflush(stdout) || ferror(stdout)) {
		warn("standard output");
		return EXIT_FAILED;
	}
	if (!options->assert_no_faults || !training->faults.first_counter)
		return EXIT_DONE;
	report_first_fault(training);
	return EXIT_FAULTS;
}

/*
 * How OpenBLAS divides a product between threads decides the order of its sums:
 * with two threads the losses differ from those with one. Its threads start
 * when it is loaded, before main(), and even those that are never given work
 * take faults, whenever the scheduler lets them run. Only the environment comes
 * in time for that, so the program starts over with it, under its own name;
 * without /proc it goes on with idle threads.
 */
static void use_one_thread(char **argv)
{
	const char *threads = getenv("OPENBLAS_NUM_THREADS");
	char self[PATH_MAX];
	ssize_t length;

	if (!threads || strcmp(threads, "1")) {
		length = readlink("/proc/self/exe", self, sizeof(self) - 1);
		if (length > 0 && !setenv("OPENBLAS_NUM_THREADS", "1", 1)) {
			self[length] = '\0';
			execv(self, argv);
		}
	}
	openblas_set_num_threads(1);
}

int main(int argc, char **argv)
{
	struct options options;
	struct training training;
	enum exit_code code = EXIT_FAILED;

	use_one_thread(argv);
	options_parse(&options, argc, argv);
	if (training_open(&training, &options))
		goto out_close;
	report_start(&training);
	if (train(&training))
		goto out_close;
	code = finish(&training);
out_close:
	training_close(&training);
	return code;
}
