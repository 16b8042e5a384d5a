/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-swu: make update files and look into them. docs/man/jetson-swu.1 is its manual. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "show.h"
#include "verbs.h"

#define VERSION "0.1.0"

static const struct verb {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "build", "make a signed .swu from a configuration", verb_build },
	{ "verify", "would a device take this .swu?", verb_verify },
	{ "inspect", "show what is in a .swu", verb_inspect },
	{ "diff", "compare two .swu", verb_diff },
	{ "lint", "check a sw-description, or that of a .swu", verb_lint },
	{ "extract", "take files out of a .swu", verb_extract },
	{ "publish", "verify a .swu and put it on a hawkBit server", verb_publish },
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static int show_help(void)
{
	(void)puts("usage: jetson-swu VERB ...\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		(void)printf("  %-8s  %s\n", verbs[i].name, verbs[i].help);
	(void)puts("\n"
		   "  --help     print this text; after a verb, that of the verb\n"
		   "  --version  print the version\n"
		   "\n"
		   "Exit codes: 0 good, 1 refused or different, 2 wrong usage, 3 unreadable.");
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		show_error("no verb; try --help");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return show_help();
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("jetson-swu " VERSION);
		return EXIT_GOOD;
	}
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	show_error("unknown verb '%s'; try --help", argv[1]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int code = run(argc, argv);

	if (fflush(stdout) == EOF || ferror(stdout)) {
		show_error("write the output: %s", strerror(errno));
		return EXIT_UNREADABLE;
	}
	return code;
}
