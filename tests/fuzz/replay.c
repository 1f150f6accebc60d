/*
 * Runs a fuzz target over files, for builds without libFuzzer: each argument is a file or a folder
 * of files, each file one input. A target that misbehaves crashes or, under the sanitizers, says so
 * and ends the program; the name of the input at work is told beforehand when FUZZ_VERBOSE is set.
 * Fails when there was no input at all, so that an empty corpus is not taken for a passed one.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16 << 20 };

static size_t inputs;

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	data = malloc(INPUT_MAX);
	if (!data) {
		fclose(f);
		return -1;
	}
	size = fread(data, 1, INPUT_MAX, f);
	fclose(f);
	if (getenv("FUZZ_VERBOSE"))
		fprintf(stderr, "%s\n", path);

	/* In a block of exactly its size, so that a read past the end is found. */
	if (size > 0) {
		uint8_t *exact = malloc(size);

		if (!exact) {
			free(data);
			return -1;
		}
		memcpy(exact, data, size);
		LLVMFuzzerTestOneInput(exact, size);
		free(exact);
	} else {
		LLVMFuzzerTestOneInput(data, 0);
	}
	free(data);
	inputs++;
	return 0;
}

static int run_folder(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	int rc = 0;

	if (n < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		char file[4096];
		int len = snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);

		if (names[i]->d_name[0] != '.' && len > 0 && (size_t)len < sizeof(file))
			rc |= run_file(file);
		free(names[i]);
	}
	free(names);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			rc |= run_folder(argv[i]);
		else
			rc |= run_file(argv[i]);
	}
	printf("%zu inputs replayed\n", inputs);
	return rc || inputs == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
