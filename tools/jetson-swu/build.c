/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-swu build: update.conf becomes a signed .swu. docs/man/jetson-swu.8 is its manual. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/number.h"
#include "build_show.h"
#include "passphrase.h"
#include "swu/build.h"
#include "verbs.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

#define JOBS_MAX 64
#define DAYS_MAX 36500

struct options {
	const char *config, *out, *release, *device_signature;
	struct passphrase_source passphrase;
	bool force, json, quiet, has_margin;
	unsigned margin_days, jobs;
};

static const char usage_text[] =
	"usage: jetson-swu build -c UPDATE.CONF -o UPDATE.SWU [OPTION]...\n"
	"\n"
	"  -c, --config FILE         what goes in and who signs; see jetson-swu.conf(5)\n"
	"  -o, --output FILE         the .swu to make\n"
	"  -f, --force               replace FILE when it exists\n"
	"      --release VERSION     instead of the version in UPDATE.CONF\n"
	"      --passphrase-file F   first line of F is the passphrase or PIN of the keys\n"
	"      --passphrase-env NAME so is this variable; without both a terminal is asked\n"
	"      --device-signature M  cms, rsa or rsa-pss: what the devices verify\n"
	"      --margin DAYS         warn when a certificate has less time left (30)\n"
	"  -j, --jobs N              threads of the compressor (one per processor)\n"
	"      --json                summary as JSON on standard output\n"
	"  -q, --quiet               say nothing but warnings and errors\n"
	"      --help                print this text\n"
	"\n"
	"SOURCE_DATE_EPOCH, when set, is every time that gets into the output.\n"
	"Exit codes: 0 built, 1 refused or failed, 2 wrong usage, 128 + signal when interrupted.\n";

/* Set by the signal's number, so that the shell learns about it. */
static atomic_bool cancelled;
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
	atomic_store(&cancelled, true);
}

static int fail_usage(const char *what, const char *name)
{
	(void)fprintf(stderr, "jetson-swu build: %s '%s'; try --help\n", what, name);
	return EXIT_USAGE;
}

static int take_number(const char *name, const char *text, unsigned min, unsigned max, unsigned *ret)
{
	struct jota_err err = { 0 };
	uint64_t value;

	if (jota_parse_u64(name, text, min, max, &value, &err) < 0) {
		(void)fprintf(stderr, "jetson-swu build: %s\n", err.msg);
		return EXIT_USAGE;
	}
	*ret = (unsigned)value;
	return -1;
}

enum { OPT_RELEASE = 256, OPT_PASS_FILE, OPT_PASS_ENV, OPT_DEVICE, OPT_MARGIN, OPT_JSON, OPT_HELP };

static int take_option(int option, struct options *ret)
{
	switch (option) {
	case 'c':
		ret->config = optarg;
		return -1;
	case 'o':
		ret->out = optarg;
		return -1;
	case 'f':
		ret->force = true;
		return -1;
	case 'q':
		ret->quiet = true;
		return -1;
	case 'j':
		return take_number("--jobs", optarg, 1, JOBS_MAX, &ret->jobs);
	case OPT_RELEASE:
		ret->release = optarg;
		return -1;
	case OPT_PASS_FILE:
		ret->passphrase.file = optarg;
		return -1;
	case OPT_PASS_ENV:
		ret->passphrase.variable = optarg;
		return -1;
	case OPT_DEVICE:
		ret->device_signature = optarg;
		return -1;
	case OPT_MARGIN:
		ret->has_margin = true;
		return take_number("--margin", optarg, 0, DAYS_MAX, &ret->margin_days);
	case OPT_JSON:
		ret->json = true;
		return -1;
	case OPT_HELP:
		(void)fputs(usage_text, stdout);
		return EXIT_DONE;
	default:
		return EXIT_USAGE;
	}
}

/** -1: go on; otherwise the exit code. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },
		{ "release", required_argument, NULL, OPT_RELEASE },
		{ "passphrase-file", required_argument, NULL, OPT_PASS_FILE },
		{ "passphrase-env", required_argument, NULL, OPT_PASS_ENV },
		{ "device-signature", required_argument, NULL, OPT_DEVICE },
		{ "margin", required_argument, NULL, OPT_MARGIN },
		{ "jobs", required_argument, NULL, 'j' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, OPT_HELP },
		{ NULL, 0, NULL, 0 },
	};
	int option, code = -1;

	/* The words before the verb were somebody else's. */
	optind = 0;
	opterr = 0;
	while (code < 0 && (option = getopt_long(argc, argv, ":c:o:fj:qh", known, NULL)) != -1) {
		if (option == ':')
			return fail_usage("no value for", argv[optind - 1]);
		if (option == '?')
			return fail_usage("unknown option", argv[optind - 1]);
		code = take_option(option == 'h' ? OPT_HELP : option, ret);
	}
	if (code >= 0)
		return code;
	if (optind < argc)
		return fail_usage("unexpected word", argv[optind]);
	if (!ret->config || !ret->out)
		return fail_usage("missing option", ret->config ? "-o" : "-c");
	return -1;
}

