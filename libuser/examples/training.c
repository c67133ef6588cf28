// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A training run in one arena. Below the mark lies what stays: data set, order,
 * losses, model. Above it lies one pass, a batch on its way through the
 * network, which is made anew in each step.
 *
 * The size of the arena is found by doing all of this with a ruler for memory
 * first: a formula beside the code would be wrong one day.
 */
#include "training.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static int training_place(struct training *training, struct memory *memory)
{
	size_t steps = (size_t)training->options->epochs * training->steps;
	void *order, *losses;
	int error;

	error = dataset_place(&training->dataset, memory);
	if (error)
		return error;
	error = memory_block(memory, (size_t)training->dataset.train.count *
			     sizeof(*training->order), &order);
	if (error)
		return error;
	error = memory_block(memory, steps * sizeof(*training->losses),
			     &losses);
	if (error)
		return error;
	training->order = order;
	training->losses = losses;
	return mlp_place(&training->mlp, memory);
}

static int training_measure(struct training *training)
{
	struct memory ruler;
	struct pass pass;
	int error;

	error = memory_open(&ruler, BACKEND_RULER, 0);
	if (error)
		return error;
	error = training_place(training, &ruler);
	training->size_kept = memory_used(&ruler);
	if (!error)
		error = mlp_place_pass(&pass, &ruler, training->batch);
	training->size_step = memory_used(&ruler) - training->size_kept;
	memory_close(&ruler);
	return error;
}

int training_open(struct training *training, const struct options *options)
{
	uint32_t count;
	int error;

	*training = (struct training) { .options = options };
	error = dataset_open(&training->dataset, options->data,
			     options->samples);
	if (error)
		return error;
	count = training->dataset.train.count;
	training->batch = options->batch < count ? options->batch : count;
	training->steps = (count - 1) / training->batch + 1;

	error = training_measure(training);
	if (!error)
		error = memory_open(&training->memory, options->backend,
				    training->size_kept + training->size_step);
	if (error)
		return error;
	error = training_place(training, &training->memory);
	if (error) {
		warnx("no memory for the data set and the model: %s",
		      arena_strerror(error));
		return error;
	}
	error = dataset_load(&training->dataset);
	if (error)
		return error;
	dataset_close(&training->dataset);

	progress_open(&training->progress, options->quiet, options->epochs,
		      training->steps);
	return fault_log_open(&training->faults);
}

void training_close(struct training *training)
{
	fault_log_close(&training->faults);
	dataset_close(&training->dataset);
	memory_close(&training->memory);
}

static void training_init(struct training *training)
{
	for (uint32_t i = 0; i < training->dataset.train.count; i++)
		training->order[i] = i;
	training->random.state = training->options->seed;
	mlp_init(&training->mlp, &training->random);
}

void training_shuffle(struct training *training)
{
	uint32_t *order = training->order;

	for (uint32_t i = training->dataset.train.count; i > 1; i--) {
		uint32_t other = random_below(&training->random, i);
		uint32_t swap = order[i - 1];

		order[i - 1] = order[other];
		order[other] = swap;
	}
}

static uint32_t rows_of_step(uint32_t count, uint32_t batch, uint32_t step)
{
	uint32_t left = count - step * batch;

	return left < batch ? left : batch;
}

/* A pass of the samples that @order names, or that follow, from @first on. */
static int gather(struct training *training, struct pass *pass,
		  const struct samples *samples, const uint32_t *order,
		  uint32_t first, uint32_t rows)
{
	int error = mlp_place_pass(pass, &training->memory, rows);

	if (error) {
		warnx("no memory for a pass of %u samples: %s", rows,
		      arena_strerror(error));
		return error;
	}
	for (uint32_t r = 0; r < rows; r++) {
		size_t sample = order ? order[first + r] : first + r;
		const uint8_t *pixels = samples->pixels +
					sample * DATASET_PIXELS;
		float *row = arena_matrix_row(&pass->input[0].value, r);

		for (int i = 0; i < DATASET_PIXELS; i++)
			row[i] = pixels[i] * (1.0f / 255);
		pass->labels[r] = samples->labels[sample];
	}
	return 0;
}

