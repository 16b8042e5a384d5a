/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Cuts the power before every write and every sync of everything that changes a device, and looks at what is left.
 *
 * Method. A scenario runs once to count its operations. Then, for each operation and each fate of the data that is
 * not synced (kept, dropped, torn), a child process runs the scenario on a fresh board and dies there (disk.h). One
 * more cut comes right after the scenario said that it was done. The parent then asks:
 *   - Is the slot that ran unchanged, and the other one in an order that the writer promises (I1, I3, I4)?
 *   - Does the library read the state from before, from after, or the one between the two stores (I5)? After the
 *     scenario was done: the one from after.
 *   - Does the model of U-Boot boot, the slot that is next, and is that slot complete (I7)?
 *   - Does an update into the other slot succeed now, boot, and get confirmed (I6)?
 */
#include "powercut/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "slot/policy.h"
#include "support/tree_env.h"
#include "update/session.h"

#define STATES_MAX 3
#define SHOWN_MAX 5

/** One scenario under test. */
struct trial {
	struct board *board;
	const struct scenario *scenario;
	const struct mutant *mutant; /* NULL: the real thing */
	const struct trial_options *options;
	struct trial_report *report;		  /* shared with the children */
	struct jota_boot_state state[STATES_MAX]; /* before, between, after */
	size_t state_count;
	char dev[PATH_MAX * 2];
	struct trial_tally tally;
};

static int act(const struct trial *t, struct jota_err *err)
{
	if (t->mutant && t->mutant->act)
		return t->mutant->act(t->board, t->scenario, err);
	return t->scenario->act(t->board, t->scenario, err);
}

