// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of the kernel that are changed for a row and restored after it.
 *
 * knob_set() remembers what a file said, knob_restore() writes it back, last
 * change first, down to a mark taken before. Restoring uses nothing but open,
 * write and close, so that a signal handler may do it on the way out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disturb.h"

#define NR_KNOBS_MAX 32

struct knob {
	char path[128];
	char value[128];
};

static struct knob knobs[NR_KNOBS_MAX];
static volatile unsigned int nr_knobs;

int knob_write(const char *path, const char *value)
{
	size_t length = strlen(value);
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, length) != (ssize_t)length)
		ret = -errno;
	close(fd);
	return ret;
}

static int knob_read(const char *path, char *value, size_t size)
{
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, value, size - 1);
	close(fd);
	if (got < 0)
		return -EIO;
	value[got] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

/* Of "always [madvise] never" only the word in brackets is the value. */
static void keep_selected(char *value)
{
	char *open = strchr(value, '[');
	char *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return;
	*close = '\0';
	memmove(value, open + 1, strlen(open + 1) + 1);
}

int knob_read_u64(const char *path, uint64_t *value)
{
	char text[128];
	int ret = knob_read(path, text, sizeof(text));

	if (!ret)
		*value = strtoull(text, NULL, 10);
	return ret;
}

/* 0 or a negative errno; nothing is to be restored after an error. */
int knob_set(const char *path, const char *value)
{
	struct knob *knob = &knobs[nr_knobs];
	int ret;

	if (nr_knobs == NR_KNOBS_MAX)
		return -ENOSPC;
	snprintf(knob->path, sizeof(knob->path), "%s", path);
	ret = knob_read(path, knob->value, sizeof(knob->value));
	if (ret)
		return ret;
	keep_selected(knob->value);
	if (!strcmp(knob->value, value))
		return 0;
	table_note("changing %s: %s -> %s", path, knob->value, value);
	nr_knobs++;
	ret = knob_write(path, value);
	if (ret)
		nr_knobs--;
	return ret;
}

unsigned int knob_mark(void)
{
	return nr_knobs;
}

void knob_restore(unsigned int mark)
{
	while (nr_knobs > mark) {
		const struct knob *knob = &knobs[nr_knobs - 1];

		knob_write(knob->path, knob->value);
		nr_knobs--;
	}
}

/* The number behind @name in a file of "name number" or "name : number". */
uint64_t knob_counter(const char *path, const char *name)
{
	size_t length = strlen(name);
	uint64_t value = 0;
	char line[256];
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, length) || line[length] != ' ')
			continue;
		value = strtoull(line + length + strspn(line + length, " :"),
				 NULL, 10);
		break;
	}
	fclose(file);
	return value;
}
