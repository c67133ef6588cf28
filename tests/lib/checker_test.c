// SPDX-License-Identifier: GPL-2.0
/*
 * AddressSanitizer and Valgrind notice the misuse of an arena, and nothing else.
 *
 * The program misuse is run in all ways of building it: plain under Valgrind;
 * with AddressSanitizer against a library without it, by gcc and clang; and with
 * it in both. Each misuse must be reported as such, good use must not.
 */
#include <libgen.h>
#include <limits.h>

#include "lib_utils.h"

FIXTURE(program)
{
	char path[PATH_MAX];
};

FIXTURE_VARIANT(program)
{
	const char *name;
	const char *prefix;
	const char *report;
};

FIXTURE_VARIANT_ADD(program, valgrind)
{
	.name = "misuse", .prefix = "valgrind --error-exitcode=99",
	.report = "Invalid read",
};

FIXTURE_VARIANT_ADD(program, asan)
{
	.name = "misuse-asan", .prefix = "",
	.report = "use-after-poison",
};

FIXTURE_VARIANT_ADD(program, asan_clang)
{
	.name = "misuse-asan-clang", .prefix = "",
	.report = "use-after-poison",
};

FIXTURE_VARIANT_ADD(program, asan_in_the_library_too)
{
	.name = "misuse-asan-both", .prefix = "",
	.report = "use-after-poison",
};

FIXTURE_SETUP(program)
{
	char self_path[PATH_MAX] = "";

	if (*variant->prefix && system("valgrind --version >/dev/null 2>&1"))
		SKIP(return, "valgrind is not installed");
	ASSERT_LT(0, readlink("/proc/self/exe", self_path,
			      sizeof(self_path) - 1));
	snprintf(self->path, sizeof(self->path), "%.3000s/%s",
		 dirname(self_path), variant->name);
	if (access(self->path, X_OK))
		SKIP(return, "not built here: %s", variant->name);
}

FIXTURE_TEARDOWN(program)
{
}

/* Run it; true if it ended well. @output is what it said. */
static bool run(const char *prefix, const char *path, const char *how,
		char *output, size_t size)
{
	char command[PATH_MAX + 128];
	size_t length;
	FILE *pipe;

	snprintf(command, sizeof(command), "%s %s %s 2>&1", prefix, path, how);
	pipe = popen(command, "r");
	if (!pipe)
		return false;
	length = fread(output, 1, size - 1, pipe);
	output[length] = '\0';
	return !pclose(pipe);
}

TEST_F_TIMEOUT(program, misuse_is_noticed, 120)
{
	static const char * const kinds[] = { "overrun", "never", "reset",
					      "rewound", "child" };
	char output[65536];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		EXPECT_FALSE(run(variant->prefix, self->path, kinds[i], output,
				 sizeof(output)))
			TH_LOG("not noticed: %s", kinds[i]);
		EXPECT_NE(NULL, strstr(output, variant->report));
	}
}

TEST_F_TIMEOUT(program, good_use_is_not, 120)
{
	char output[65536];

	EXPECT_TRUE(run(variant->prefix, self->path, "well", output,
			sizeof(output)))
		TH_LOG("%s", output);
	EXPECT_NE(NULL, strstr(output, "ended"));
	EXPECT_EQ(NULL, strstr(output, variant->report));
}

/* What only an arena points to is no leak; what nothing points to is one. */
TEST_F_TIMEOUT(program, what_an_arena_points_to_is_no_leak, 120)
{
	char output[65536];

	if (*variant->prefix)
		SKIP(return, "memcheck looks everywhere by itself");
	if (run("ASAN_OPTIONS=detect_leaks=1", self->path, "leaks", output,
		sizeof(output)) || !strstr(output, "detected memory leaks"))
		SKIP(return, "LeakSanitizer does not work here");
	EXPECT_TRUE(run("ASAN_OPTIONS=detect_leaks=1", self->path, "keeps",
			output, sizeof(output)))
		TH_LOG("%s", output);
}

TEST_HARNESS_MAIN