/** Run the scenario in a child that dies at an operation. cut_at == number of operations: when it is done. */
static int run_child(struct trial *t, uint32_t cut_at, enum disk_loss loss, uint64_t seed)
{
	const struct disk_plan plan = {
		.folder = t->dev,
		.cut_at = cut_at,
		.loss = loss,
		.seed = seed,
		.defect = t->mutant ? &t->mutant->defect : NULL,
		.trace = &t->report->trace,
	};
	int status = 0;
	pid_t pid;

	t->report->err = (struct jota_err){ 0 };
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		tree_die("fork");
	if (pid == 0) {
		disk_watch(&plan);
		if (act(t, &t->report->err) < 0)
			_exit(EXIT_FAILURE);
		if (cut_at != DISK_NEVER)
			disk_cut();
		_exit(EXIT_SUCCESS);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/** What stood in memory is gone with the power. */
static void forget_run(struct board *b)
{
	static const char *const names[] = { JOTA_REBOOT_PENDING, JOTA_SESSION_LOCK,
					     JOTA_RUN_DIR "/env.lock" };
	char path[PATH_MAX * 2];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tree_path(&b->tree, names[i], path, sizeof(path));
		(void)unlink(path);
	}
}

/** Equal but for the boot id, which is new for each board. */
static bool same_state(const struct jota_boot_state *a, const struct jota_boot_state *b)
{
	return a->factory == b->factory && (a->factory || a->next == b->next) &&
	       a->slot[JOTA_SLOT_A] == b->slot[JOTA_SLOT_A] &&
	       a->slot[JOTA_SLOT_B] == b->slot[JOTA_SLOT_B] &&
	       a->boots_counted == b->boots_counted && a->boot_limit == b->boot_limit &&
	       a->record.has_target == b->record.has_target &&
	       (!a->record.has_target || a->record.target == b->record.target) &&
	       a->record.ustate == b->record.ustate;
}

static bool check_state(const struct trial *t, bool was_done, enum jota_slot *ret_next,
			char why[BOARD_WHY_BYTES])
{
	size_t from = was_done ? t->state_count - 1 : 0;
	struct jota_boot_state now;

	if (!board_load(t->board, &now, why))
		return false;
	*ret_next = now.factory ? t->scenario->running : now.next;
	for (size_t i = from; i < t->state_count; i++) {
		if (same_state(&now, &t->state[i]))
			return true;
	}
	(void)snprintf(why, BOARD_WHY_BYTES, "the stored state is not %s (I5)",
		       was_done ? "the one that was promised" : "one of before, between and after");
	return false;
}

static bool check_slots(const struct trial *t, char why[BOARD_WHY_BYTES])
{
	enum jota_slot running = t->scenario->running;

	if (!board_slot_is_old(t->board, running, why))
		return false;
	if (t->scenario->writes_slot)
		return board_target_is_sound(t->board, jota_slot_other(running), t->scenario->keep,
					     why);
	return board_slot_is_old(t->board, jota_slot_other(running), why);
}

static bool check_boot(struct trial *t, enum jota_slot next, enum jota_slot *ret_slot,
		       char why[BOARD_WHY_BYTES])
{
	const struct scenario *s = t->scenario;

	if (!board_boot(t->board, ret_slot, why))
		return false;
	if (!s->by_firmware && *ret_slot != next) {
		(void)snprintf(why, BOARD_WHY_BYTES, "slot %s booted, but %s is next",
			       jota_slot_name(*ret_slot), jota_slot_name(next));
		return false;
	}
	if (*ret_slot != s->running && s->writes_slot)
		return board_slot_is_new(t->board, *ret_slot, s->keep, why) ||
		       board_slot_is_old(t->board, *ret_slot, why);
	return board_slot_is_old(t->board, *ret_slot, why);
}

static bool confirm(struct board *b, enum jota_slot slot, char why[BOARD_WHY_BYTES])
{
	struct jota_boot_state state;
	struct jota_err err = { 0 };
	int rc;

	rc = jota_transition_apply(&b->tree.io, &b->config, JOTA_DO_CONFIRM, NULL, 0, &state, &err);
	if (rc == JOTA_CHANGE && state.next == slot && state.slot[slot] == JOTA_GOOD)
		return true;
	(void)snprintf(why, BOARD_WHY_BYTES, "slot %s cannot be confirmed: %.300s",
		       jota_slot_name(slot), rc < 0 ? err.msg : "nothing was stored");
	return false;
}

/** The system that came up goes on as it should: confirm, install, boot, confirm. */
static bool check_repair(struct trial *t, enum jota_slot slot, char why[BOARD_WHY_BYTES])
{
	const bool *keep = slot == t->scenario->running ? t->scenario->keep : NULL;
	struct jota_boot_state state;
	struct jota_err err = { 0 };
	enum jota_slot booted;

	if (!board_load(t->board, &state, why))
		return false;
	if (jota_policy_situation(&state, slot) == JOTA_ON_TRIAL && !confirm(t->board, slot, why))
		return false;
	if (board_update(t->board, keep, &err) < 0) {
		(void)snprintf(why, BOARD_WHY_BYTES, "the next update fails: %.300s", err.msg);
		return false;
	}
	if (!board_boot(t->board, &booted, why))
		return false;
	if (booted == slot) {
		(void)snprintf(why, BOARD_WHY_BYTES, "the next update does not boot");
		return false;
	}
	return board_slot_is_new(t->board, booted, keep, why) && confirm(t->board, booted, why);
}

/** Returns true when everything is as it should be. */
static bool cut_once(struct trial *t, uint32_t cut_at, enum disk_loss loss, uint64_t seed,
		     char why[BOARD_WHY_BYTES])
{
	bool was_done = cut_at == t->tally.operations;
	enum jota_slot next = JOTA_SLOT_A, slot;
	int status;

	board_restore(t->board);
	status = run_child(t, cut_at, loss, seed);
	if (status != DISK_EXIT_CUT) {
		(void)snprintf(why, BOARD_WHY_BYTES, "ended with %d before the cut: %.300s", status,
			       t->report->err.msg);
		return false;
	}
	forget_run(t->board);
	if (!check_slots(t, why))
		return false;
	if (!t->scenario->by_firmware && !check_state(t, was_done, &next, why))
		return false;
	if (!check_boot(t, next, &slot, why))
		return false;
	if (slot == t->scenario->running)
		t->tally.same_slot++;
	else
		t->tally.other_slot++;
	return check_repair(t, slot, why);
}

static void violation(struct trial *t, const char *where, const char *why)
{
	if (t->tally.violations++ < SHOWN_MAX)
		(void)printf("  %s: %s: %s\n", t->scenario->name, where, why);
	else if (t->tally.violations == SHOWN_MAX + 1)
		(void)printf("  %s: more violations follow\n", t->scenario->name);
}

static void cut_and_note(struct trial *t, uint32_t cut_at, enum disk_loss loss, uint64_t seed)
{
	char why[BOARD_WHY_BYTES] = "", where[160];

	t->tally.cuts++;
	if (cut_once(t, cut_at, loss, seed, why))
		return;
	(void)snprintf(where, sizeof(where), "cut at %" PRIu32 " (%s), unsynced data %s", cut_at,
		       cut_at < t->tally.operations ? t->report->trace.operation[cut_at] : "done",
		       disk_loss_name(loss));
	violation(t, where, why);
}

static void add_state(struct trial *t)
{
	char why[BOARD_WHY_BYTES];

	if (!board_load(t->board, &t->state[t->state_count], why))
		tree_die("%s: %s", t->scenario->name, why);
	t->state_count++;
}

/** The states that a cut may leave: before, between the two stores of an update, after. False: it fails uncut. */
static bool learn_states(struct trial *t)
{
	struct jota_err err = { 0 };
	struct jota_session *s;
	struct jota_writer *w;

	t->state_count = 0;
	add_state(t);
	if (t->scenario->writes_slot) {
		if (jota_session_open(&t->board->tree.io, &t->board->config, &s, &err) < 0 ||
		    jota_session_image(s, JOTA_ROLE_KERNEL, "x", 4096, NULL, 0, &w, &err) < 0)
			tree_die("%s: %s", t->scenario->name, err.msg);
		jota_session_free(s);
		add_state(t);
		board_restore(t->board);
	}
	if (run_child(t, DISK_NEVER, DISK_KEEPS, 0) != EXIT_SUCCESS)
		return false;
	t->tally.operations = t->report->trace.operations;
	add_state(t);
	return true;
}

static size_t count_variables(const struct scenario *s)
{
	size_t count = 0;

	while (count < SCENARIO_VARIABLES_MAX && s->variable[count])
		count++;
	return count;
}

static void run_trial(struct trial *t)
{
	const struct scenario *s = t->scenario;

	board_prepare(t->board, s->running, s->variable, count_variables(s));
	if (!learn_states(t)) {
		t->tally.cuts++;
		violation(t, "no power cut at all", t->report->err.msg);
		return;
	}
	for (uint32_t at = 0; at <= t->tally.operations; at++) {
		for (int loss = 0; loss < DISK_LOSS_COUNT; loss++) {
			uint64_t rounds = loss == DISK_TEARS ? t->options->tears : 1;

			for (uint64_t i = 0; i < rounds; i++)
				cut_and_note(t, at, (enum disk_loss)loss,
					     t->options->seed * 1000003u + at * 97u + i);
			if (t->options->stop_at_first && t->tally.violations)
				return;
		}
	}
}

struct trial_tally trial_run(struct board *b, const struct scenario *s, const struct mutant *mutant,
			     const struct trial_options *options, struct trial_report *report)
{
	struct trial t = {
		.board = b,
		.scenario = s,
		.mutant = mutant,
		.options = options,
		.report = report,
	};

	tree_path(&b->tree, "/dev", t.dev, sizeof(t.dev));
	run_trial(&t);
	return t.tally;
}
