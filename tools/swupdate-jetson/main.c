/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Launcher of the plugin form: starts an unmodified swupdate with the handlers preloaded and the bootloader
 * interface "jetson" selected. No shell stands in between, and nothing is started with half of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef JOTA_PLUGIN_PATH
#define JOTA_PLUGIN_PATH "/usr/lib/swupdate-jetson/jetson-handlers.so"
#endif

static const char usage[] =
	"Usage: swupdate-jetson [swupdate's options]\n"
	"\n"
	"Starts swupdate with the Jetson A/B handlers loaded and, unless -B is given, the\n"
	"bootloader interface 'jetson'. All options are swupdate's own; see swupdate --help.\n"
	"swupdate starts with SIGPIPE ignored, as a systemd service does.\n"
	"\n"
	"  --handlers-help  print this text and exit\n"
	"\n"
	"Environment:\n"
	"  SWUPDATE         program to start (default: swupdate, searched in PATH)\n"
	"  JETSON_HANDLERS  plugin to load (default: " JOTA_PLUGIN_PATH ")\n"
	"  JOTA_ROOT        directory that stands for / (default: /)\n";

static bool selects_bootloader(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "-B", 2) || !strncmp(argv[i], "--bootloader", 12))
			return true;
	return false;
}

/* Ahead of what is preloaded already, which keeps working. */
static int set_preload(const char *plugin)
{
	const char *old = getenv("LD_PRELOAD");
	size_t bytes = strlen(plugin) + (old ? strlen(old) : 0) + 2;
	char *value = malloc(bytes);
	int rc;

	if (!value)
		return -1;
	(void)snprintf(value, bytes, "%s%s%s", plugin, old && *old ? ":" : "", old ? old : "");
	rc = setenv("LD_PRELOAD", value, 1);
	free(value);
	return rc;
}

static char **build_arguments(int argc, char **argv, const char *program)
{
	char **args = calloc((size_t)argc + 3, sizeof(*args));
	int n = 0;

	if (!args)
		return NULL;
	args[n++] = (char *)program;
	if (!selects_bootloader(argc, argv)) {
		args[n++] = (char *)"-B";
		args[n++] = (char *)"jetson";
	}
	for (int i = 1; i < argc; i++)
		args[n++] = argv[i];
	return args;
}

int main(int argc, char **argv)
{
	const char *program = getenv("SWUPDATE");
	const char *plugin = getenv("JETSON_HANDLERS");
	char **args;

	if (argc == 2 && !strcmp(argv[1], "--handlers-help")) {
		return fputs(usage, stdout) < 0;
	}
	if (!program || !*program)
		program = "swupdate";
	if (!plugin || !*plugin)
		plugin = JOTA_PLUGIN_PATH;
	/* The dynamic linker ignores a preload that it cannot read, or splits at these; then swupdate would run without us. */
	if (plugin[0] != '/' || strpbrk(plugin, " :")) {
		fprintf(stderr,
			"swupdate-jetson: plugin '%s': an absolute path without spaces and colons is needed.\n",
			plugin);
		return 1;
	}
	if (access(plugin, R_OK) < 0) {
		fprintf(stderr, "swupdate-jetson: plugin '%s': %s; swupdate was not started.\n",
			plugin, strerror(errno));
		return 1;
	}
	args = build_arguments(argc, argv, program);
	if (!args || set_preload(plugin) < 0) {
		fprintf(stderr, "swupdate-jetson: out of memory.\n");
		return 1;
	}
	/* SWUpdate 2022.12 answers a socket that its child has closed; by default that ends it in the middle of an update. */
	(void)signal(SIGPIPE, SIG_IGN);
	execvp(program, args);
	fprintf(stderr, "swupdate-jetson: cannot start '%s': %s.\n", program, strerror(errno));
	free(args);
	return 1;
}
