// SPDX-License-Identifier: GPL-2.0
/*
 * Has the kernel make huge pages for it, and sees that they are clear.
 *
 * Each round maps the pages, times how long they take to appear, looks at every
 * byte of them, fills them with a pattern and gives them back, so that the next
 * round gets used ones. It prints one line:
 *
 *	mode touch page_kib 1048576 pages 1 node 0 time_ns 123 bad_bytes 0
 *
 * with the node of the first page. A byte that is not zero ends it, with status 2.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PATTERN		0xa5
#define LINE		64
#define SHIFT_LIMIT	40

static struct {
	const char *mode;
	size_t page;	/* bytes */
	size_t pages;
	size_t offset;	/* in each page, what is touched */
	long node;	/* to bind the memory to, or -1 */
	size_t rounds;
} args = {
	.page = 2048 * 1024,
	.pages = 1,
	.node = -1,
	.rounds = 1,
};

static void fail(const char *what)
{
	fprintf(stderr, "hugefault: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void explain(void)
{
	fprintf(stderr,
		"usage: hugefault [-s PAGE_KIB] [-n PAGES] [-o OFFSET] [-m NODE] [-r ROUNDS] MODE\n"
		"  touch      maps hugetlb pages, of NODE if told so, and touches each at OFFSET\n"
		"  populate   maps hugetlb pages with MAP_POPULATE\n"
		"  fallocate  allocates and then maps the pages of a hugetlbfs file\n"
		"  thp        the same with transparent huge pages\n");
	exit(1);
}

static bool mode_is(const char *name)
{
	return !strcmp(args.mode, name);
}

static size_t number(const char *text)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value >> SHIFT_LIMIT)
		explain();
	return value;
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "s:n:o:m:r:")) != -1) {
		if (option == 's')
			args.page = number(optarg) * 1024;
		else if (option == 'n')
			args.pages = number(optarg);
		else if (option == 'o')
			args.offset = number(optarg);
		else if (option == 'm')
			args.node = number(optarg);
		else if (option == 'r')
			args.rounds = number(optarg);
		else
			explain();
	}
	if (argc != optind + 1)
		explain();
	args.mode = argv[optind];
	if (!mode_is("touch") && !mode_is("populate") && !mode_is("fallocate") && !mode_is("thp"))
		explain();
	if (!args.page || args.page & (args.page - 1) || args.offset >= args.page || !args.pages ||
	    args.pages > ((size_t)1 << SHIFT_LIMIT) / args.page || args.node >= LINE ||
	    (args.node >= 0 && !mode_is("touch") && !mode_is("thp")))
		explain();
}

static long long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* The size of a huge page as flags of mmap() and memfd_create() tell it. */
static unsigned int size_flag(void)
{
	return (unsigned int)__builtin_ctzl(args.page) << MAP_HUGE_SHIFT;
}

static char *mapped(size_t size, int flags, int fd)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	return memory;
}

static void bind_to_node(char *memory, size_t size)
{
	unsigned long nodes = 1ul << args.node;

	if (syscall(SYS_mbind, memory, size, MPOL_BIND, &nodes, LINE, 0))
		fail("mbind");
}

static int node_of(char *memory)
{
	int node;

	if (syscall(SYS_get_mempolicy, &node, NULL, 0, memory, MPOL_F_NODE | MPOL_F_ADDR))
		fail("get_mempolicy");
	return node;
}

/* A write that changes nothing. */
static void touch(char *memory, size_t size)
{
	size_t at;

	for (at = 0; at < size; at += args.page)
		__atomic_fetch_or(memory + at + args.offset, 0, __ATOMIC_RELAXED);
}

/* Where @size bytes at a multiple of the page size can be mapped. */
static char *aligned_place(size_t size)
{
	uintptr_t all = (uintptr_t)mapped(size + args.page, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *place = (char *)((all + args.page - 1) & -args.page);

	munmap((char *)all, size + args.page);
	return place;
}

/* Maps the memory, and tells how long it took until it was there. */
static long long appear(char **memory, size_t size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (int)size_flag();
	long long start;
	int fd;

	if (mode_is("populate")) {
		start = now_ns();
		*memory = mapped(size, flags | MAP_POPULATE, -1);
		return now_ns() - start;
	}
	if (mode_is("fallocate")) {
		fd = memfd_create("hugefault", MFD_HUGETLB | size_flag());
		if (fd < 0)
			fail("memfd_create");
		start = now_ns();
		if (fallocate(fd, 0, 0, size))
			fail("fallocate");
		start = now_ns() - start;
		*memory = mapped(size, MAP_SHARED, fd);
		close(fd);
		return start;
	}
	if (mode_is("thp")) {
		flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
		*memory = mmap(aligned_place(size), size, PROT_READ | PROT_WRITE, flags, -1, 0);
		if (*memory == MAP_FAILED || madvise(*memory, size, MADV_HUGEPAGE))
			fail("mmap or madvise");
	} else {
		*memory = mapped(size, flags, -1);
	}
	if (args.node >= 0)
		bind_to_node(*memory, size);
	start = now_ns();
	touch(*memory, size);
	return now_ns() - start;
}

static size_t nonzero_bytes(const char *memory, size_t size)
{
	const unsigned long long *words;
	size_t at, i, bad = 0;
	unsigned long long any;

	for (at = 0; at < size; at += LINE) {
		words = (const unsigned long long *)(memory + at);
		for (any = 0, i = 0; i < LINE / sizeof(*words); i++)
			any |= words[i];
		for (i = 0; any && i < LINE; i++)
			bad += memory[at + i] != 0;
	}
	return bad;
}

static size_t one_round(void)
{
	size_t bad, size = args.page * args.pages;
	char *memory;
	long long time;

	time = appear(&memory, size);
	bad = nonzero_bytes(memory, size);
	printf("mode %s page_kib %zu pages %zu node %d time_ns %lld bad_bytes %zu\n", args.mode,
	       args.page / 1024, args.pages, node_of(memory), time, bad);
	fflush(stdout);
	memset(memory, PATTERN, size);
	munmap(memory, size);
	return bad;
}

int main(int argc, char **argv)
{
	size_t bad = 0;

	parse(argc, argv);
	for (; args.rounds && !bad; args.rounds--)
		bad = one_round();
	return bad ? 2 : 0;
}