int training_step(struct training *training, uint32_t epoch, uint32_t step)
{
	const struct samples *samples = &training->dataset.train;
	struct pass pass;
	float loss;
	int error;

	error = gather(training, &pass, samples, training->order,
		       step * training->batch,
		       rows_of_step(samples->count, training->batch, step));
	if (error)
		return error;
	mlp_forward(&training->mlp, &pass);
	loss = mlp_loss(&pass);
	mlp_backward(&training->mlp, &pass);
	mlp_update(&training->mlp, training->options->learning_rate);

	training->losses[(size_t)epoch * training->steps + step] = loss;
	if (isfinite(loss))
		return 0;
	warnx("the loss is no longer a number in step %u of epoch %u; lower --learning-rate %g",
	      step + 1, epoch + 1, training->options->learning_rate);
	return -ERANGE;
}

static int evaluate_batch(struct training *training, uint32_t step)
{
	const struct samples *samples = &training->dataset.test;
	struct pass pass;
	int error;

	error = gather(training, &pass, samples, NULL, step * training->batch,
		       rows_of_step(samples->count, training->batch, step));
	if (error)
		return error;
	mlp_forward(&training->mlp, &pass);
	training->right += mlp_count_right(&pass);
	return 0;
}

static uint32_t steps_of_test(const struct training *training)
{
	return (training->dataset.test.count - 1) / training->batch + 1;
}

int training_rewind(struct training *training, const struct memory_mark *mark,
		    int error)
{
	int rewind_error = memory_rewind(&training->memory, mark);

	return error ? error : rewind_error;
}

int training_evaluate(struct training *training, const struct memory_mark *mark)
{
	int error = 0;

	training->right = 0;
	for (uint32_t step = 0; step < steps_of_test(training) && !error;
	     step++) {
		error = evaluate_batch(training, step);
		error = training_rewind(training, mark, error);
	}
	fault_log_evaluation(&training->faults);
	return error;
}

static int warm_up_with(struct training *training,
			const struct memory_mark *mark, uint32_t train_step,
			uint32_t test_step)
{
	int error;

	training_init(training);
	training_shuffle(training);
	error = training_step(training, 0, train_step);
	error = training_rewind(training, mark, error);
	if (error)
		return error;
	error = evaluate_batch(training, test_step);
	return training_rewind(training, mark, error);
}

/*
 * The last batch may be smaller than the first, and OpenBLAS has other code for
 * other sizes, which is a page of its library that was not yet needed.
 */
int training_warm_up(struct training *training, const struct memory_mark *mark)
{
	int error;

	fault_log_start(&training->faults);
	error = warm_up_with(training, mark, 0, 0);
	if (!error)
		error = warm_up_with(training, mark, training->steps - 1,
				     steps_of_test(training) - 1);
	progress_warm_up(&training->progress);
	fault_log_step(&training->faults, 1);
	fault_log_evaluation(&training->faults);
	return error;
}

double training_loss(const struct training *training, uint32_t epoch,
		     uint32_t steps)
{
	const float *losses = training->losses +
			      (size_t)epoch * training->steps;
	uint32_t count = training->dataset.train.count, samples = 0;
	double total = 0;

	for (uint32_t step = 0; step < steps; step++) {
		uint32_t rows = rows_of_step(count, training->batch, step);

		total += (double)losses[step] * rows;
		samples += rows;
	}
	return total / samples;
}

void training_start(struct training *training)
{
	training_init(training);
	fault_log_start(&training->faults);
	training->started = seconds_now();
}

void training_note(struct training *training, uint32_t epoch, uint32_t step)
{
	uint32_t done = step + 1;
	double now = seconds_now();
	uint64_t batches = (uint64_t)epoch * training->steps + done;
	uint32_t rows = rows_of_step(training->dataset.train.count,
				     training->batch, step);
	struct progress_state state = { .epoch = epoch, .step = done };

	if (!step)
		training->loss_sum = 0;
	training->loss_sum += (double)training->losses[batches - 1] * rows;
	state.loss = training->loss_sum /
		     ((uint64_t)step * training->batch + rows);
	fault_log_step(&training->faults, batches);
	state.faults = fault_log_total(&training->faults);
	training->seconds = now - training->started;
	state.samples_per_second = batches * training->batch /
				   training->seconds;
	progress_step(&training->progress, &state, now);
}
