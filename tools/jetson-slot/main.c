/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-slot: look at the slots of a device and change what boots next. docs/man/jetson-slot.8 is its manual. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/io.h"
#include "doctor.h"
#include "history.h"
#include "report.h"
#include "slot/blockdev.h"
#include "slot/config.h"
#include "slot/evidence.h"
#include "slot/policy.h"
#include "update/history.h"
#include "update/session.h"

#define VERSION "0.1.0"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREADABLE = 3, EXIT_GIVEN_UP = 4 };

struct options {
	const char *root; /* NULL: JOTA_ROOT, else "/" */
	bool json, last_failure;
};

struct verb {
	const char *name;
	const char *argument; /* NULL: takes none */
	bool takes_json;
	int (*run)(const struct jota_io *io, const struct options *options, const char *argument,
		   struct jota_err *err);
};

static const char usage_text[] =
	"usage: jetson-slot [--root PREFIX] VERB\n"
	"\n"
	"  info [--json]  slots, what runs, what boots next, what is wrong\n"
	"  get-slot       print the letter of the running slot\n"
	"  switch A|B     boot that slot next, on trial; the running one: take back a flip\n"
	"  mark-success   the running slot is good: end its trial\n"
	"  count-boot     count this boot of a slot on trial, where the boot chain does not\n"
	"  history [--last-failure] [--json]\n"
	"                 what became of the updates, or the evidence of the last trial that failed\n"
	"  doctor [--json]\n"
	"                 would a trial that hangs end by itself? settings, watchdog, units\n"
	"\n"
	"  --root PREFIX  read and write below this directory (default: $JOTA_ROOT, else /)\n"
	"  --help         print this text\n"
	"  --version      print the version\n"
	"\n"
	"Exit codes: 0 done, 1 refused, 2 wrong usage, 3 unreadable or contradictory,\n"
	"4 count-boot gave the running slot up: reboot.\n";

/** What the caller may decide about is "refused"; a device that cannot be understood is not. */
static int exit_code_of(int rc)
{
	switch (-rc) {
	case EBUSY:
	case EPERM:
	case ESTALE:
	case ENOTSUP:
		return EXIT_REFUSED;
	default:
		return EXIT_UNREADABLE;
	}
}

static int run_info(const struct jota_io *io, const struct options *options, const char *argument,
		    struct jota_err *err)
{
	struct report report;
	int rc;

	(void)argument;
	if (report_gather(io, &report, err) < 0)
		return EXIT_UNREADABLE;
	if (options->json) {
		rc = report_show_json(&report, stdout, err);
		if (rc < 0)
			return exit_code_of(rc);
	} else {
		report_show_table(&report, stdout);
	}
	if (!report.error.errnum)
		return EXIT_DONE;
	*err = report.error;
	return EXIT_UNREADABLE;
}

static int run_get_slot(const struct jota_io *io, const struct options *options,
			const char *argument, struct jota_err *err)
{
	struct jota_blockdevs devs = { 0 };
	struct jota_evidence evidence = { 0 };
	struct jota_config config;
	int rc;

	(void)options;
	(void)argument;
	rc = jota_config_read(io, &config, err);
	if (rc < 0)
		return EXIT_UNREADABLE;
	rc = jota_blockdevs_read(io, &devs, err);
	if (rc == 0)
		rc = jota_evidence_read(io, config.layout, &devs, &evidence, err);
	jota_blockdevs_done(&devs);
	if (rc < 0)
		return EXIT_UNREADABLE;
	(void)puts(jota_slot_name(evidence.running));
	return EXIT_DONE;
}

/** Returns JOTA_KEEP, JOTA_CHANGE, or a negative exit code. */
static int apply(const struct jota_io *io, enum jota_transition what,
		 struct jota_boot_state *ret_new, struct jota_err *err)
{
	struct jota_config config;
	int rc;

