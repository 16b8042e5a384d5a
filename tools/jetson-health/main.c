/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-health: is this system well, and may its slot stay? docs/man/jetson-health.1 is its manual. */
#include "health_tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "base/number.h"

#define VERSION "0.1.0"

struct verb {
	const char *name;
	bool takes_argument, takes_json, takes_run_options, takes_slot_options, takes_tell_options;
	int (*run)(const struct jota_io *io, const struct options *options, const char *argument,
		   struct jota_err *err);
};

static const char usage_text[] =
	"usage: jetson-health [--root PREFIX] VERB\n"
	"\n"
	"  run [--phase postboot] [--apply [--defer-confirm]] [--json]\n"
	"      check the running system; --apply: confirm its slot or roll back\n"
	"  confirm              after a deferred run that was healthy: confirm, then confirm.d\n"
	"  rollback [REASON]    give up a slot on trial: default boot-incomplete\n"
	"  on-trial             exit status 0: the running slot is on trial, 1: it is not\n"
	"  run --phase baseline [--json]\n"
	"      before an update: remember what works\n"
	"  run --phase preflip [--slot A|B] [--target-device NODE] [--json]\n"
	"      before a flip: the checks for that moment\n"
	"  preflip --slot A|B --target-device NODE [--kernel-device NODE] [--update-dir DIR]\n"
	"          [--anchor FILE]\n"
	"      what the update hook asks: the same, and what is always asked of a new slot\n"
	"  attributes [--json] [--send [--suricatta NAME=VALUE]... | --identify] [--wait SECONDS]\n"
	"      what the update server is told; --send: tell it now, --identify: tell swupdate\n"
	"  status [--json]      what the last runs found\n"
	"  explain [NAME]       what failed last and why; a check, a kind or a reason by name\n"
	"  check-config [FILE]  is the configuration well-formed?\n"
	"\n"
	"  --root PREFIX  read and write below this directory (default: $JOTA_ROOT, else /)\n"
	"  --help         print this text\n"
	"  --version      print the version\n"
	"\n"
	"Exit codes: 0 well, 1 unhealthy, 2 wrong usage, 3 unreadable, 4 rolled back: reboot now,\n"
	"5 decided but not stored.\n";

static const struct verb verbs[] = {
	{ "run", false, true, true, false, false, verb_run },
	{ "preflip", false, false, false, true, false, verb_preflip },
	{ "confirm", false, false, false, false, false, verb_confirm },
	{ "rollback", true, false, false, false, false, verb_rollback },
	{ "on-trial", false, false, false, false, false, verb_on_trial },
	{ "status", false, true, false, false, false, verb_status },
	{ "explain", true, false, false, false, false, verb_explain },
	{ "check-config", true, false, false, false, false, verb_check_config },
	{ "attributes", false, true, false, false, true, verb_attributes },
};

