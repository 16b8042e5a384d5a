/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The uefi backend under power cuts, against a fake efivarfs and a model of the firmware.
 *
 * Method: this program has its own pwrite and unlink; those on the variables are events, and each is atomic, as SetVariable is. A child makes one
 * store and dies before its k-th event, for every k until it lives. The parent loads, boots the model, and lets the device live on: with an image
 * that works, one that dies before user space, and one that comes up, is never confirmed and always loses its power.
 */
/* syscall is an extension. */
#define _GNU_SOURCE

#include "slot/uefi_fake.h"

#include "models/l4t_model.h"
#include "support/run.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#define A JOTA_SLOT_A
#define B JOTA_SLOT_B
#define DIED 42
#define TRIES 3u
#define BOOTS_MAX 16

enum image { WORKS, DIES_EARLY, NEVER_CONFIRMED };

static struct {
	struct uefi_fake f;
	struct l4t_machine m;
	bool complete[JOTA_SLOT_COUNT]; /* what is in the partitions */
	enum image image;		/* what an update brings */
	int boots;
	char boot_id[37];
} w;

static struct {
	bool armed;
	int events, die_at;
} power;

static void count_event(void)
{
	if (power.armed && ++power.events == power.die_at)
		_exit(DIED);
}

/* Lock files are written too; only what lies in the fake is an event. */
static bool is_variable(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strstr(path, "/efivars/") != NULL;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (power.armed && is_variable(fd))
		count_event();
	return syscall(SYS_pwrite64, fd, data, len, at);
}

