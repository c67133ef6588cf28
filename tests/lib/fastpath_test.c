// SPDX-License-Identifier: GPL-2.0
/*
 * The fast path's instruction count, as arenauser.h states it, on what the
 * compilers made of it.
 *
 * The objects beside this program hold one function that is arena_alloc() and a
 * ret. The path that succeeds falls through: its instructions are those from
 * the entry to the first ret, with one conditional jump and no call among them.
 */
#include <libgen.h>
#include <limits.h>

#include "lib_utils.h"

struct path {
	int instructions;
	int jumps;
	int calls;
	bool ends;
};

/* A line of objdump: "  10:\tmov ..." */
static void read_line(struct path *path, const char *line)
{
	const char *tab = strchr(line, '\t');

	if (!tab || path->ends)
		return;
	path->instructions++;
	if (tab[1] == 'j')
		path->jumps++;
	if (!strncmp(tab + 1, "call", 4))
		path->calls++;
	if (!strncmp(tab + 1, "ret", 3))
		path->ends = true;
}

/* Returns false if the object or objdump is not there. */
static bool read_object(const char *name, struct path *path)
{
	char self[PATH_MAX] = "", command[PATH_MAX + 128], line[512];
	FILE *pipe;

	memset(path, 0, sizeof(*path));
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return false;
	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn %s/%s 2>/dev/null",
		 dirname(self), name);
	pipe = popen(command, "r");
	if (!pipe)
		return false;
	while (fgets(line, sizeof(line), pipe))
		if (strncmp(line, "Disassembly", 11))
			read_line(path, line);
	return !pclose(pipe);
}

FIXTURE(object)
{
};

FIXTURE_VARIANT(object)
{
	const char *name;
	int instructions_max;
};

/* The header's numbers, with the ret. */
FIXTURE_VARIANT_ADD(object, gcc)
{
	.name = "fastpath-gcc.o", .instructions_max = 10 + 1,
};

FIXTURE_VARIANT_ADD(object, clang)
{
	.name = "fastpath-clang.o", .instructions_max = 9 + 1,
};

FIXTURE_SETUP(object)
{
	(void)variant;
}

FIXTURE_TEARDOWN(object)
{
}

TEST_F(object, is_as_short_as_the_header_says)
{
	struct path path;

#ifndef __x86_64__
	SKIP(return, "the count is one of x86-64");
#endif
	if (!read_object(variant->name, &path))
		SKIP(return, "no objdump, or no such compiler: %s",
		     variant->name);
	TH_LOG("%s: %d instructions with the ret", variant->name,
	       path.instructions);
	EXPECT_TRUE(path.ends);
	EXPECT_EQ(1, path.jumps);
	EXPECT_EQ(0, path.calls);
	EXPECT_LT(5, path.instructions);
	EXPECT_GE(variant->instructions_max, path.instructions);
}

TEST_HARNESS_MAIN
