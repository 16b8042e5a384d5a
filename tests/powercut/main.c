/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* powercut: walks the scenarios (explore.h has the method) and shows what was counted. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "powercut/board.h"
#include "powercut/explore.h"
#include "powercut/scenario.h"
#include "powercut/starts.h"
#include "support/tree_env.h"

#define ROWS_MAX 64
#define JOBS_MAX 64

struct options {
	const char *scenario; /* NULL: all */
	const struct mutant *mutant;
	bool self_test, no_self_test, full, stop;
	uint64_t seed, tears, cuts, jobs;
};

/** One thing to do, and what came out; in memory that the workers share. */
struct row {
	const struct scenario *scenario; /* NULL: the table of starts */
	const struct mutant *mutant;	 /* a defect that must be found */
	struct explore_tally tally;
	bool ended;
};

struct board_of_rows {
	atomic_uint next;
	unsigned count;
	struct row row[ROWS_MAX];
	struct tree tree[JOBS_MAX]; /* of each worker, for when it dies */
};

static struct explore_options make_options(const struct options *o, const struct row *row)
{
	struct explore_options e = {
		.first = { .seed = o->seed, .tears = o->full ? 21 : 8, .env_sectors = 5 },
		.nested = { .seed = o->seed, .tears = o->full ? 2 : 1, .env_sectors = 0 },
		.update_cuts = o->full ? 4 : 3,
		.stop_at_first = o->stop,
	};

	if (o->full)
		e.first.env_sectors = 10;
	if (o->tears)
		e.first.tears = (unsigned)o->tears;
	if (o->cuts)
		e.update_cuts = (unsigned)o->cuts;
	e.pairs = o->full;
	e.mutant = o->mutant;
	if (row->mutant) {
		e.mutant = row->mutant;
		e.update_cuts = 1;
		e.stop_at_first = true;
		e.pairs = false;
	}
	return e;
}

static void run_row(struct board *b, struct row *row, const struct options *o)
{
	struct explore_options e = make_options(o, row);

	if (row->scenario)
		row->tally = explore_scenario(b, row->scenario, &e);
	else
		row->tally = starts_check(b);
	row->ended = true;
}

/* With --stop nothing begins after a violation of the real thing. */
static bool is_over(const struct board_of_rows *rows, const struct options *o)
{
	for (unsigned i = 0; o->stop && i < rows->count; i++) {
		if (rows->row[i].tally.violations && !rows->row[i].mutant)
			return true;
	}
	return false;
}

static void work(struct board_of_rows *rows, struct tree *tree, const struct options *o)
{
	struct board *board = calloc(1, sizeof(*board));
	unsigned i;

	if (!board)
		tree_die("memory");
	/* Blocks of a MiB come and go all the time: keep their pages. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 512 * 1024 * 1024);
	board_make(board);
	*tree = board->tree;
	while (!is_over(rows, o) && (i = atomic_fetch_add(&rows->next, 1)) < rows->count)
		run_row(board, &rows->row[i], o);
	board_remove(board);
	*tree = board->tree;
	free(board);
}

static void interrupt(int number)
{
	(void)number;
}

static void run_rows(struct board_of_rows *rows, const struct options *o)
{
	/* No restart: the wait for a worker ends, the worker is ended, and its files are removed. */
	const struct sigaction action = { .sa_handler = interrupt };
	pid_t pid[JOBS_MAX];
	int status;

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);

	(void)fflush(NULL);
	for (uint64_t i = 0; i < o->jobs; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			tree_die("fork");
		if (pid[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)signal(SIGINT, SIG_DFL);
			(void)signal(SIGTERM, SIG_DFL);
			work(rows, &rows->tree[i], o);
			(void)fflush(NULL);
			_exit(EXIT_SUCCESS);
		}
	}
	/* A worker that dies leaves a row that has not ended. */
	for (uint64_t i = 0; i < o->jobs; i++) {
		while (waitpid(pid[i], &status, 0) < 0 && errno == EINTR)
			(void)kill(pid[i], SIGKILL);
		tree_remove(&rows->tree[i]);
	}
}

static void fill_rows(struct board_of_rows *rows, const struct options *o)
{
	for (size_t i = 0; !o->self_test && i < scenario_count; i++) {
		if (!o->scenario || strcmp(o->scenario, scenarios[i].name) == 0)
			rows->row[rows->count++].scenario = &scenarios[i];
	}
	if (!o->scenario && !o->mutant && !o->self_test)
		rows->row[rows->count++].scenario = NULL;
	for (size_t i = 0; !o->scenario && !o->mutant && !o->no_self_test && i < mutant_count; i++) {
		rows->row[rows->count].scenario = &scenarios[0];
		rows->row[rows->count++].mutant = &mutants[i];
	}
}

static void add_tally(struct explore_tally *sum, const struct explore_tally *t)
{
	sum->points += t->points;
	sum->states += t->states;
	sum->acts += t->acts;
	sum->old_slot += t->old_slot;
	sum->new_slot += t->new_slot;
	sum->violations += t->violations;
	sum->cuts = t->cuts > sum->cuts ? t->cuts : sum->cuts;
	sum->starts = t->starts > sum->starts ? t->starts : sum->starts;
}

static void show_row(const char *name, const struct explore_tally *t, const char *text)
{
	(void)printf("%-12s %4u %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
		     " %6u %10" PRIu32 " %7.1f  %s\n",
		     name, t->cuts, t->points, t->states, t->acts, t->old_slot, t->new_slot,
		     t->starts, t->violations, t->seconds, text);
}

