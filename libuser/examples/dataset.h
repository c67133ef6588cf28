/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A data set of labelled images: four IDX files, read into the loop's memory.
 *
 * Pixels stay the bytes that they are in the file, a quarter of what floats
 * would need; a step makes floats of the images of its own batch.
 */
#ifndef EXAMPLES_DATASET_H
#define EXAMPLES_DATASET_H

#include <stdint.h>

#include "idx.h"
#include "memory.h"

#define DATASET_PIXELS (28 * 28)
#define DATASET_CLASSES 10

struct samples {
	uint32_t count;
	uint8_t *pixels;	/* count times DATASET_PIXELS */
	uint8_t *labels;	/* each below DATASET_CLASSES */
	struct idx images_file;
	struct idx labels_file;
};

struct dataset {
	struct samples train;
	struct samples test;
};

/*
 * Opens the four files below @directory and checks that they fit each other
 * and this program. @samples limits the training set, 0 does not. 0 or a
 * negative errno; what is wrong has been printed then.
 */
int dataset_open(struct dataset *dataset, const char *directory,
		 uint32_t samples);

/* Takes the memory for it. 0 or -ENOMEM. */
int dataset_place(struct dataset *dataset, struct memory *memory);

/* Reads the files into their place. 0 or a negative errno, as for opening. */
int dataset_load(struct dataset *dataset);

/* Closes the files; the samples stay. Allowed after a failed open, and twice. */
void dataset_close(struct dataset *dataset);

#endif