static int override_recipe(const struct options *o, struct jota_recipe *recipe, struct jota_err *err)
{
	if (o->release) {
		free(recipe->version);
		recipe->version = strdup(o->release);
		if (!recipe->version)
			return jota_fail(err, ENOMEM, "--release");
		if (jota_recipe_check_version(recipe->version, err) < 0)
			return jota_wrap(err, "--release: ");
	}
	if (o->has_margin)
		recipe->signing.margin_days = o->margin_days;
	if (o->device_signature) {
		if (jota_sign_method_parse(o->device_signature, &recipe->device_signature) < 0)
			return jota_fail(err, EINVAL,
					 "--device-signature '%.40s' is not known, there are: cms, "
					 "rsa, rsa-pss.",
					 o->device_signature);
		recipe->has_device_signature = true;
	}
	return 0;
}

static int read_epoch(int64_t *ret, struct jota_err *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t value;
	int rc;

	*ret = -1;
	if (!text || text[0] == '\0')
		return 0;
	/* Above it neither cpio nor ext4 has room. */
	rc = jota_parse_u64("SOURCE_DATE_EPOCH", text, 0, UINT32_MAX, &value, err);
	if (rc == 0)
		*ret = (int64_t)value;
	return rc;
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction before;

		/* nohup and shells in the background ignore some on purpose. */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &action, NULL);
	}
}

static unsigned count_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (unsigned)n;
}

/* Who is asked and told while the library works. */
struct talk {
	const struct passphrase_source *passphrase;
	struct build_show *show;
};

static int ask(void *ctx, const char *what, char *buf, size_t buf_bytes, struct jota_err *err)
{
	const struct talk *talk = ctx;

	build_show_end(talk->show);
	return passphrase_get(talk->passphrase, what, buf, buf_bytes, err);
}

static void warn(void *ctx, const char *sentence)
{
	const struct talk *talk = ctx;

	build_show_warning(talk->show, sentence);
}

static int build(const struct options *o, struct jota_recipe *recipe, struct build_show *show,
		 struct jota_err *err)
{
	struct talk talk = { .passphrase = &o->passphrase, .show = show };
	struct jota_build b = {
		.recipe = recipe,
		.out_path = o->out,
		.force = o->force,
		.workers = o->jobs ? o->jobs : count_processors(),
		.talk = { .ask = ask, .warn = warn, .ctx = &talk, .cancel = &cancelled },
		.progress = build_show_progress,
		.progress_ctx = show
	};
	struct jota_build_report report;
	struct jota_io io;
	int rc = jota_io_init(&io, "/", err);

	if (rc == 0)
		rc = read_epoch(&b.epoch_s, err);
	if (rc == 0)
		rc = override_recipe(o, recipe, err);
	if (rc < 0)
		return rc;
	b.io = &io;
	rc = jota_build_run(&b, &report, err);
	build_show_end(show);
	if (rc < 0)
		return rc;
	rc = build_show_report(show, o->out, recipe, &report, err);
	jota_build_report_done(&report);
	return rc;
}

int verb_build(int argc, char **argv)
{
	struct options options = { .passphrase = { .cancel = &cancelled } };
	struct jota_recipe recipe = { 0 };
	struct build_show show = { 0 };
	struct jota_err err = { 0 };
	int code = parse_options(argc, argv, &options);
	int rc;

	if (code >= 0)
		return code;
	catch_signals();
	build_show_start(&show, options.json, options.quiet);
	rc = jota_recipe_read(options.config, &recipe, &err);
	if (rc == 0) {
		rc = build(&options, &recipe, &show, &err);
		jota_recipe_done(&recipe);
	}
	build_show_done(&show);
	if (rc == 0)
		return EXIT_DONE;
	(void)fprintf(stderr, "jetson-swu build: %s\n", err.msg);
	return caught ? 128 + (int)caught : EXIT_REFUSED;
}
