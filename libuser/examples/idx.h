/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Reads IDX files, the format of MNIST and Fashion-MNIST, gzipped or plain.
 *
 * An IDX file is a magic number that says the type of an item and the number
 * of dimensions, one length per dimension (32 bit, big endian), then the items.
 * Opening reads the head alone, so that the caller can size its memory before
 * the items are read straight into it.
 */
#ifndef EXAMPLES_IDX_H
#define EXAMPLES_IDX_H

#include <limits.h>
#include <stdint.h>
#include <zlib.h>

struct idx {
	char path[PATH_MAX];
	gzFile file;
	uint32_t count;		/* of items: images or labels */
	uint32_t rows;		/* of one image; 1 for labels */
	uint32_t columns;
};

/*
 * Opens DIRECTORY/NAME, or DIRECTORY/NAME.gz where that is absent, and reads
 * its head: one dimension for labels, three for images, of unsigned bytes.
 * 0 or a negative errno; what is wrong has been printed then.
 */
int idx_open(struct idx *idx, const char *directory, const char *name,
	     uint32_t dimensions);

/*
 * Reads the first @count items. Once that is all of them, the file must end
 * there with a valid checksum. 0 or a negative errno, as above.
 */
int idx_read(struct idx *idx, void *items, uint32_t count);

/* Allowed on a zeroed struct, and after a failed idx_open. */
void idx_close(struct idx *idx);

#endif
