// SPDX-License-Identifier: GPL-2.0
/*
 * Writes whatever comes to mind to debugfs files, and gives it to modules.
 *
 *	fuzz files SEED ROUNDS FILE RULE [FILE RULE]...
 *	fuzz crowd SEED ROUNDS FILE RULE [FILE RULE]...
 *	fuzz module SEED ROUNDS PATH PARAMETER FILE RULE
 *
 * "files" is one writer, who knows what each file has to contain after each write.
 * "crowd" are several at once, who only see that values are in range. "module" loads
 * ktask_rs from PATH with a PARAMETER that FILE then shows. A RULE tells what a file takes:
 *
 *	MIN-MAX		a decimal number, else EINVAL, or ERANGE if it is outside
 *	MIN-MAX,auto	... or the word
 *	~MIN-MAX	whatever the kernel's own parser makes a number in this range of
 *	none		nothing
 *
 * The exit status is 0 if all was as it had to be.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What "module" loads and unloads. */
#define MODULE		"ktask_rs"
#define WRITERS		4
#define MAX_FILES	16
/* The longest text that ktask's files look at. */
#define TEXT_MAX	64
#define LONG_TEXT	100000

struct file {
	const char *name;
	__u64 min;
	__u64 max;
	bool takes_auto;
	bool lenient;
	bool takes_nothing;
	/* What "auto" stands for: what was read before anything was written. */
	__u64 auto_value;
};

static struct file files[MAX_FILES];
static size_t nr_files;
static __u64 state;
/* Nobody else writes, so that values can be foreseen. */
static bool alone;
static int failures;

