/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Runs one target over the files of the folders given, each in a block of its exact size, so that
 * the sanitizers of any compiler see a read past its end. Usage: replay_<target> FOLDER...
 */
#define _GNU_SOURCE

#include "fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* For the last words of a run that ends badly, whoever ends it. */
static char current[PATH_MAX];
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void name_input(void)
{
	static const char before[] = "input: ";

	(void)!write(STDERR_FILENO, before, sizeof(before) - 1);
	(void)!write(STDERR_FILENO, current, strlen(current));
	(void)!write(STDERR_FILENO, "\n", 1);
}

static void on_abort(int number)
{
	name_input();
	(void)signal(number, SIG_DFL);
}

static void run_file(const char *path, size_t size_bytes)
{
	uint8_t *data = malloc(size_bytes);
	FILE *f = fopen(path, "rbe");

	PROMISE(f != NULL && (data != NULL || size_bytes == 0));
	PROMISE(fread(data, 1, size_bytes, f) == size_bytes);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, size_bytes);
	free(data);
}

static unsigned run_folder(const char *folder)
{
	struct dirent **entry = NULL;
	int count = scandir(folder, &entry, NULL, alphasort);
	unsigned ran = 0;

	if (count < 0) {
		(void)fprintf(stderr, "open '%s': %s\n", folder, strerror(errno));
		exit(1);
	}
	for (int i = 0; i < count; i++) {
		struct stat st;

		PROMISE(snprintf(current, sizeof(current), "%s/%s", folder, entry[i]->d_name) <
			(int)sizeof(current));
		if (stat(current, &st) == 0 && S_ISREG(st.st_mode)) {
			run_file(current, (size_t)st.st_size);
			ran++;
		}
		free(entry[i]);
	}
	free(entry);
	return ran;
}

int main(int argc, char **argv)
{
	unsigned ran = 0;

	(void)signal(SIGABRT, on_abort);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(name_input);
	for (int i = 1; i < argc; i++)
		ran += run_folder(argv[i]);
	/* A broken promise ends the process: who comes here has passed. */
	(void)printf("%u passed, 0 failed\n", ran);
	return ran == 0;
}
