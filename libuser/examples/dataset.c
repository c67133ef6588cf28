// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Opening, placing and loading are separate, because the sizes are known only
 * once the heads of the files are, and the memory only once the sizes are.
 */
#include "dataset.h"

#include <err.h>
#include <errno.h>

static int samples_open(struct samples *samples, const char *directory,
			const char *images, const char *labels)
{
	int error;

	error = idx_open(&samples->images_file, directory, images, 3);
	if (error)
		return error;
	error = idx_open(&samples->labels_file, directory, labels, 1);
	if (error)
		return error;
	samples->count = samples->images_file.count;
	return 0;
}

static int samples_check(const struct samples *samples)
{
	const struct idx *images = &samples->images_file;
	const struct idx *labels = &samples->labels_file;

	if (images->rows != 28 || images->columns != 28) {
		warnx("%s: images of %u x %u pixels; this network takes 28 x 28 only, as of MNIST and Fashion-MNIST",
		      images->path, images->rows, images->columns);
		return -EINVAL;
	}
	if (images->count != labels->count) {
		warnx("%s: %u labels for the %u images of %s; take both files from one data set",
		      labels->path, labels->count, images->count, images->path);
		return -EINVAL;
	}
	if (!images->count) {
		warnx("%s: no images in it; take the files of a whole data set",
		      images->path);
		return -EINVAL;
	}
	return 0;
}

int dataset_open(struct dataset *dataset, const char *directory,
		 uint32_t samples)
{
	struct samples *train = &dataset->train, *test = &dataset->test;
	int error;

	error = samples_open(train, directory, "train-images-idx3-ubyte",
			     "train-labels-idx1-ubyte");
	if (error)
		return error;
	error = samples_open(test, directory, "t10k-images-idx3-ubyte",
			     "t10k-labels-idx1-ubyte");
	if (error)
		return error;
	error = samples_check(train);
	if (error)
		return error;
	error = samples_check(test);
	if (error)
		return error;

	if (samples > train->count) {
		warnx("%s: %u images, fewer than --samples %u; ask for no more",
		      train->images_file.path, train->count, samples);
		return -EINVAL;
	}
	if (samples)
		train->count = samples;
	return 0;
}

static int samples_place(struct samples *samples, struct memory *memory)
{
	void *pixels, *labels;
	int error;

	error = memory_block(memory, (size_t)samples->count * DATASET_PIXELS,
			     &pixels);
	if (error)
		return error;
	error = memory_block(memory, samples->count, &labels);
	if (error)
		return error;
	samples->pixels = pixels;
	samples->labels = labels;
	return 0;
}

int dataset_place(struct dataset *dataset, struct memory *memory)
{
	int error = samples_place(&dataset->train, memory);

	return error ? error : samples_place(&dataset->test, memory);
}

static int samples_load(struct samples *samples)
{
	int error;

	error = idx_read(&samples->images_file, samples->pixels,
			 samples->count);
	if (error)
		return error;
	error = idx_read(&samples->labels_file, samples->labels,
			 samples->count);
	if (error)
		return error;

	for (uint32_t i = 0; i < samples->count; i++) {
		if (samples->labels[i] < DATASET_CLASSES)
			continue;
		warnx("%s: label %u is %u, not 0 to %u; take files of a data set with %u classes",
		      samples->labels_file.path, i, samples->labels[i],
		      DATASET_CLASSES - 1, DATASET_CLASSES);
		return -EINVAL;
	}
	return 0;
}

int dataset_load(struct dataset *dataset)
{
	int error = samples_load(&dataset->train);

	return error ? error : samples_load(&dataset->test);
}

static void samples_close(struct samples *samples)
{
	idx_close(&samples->images_file);
	idx_close(&samples->labels_file);
}

void dataset_close(struct dataset *dataset)
{
	samples_close(&dataset->train);
	samples_close(&dataset->test);
}