int unlink(const char *path)
{
	if (strstr(path, "/efivars/"))
		count_event();
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static void boot(bool cold)
{
	ck_assert_msg(l4t_machine_boot(&w.m, cold) == L4T_BOOTED, "the firmware boots no slot");
	ck_assert_msg(w.complete[w.m.slot], "slot %u was booted, but is not complete", w.m.slot);
	(void)snprintf(w.boot_id, sizeof(w.boot_id), "00000000-0000-0000-0000-%012d", ++w.boots);
}

/* A board as flashed. */
static void reset_world(void)
{
	memset(&power, 0, sizeof(power));
	fake_reset(&w.f);
	w.boots = 0;
	w.complete[B] = false;
	l4t_machine_init(&w.m, w.f.dir);
	w.complete[A] = true;
	boot(true);
}

static void setup(void)
{
	memset(&w, 0, sizeof(w));
	fake_make(&w.f);
	reset_world();
}

static void teardown(void)
{
	power.armed = false;
	fake_remove(&w.f);
}

static enum jota_slot running(void)
{
	return (enum jota_slot)w.m.slot;
}

/* One verb of the policy, of the state that is stored. */
typedef int (*verb_fn)(const struct jota_boot_state *cur, struct jota_boot_state *want);

static int do_begin(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	enum jota_slot target;

	return jota_policy_begin(cur, running(), want, &target, &w.f.err);
}

static int do_flip(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	return jota_policy_flip(cur, running(), jota_slot_other(running()), TRIES, w.boot_id, want,
				&w.f.err);
}

static int do_confirm(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	return jota_policy_confirm(cur, running(), want, &w.f.err);
}

static int do_roll_back(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	return jota_policy_rollback(cur, running(), want, &w.f.err);
}

static int do_cancel(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	return jota_policy_cancel(cur, running(), want, &w.f.err);
}

static int do_switch(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	return jota_policy_switch(cur, running(), jota_slot_other(running()), TRIES, w.boot_id,
				  want, &w.f.err);
}

static int do_conclude(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	return jota_policy_conclude(cur, running(), w.boot_id, want, &w.f.err);
}

static int do_acknowledge(const struct jota_boot_state *cur, struct jota_boot_state *want)
{
	return jota_policy_acknowledge(cur, running(), want, &w.f.err);
}

static void apply(verb_fn verb)
{
	struct jota_boot_state cur = fake_load(&w.f), want;
	int r = verb(&cur, &want);

	ck_assert_msg(r >= 0, "%s", w.f.err.msg);
	if (r == JOTA_CHANGE)
		fake_store(&w.f, &want);
}

/* Every point from which a store starts. */
static void at_factory(void)
{
}

/* Somebody asked for a slot that is not there, and the firmware is not going to do it because of a status. */
static void at_void_request(void)
{
	l4t_machine_set(&w.m, "BootChainFwStatus", 7, 3);
	l4t_machine_set(&w.m, "BootChainFwNext", 7, 1);
}

static void at_begun(void)
{
	apply(do_begin);
	/* Erased, written, verified. */
	w.complete[jota_slot_other(running())] = true;
}

static void at_pending(void)
{
	at_begun();
	apply(do_flip);
}

static void at_trial(void)
{
	at_pending();
	boot(false);
	ck_assert_int_eq(running(), B);
	ck_assert_int_eq(jota_backend_count_boot(w.f.backend, w.boot_id, &w.f.err), 0);
}

static void at_second_boot(void)
{
	at_trial();
	boot(false);
}

static void at_confirmed(void)
{
	at_trial();
	l4t_machine_verify(&w.m);
	apply(do_confirm);
}

static void at_given_up(void)
{
	at_trial();
	apply(do_roll_back);
	boot(false);
	ck_assert_int_eq(running(), A);
}

static void at_switched(void)
{
	at_confirmed();
	apply(do_switch);
}

static void at_fallen_back(void)
{
	at_trial();
	for (int i = 0; i < 3; i++)
		boot(false);
	ck_assert_int_eq(running(), A);
}

static const struct {
	const char *name;
	void (*start)(void);
	verb_fn verb; /* NULL: count the boot */
	int writes;   /* that a whole store takes: none is there for nothing */
} stores[] = {
	{ "begin, factory", at_factory, do_begin, 2 },
	{ "begin, void request", at_void_request, do_begin, 4 },
	{ "begin, confirmed", at_confirmed, do_begin, 2 },
	{ "begin, flip pending", at_pending, do_begin, 4 },
	{ "begin, switch pending", at_switched, do_begin, 4 },
	{ "flip", at_begun, do_flip, 4 },
	{ "confirm", at_trial, do_confirm, 2 },
	{ "roll back", at_trial, do_roll_back, 5 },
	{ "cancel a flip", at_pending, do_cancel, 4 },
	{ "cancel a switch", at_switched, do_cancel, 3 },
	{ "switch", at_confirmed, do_switch, 3 },
	{ "count", at_second_boot, NULL, 1 },
	{ "conclude", at_fallen_back, do_conclude, 2 },
	{ "acknowledge, given up", at_given_up, do_acknowledge, 2 },
	{ "acknowledge, confirmed", at_confirmed, do_acknowledge, 1 },
};
#define FLIP 5 /* in stores[] */
#define STORE_COUNT (sizeof(stores) / sizeof(stores[0]))

static void store_and_die(int i, const struct jota_boot_state *cur,
			  const struct jota_boot_state *want)
{
	int r;

	power.armed = true;
	if (stores[i].verb)
		r = jota_backend_store(w.f.backend, cur, want, NULL, 0, &w.f.err);
	else
		r = jota_backend_count_boot(w.f.backend, w.boot_id, &w.f.err);
	_exit(r == 0 ? 0 : 96);
}

/* True when the store came to its end. */
static bool store_in_child(int i, const struct jota_boot_state *cur,
			   const struct jota_boot_state *want, int die_at)
{
	int status;
	pid_t child;

	power.die_at = die_at;
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		store_and_die(i, cur, want);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_msg(WEXITSTATUS(status) == DIED || WEXITSTATUS(status) == 0, "'%s' ended with %d",
		      stores[i].name, WEXITSTATUS(status));
	return WEXITSTATUS(status) == 0;
}

/* The contract: the old state, the new one, or one in which the firmware boots what it booted before. */
static void expect_contract(const struct jota_boot_state *cur, const struct jota_boot_state *want,
			    bool ended)
{
	const struct jota_boot_state now = fake_load(&w.f);

	if (ended)
		ck_assert_msg(!jota_boot_state_difference(&now, want), "not stored: %s",
			      jota_boot_state_difference(&now, want));
	ck_assert_msg(!jota_boot_state_difference(&now, cur) ||
			      !jota_boot_state_difference(&now, want) || now.next == running(),
		      "neither old nor new, and slot %s is next", jota_slot_name(now.next));
	ck_assert_msg(jota_policy_situation(&now, running()) != JOTA_BROKEN, "contradictory");
}

/* A boot that reached user space. True: the device rests, false: it goes down again. */
static bool live(void)
{
	struct jota_boot_state now = fake_load(&w.f);
	enum jota_situation situation = jota_policy_situation(&now, running());

	ck_assert_msg(situation != JOTA_BROKEN, "contradictory in slot %s",
		      jota_slot_name(running()));
	l4t_machine_verify(&w.m);
	if (situation != JOTA_ON_TRIAL) {
		apply(do_conclude);
		return situation == JOTA_FACTORY || situation == JOTA_STEADY;
	}
	ck_assert_int_eq(jota_backend_count_boot(w.f.backend, w.boot_id, &w.f.err), 0);
	now = fake_load(&w.f);
	if (now.boots_counted > now.boot_limit)
		apply(do_roll_back);
	else if (w.image == WORKS)
		apply(do_confirm);
	return w.image == WORKS && now.boots_counted <= now.boot_limit;
}

/* An image that never works must end in the other slot, in a bounded number of boots. */
static void live_on(bool cold)
{
	for (int i = 0; i < BOOTS_MAX; i++) {
		struct jota_boot_state now;
		bool on_trial;

		boot(i == 0 ? cold : w.image != DIES_EARLY);
		now = fake_load(&w.f);
		on_trial = jota_policy_situation(&now, running()) == JOTA_ON_TRIAL;
		if (on_trial && w.image == DIES_EARLY)
			continue;
		if (live()) {
			apply(do_begin);
			return;
		}
	}
	ck_abort_msg("after %d boots the device still does not rest", BOOTS_MAX);
}

/* False: the store ended before its k-th event. */
static bool cut_at(int i, int die_at, enum image image, bool cold)
{
	struct jota_boot_state cur, want;
	bool ended;

	reset_world();
	stores[i].start();
	w.image = image;
	cur = fake_load(&w.f);
	want = cur;
	if (stores[i].verb)
		ck_assert_int_eq(stores[i].verb(&cur, &want), JOTA_CHANGE);
	else
		want.boots_counted++;
	ended = store_in_child(i, &cur, &want, die_at);
	expect_contract(&cur, &want, ended);
	live_on(cold);
	return !ended;
}

START_TEST(a_cut_before_any_write_leaves_a_device_that_boots_and_can_be_updated)
{
	static const enum image images[] = { WORKS, DIES_EARLY, NEVER_CONFIRMED };

	for (size_t image = 0; image < 3; image++) {
		for (int cold = 0; cold < 2; cold++) {
			int k = 1;

			while (cut_at(_i, k, images[image], cold))
				k++;
			ck_assert_msg(k == stores[_i].writes + 1, "'%s' makes %d writes, not %d",
				      stores[_i].name, k - 1, stores[_i].writes);
		}
	}
}
END_TEST

/* The record announces the flip before the firmware is asked: what was cut there is not a rollback. */
START_TEST(an_interrupted_flip_is_no_failed_update)
{
	struct jota_boot_state cur, want;

	reset_world();
	at_begun();
	cur = fake_load(&w.f);
	ck_assert_int_eq(do_flip(&cur, &want), JOTA_CHANGE);
	ck_assert(!store_in_child(FLIP, &cur, &want, _i));
	boot(true);
	ck_assert_int_eq(running(), A);
	apply(do_conclude);
	ck_assert_int_eq(fake_load(&w.f).record.ustate, JOTA_USTATE_IN_PROGRESS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_uefi_cut");
	TCase *tc = tcase_create("power cuts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, a_cut_before_any_write_leaves_a_device_that_boots_and_can_be_updated,
			    0, (int)STORE_COUNT);
	tcase_add_loop_test(tc, an_interrupted_flip_is_no_failed_update, 1, 4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
