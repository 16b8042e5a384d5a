/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "powercut/explore_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "powercut/envview.h"
#include "support/tree_env.h"

static bool is_over(const struct explorer *e)
{
	return e->options->stop_at_first && e->tally.violations > 0;
}

static void describe_cut(const struct explorer *e, const struct crash_point *p, char *buf,
			 size_t buf_bytes)
{
	const char *act = act_name(e->judge.act);
	const struct disk_operation *op;

	if (p->operation == CRASH_BEFORE_ANY) {
		(void)snprintf(buf, buf_bytes, "%s cut at its start", act);
		return;
	}
	op = &e->log.operation[p->operation];
	(void)snprintf(buf, buf_bytes, "%s cut after %u %s %s+%llu, %s", act, p->operation,
		       op->is_sync ? "sync" : "write", disk_file_name(op->file),
		       (unsigned long long)op->offset_bytes, p->fate);
}

static void visit_cut(void *ctx, const struct world *w, const struct crash_point *point)
{
	struct explorer *e = ctx;
	const struct node *from = &e->node[e->from];
	struct node n = {
		.world = *w,
		.running = OFF,
		.phase = (uint8_t)e->phase,
		.cuts = (uint8_t)(from->cuts + 1),
		.starts = from->starts,
		.was_cut = true,
		.parent = e->from,
	};
	char why[BOARD_WHY_BYTES] = "";

	if (is_over(e))
		return;
	describe_cut(e, point, n.how, sizeof(n.how));
	/* A new trial starts new. */
	if (!env_view_of(w->content[BOARD_ENV_FILE])->on_trial ||
	    (e->judge.act != ACT_BOOT && env_view_of(w->content[BOARD_ENV_FILE])->bootcount == 0))
		n.starts = 0;
	if (!judge_point(&e->judge, w, point, why))
		explore_violation(e, e->from, n.how, why);
	else
		(void)explore_enter(e, &n);
}

/* Promises about the log, then every cut in it. */
static bool cut_everywhere(struct explorer *e, uint32_t number, enum act act, enum phase phase)
{
	const struct crash_options *how = e->node[number].cuts ? &e->options->nested :
								 &e->options->first;
	char why[BOARD_WHY_BYTES] = "";

	e->from = number;
	e->phase = phase;
	e->judge = (struct judge){
		.board = e->board,
		.scenario = e->scenario,
		.act = act,
		.running = e->node[number].running == OFF ? JOTA_SLOT_A :
							    (enum jota_slot)e->node[number].running,
		.before = e->node[number].world,
	};
	if (!judge_begin(&e->judge, &e->log, why)) {
		explore_violation(e, number, act_name(act), why);
		return false;
	}
	if (e->node[number].cuts < (phase == STRAYED ? PAIR_CUTS : e->cuts_max))
		e->tally.points += crash_visit_all(&e->judge.before, &e->log, how, visit_cut, e);
	return true;
}

static struct node after_act(const struct explorer *e, uint32_t number, enum act act)
{
	const struct node *from = &e->node[number];
	struct node n = {
		.world = crash_replay(&from->world, &e->log),
		.running = from->running,
		.phase = from->phase,
		.cuts = from->cuts,
		.parent = number,
	};

	if (act == ACT_CONFIRM || act == ACT_ACKNOWLEDGE)
		n.starts = from->starts;
	if (!env_view_of(n.world.content[BOARD_ENV_FILE])->on_trial)
		n.starts = 0;
	(void)snprintf(n.how, sizeof(n.how), "%s", act_name(act));
	return n;
}

static void boot(struct explorer *e, uint32_t number)
{
	struct node *from = &e->node[number];
	char why[BOARD_WHY_BYTES] = "";
	enum jota_slot slot = JOTA_SLOT_A;
	unsigned starts = from->starts;
	struct node n;
	bool up;

	board_load_off(e->board, &from->world);
	disk_watch(&e->log, NULL);
	up = board_boot(e->board, &slot, why);
	disk_unwatch();
	e->tally.acts++;
	n = after_act(e, number, ACT_BOOT);
	board_adopt(e->board, &n.world);
	if (!up || !judge_boot(e->board, e->scenario, &from->world, &n.world, slot, &starts, why)) {
		explore_violation(e, number, "boot", why);
		return;
	}
	if (from->was_cut && slot == e->scenario->running)
		e->tally.old_slot++;
	else if (from->was_cut)
		e->tally.new_slot++;
	e->tally.starts = starts > e->tally.starts ? starts : e->tally.starts;
	if (!cut_everywhere(e, number, ACT_BOOT, (enum phase)from->phase))
		return;
	n.running = (int8_t)slot;
	n.starts = (uint8_t)starts;
	(void)snprintf(n.how, sizeof(n.how), "boot of %s", jota_slot_name(slot));
	starts = explore_enter(e, &n);
	e->node[number].next = starts;
}

static int run_act(struct explorer *e, enum act act, struct jota_err *err)
{
	const struct mutant *m = e->options->mutant;
	int rc;

	disk_watch(&e->log, m ? &m->defect : NULL);
	if (act == ACT_UPDATE && m && m->update)
		rc = m->update(e->board, e->scenario, err);
	else
		rc = scenario_run(e->scenario, e->board, act, err);
	disk_unwatch();
	e->tally.acts++;
	return rc;
}

/* The same transition at once again: kept, and nothing is written (I6). */
static void repeat(struct explorer *e, uint32_t number, enum act act)
{
	struct jota_err err = { 0 };
	int rc;

	if (act == ACT_UPDATE)
		return;
	rc = run_act(e, act, &err);
	if (rc != JOTA_KEEP || e->log.count > 0)
		explore_violation(e, number, act_name(act),
				  rc < 0 ? err.msg : "repeated, it is not kept (I6)");
}

