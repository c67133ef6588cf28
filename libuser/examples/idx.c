// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * IDX files by zlib. gzread passes files through that are not compressed, so
 * plain and gzipped files take the same path; a plain file has no checksum.
 */
#include "idx.h"

#include <endian.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC_UNSIGNED_BYTES 0x0800	/* the low byte: number of dimensions */
#define DEFLATE_RATIO_MAX 1032		/* no gzip file unpacks to more */
#define READ_SIZE_MAX (1u << 30)	/* gzread returns an int */

#define REMEDY_DAMAGED \
	"copy it again, or: apt install --reinstall dataset-fashion-mnist"

/* zlib says Z_ERRNO where the operating system failed and errno knows why. */
static const char *idx_reason(struct idx *idx)
{
	int code;
	const char *reason = gzerror(idx->file, &code);

	if (code == Z_ERRNO)
		return strerror(errno);
	return code == Z_OK || code == Z_BUF_ERROR ? "the file is truncated" :
	       reason;
}

static int idx_open_path(struct idx *idx, const char *directory,
			 const char *name, const char *suffix)
{
	int length = snprintf(idx->path, sizeof(idx->path), "%s/%s%s",
			      directory, name, suffix);

	if (length >= (int)sizeof(idx->path))
		return -ENAMETOOLONG;
	errno = 0;
	idx->file = gzopen(idx->path, "rb");
	if (!idx->file)
		return errno ? -errno : -ENOMEM;
	return 0;
}

static int idx_read_head(struct idx *idx, uint32_t dimensions)
{
	uint32_t head[4] = { 0 };
	int size = (1 + dimensions) * sizeof(head[0]);
	int got = gzread(idx->file, head, size);

	if (got != size) {
		warnx("%s: no IDX head: %s; %s", idx->path, idx_reason(idx),
		      REMEDY_DAMAGED);
		return -EINVAL;
	}
	if (be32toh(head[0]) != (MAGIC_UNSIGNED_BYTES | dimensions)) {
		warnx("%s: magic number is 0x%08x, not 0x%08x: not an IDX file of %s; %s",
		      idx->path, be32toh(head[0]),
		      MAGIC_UNSIGNED_BYTES | dimensions,
		      dimensions == 1 ? "labels" : "images", REMEDY_DAMAGED);
		return -EINVAL;
	}
	idx->count = be32toh(head[1]);
	idx->rows = dimensions == 3 ? be32toh(head[2]) : 1;
	idx->columns = dimensions == 3 ? be32toh(head[3]) : 1;
	return 0;
}

/*
 * Memory is asked for before the items are read, so a damaged head could ask
 * for terabytes. The limit is that of gzip, far above what a plain file holds.
 */
static int idx_check_size(struct idx *idx)
{
	uint64_t image = (uint64_t)idx->rows * idx->columns;
	struct stat status;

	if (stat(idx->path, &status)) {
		int error = errno;

		warnx("%s: %s", idx->path, strerror(error));
		return -error;
	}
	if (!image || idx->count <= (uint64_t)status.st_size *
				    DEFLATE_RATIO_MAX / image)
		return 0;
	warnx("%s: the head announces %u items, more than %lld bytes can hold: the file is truncated; %s",
	      idx->path, idx->count, (long long)status.st_size, REMEDY_DAMAGED);
	return -EINVAL;
}

int idx_open(struct idx *idx, const char *directory, const char *name,
	     uint32_t dimensions)
{
	int error;

	error = idx_open_path(idx, directory, name, "");
	if (error == -ENOENT)
		error = idx_open_path(idx, directory, name, ".gz");
	if (error == -ENOENT) {
		warnx("%s: no such file; apt install dataset-fashion-mnist, or name the directory that has it by --data",
		      idx->path);
		return error;
	}
	if (error) {
		warnx("%s: %s", idx->path, strerror(-error));
		return error;
	}
	error = idx_read_head(idx, dimensions);
	return error ? error : idx_check_size(idx);
}

/*
 * Reading on after the last item is what makes zlib check the checksum. A file
 * that ends before its checksum reads like one that is over, but has an error.
 */
static int idx_check_end(struct idx *idx)
{
	char beyond;
	int code;
	int got = gzread(idx->file, &beyond, 1);

	gzerror(idx->file, &code);
	if (got == 0 && code == Z_OK)
		return 0;
	if (got > 0)
		warnx("%s: goes on after the %u items that its head announces; %s",
		      idx->path, idx->count, REMEDY_DAMAGED);
	else
		warnx("%s: %s; %s", idx->path, idx_reason(idx), REMEDY_DAMAGED);
	return -EINVAL;
}

int idx_read(struct idx *idx, void *items, uint32_t count)
{
	size_t size = (size_t)count * idx->rows * idx->columns;
	size_t offset = 0;

	while (offset < size) {
		size_t left = size - offset;
		int got = gzread(idx->file, (char *)items + offset,
				 left < READ_SIZE_MAX ? left : READ_SIZE_MAX);

		if (got <= 0) {
			warnx("%s: ends after %zu of %zu bytes of items: %s; %s",
			      idx->path, offset, size, idx_reason(idx),
			      REMEDY_DAMAGED);
			return -EINVAL;
		}
		offset += got;
	}
	return count == idx->count ? idx_check_end(idx) : 0;
}

void idx_close(struct idx *idx)
{
	if (idx->file)
		gzclose_r(idx->file);
	idx->file = NULL;
}
