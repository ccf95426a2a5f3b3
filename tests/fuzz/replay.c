/* SPDX-License-Identifier: MIT */
/*
 * replay -- all files of the directories given, through a fuzz target
 *
 * Without arguments, fuzz_NAME takes $top_srcdir/tests/fuzz/corpus/NAME.  A
 * directory without a file is a mistake: it would look like success.
 */
#include "config.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define INPUT_ROOM (1024 * 1024) /* bytes; libFuzzer's own ceiling */
#define PATH_ROOM 4096

/* The input in an allocation of just its size, so that a sanitizer sees a
 * byte too far. */
static int
replay_file(const char *path)
{
	static unsigned char bytes[INPUT_ROOM];
	FILE *f = fopen(path, "rb");
	unsigned char *input;
	size_t n;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	input = malloc(n > 0 ? n : 1);
	if (input == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		input[i] = bytes[i];
	LLVMFuzzerTestOneInput(input, n);
	free(input);
	return 0;
}

/* How many files; -1: something could not be read. */
static int
replay_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	char path[PATH_ROOM];
	int n = 0;

	if (d == NULL) {
		perror(dir);
		return -1;
	}
	for (e = readdir(d); n >= 0 && e != NULL; e = readdir(d)) {
		int len = snprintf(path, sizeof(path), "%s/%s", dir,
			e->d_name);

		if (len < 0 || len >= PATH_ROOM || stat(path, &st) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		n = replay_file(path) == 0 ? n + 1 : -1;
	}
	closedir(d);
	return n;
}

/* True: there were inputs, and all of them were read. */
static bool
replay_told(const char *dir)
{
	static int count;
	int n = replay_all(dir);

	printf("%sok %d - %d inputs in %s\n", n > 0 ? "" : "not ", ++count,
		n > 0 ? n : 0, dir);
	return n > 0;
}

static bool
replay_own(const char *program)
{
	const char *top = getenv("top_srcdir"), *name = program;
	char dir[PATH_ROOM];

	if (strrchr(name, '/') != NULL)
		name = strrchr(name, '/') + 1;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
		top != NULL ? top : ".", name);
	return replay_told(dir);
}

int
main(int argc, char **argv)
{
	bool good = true;

	if (argc < 2)
		good = replay_own(argv[0]);
	for (int i = 1; i < argc; i++)
		good = replay_told(argv[i]) && good;
	printf("1..%d\n", argc < 2 ? 1 : argc - 1);
	return good ? 0 : 1;
}