/* Something that runs on the device. `stray`: nobody said that it has to succeed, but refused means untouched. */
static void operate(struct explorer *e, uint32_t number, enum act act, bool stray)
{
	struct jota_err err = { 0 };
	struct node n;
	int rc;

	board_load(e->board, &e->node[number].world, (enum jota_slot)e->node[number].running);
	rc = run_act(e, act, &err);
	n = after_act(e, number, act);
	board_adopt(e->board, &n.world);
	if (rc < 0 && stray && e->log.count == 0)
		return;
	if (rc < 0 || (rc == JOTA_KEEP && act != ACT_UPDATE && !stray)) {
		explore_violation(e, number, act_name(act), rc < 0 ? err.msg : "nothing was stored");
		return;
	}
	if (stray)
		n.phase = STRAYED;
	if (!cut_everywhere(e, number, act, (enum phase)n.phase) || is_over(e))
		return;
	rc = (int)explore_enter(e, &n);
	if (!stray)
		e->node[number].next = (uint32_t)rc;
	board_load(e->board, &n.world, (enum jota_slot)n.running);
	repeat(e, number, act);
}

/* The device goes on as it should: a whole update into the other slot, boot, confirmation. */
static void check_repair(struct explorer *e, uint32_t number)
{
	enum jota_slot slot = (enum jota_slot)e->node[number].running;
	struct world w = e->node[number].world;
	char why[BOARD_WHY_BYTES] = "";
	struct jota_err err = { 0 };
	enum jota_slot booted = slot;

	board_load(e->board, &w, slot);
	if (run_act(e, ACT_UPDATE, &err) < 0) {
		explore_violation(e, number, "the update after it", err.msg);
		return;
	}
	w = crash_replay(&w, &e->log);
	board_adopt(e->board, &w);
	disk_watch(&e->log, NULL);
	if (!board_boot(e->board, &booted, why) || booted == slot) {
		disk_unwatch();
		explore_violation(e, number, "the update after it", why[0] ? why : "does not boot");
		return;
	}
	disk_unwatch();
	w = crash_replay(&w, &e->log);
	if (!board_slot_new(e->board, &w, booted, e->scenario->keep))
		explore_violation(e, number, "the update after it", "is not what was installed");
	board_load(e->board, &w, booted);
	if (run_act(e, ACT_CONFIRM, &err) != JOTA_CHANGE)
		explore_violation(e, number, "the update after it",
				  err.msg[0] ? err.msg : "is not confirmed");
	w = crash_replay(&w, &e->log);
	board_adopt(e->board, &w);
}

static void stray(struct explorer *e, uint32_t number)
{
	for (int act = 0; act < ACT_VERBS && !is_over(e); act++)
		operate(e, number, (enum act)act, true);
}

static void go_on(struct explorer *e, uint32_t number)
{
	struct jota_boot_state state;
	struct jota_err err = { 0 };
	struct node n = e->node[number];
	enum act act;

	if (n.running == OFF) {
		boot(e, number);
		return;
	}
	board_load(e->board, &n.world, (enum jota_slot)n.running);
	if (board_state(e->board, &state, &err) < 0) {
		explore_violation(e, number, "load", err.msg);
		return;
	}
	act = scenario_next(e->scenario, e->board, &n.world, (enum jota_slot)n.running, &state);
	if (e->scenario->updates_at_once && number == 0)
		act = ACT_UPDATE;
	if (act == ACT_DONE) {
		e->node[number].is_done = true;
		check_repair(e, number);
	} else if (act == ACT_BOOT) {
		n.running = OFF;
		n.parent = number;
		n.was_cut = false;
		(void)snprintf(n.how, sizeof(n.how), "reboot");
		n.next = explore_enter(e, &n);
		e->node[number].next = n.next;
	} else {
		operate(e, number, act, false);
	}
	if (e->options->pairs && n.phase == NATURAL && n.cuts <= 1)
		stray(e, number);
}

/* The uncut ways form a graph with one edge from each node: each must end where the goal is. */
static void check_ways(struct explorer *e)
{
	for (uint32_t i = 0; i < e->seen.count; i++) {
		uint32_t at = i, steps = 0;

		while (at != NONE && !e->node[at].is_done && steps++ < 64)
			at = e->node[at].next;
		if (at == NONE || !e->node[at].is_done)
			explore_violation(e, i, "without further cuts", "the goal is not reached");
	}
}

static void walk(struct explorer *e)
{
	const struct scenario *s = e->scenario;
	struct node first = { .running = s->is_off ? OFF : (int8_t)s->running, .parent = NONE };
	uint32_t number;
	size_t count = 0;

	while (count < SCENARIO_VARIABLES_MAX && s->variable[count])
		count++;
	first.world = board_factory(e->board, s->variable, count, s->serial ? s->serial : 1);
	(void)snprintf(first.how, sizeof(first.how), "start");
	(void)explore_enter(e, &first);
	while (!is_over(e) && explore_next(e, &number))
		go_on(e, number);
	e->tally.states = e->seen.count;
	if (e->tally.violations == 0)
		check_ways(e);
}

struct explore_tally explore_scenario(struct board *b, const struct scenario *s,
				      const struct explore_options *options)
{
	struct explorer *e = calloc(1, sizeof(*e));
	struct timespec from, to;
	struct explore_tally tally;

	if (!e)
		tree_die("memory");
	*e = (struct explorer){ .board = b, .scenario = s, .options = options };
	e->cuts_max = s->goal == GOAL_INSTALL ? options->update_cuts : EXPLORE_CUTS_ANY;
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	walk(e);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	e->tally.seconds =
		(double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	tally = e->tally;
	explore_done(e);
	free(e);
	return tally;
}
