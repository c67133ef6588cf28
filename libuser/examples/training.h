/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* One training run: what it needs, and its steps. */
#ifndef EXAMPLES_TRAINING_H
#define EXAMPLES_TRAINING_H

#include <stddef.h>
#include <stdint.h>

#include "dataset.h"
#include "faults.h"
#include "memory.h"
#include "mlp.h"
#include "options.h"
#include "progress.h"

struct training {
	const struct options *options;
	struct dataset dataset;
	struct memory memory;
	struct mlp mlp;
	struct random random;
	struct fault_log faults;
	struct progress progress;
	uint32_t *order;	/* of the training samples, shuffled */
	float *losses;		/* of every step of every epoch */
	double loss_sum;	/* of the epoch so far, times samples */

	uint32_t batch;		/* samples in a step; the last may have fewer */
	uint32_t steps;		/* in an epoch */
	size_t size_kept;	/* bytes below the mark */
	size_t size_step;	/* bytes of a step */
	double started;		/* seconds */
	double seconds;		/* that the epochs took */
	uint32_t right;		/* test samples that were recognised */
};

/*
 * Reads the data into memory made for it and for the model. 0 or a negative
 * errno; what is wrong has been printed then. So it is with the calls below.
 */
int training_open(struct training *training, const struct options *options);
void training_close(struct training *training);

/*
 * Does with the first and the last batch what the loop will do, so that
 * OpenBLAS and libc take the faults of their first time before the loop is
 * counted.
 */
int training_warm_up(struct training *training,
		     const struct memory_mark *mark);

/* Sets everything as the seed says, and starts counting. */
void training_start(struct training *training);

/* Puts the samples in a new order. */
void training_shuffle(struct training *training);

/* One batch forward, backward and down, in memory that the caller rewinds. */
int training_step(struct training *training, uint32_t epoch, uint32_t step);

/* Gives a step's memory back. @error if there was one, else the rewind's. */
int training_rewind(struct training *training, const struct memory_mark *mark,
		    int error);

/* Counts faults and time up to the end of this step, and shows progress. */
void training_note(struct training *training, uint32_t epoch, uint32_t step);

/* Counts the right answers among the test samples; rewinds to @mark. */
int training_evaluate(struct training *training,
		      const struct memory_mark *mark);

/* Mean loss of the samples in the first @steps steps of an epoch. */
double training_loss(const struct training *training, uint32_t epoch,
		     uint32_t steps);

#endif