static int fail_usage(const char *what, const char *name)
{
	(void)fprintf(stderr, "jetson-health: %s '%s'; try --help\n", what, name);
	return EXIT_USAGE;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* What was given, to refuse what has no meaning for a verb. */
struct given {
	bool run_option, slot_option, preflip_option, tell_option;
};

static int take_path(const char **ret)
{
	*ret = optarg;
	return optarg[0] != '/' ? fail_usage("no absolute path", optarg) : -1;
}

static int take_tell_option(int option, struct tell_options *ret)
{
	uint64_t wait_s;

	if (option == 'S' || option == 'I') {
		*(option == 'S' ? &ret->to_server : &ret->to_swupdate) = true;
		return -1;
	}
	if (option == 'w') {
		if (jota_parse_u64("--wait", optarg, 0, TELL_WAIT_S_MAX, &wait_s, NULL) < 0)
			return fail_usage("no number of seconds up to 3600", optarg);
		ret->wait_s = (unsigned)wait_s;
		return -1;
	}
	if (ret->setting_count == TELL_SETTINGS_MAX)
		return fail_usage("too many settings, at", optarg);
	ret->setting[ret->setting_count++] = optarg;
	return -1;
}

/** -1: go on; otherwise the exit code. */
static int take_option(int option, struct options *ret, struct given *given, char **argv)
{
	switch (option) {
	case 'r':
		ret->root = optarg;
		return -1;
	case 'j':
		ret->json = true;
		return -1;
	case 'a':
		ret->apply = given->run_option = true;
		return -1;
	case 'd':
		ret->defer_confirm = given->run_option = true;
		return -1;
	case 'p':
		given->run_option = true;
		return jota_phase_parse(optarg, &ret->phase) < 0 ?
			       fail_usage("unknown phase", optarg) :
			       -1;
	case 's':
		ret->slot = optarg;
		given->slot_option = true;
		return strcmp(optarg, "A") != 0 && strcmp(optarg, "B") != 0 ?
			       fail_usage("no slot", optarg) :
			       -1;
	case 't':
		given->slot_option = true;
		return take_path(&ret->target_device);
	case 'k':
		given->preflip_option = true;
		return take_path(&ret->kernel_device);
	case 'u':
		given->preflip_option = true;
		return take_path(&ret->update_dir);
	case 'c':
		given->preflip_option = true;
		return take_path(&ret->anchor);
	case 'I':
	case 'S':
	case 'w':
	case 'e':
		given->tell_option = true;
		return take_tell_option(option, &ret->tell);
	case 'h':
		(void)fputs(usage_text, stdout);
		return EXIT_WELL;
	case 'V':
		(void)puts("jetson-health " VERSION);
		return EXIT_WELL;
	case ':':
		return fail_usage("no value for", argv[optind - 1]);
	default:
		return fail_usage("unknown option", argv[optind - 1]);
	}
}

static int parse_options(int argc, char **argv, struct options *ret, struct given *given)
{
	static const struct option known[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "apply", no_argument, NULL, 'a' },
		{ "defer-confirm", no_argument, NULL, 'd' },
		{ "phase", required_argument, NULL, 'p' },
		{ "slot", required_argument, NULL, 's' },
		{ "target-device", required_argument, NULL, 't' },
		{ "kernel-device", required_argument, NULL, 'k' },
		{ "update-dir", required_argument, NULL, 'u' },
		{ "anchor", required_argument, NULL, 'c' },
		{ "send", no_argument, NULL, 'S' },
		{ "identify", no_argument, NULL, 'I' },
		{ "wait", required_argument, NULL, 'w' },
		{ "suricatta", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		code = take_option(option, ret, given, argv);
		if (code >= 0)
			return code;
	}
	return -1;
}

/** The verb; NULL after a message. */
static const struct verb *parse_verb(int argc, char **argv, const struct options *options,
				     const struct given *given)
{
	const struct verb *verb;
	int words = argc - optind;

	if (words < 1) {
		(void)fprintf(stderr, "jetson-health: no verb; try --help\n");
		return NULL;
	}
	verb = find_verb(argv[optind]);
	if (!verb)
		(void)fail_usage("unknown verb", argv[optind]);
	else if (words > (verb->takes_argument ? 2 : 1))
		(void)fail_usage("too many words after", verb->name);
	else if (options->json && !verb->takes_json)
		(void)fail_usage("--json has no meaning for", verb->name);
	else if ((given->run_option && !verb->takes_run_options) ||
		 (given->slot_option && !verb->takes_run_options && !verb->takes_slot_options))
		(void)fail_usage("only run takes such options, not", verb->name);
	else if (given->preflip_option && !verb->takes_slot_options)
		(void)fail_usage("only preflip takes such options, not", verb->name);
	else if (given->tell_option && !verb->takes_tell_options)
		(void)fail_usage("only attributes takes such options, not", verb->name);
	else if (verb->takes_slot_options && (!options->slot || !options->target_device))
		(void)fail_usage("--slot and --target-device are needed by", verb->name);
	else if (options->defer_confirm && !options->apply)
		(void)fail_usage("--defer-confirm needs --apply after", verb->name);
	else if (options->apply && options->phase != JOTA_PHASE_POSTBOOT)
		(void)fail_usage("--apply has no meaning in phase", jota_phase_name(options->phase));
	else if (given->slot_option && !verb->takes_slot_options &&
		 options->phase != JOTA_PHASE_PREFLIP)
		(void)fail_usage("--slot and --target-device have no meaning in phase",
				 jota_phase_name(options->phase));
	else
		return verb;
	return NULL;
}

int main(int argc, char **argv)
{
	struct options options = { .phase = JOTA_PHASE_POSTBOOT,
				   .tell = { .wait_s = TELL_WAIT_S_DEFAULT } };
	struct given given = { .run_option = false };
	struct jota_err err = { 0 };
	const struct verb *verb;
	struct jota_io io;
	int code;

	code = parse_options(argc, argv, &options, &given);
	if (code >= 0)
		return code;
	verb = parse_verb(argc, argv, &options, &given);
	if (!verb)
		return EXIT_USAGE;
	if (jota_io_init(&io, options.root, &err) < 0)
		code = EXIT_USAGE;
	else
		code = verb->run(&io, &options, optind + 1 < argc ? argv[optind + 1] : NULL, &err);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		(void)fprintf(stderr, "jetson-health: write the output: %s\n", strerror(errno));
		return code == EXIT_WELL ? EXIT_UNREADABLE : code;
	}
	if (err.errnum && code != EXIT_WELL)
		(void)fprintf(stderr, "jetson-health: %s\n", err.msg);
	return code;
}