	if (jota_config_read(io, &config, err) < 0)
		return -EXIT_UNREADABLE;
	rc = jota_transition_apply(io, &config, what, NULL, 0, ret_new, err);
	return rc < 0 ? -exit_code_of(rc) : rc;
}

/* Best effort: the change is made, and its history must not make it look failed. */
static void note(const struct jota_io *io, const char *what, const char *slot, const char *flip)
{
	const struct jota_event event = {
		.what = what, .slot = slot, .detail = "jetson-slot", .flip = flip
	};
	struct jota_err err = { 0 };
	char dir[PATH_MAX];

	jota_history_dir(io, dir, sizeof(dir));
	if (jota_history_add(io, dir, &event, &err) < 0)
		(void)fprintf(stderr, "jetson-slot: warning, the history is not kept: %s\n",
			      err.msg);
}

static int run_switch(const struct jota_io *io, const struct options *options, const char *argument,
		      struct jota_err *err)
{
	struct jota_boot_state state;
	enum jota_slot to;
	int verdict;

	(void)options;
	if (jota_slot_parse(argument, &to) < 0) {
		(void)jota_fail(err, EINVAL, "'%s' is no slot; expected A or B.", argument);
		return EXIT_USAGE;
	}
	verdict = apply(io, to == JOTA_SLOT_A ? JOTA_DO_SWITCH_A : JOTA_DO_SWITCH_B, &state, err);
	if (verdict < 0)
		return -verdict;
	if (verdict == JOTA_CHANGE)
		note(io, "switched", jota_slot_name(state.next), NULL);
	(void)printf("slot %s boots next%s%s\n", jota_slot_name(state.next),
		     state.slot[state.next] == JOTA_TRIAL ? ", on trial" : "",
		     verdict == JOTA_KEEP ? " (nothing changed)" : "");
	return EXIT_DONE;
}

static int run_mark_success(const struct jota_io *io, const struct options *options,
			    const char *argument, struct jota_err *err)
{
	struct jota_boot_state state;
	int verdict;

	(void)options;
	(void)argument;
	verdict = apply(io, JOTA_DO_CONFIRM, &state, err);
	if (verdict < 0)
		return -verdict;
	(void)jota_io_replace_file(io, JOTA_CONFIRMED, "", 0, NULL);
	if (verdict == JOTA_CHANGE)
		note(io, "confirmed", jota_slot_name(state.next), NULL);
	(void)printf("the running slot is good%s\n",
		     verdict == JOTA_KEEP ? " (nothing changed)" : "");
	return EXIT_DONE;
}

/* For an early unit. Only a board whose firmware does not count has something to do here. */
static int run_count_boot(const struct jota_io *io, const struct options *options,
			  const char *argument, struct jota_err *err)
{
	struct jota_boot_state state;
	struct jota_config config;
	int rc;

	(void)options;
	(void)argument;
	if (jota_config_read(io, &config, err) < 0)
		return EXIT_UNREADABLE;
	rc = jota_count_boot(io, &config, &state, err);
	if (rc < 0)
		return exit_code_of(rc);
	if (rc == JOTA_COUNT_NONE) {
		(void)puts("no boot is to be counted");
	} else if (rc == JOTA_COUNT_DONE) {
		(void)printf("boot %u of %u of the slot on trial\n", state.boots_counted,
			     state.boot_limit);
	} else {
		note(io, "rolled-back", jota_slot_name(jota_slot_other(state.next)),
		     state.record.boot_id);
		(void)jota_fail(err, EPERM,
				"the running slot was booted more than %u times and not confirmed: "
				"slot %s boots next, reboot now.",
				state.boot_limit, jota_slot_name(state.next));
		return EXIT_GIVEN_UP;
	}
	return EXIT_DONE;
}

static int run_history(const struct jota_io *io, const struct options *options,
		       const char *argument, struct jota_err *err)
{
	int r;

	(void)argument;
	r = options->last_failure ? failure_show(io, options->json, stdout, err) :
				    history_show(io, options->json, stdout, err);
	if (r == -ENOENT)
		return EXIT_REFUSED;
	return r < 0 ? EXIT_UNREADABLE : EXIT_DONE;
}

