// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// Command line of the U-Boot model.
#include "uboot_model.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_NOT_DONE = 1, EXIT_USAGE = 2, EXIT_BRICK = 3, EXIT_MODEL_ERROR = 4 };

struct options {
	struct model_machine machine;
	unsigned int max_resets;
	bool log;
};

static const char help_text[] =
	"usage: uboot-model --env FILE --default-env JOINED [options] VERB\n"
	"\n"
	"A model of U-Boot, not U-Boot: it follows the documented rules for the redundant\n"
	"environment and the boot counter and interprets the boot script stored there.\n"
	"\n"
	"verbs:\n"
	"  boot               power on until a kernel runs; the last line is the result\n"
	"  init               write JOINED into both copies of the environment\n"
	"  print              print the environment that U-Boot would use\n"
	"  set NAME=VALUE...  store variables in one write; an empty value deletes\n"
	"  complete A|B       is this slot complete: boot.img and root file system\n"
	"\n"
	"options:\n"
	"  --env FILE         file that holds the environment at 0x700000 and 0x720000\n"
	"  --default-env F    name=value lines (boot/uboot/join-env.sh prints them)\n"
	"  --part NAME=FILE   a partition; once for each\n"
	"  --max-resets N     give up after N resets (20)\n"
	"  --log              print the model's console\n"
	"  --help             print this text\n"
	"\n"
	"Exit codes: 0 booted or done, 1 not done, 2 wrong usage, 3 prompt or endless resets,\n"
	"4 the script uses something that the model does not know.\n";

static void print_line(void *user, const char *line)
{
	(void)user;
	(void)printf("[U-Boot model] %s\n", line);
}

static int add_part(struct options *o, const char *text)
{
	char name[MODEL_PART_NAME_MAX + 1];
	const char *equals = strchr(text, '=');
	size_t len = equals == NULL ? 0 : (size_t)(equals - text);

	if (len == 0 || len > MODEL_PART_NAME_MAX) {
		(void)fprintf(stderr, "uboot-model: --part '%s': expected NAME=FILE\n", text);
		return -1;
	}
	memcpy(name, text, len);
	name[len] = '\0';
	if (model_machine_add_part(&o->machine, name, equals + 1) == 0)
		return 0;
	(void)fprintf(stderr, "uboot-model: --part '%s': given twice, too long or too many\n", text);
	return -1;
}

static int parse_count(const char *text, unsigned int *ret_count)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > 100000) {
		(void)fprintf(stderr, "uboot-model: '%s' is not a number up to 100000\n", text);
		return -1;
	}
	*ret_count = (unsigned int)value;
	return 0;
}

static int take_path(char *to, const char *path)
{
	if (strlen(path) >= PATH_MAX) {
		(void)fprintf(stderr, "uboot-model: path too long\n");
		return -1;
	}
	memcpy(to, path, strlen(path) + 1);
	return 0;
}

/* 0 go on, 1 help was printed, -1 wrong usage. */
static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "env", required_argument, NULL, 'e' },
		{ "default-env", required_argument, NULL, 'd' },
		{ "part", required_argument, NULL, 'p' },
		{ "max-resets", required_argument, NULL, 'm' },
		{ "log", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int ret = 0;

	for (int c; ret == 0 && (c = getopt_long(argc, argv, "+", longs, NULL)) != -1;) {
		if (c == 'e')
			ret = take_path(o->machine.env_path, optarg);
		else if (c == 'd')
			ret = take_path(o->machine.default_env_path, optarg);
		else if (c == 'p')
			ret = add_part(o, optarg);
		else if (c == 'm')
			ret = parse_count(optarg, &o->max_resets);
		else if (c == 'l')
			o->log = true;
		else
			ret = c == 'h' ? 1 : -1;
	}
	if (ret == 1)
		(void)fputs(help_text, stdout);
	return ret;
}

static int report(const char *verb, int ret)
{
	if (ret >= 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "uboot-model: %s: %s\n", verb, strerror(-ret));
	return EXIT_NOT_DONE;
}

static int run_boot(const struct options *o)
{
	struct model_result r;

	model_boot_until_up(&o->machine, o->max_resets, &r);
	if (r.why[0] != '\0' && !o->log)
		(void)fprintf(stderr, "uboot-model: %s\n", r.why);
	(void)printf("result=%s slot=%c root=%s resets=%u count=%lu kernel=%s altboot=%d "
		     "default_env=%d saves=%u\n",
		     model_outcome_name(r.outcome), r.slot == '\0' ? '-' : r.slot,
		     r.root_part[0] == '\0' ? "-" : r.root_part, r.resets, r.bootcount,
		     r.kernel_part[0] == '\0' ? "-" : r.kernel_part, r.used_altbootcmd,
		     r.used_default_env, r.env_saves);
	switch (r.outcome) {
	case MODEL_BOOTED:
		return EXIT_SUCCESS;
	case MODEL_RESET:
	case MODEL_PROMPT:
		return EXIT_BRICK;
	case MODEL_POWER_CUT:
	case MODEL_ERROR:
		break;
	}
	return EXIT_MODEL_ERROR;
}

static int run_complete(const struct options *o, const char *slot)
{
	char why[128] = "";

	if (strcmp(slot, "A") != 0 && strcmp(slot, "B") != 0)
		return EXIT_USAGE;
	int ret = model_slot_complete(&o->machine, slot[0], why, sizeof(why));
	if (ret >= 0)
		(void)printf("complete=%d%s%s\n", ret, ret == 0 ? " why=" : "", why);
	else if (why[0] != '\0')
		(void)fprintf(stderr, "uboot-model: %s\n", why);
	return ret > 0 ? EXIT_SUCCESS : (ret == 0 ? EXIT_NOT_DONE : report("complete", ret));
}

static int run_verb(const struct options *o, int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "boot") == 0)
		return run_boot(o);
	if (argc == 1 && strcmp(argv[0], "init") == 0)
		return report("init", model_env_init(&o->machine, o->machine.default_env_path));
	if (argc == 1 && strcmp(argv[0], "print") == 0)
		return report("print", model_env_print(&o->machine, stdout));
	if (argc >= 2 && strcmp(argv[0], "set") == 0)
		return report("set", model_env_set(&o->machine, (const char *const *)(argv + 1),
						   (size_t)(argc - 1)));
	if (argc == 2 && strcmp(argv[0], "complete") == 0)
		return run_complete(o, argv[1]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct options *o = calloc(1, sizeof(*o));
	int code = EXIT_USAGE;

	if (o == NULL)
		return EXIT_NOT_DONE;
	model_machine_init(&o->machine, "", "");
	o->max_resets = 20;
	int ret = parse_options(o, argc, argv);
	if (ret == 1) {
		code = EXIT_SUCCESS;
	} else if (ret == 0 && o->machine.env_path[0] != '\0' &&
		   o->machine.default_env_path[0] != '\0') {
		o->machine.log = o->log ? print_line : NULL;
		code = run_verb(o, argc - optind, argv + optind);
	}
	if (code == EXIT_USAGE)
		(void)fputs("uboot-model: wrong usage, try --help\n", stderr);
	free(o);
	return code;
}