/* Returns the number of failures. */
static unsigned show_scenarios(const struct board_of_rows *rows, double seconds)
{
	struct explore_tally sum = { 0 };
	unsigned failed = 0;

	(void)printf("%-12s %4s %8s %8s %8s %8s %8s %6s %10s %7s  %s\n", "scenario", "cuts",
		     "points", "states", "acts", "old slot", "new slot", "starts", "violations",
		     "seconds", "what runs");
	for (unsigned i = 0; i < rows->count; i++) {
		const struct row *row = &rows->row[i];

		if (row->mutant || !row->scenario)
			continue;
		show_row(row->scenario->name, &row->tally,
			 row->ended ? row->scenario->text : "DID NOT END");
		add_tally(&sum, &row->tally);
		failed += row->tally.violations > 0 || !row->ended;
	}
	sum.seconds = seconds;
	show_row("total", &sum, "");
	return failed;
}

static unsigned show_mutants(const struct board_of_rows *rows)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < rows->count; i++) {
		const struct row *row = &rows->row[i];

		if (!row->mutant)
			continue;
		(void)printf("planted defect %-16s %s (%s)\n", row->mutant->name,
			     row->tally.violations ? "found" : "NOT FOUND", row->mutant->text);
		failed += row->tally.violations == 0;
	}
	return failed;
}

static void show_usage(FILE *out)
{
	(void)fputs(
		"usage: powercut [--scenario NAME] [--mutant NAME] [--self-test | --no-self-test]\n"
		"                [--full] [--stop] [--cuts N] [--tears N] [--seed N] [--jobs N]\n\n"
		"Cuts the power at every write and sync of each scenario, and of what follows each\n"
		"cut; then shows that planted defects are found. Run it in the top directory of\n"
		"the sources.\n\n"
		"  --scenario NAME  only this one, no planted defects\n"
		"  --mutant NAME    with this defect; violations are expected\n"
		"  --self-test      only the planted defects\n"
		"  --full           more torn patterns, and every verb after the first cut\n"
		"  --stop           end at the first violation\n"
		"  --cuts N         at most N cuts on one way of an update (default 3, 4)\n"
		"  --tears N        torn patterns of a partition at the first cut (default 8, 21)\n"
		"  --seed N         of the random ones among them (default 1)\n"
		"  --jobs N         processes (default: processors)\n\nscenarios:\n",
		out);
	for (size_t i = 0; i < scenario_count; i++)
		(void)fprintf(out, "  %-16s %s\n", scenarios[i].name, scenarios[i].text);
	(void)fputs("planted defects:\n", out);
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

/* 0 when the option is fine. */
static int take_option(int option, struct options *o)
{
	switch (option) {
	case 's':
		o->scenario = optarg;
		return is_scenario(optarg) ? 0 : -1;
	case 'm':
		o->mutant = find_mutant(optarg);
		return o->mutant ? 0 : -1;
	case 't':
		o->self_test = true;
		return 0;
	case 'T':
		o->no_self_test = true;
		return 0;
	case 'f':
		o->full = true;
		return 0;
	case 'x':
		o->stop = true;
		return 0;
	case 'c':
		return jota_parse_u64("cuts", optarg, 1, 8, &o->cuts, NULL);
	case 'n':
		return jota_parse_u64("tears", optarg, 1, 21, &o->tears, NULL);
	case 'r':
		return jota_parse_u64("seed", optarg, 0, UINT32_MAX, &o->seed, NULL);
	case 'j':
		return jota_parse_u64("jobs", optarg, 1, JOBS_MAX, &o->jobs, NULL);
	default:
		return -1;
	}
}

/** -1: go on; otherwise the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "mutant", required_argument, NULL, 'm' },
		{ "self-test", no_argument, NULL, 't' },
		{ "no-self-test", no_argument, NULL, 'T' },
		{ "full", no_argument, NULL, 'f' },
		{ "stop", no_argument, NULL, 'x' },
		{ "cuts", required_argument, NULL, 'c' },
		{ "tears", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 'r' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, rc = 0;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		if (option == 'h') {
			show_usage(stdout);
			return EXIT_SUCCESS;
		}
		rc |= take_option(option, o);
	}
	if (rc == 0 && optind == argc)
		return -1;
	show_usage(stderr);
	return 2;
}

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct options o = { .seed = 1,
			     .jobs = processors < 1	   ? 1 :
				     processors > JOBS_MAX ? JOBS_MAX :
							     (uint64_t)processors };
	int code = parse_options(argc, argv, &o);
	struct board_of_rows *rows;
	double start = now_s();
	unsigned failed;

	if (code >= 0)
		return code;
	rows = mmap(NULL, sizeof(*rows), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rows == MAP_FAILED)
		tree_die("mmap");
	fill_rows(rows, &o);
	(void)printf("power cuts, seed %" PRIu64 "; the boot firmware is a model of U-Boot, the "
		     "disk is plain files\n(violations that planted defects cause are expected)\n",
		     o.seed);
	run_rows(rows, &o);
	failed = show_scenarios(rows, now_s() - start);
	failed += show_mutants(rows);
	for (unsigned i = 0; i < rows->count; i++)
		if (!rows->row[i].scenario)
			failed += rows->row[i].tally.violations > 0 || !rows->row[i].ended;
	(void)printf("%u passed, %u failed\n", rows->count - failed, failed);
	code = failed ? EXIT_FAILURE : EXIT_SUCCESS;
	(void)munmap(rows, sizeof(*rows));
	return code;
}