static int run_doctor(const struct jota_io *io, const struct options *options, const char *argument,
		      struct jota_err *err)
{
	size_t bad = 0;

	(void)argument;
	if (doctor_show(io, options->json, stdout, &bad, err) < 0)
		return EXIT_UNREADABLE;
	if (bad == 0)
		return EXIT_DONE;
	(void)jota_fail(err, EPERM, "%zu of these findings could leave a device without help.", bad);
	return EXIT_REFUSED;
}

static const struct verb verbs[] = {
	{ "info", NULL, true, run_info },
	{ "get-slot", NULL, false, run_get_slot },
	{ "switch", "A|B", false, run_switch },
	{ "mark-success", NULL, false, run_mark_success },
	{ "count-boot", NULL, false, run_count_boot },
	{ "history", NULL, true, run_history },
	{ "doctor", NULL, true, run_doctor },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static int fail_usage(const char *what, const char *name)
{
	(void)fprintf(stderr, "jetson-slot: %s '%s'; try --help\n", what, name);
	return EXIT_USAGE;
}

/** -1: go on; otherwise the exit code. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option known[] = {
		{ "root", required_argument, NULL, 'r' },   { "json", no_argument, NULL, 'j' },
		{ "last-failure", no_argument, NULL, 'l' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },	    { NULL, 0, NULL, 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		switch (option) {
		case 'r':
			ret->root = optarg;
			break;
		case 'j':
			ret->json = true;
			break;
		case 'l':
			ret->last_failure = true;
			break;
		case 'h':
			(void)fputs(usage_text, stdout);
			return EXIT_DONE;
		case 'V':
			(void)puts("jetson-slot " VERSION);
			return EXIT_DONE;
		case ':':
			return fail_usage("no value for", argv[optind - 1]);
		default:
			return fail_usage("unknown option", argv[optind - 1]);
		}
	}
	return -1;
}

/** The verb and its argument; NULL after a message. */
static const struct verb *parse_verb(int argc, char **argv, const struct options *options)
{
	const struct verb *verb;
	int words = argc - optind;

	if (words < 1) {
		(void)fprintf(stderr, "jetson-slot: no verb; try --help\n");
		return NULL;
	}
	verb = find_verb(argv[optind]);
	if (!verb)
		(void)fail_usage("unknown verb", argv[optind]);
	else if (verb->argument && words < 2)
		(void)fail_usage("no slot for", verb->name);
	else if (words > (verb->argument ? 2 : 1))
		(void)fail_usage("too many words after", verb->name);
	else if (options->json && !verb->takes_json)
		(void)fail_usage("--json has no meaning for", verb->name);
	else if (options->last_failure && verb->run != run_history)
		(void)fail_usage("--last-failure has no meaning for", verb->name);
	else
		return verb;
	return NULL;
}

int main(int argc, char **argv)
{
	struct options options = { .root = NULL };
	struct jota_err err = { 0 };
	const struct verb *verb;
	struct jota_io io;
	int code;

	code = parse_options(argc, argv, &options);
	if (code >= 0)
		return code;
	verb = parse_verb(argc, argv, &options);
	if (!verb)
		return EXIT_USAGE;
	if (jota_io_init(&io, options.root, &err) < 0)
		code = EXIT_USAGE;
	else
		code = verb->run(&io, &options, verb->argument ? argv[optind + 1] : NULL, &err);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		(void)fprintf(stderr, "jetson-slot: write the output: %s\n", strerror(errno));
		return EXIT_UNREADABLE;
	}
	if (code != EXIT_DONE) {
		char text[JOTA_ERR_MSG_BYTES];

		report_clean(err.msg, text, sizeof(text));
		(void)fprintf(stderr, "jetson-slot: %s\n", text);
	}
	return code;
}
