// SPDX-License-Identifier: GPL-2.0
/*
 * faults MODULE PATH...: loads a module again and again, and lets its first, second, third...
 * allocation fail, until it has no more of them. A load that fails has to fail with ENOMEM and to
 * leave none of the paths; one that copes with it is unloaded again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST	100000

static int fail_nth;
static char **paths;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* The next allocation but (nth - 1) of this thread fails; 0 is none. */
static void set_fail_nth(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(fail_nth, text, len, 0) != len)
		die("fail-nth");
}

static int left_of_fail_nth(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		die("fail-nth");
	return atoi(text);
}

static int nothing_is_left(void)
{
	char **path;

	for (path = paths; *path; path++)
		if (!access(*path, F_OK)) {
			printf("%s is left\n", *path);
			return 0;
		}
	return 1;
}

/* Returns 1 if an allocation failed, 0 if there were not that many. */
static int load_with_failure(const char *file, const char *name, int nth)
{
	int module = open(file, O_RDONLY | O_CLOEXEC);
	int result, left;

	if (module < 0)
		die(file);
	set_fail_nth(nth);
	result = syscall(SYS_finit_module, module, "", 0) ? errno : 0;
	left = left_of_fail_nth();
	set_fail_nth(0);
	close(module);
	if (!result && syscall(SYS_delete_module, name, O_NONBLOCK))
		die("delete_module");
	if (result && result != ENOMEM) {
		printf("allocation %d: %s\n", nth, strerror(result));
		exit(1);
	}
	if (!nothing_is_left())
		exit(1);
	return !left;
}

int main(int argc, char **argv)
{
	char *name;
	int nth = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: faults MODULE PATH...\n");
		return 2;
	}
	name = strdup(argv[1]);
	*strchrnul(name, '.') = 0;
	paths = argv + 2;
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		die("fail-nth");
	while (nth < MOST && load_with_failure(argv[1], name, nth))
		nth++;
	printf("%d\n", nth - 1);
	return 0;
}
