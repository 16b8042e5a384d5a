/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* powercut: runs the trials (trial.c has the method) and shows what was counted. */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/number.h"
#include "powercut/board.h"
#include "powercut/scenario.h"
#include "powercut/trial.h"
#include "support/tree_env.h"

struct options {
	const char *scenario; /* NULL: all */
	const char *mutant;
	bool self_test;
	struct trial_options trial;
};

static struct trial_tally run_scenarios(struct board *b, const struct mutant *m,
					const struct options *options, struct trial_report *report)
{
	struct trial_tally sum = { 0 };

	(void)printf("%-12s %10s %6s %10s %11s %11s  %s\n", "scenario", "operations", "cuts",
		     "same slot", "other slot", "violations", "what runs");
	for (size_t i = 0; i < scenario_count; i++) {
		const struct scenario *s = &scenarios[i];
		struct trial_tally t;

		if (options->scenario && strcmp(options->scenario, s->name) != 0)
			continue;
		t = trial_run(b, s, m, &options->trial, report);
		(void)printf("%-12s %10" PRIu32 " %6" PRIu32 " %10" PRIu32 " %11" PRIu32
			     " %11" PRIu32 "  %s\n",
			     s->name, t.operations, t.cuts, t.same_slot, t.other_slot, t.violations,
			     s->text);
		sum.cuts += t.cuts;
		sum.violations += t.violations;
	}
	return sum;
}

/** Each mutant must be found in an update. */
static struct trial_tally run_self_test(struct board *b, const struct options *options,
					struct trial_report *report)
{
	struct trial_options hurried = options->trial;
	struct trial_tally sum = { 0 };

	hurried.stop_at_first = true;
	(void)printf(
		"planted defects, each must be found (what is printed above its line found it)\n");
	for (size_t i = 0; i < mutant_count; i++) {
		const struct mutant *m = &mutants[i];
		struct trial_tally t = trial_run(b, &scenarios[0], m, &hurried, report);

		(void)printf("mutant %-16s %s after %" PRIu32 " cuts (%s)\n", m->name,
			     t.violations ? "found" : "NOT FOUND", t.cuts, m->text);
		sum.cuts++;
		sum.violations += !t.violations;
	}
	return sum;
}

static void show_usage(FILE *out)
{
	(void)fputs("usage: powercut [--scenario NAME] [--mutant NAME] [--self-test] [--seed N] "
		    "[--tears N]\n\n"
		    "Cuts the power at every write and sync of each scenario, then shows that the\n"
		    "planted defects are found. Run it in the top directory of the sources.\n\n"
		    "  --scenario NAME  only this one, no mutants\n"
		    "  --mutant NAME    with this defect; violations are expected\n"
		    "  --self-test      only the mutants\n"
		    "  --seed N         of the torn sectors (default 1)\n"
		    "  --tears N        random patterns per operation (default 1)\n\nscenarios:\n",
		    out);
	for (size_t i = 0; i < scenario_count; i++)
		(void)fprintf(out, "  %-16s %s\n", scenarios[i].name, scenarios[i].text);
	(void)fputs("mutants:\n", out);
	for (size_t i = 0; i < mutant_count; i++)
		(void)fprintf(out, "  %-16s %s\n", mutants[i].name, mutants[i].text);
}

static const struct mutant *find_mutant(const char *name)
{
	for (size_t i = 0; i < mutant_count; i++) {
		if (strcmp(mutants[i].name, name) == 0)
			return &mutants[i];
	}
	return NULL;
}

static bool is_scenario(const char *name)
{
	for (size_t i = 0; i < scenario_count; i++) {
		if (strcmp(scenarios[i].name, name) == 0)
			return true;
	}
	return false;
}

/** -1: go on; otherwise the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "mutant", required_argument, NULL, 'm' },
		{ "self-test", no_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 'r' },
		{ "tears", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, rc = 0;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 's':
			o->scenario = optarg;
			rc |= is_scenario(optarg) ? 0 : -1;
			break;
		case 'm':
			o->mutant = optarg;
			rc |= find_mutant(optarg) ? 0 : -1;
			break;
		case 't':
			o->self_test = true;
			break;
		case 'r':
			rc |= jota_parse_u64("seed", optarg, 0, UINT32_MAX, &o->trial.seed, NULL);
			break;
		case 'n':
			rc |= jota_parse_u64("tears", optarg, 1, 1000, &o->trial.tears, NULL);
			break;
		case 'h':
			show_usage(stdout);
			return EXIT_SUCCESS;
		default:
			rc = -1;
		}
	}
	if (rc == 0 && optind == argc)
		return -1;
	show_usage(stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct options options = { .trial = { .seed = 1, .tears = 1 } };
	struct trial_tally cuts = { 0 }, found = { 0 };
	struct trial_report *report;
	struct board board;
	int code = parse_options(argc, argv, &options);

	if (code >= 0)
		return code;
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED)
		tree_die("mmap");
	board_make(&board);
	(void)printf("power cuts, seed %" PRIu64 "; the boot firmware is a model of U-Boot\n",
		     options.trial.seed);
	if (!options.self_test)
		cuts = run_scenarios(&board, options.mutant ? find_mutant(options.mutant) : NULL,
				     &options, report);
	if (!options.scenario && !options.mutant)
		found = run_self_test(&board, &options, report);
	board_remove(&board);
	(void)munmap(report, sizeof(*report));
	(void)printf("%" PRIu32 " passed, %" PRIu32 " failed\n",
		     cuts.cuts - cuts.violations + found.cuts - found.violations,
		     cuts.violations + found.violations);
	return cuts.violations || found.violations ? EXIT_FAILURE : EXIT_SUCCESS;
}
