// SPDX-License-Identifier: GPL-2.0
/*
 * An arena in a control group whose memory is limited, as in a container: what
 * does not fit is refused, and the OOM killer stays out of it.
 *
 * The group is made below the one that the test runs in, of either version;
 * skipped where that is not allowed.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "error_utils.h"

#define LIMIT (64 * MIB)

FIXTURE(group)
{
	char parent[1024];
	char path[1200];
	char inner[1300];
	const char *limit;
};

/* The group of this process by /proc/self/cgroup; false if there is none. */
static bool find_group(char *path, size_t size, const char **limit)
{
	char line[900], *colon;
	bool found = false;
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && !found && fgets(line, sizeof(line), file)) {
		bool v2 = !strncmp(line, "0::", 3);

		colon = strrchr(line, ':');
		line[strcspn(line, "\n")] = '\0';
		if (!colon || (!v2 && !strstr(line, ":memory:")))
			continue;
		*limit = v2 ? "memory.max" : "memory.limit_in_bytes";
		snprintf(path, size, "/sys/fs/cgroup%s%s", v2 ? "" : "/memory",
			 colon + 1);
		found = !access(path, W_OK);
	}
	if (file)
		fclose(file);
	return found;
}

static bool write_to(const char *directory, const char *name, size_t number)
{
	char path[1400], text[32];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	snprintf(text, sizeof(text), "%zu", number);
	written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return written;
}

FIXTURE_SETUP(group)
{
	if (test_backend() != ARENA_BACKEND_ANONYMOUS)
		SKIP(return, "the device has limits of its own");
	if (!find_group(self->parent, sizeof(self->parent), &self->limit))
		SKIP(return, "no control group for memory that can be written");
	snprintf(self->path, sizeof(self->path), "%s/arena-test-%d",
		 self->parent, (int)getpid());
	snprintf(self->inner, sizeof(self->inner), "%s/inner", self->path);
	if (mkdir(self->path, 0755))
		SKIP(return, "no control group can be made: %s",
		     strerror(errno));
	if (!write_to(self->path, self->limit, LIMIT) ||
	    mkdir(self->inner, 0755)) {
		rmdir(self->path);
		SKIP(return, "a control group's memory cannot be limited");
	}
}

FIXTURE_TEARDOWN(group)
{
	if (!*self->inner)
		return;
	rmdir(self->inner);
	rmdir(self->path);
}

/* The error of making an arena of @size in @group; -9 if it was killed. */
static int create_in(const char *group, size_t size)
{
	struct arena_options options = ARENA_OPTIONS_INIT;
	struct arena *arena;
	pid_t pid = fork();

	if (!pid) {
		options.backend = ARENA_BACKEND_ANONYMOUS;
		if (!write_to(group, "cgroup.procs", (size_t)getpid()))
			_exit(255);
		_exit(-arena_create(size, &options, &arena));
	}
	return wait_for(pid);
}

TEST_F(group, more_than_its_limit_is_enomem)
{
	EXPECT_EQ(ENOMEM, create_in(self->path, 2 * LIMIT));
	EXPECT_EQ(0, create_in(self->path, LIMIT / 2));
	EXPECT_NE(NULL, strstr(arena_strerror(-ENOMEM), "group"));
}

/* The limit is one of the group above. */
TEST_F(group, more_than_its_parents_limit_is_enomem)
{
	EXPECT_EQ(ENOMEM, create_in(self->inner, 2 * LIMIT));
	EXPECT_EQ(0, create_in(self->inner, LIMIT / 2));
}

/* In a child in the group: write a file, whose cache fills the group. */
static int create_beside_cache(const char *group)
{
	char path[] = "/var/tmp/arena-limit-XXXXXX";
	struct arena_options options = ARENA_OPTIONS_INIT;
	static char bytes[1 << 20];
	struct arena *arena;
	int fd, i;

	if (!write_to(group, "cgroup.procs", (size_t)getpid()))
		return 255;
	fd = mkstemp(path);
	if (fd < 0)
		return 255;
	unlink(path);
	for (i = 0; i < 48; i++)
		if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
			return 255;
	if (fsync(fd))
		return 255;
	options.backend = ARENA_BACKEND_ANONYMOUS;
	return -arena_create(LIMIT / 2, &options, &arena);
}

TEST_F(group, cache_counts_as_free)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(create_beside_cache(self->path));
	status = wait_for(pid);
	if (status == 255)
		SKIP(return, "no file to fill the cache with");
	EXPECT_EQ(0, status);
}

/* Every file that is read on the way needs a descriptor. */
TEST(no_descriptor_left_is_emfile)
{
	struct arena_options options = ARENA_OPTIONS_INIT;
	struct rlimit none = { 0, 0 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	options.backend = ARENA_BACKEND_ANONYMOUS;
	fails_create(EMFILE, MIB, &options);
}

TEST_HARNESS_MAIN