static __u64 any(void)
{
	/* splitmix64 */
	__u64 z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static __u64 below(__u64 limit)
{
	return any() % limit;
}

/* Texts */

struct text {
	size_t len;
	char bytes[LONG_TEXT];
};

static void set_text(struct text *text, const void *bytes, size_t len)
{
	memcpy(text->bytes, bytes, len);
	text->len = len;
}

static void set_number(struct text *text, __u64 number)
{
	text->len = sprintf(text->bytes, "%llu", (unsigned long long)number);
}

static void insert(struct text *text, size_t at, const char *bytes, size_t len)
{
	if (text->len + len > LONG_TEXT)
		return;
	memmove(text->bytes + at + len, text->bytes + at, text->len - at);
	memcpy(text->bytes + at, bytes, len);
	text->len += len;
}

static void draw_long(struct text *text)
{
	text->len = below(4) ? below(2 * TEXT_MAX) : below(LONG_TEXT);
	memset(text->bytes, "0 19\n"[below(5)], text->len);
	if (text->len && below(2))
		text->bytes[text->len - 1] = '1';
}

static void draw_word(struct text *text)
{
	static const char * const words[] = {
		"", "auto", "Auto", "auto0", "-1", "-0", "+", "-", "+5", "++5", "0x10", "010",
		"1e3", "1.0", "1_000", "1,2", "1 2", "5;", "NaN", "\n", "y", "18446744073709551615",
		"18446744073709551616", "4294967295", "4294967296", "9223372036854775808", "\xff",
		"\xc2\xa0+5", "5\xe2\x80\x83", "\xd9\xa5", "\xf0\x9f\x98\x80", "%s%n", "\v5",
	};
	const char *word = words[below(sizeof(words) / sizeof(*words))];

	set_text(text, word, strlen(word));
}

static void mutate(struct text *text)
{
	static const char * const blanks[] = { " ", "\t", "\n", "\r\n", "  " };
	const char *blank = blanks[below(5)];

	switch (below(6)) {
	case 0:
		insert(text, 0, blank, strlen(blank));
		break;
	case 1:
	case 2:
		insert(text, text->len, blank, strlen(blank));
		break;
	case 3:
		insert(text, below(text->len + 1), "\0", 1);
		break;
	case 4:
		if (text->len)
			text->bytes[below(text->len)] ^= 1 << below(8);
		break;
	case 5:
		insert(text, 0, "00000000", below(9));
	}
}

static void draw_text(struct text *text, const struct file *file)
{
	size_t i;

	switch (below(10)) {
	case 0:
		draw_long(text);
		break;
	case 1:
		draw_word(text);
		break;
	case 2:
		text->len = below(TEXT_MAX + 8);
		for (i = 0; i < text->len; i++)
			text->bytes[i] = any();
		break;
	case 3:
		set_number(text, any() >> below(64));
		break;
	case 4:
		set_number(text, file->min - 1 + below(3));
		break;
	case 5:
		set_number(text, file->max - 1 + below(3));
		break;
	case 6:
		set_text(text, "auto", 4);
		break;
	default:
		set_number(text, file->min + below(file->max - file->min + 1));
	}
	while (!below(3))
		mutate(text);
	/* What takes nothing may be a trigger. */
	for (i = 0; file->takes_nothing && i < text->len; i++)
		if (text->bytes[i] == '1')
			text->bytes[i] = '2';
}

/* What a text means */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* 0 and a value if the file takes the text, else the error; two may be right. */
static int meaning(const struct file *file, const struct text *text, __u64 *value,
		   int *or_error)
{
	const char *p = text->bytes, *end = p + text->len;
	bool large = false;
	__u64 sum = 0;

	*or_error = -EINVAL;
	if (text->len > TEXT_MAX)
		return -EINVAL;
	while (p < end && is_blank(*p))
		p++;
	while (p < end && is_blank(end[-1]))
		end--;
	if (file->takes_auto && end - p == 4 && !memcmp(p, "auto", 4)) {
		*value = file->auto_value;
		return 0;
	}
	if (p < end && *p == '+')
		p++;
	if (p == end)
		return -EINVAL;
	for (; p < end; p++) {
		if (!isdigit((unsigned char)*p)) {
			/* Too large and no number: whichever is seen first. */
			*or_error = large ? -ERANGE : -EINVAL;
			return -EINVAL;
		}
		sum = sum * 10 + *p - '0';
		large |= sum > UINT_MAX;
		if (large)
			sum = UINT_MAX;
	}
	*value = sum;
	*or_error = -ERANGE;
	return large || sum < file->min || sum > file->max ? -ERANGE : 0;
}

/* Complaints */

static void show_text(const struct text *text)
{
	size_t i;

	for (i = 0; i < text->len && i < TEXT_MAX; i++)
		if (isprint((unsigned char)text->bytes[i]))
			putchar(text->bytes[i]);
		else
			printf("\\x%02x", (unsigned char)text->bytes[i]);
	printf("' (%zu bytes)\n", text->len);
}

static void complain(const struct file *file, const char *what, long found,
		     const struct text *text)
{
	if (failures++ >= 10)
		return;
	printf("%s: %s: %ld after '", file->name, what, found);
	show_text(text);
	fflush(stdout);
}

/* Files */

/* Reads a number; false if the file has none or cannot be read. */
static bool value_of(const struct file *file, __u64 *value)
{
	char buffer[64], *end;
	int fd = open(file->name, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, buffer, sizeof(buffer) - 1);
	close(fd);
	if (len <= 0)
		return false;
	buffer[len] = 0;
	*value = strtoull(buffer, &end, 10);
	return end != buffer && !strcmp(end, "\n");
}

/* One system call that writes the text; the error, or 0. */
static int write_text(const struct file *file, int fd, const struct text *text)
{
	off_t offset = any() >> (1 + below(63)) >> 16;
	ssize_t len = -1;

	errno = ESPIPE;
	if (!below(3))
		len = pwrite(fd, text->bytes, text->len, offset);
	if (len < 0 && errno == ESPIPE) {
		/* Files of the kernel's that have no positions to write to. */
		if (!below(2))
			lseek(fd, offset, SEEK_SET);
		len = write(fd, text->bytes, text->len);
	}
	if (len < 0)
		return -errno;
	if ((size_t)len != text->len)
		complain(file, "a part was written", len, text);
	return 0;
}

/* Everything but writing a text; none of it changes anything. */
static void do_odd_things(int fd)
{
	char *memory = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char buffer[5];
	ssize_t ret = 0;

	/* A text that ends where nothing is mapped. */
	munmap(memory + 4096, 4096);
	memory[4095] = '7';
	switch (below(7)) {
	case 0:
		ret = write(fd, memory + 4095, 2);
		break;
	case 1:
		ret = write(fd, memory + 4096, 1 + below(TEXT_MAX));
		break;
	case 2:
		ret = pwrite(fd, "7", 1, -1 - (off_t)below(1000));
		break;
	case 3:
		ret = pread(fd, buffer, sizeof(buffer), any() >> (1 + below(63)));
		break;
	case 4:
		lseek(fd, any(), below(5));
		break;
	case 5:
		ioctl(fd, any(), memory);
		break;
	case 6:
		ret = read(fd, memory + 4095, 1 + below(100));
	}
	(void)ret;
	munmap(memory, 4096);
}

static void check_value(const struct file *file, __u64 expected, const struct text *text)
{
	__u64 value;

	if (file->takes_nothing)
		return;
	if (!value_of(file, &value))
		complain(file, "no number can be read", 0, text);
	else if (value < file->min || value > file->max)
		complain(file, "out of range", value, text);
	else if (alone && value != expected)
		complain(file, "another value", value, text);
}

/* Writes to one file once or more. */
static void round_of(const struct file *file, struct text *text)
{
	int flags = (below(4) ? 0 : O_APPEND) | (below(4) ? 0 : O_TRUNC);
	int fd = open(file->name, (file->takes_nothing ? O_WRONLY : O_RDWR) | flags);
	__u64 expected = 0, meant = 0;
	int error, right, also_right;

	text->len = 0;
	if (fd < 0) {
		/* root may open anything */
		complain(file, "cannot be opened", errno, text);
		return;
	}
	do {
		value_of(file, &expected);
		if (!below(5))
			do_odd_things(fd);
		draw_text(text, file);
		right = meaning(file, text, &meant, &also_right);
		error = write_text(file, fd, text);
		if (file->takes_nothing) {
			if (!error)
				complain(file, "took something", error, text);
		} else if (file->lenient) {
			if (error && error != -EINVAL && error != -ERANGE)
				complain(file, "an error that makes no sense", error, text);
			else if (!error)
				value_of(file, &expected);
		} else {
			if (error != right && (!right || error != also_right))
				complain(file, "not the result that was due", error, text);
			if (!error)
				expected = meant;
		}
		check_value(file, expected, text);
	} while (!below(3));
	close(fd);
}

static void fuzz_files(__u64 seed, unsigned long rounds)
{
	struct text *text = malloc(sizeof(*text));

	state = seed;
	while (rounds--)
		round_of(&files[below(nr_files)], text);
	free(text);
}

static void fuzz_crowd(__u64 seed, unsigned long rounds)
{
	int i, status;

	for (i = 0; i < WRITERS; i++) {
		if (fork())
			continue;
		fuzz_files(seed + i, rounds / WRITERS);
		exit(failures != 0);
	}
	while (wait(&status) > 0)
		failures += status != 0;
}

/* A parameter that is a plain number has to work, and all others to leave nothing behind. */
static void load_once(int module, const char *parameter, const struct file *file,
		      struct text *text)
{
	char argument[TEXT_MAX + 100];
	__u64 meant = 0, value;
	int plain, error;

	draw_text(text, file);
	if (text->len > TEXT_MAX)
		text->len = TEXT_MAX;
	text->bytes[text->len] = 0;
	plain = text->len && strspn(text->bytes, "0123456789") == text->len &&
		text->bytes[0] != '0' && !meaning(file, text, &meant, &error);
	snprintf(argument, sizeof(argument), "%s=%.*s", parameter, TEXT_MAX,
		 text->bytes);
	error = syscall(SYS_finit_module, module, argument, 0) ? -errno : 0;
	if (error && plain)
		complain(file, "a good parameter was refused", error, text);
	if (error) {
		if (!access(file->name, F_OK))
			complain(file, "there without the module", error, text);
		return;
	}
	if (!value_of(file, &value) || value < file->min || value > file->max)
		complain(file, "out of range", value, text);
	else if (plain && value != meant)
		complain(file, "another value", value, text);
	if (syscall(SYS_delete_module, MODULE, O_NONBLOCK))
		complain(file, "cannot be unloaded", errno, text);
}

static void fuzz_module(__u64 seed, unsigned long rounds, const char *path,
			const char *parameter)
{
	struct text *text = malloc(sizeof(*text));
	int module = open(path, O_RDONLY);

	state = seed;
	while (rounds--)
		load_once(module, parameter, &files[0], text);
	close(module);
	free(text);
}

static void usage(void)
{
	fprintf(stderr, "see the comment in fuzz.c\n");
	exit(2);
}

static void add_file(const char *name, const char *rule)
{
	struct file *file = &files[nr_files++];
	char *end;

	file->name = name;
	file->takes_nothing = !strcmp(rule, "none");
	if (file->takes_nothing)
		return;
	file->lenient = *rule == '~';
	file->min = strtoull(rule + file->lenient, &end, 10);
	if (*end++ != '-')
		usage();
	file->max = strtoull(end, &end, 10);
	file->takes_auto = !strcmp(end, ",auto");
	if (file->takes_auto && !value_of(file, &file->auto_value))
		usage();
}

int main(int argc, char **argv)
{
	bool module = argc == 8 && !strcmp(argv[1], "module");
	int i = module ? 6 : 4;
	unsigned long rounds;
	__u64 seed;

	if (argc < i + 2 || argc % 2 || argc > i + 2 * MAX_FILES)
		usage();
	seed = strtoull(argv[2], NULL, 10);
	rounds = strtoul(argv[3], NULL, 10);
	for (; i < argc; i += 2)
		add_file(argv[i], argv[i + 1]);
	alone = strcmp(argv[1], "crowd");
	if (module)
		fuzz_module(seed, rounds, argv[4], argv[5]);
	else if (alone)
		fuzz_files(seed, rounds);
	else
		fuzz_crowd(seed, rounds);
	if (failures)
		printf("%d failures\n", failures);
	return failures != 0;
}
