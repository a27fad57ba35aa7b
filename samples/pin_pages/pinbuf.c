// SPDX-License-Identifier: GPL-2.0
/*
 * Has /dev/pin_pages pin a buffer of its own, and prints one line:
 *
 *	size_mib 64 error 0 time_ns 123 acquired 16384 released 0
 *
 * with the errno of the request, and how many pages the kernel has pinned and
 * unpinned for anybody since the program began (nr_foll_pin_* in /proc/vmstat).
 * With -b it ends with "elsewhere 0": how many pages are not of that node. With -z
 * the exit status is 2 if what was pinned is not all zero.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pin_pages.h"

#define NOBODY		65534
#define NOT_A_CHUNK	(5 << 20)
#define PAGE		4096
#define MAX_NODES	64
#define PATTERN		0xa5

static struct {
	size_t mib;
	unsigned int threads;
	size_t shift;		/* added to the address */
	bool populate;
	bool hole;		/* in the middle */
	bool read_only;		/* so is the middle */
	bool huge;
	bool end;		/* of the address space is in the middle */
	bool twice;
	bool unpin;
	bool zero;		/* is what it has to be, and is not what it is left as */
	bool sleep;		/* until killed, with the buffer pinned */
	size_t locked_mib;	/* the limit, without privileges; 0 for none */
	long node;		/* to bind the process's memory to, or -1 */
	const char *file;	/* to map, which has the size; NULL for memory of its own */
} args = {
	.mib = 64,
	.node = -1,
};

static void fail(const char *what)
{
	fprintf(stderr, "pinbuf: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "m:t:a:b:f:phrge2uzsl:")) != -1) {
		switch (option) {
		case 'm':
			args.mib = strtoul(optarg, NULL, 10);
			break;
		case 't':
			args.threads = strtoul(optarg, NULL, 10);
			break;
		case 'a':
			args.shift = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			args.node = strtol(optarg, NULL, 10);
			break;
		case 'f':
			args.file = optarg;
			break;
		case 'p':
			args.populate = true;
			break;
		case 'h':
			args.hole = true;
			break;
		case 'r':
			args.read_only = true;
			break;
		case 'g':
			args.huge = true;
			break;
		case 'e':
			args.end = true;
			break;
		case '2':
			args.twice = true;
			break;
		case 'u':
			args.unpin = true;
			break;
		case 'z':
			args.zero = true;
			break;
		case 's':
			args.sleep = true;
			break;
		case 'l':
			args.locked_mib = strtoul(optarg, NULL, 10);
			break;
		default:
			fprintf(stderr,
				"usage: pinbuf [-m MIB] [-t THREADS] [-a BYTES_TO_ADD] [-l LOCKED_MIB] [-b NODE] [-f FILE] [-phrge2uzs]\n"
				"  -b with all memory bound to a node  -f shared memory, a file of tmpfs\n"
				"  -p populated  -h with a hole  -r partly read-only  -g of hugetlb pages\n"
				"  -e around the end of the address space, and not mapped\n"
				"  -2 asks twice  -u unpins  -s sleeps until killed\n"
				"  -z looks whether it is all zero, and fills it\n");
			exit(1);
		}
	}
}

/* Each CPU has a part of the counters, which are added up only now and then, or here. */
static void add_up_counters(void)
{
	int file = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	if (file < 0 || write(file, "1", 1) < 0)
		fail("/proc/sys/vm/stat_refresh");
	close(file);
}

static long counter(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char found[64];
	long value;

	if (!file)
		fail("/proc/vmstat");
	/* Not without privileges. */
	if (!args.locked_mib)
		add_up_counters();
	while (fscanf(file, "%63s %ld", found, &value) == 2) {
		if (!strcmp(found, name)) {
			fclose(file);
			return value;
		}
	}
	fprintf(stderr, "pinbuf: no %s\n", name);
	exit(1);
}

static char *make_buffer(size_t size)
{
	int flags = args.file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	int file = args.file ? open(args.file, O_RDWR) : -1;
	char *buffer, *middle;

	if (args.file && file < 0)
		fail(args.file);

	if (args.populate)
		flags |= MAP_POPULATE;
	if (args.huge)
		flags |= MAP_HUGETLB;
	if (args.end)
		return (char *)-(size / 2);
	/* The kernel does not map nothing. */
	buffer = mmap(NULL, size ?: 1, PROT_READ | PROT_WRITE, flags, file, 0);
	if (buffer == MAP_FAILED)
		fail("mmap");
	/* Not where a chunk might end, so that some of one is pinned before it fails. */
	middle = buffer + size / 2 + NOT_A_CHUNK;
	if (args.hole)
		munmap(middle, size / 4);
	if (args.read_only)
		mprotect(middle, size / 4, PROT_READ);
	return buffer;
}

static void limit_locked_memory(void)
{
	struct rlimit limit = { args.locked_mib << 20, args.locked_mib << 20 };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(NOBODY))
		fail("setrlimit or setuid");
}

static void bind_to_node(void)
{
	unsigned long nodes = 1ul << args.node;

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, MAX_NODES))
		fail("set_mempolicy");
}

static size_t pages_elsewhere(const char *buffer, size_t size)
{
	size_t at, elsewhere = 0;
	int node;

	for (at = 0; at < size; at += PAGE) {
		if (syscall(SYS_get_mempolicy, &node, NULL, 0, buffer + at,
			    MPOL_F_NODE | MPOL_F_ADDR))
			fail("get_mempolicy");
		elsewhere += node != args.node;
	}
	return elsewhere;
}

static bool was_zero(char *buffer, size_t size)
{
	bool zero = !buffer[0] && !memcmp(buffer, buffer + 1, size - 1);

	memset(buffer, PATTERN, size);
	return zero;
}

static long long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
	struct pin_pages_buffer buffer = {};
	long long start, time;
	long acquired, released;
	int file, error;

	parse(argc, argv);
	file = open("/dev/pin_pages", O_RDWR);
	if (file < 0)
		fail("/dev/pin_pages");
	if (args.locked_mib)
		limit_locked_memory();
	if (args.node >= 0)
		bind_to_node();
	buffer.size = args.mib << 20;
	buffer.addr = (uintptr_t)make_buffer(buffer.size) + args.shift;
	buffer.threads = args.threads;
	acquired = counter("nr_foll_pin_acquired");
	released = counter("nr_foll_pin_released");

	start = now_ns();
	error = ioctl(file, PIN_PAGES_PIN, &buffer) ? errno : 0;
	time = now_ns() - start;
	if (args.twice)
		error = ioctl(file, PIN_PAGES_PIN, &buffer) ? errno : 0;
	if (args.unpin && ioctl(file, PIN_PAGES_UNPIN))
		fail("PIN_PAGES_UNPIN");
	printf("size_mib %zu error %d time_ns %lld acquired %ld released %ld", args.mib, error,
	       time, counter("nr_foll_pin_acquired") - acquired,
	       counter("nr_foll_pin_released") - released);
	if (args.node >= 0)
		printf(" elsewhere %zu", pages_elsewhere((char *)buffer.addr, buffer.size));
	putchar('\n');
	fflush(stdout);
	if (args.sleep)
		pause();
	if (args.zero && !error && !was_zero((char *)buffer.addr, buffer.size))
		return 2;
	return 0;
}
