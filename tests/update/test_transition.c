/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Changes of the boot state outside an update: one store each, none when there is nothing to change. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slot/policy.h"
#include "support/tree_env.h"
#include "support/update.h"

static struct update u;

static void setup(void)
{
	update_setup(&u);
}

static void teardown(void)
{
	update_teardown(&u);
}

static int apply(enum jota_transition what)
{
	return jota_transition_apply(&u.tree.io, &u.config, what, NULL, 0, NULL, &u.err);
}

#define ck_verdict(call, verdict)                                                                  \
	do {                                                                                       \
		int ck_rc_ = (call);                                                               \
		ck_assert_msg(ck_rc_ == (verdict), "%s: %d, %s", #call, ck_rc_, u.err.msg);        \
	} while (0)

/** An update is flipped to B and, if asked for, booted. */
static void install(bool reboot)
{
	ck_ok(update_write_all(&u));
	ck_ok(update_flip(&u));
	if (reboot) {
		tree_env_set(&u.tree, "bootcount", "1");
		tree_reboot_into(&u.tree, JOTA_SLOT_B);
	}
}

START_TEST(confirm_makes_the_trial_slot_good_in_one_store)
{
	struct jota_boot_state state;
	unsigned serial;

	install(true);
	serial = tree_env_serial(&u.tree);
	ck_verdict(jota_transition_apply(&u.tree.io, &u.config, JOTA_DO_CONFIRM, NULL, 0, &state,
					 &u.err),
		   JOTA_CHANGE);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	ck_assert_int_eq(state.slot[JOTA_SLOT_B], JOTA_GOOD);
	ck_assert(tree_env_is(&u.tree, "upgrade_available", "0"));
	ck_assert(tree_env_is(&u.tree, "bootcount", "0"));
	ck_assert(tree_env_is(&u.tree, "slotB_ok", "1"));
	ck_assert(tree_env_is(&u.tree, "ustate", "2"));
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_KEEP);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
}
END_TEST

START_TEST(confirm_of_a_factory_device_stores_nothing)
{
	unsigned serial = tree_env_serial(&u.tree);

	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_KEEP);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial);
	ck_assert(tree_env_is(&u.tree, "boot_slot", ""));
}
END_TEST

START_TEST(confirm_leaves_the_marker_of_a_pending_flip)
{
	install(false);
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_KEEP);
	ck_assert(tree_has(&u.tree, JOTA_REBOOT_PENDING));
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
}
END_TEST

START_TEST(rollback_gives_the_trial_slot_up)
{
	unsigned serial;

	install(true);
	serial = tree_env_serial(&u.tree);
	ck_verdict(apply(JOTA_DO_ROLLBACK), JOTA_CHANGE);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
	ck_assert(tree_env_is(&u.tree, "slotB_ok", "0"));
	ck_assert(tree_env_is(&u.tree, "upgrade_available", "0"));
	ck_assert(tree_env_is(&u.tree, "ustate", "3"));
	ck_assert(tree_has(&u.tree, JOTA_REBOOT_PENDING));
	ck_verdict(apply(JOTA_DO_ROLLBACK), JOTA_KEEP);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	ck_refused(apply(JOTA_DO_CONFIRM), EPERM, "slot B");
}
END_TEST

static int give_up(enum jota_transition what, const char *reason)
{
	return jota_transition_give_up(&u.tree.io, &u.config, what, reason, NULL, &u.err);
}

START_TEST(rollback_stores_its_reason_in_the_same_store_and_keeps_the_first)
{
	unsigned serial;

	install(true);
	serial = tree_env_serial(&u.tree);
	ck_verdict(give_up(JOTA_DO_ROLLBACK, "health:app:deadline"), JOTA_CHANGE);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	ck_assert(tree_env_is(&u.tree, "jota_reason", "health:app:deadline"));
	ck_assert(tree_env_is(&u.tree, "ustate", "3"));
	ck_verdict(give_up(JOTA_DO_ROLLBACK, "health:other:deadline"), JOTA_KEEP);
	ck_assert(tree_env_is(&u.tree, "jota_reason", "health:app:deadline"));
	tree_reboot_into(&u.tree, JOTA_SLOT_A);
	ck_verdict(give_up(JOTA_DO_CONCLUDE, "firmware:-:firmware-fallback"), JOTA_KEEP);
	ck_assert(tree_env_is(&u.tree, "jota_reason", "health:app:deadline"));
	ck_refused(give_up(JOTA_DO_CONFIRM, "x"), EINVAL, "takes no reason");
}
END_TEST

START_TEST(a_fallback_of_the_firmware_is_recorded_once_and_not_before_a_reboot)
{
	unsigned serial;

	install(false);
	ck_verdict(give_up(JOTA_DO_CONCLUDE, "firmware:-:firmware-fallback"), JOTA_KEEP);
	ck_assert(tree_env_is(&u.tree, "ustate", "1"));
	/* What altbootcmd stores. */
	tree_env_set(&u.tree, "boot_slot", "A");
	tree_env_set(&u.tree, "slotB_ok", "0");
	tree_env_set(&u.tree, "upgrade_available", "0");
	tree_env_set(&u.tree, "bootcount", "0");
	tree_reboot_into(&u.tree, JOTA_SLOT_A);
	serial = tree_env_serial(&u.tree);
	ck_verdict(give_up(JOTA_DO_CONCLUDE, "firmware:-:firmware-fallback"), JOTA_CHANGE);
	ck_assert(tree_env_is(&u.tree, "ustate", "3"));
	ck_assert(tree_env_is(&u.tree, "jota_reason", "firmware:-:firmware-fallback"));
	ck_verdict(give_up(JOTA_DO_CONCLUDE, "again"), JOTA_KEEP);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
}
END_TEST

START_TEST(cancel_takes_a_pending_flip_back)
{
	unsigned serial;

	install(false);
	serial = tree_env_serial(&u.tree);
	ck_verdict(apply(JOTA_DO_CANCEL), JOTA_CHANGE);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
	ck_assert(tree_env_is(&u.tree, "slotB_ok", "0"));
	ck_assert(tree_env_is(&u.tree, "upgrade_available", "0"));
	ck_assert(!tree_has(&u.tree, JOTA_REBOOT_PENDING));
	ck_verdict(apply(JOTA_DO_CANCEL), JOTA_KEEP);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
}
END_TEST

START_TEST(acknowledge_takes_a_pending_flip_back_and_clears_an_outcome)
{
	install(false);
	ck_verdict(apply(JOTA_DO_ACKNOWLEDGE), JOTA_CHANGE);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
	ck_assert(!tree_has(&u.tree, JOTA_REBOOT_PENDING));
	update_reopen(&u);
	install(true);
	ck_refused(apply(JOTA_DO_ACKNOWLEDGE), EBUSY, "slot B");
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_CHANGE);
	ck_verdict(apply(JOTA_DO_ACKNOWLEDGE), JOTA_CHANGE);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	ck_verdict(apply(JOTA_DO_ACKNOWLEDGE), JOTA_KEEP);
}
END_TEST

START_TEST(switch_to_the_other_slot_puts_it_on_trial)
{
	install(true);
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_CHANGE);
	ck_verdict(apply(JOTA_DO_SWITCH_A), JOTA_CHANGE);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "A"));
	ck_assert(tree_env_is(&u.tree, "upgrade_available", "1"));
	ck_assert(tree_has(&u.tree, JOTA_REBOOT_PENDING));
	ck_verdict(apply(JOTA_DO_SWITCH_A), JOTA_KEEP);
	ck_verdict(apply(JOTA_DO_SWITCH_B), JOTA_CHANGE);
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	ck_assert(tree_env_is(&u.tree, "slotA_ok", "1"));
	ck_assert(!tree_has(&u.tree, JOTA_REBOOT_PENDING));
}
END_TEST

START_TEST(switch_to_an_empty_slot_is_refused)
{
	unsigned serial = tree_env_serial(&u.tree);

	ck_refused(apply(JOTA_DO_SWITCH_B), EPERM, "slot B");
	ck_verdict(apply(JOTA_DO_SWITCH_A), JOTA_KEEP);
	ck_assert_uint_eq(tree_env_serial(&u.tree), serial);
	install(false);
	ck_verdict(apply(JOTA_DO_CANCEL), JOTA_CHANGE);
	ck_refused(apply(JOTA_DO_SWITCH_B), EPERM, "slot B");
}
END_TEST

START_TEST(switch_without_a_way_back_is_refused)
{
	install(true);
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_CHANGE);
	tree_env_set(&u.tree, "altbootcmd", NULL);
	ck_refused(apply(JOTA_DO_SWITCH_A), EPERM, "altbootcmd");
	ck_assert(tree_env_is(&u.tree, "boot_slot", "B"));
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_KEEP);
}
END_TEST

START_TEST(transition_during_an_update_names_the_holder)
{
	struct jota_writer *w;

	ck_ok(update_announce(u.session, JOTA_ROLE_KERNEL, "boot.img", 4096, NULL, 0, &w, &u.err));
	ck_refused(apply(JOTA_DO_CONFIRM), EBUSY, "a running update");
	ck_refused(apply(JOTA_DO_SWITCH_B), EBUSY, "a running update");
	jota_session_abort(u.session);
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_KEEP);
}
END_TEST

START_TEST(further_variables_are_stored_even_if_the_state_keeps)
{
	const struct jota_change set = { "recovery_status", "in_progress" };
	const struct jota_change unset = { "recovery_status", NULL };
	const struct jota_change ours = { "slotB_ok", "1" };
	unsigned serial = tree_env_serial(&u.tree);

	for (int i = 0; i < 2; i++) {
		ck_verdict(jota_transition_apply(&u.tree.io, &u.config, JOTA_DO_CANCEL, &set, 1,
						 NULL, &u.err),
			   JOTA_KEEP);
		ck_assert(tree_env_is(&u.tree, "recovery_status", "in_progress"));
		ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 1);
	}
	ck_assert(tree_env_is(&u.tree, "boot_slot", ""));
	for (int i = 0; i < 2; i++) {
		ck_verdict(jota_transition_apply(&u.tree.io, &u.config, JOTA_DO_CANCEL, &unset, 1,
						 NULL, &u.err),
			   JOTA_KEEP);
		ck_assert_uint_eq(tree_env_serial(&u.tree), serial + 2);
	}
	ck_refused(jota_transition_apply(&u.tree.io, &u.config, JOTA_DO_CANCEL, &ours, 1, NULL,
					 &u.err),
		   EPERM, "slotB_ok");
}
END_TEST

START_TEST(transition_refuses_what_it_cannot_understand)
{
	tree_write_file(&u.tree, "/proc/cmdline", "root=PARTLABEL=A_APP jota.slot=B\n");
	ck_refused(apply(JOTA_DO_CONFIRM), EBADMSG, "jota.slot");
	tree_reboot_into(&u.tree, JOTA_SLOT_A);
	tree_env_set(&u.tree, "boot_slot", "A");
	tree_env_set(&u.tree, "slotA_ok", "0");
	tree_env_set(&u.tree, "slotB_ok", "0");
	tree_env_set(&u.tree, "upgrade_available", "0");
	ck_refused(apply(JOTA_DO_CONFIRM), EINVAL, "contradicts");
	tree_env_spoil(&u.tree, 0);
	tree_env_spoil(&u.tree, 1);
	ck_refused(apply(JOTA_DO_CONFIRM), ENODATA, "cop");
}
END_TEST

START_TEST(transition_leaves_no_descriptor_behind)
{
	unsigned before;

	install(true);
	before = open_descriptors();
	ck_verdict(apply(JOTA_DO_CONFIRM), JOTA_CHANGE);
	ck_verdict(apply(JOTA_DO_SWITCH_B), JOTA_KEEP);
	ck_refused(apply(JOTA_DO_ROLLBACK), EPERM, "slot B");
	tree_env_spoil(&u.tree, 0);
	tree_env_spoil(&u.tree, 1);
	ck_assert_int_lt(apply(JOTA_DO_CONFIRM), 0);
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("update/transition");
	TCase *tcase = tcase_create("transition");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, confirm_makes_the_trial_slot_good_in_one_store);
	tcase_add_test(tcase, confirm_of_a_factory_device_stores_nothing);
	tcase_add_test(tcase, confirm_leaves_the_marker_of_a_pending_flip);
	tcase_add_test(tcase, rollback_gives_the_trial_slot_up);
	tcase_add_test(tcase, rollback_stores_its_reason_in_the_same_store_and_keeps_the_first);
	tcase_add_test(tcase, a_fallback_of_the_firmware_is_recorded_once_and_not_before_a_reboot);
	tcase_add_test(tcase, cancel_takes_a_pending_flip_back);
	tcase_add_test(tcase, acknowledge_takes_a_pending_flip_back_and_clears_an_outcome);
	tcase_add_test(tcase, switch_to_the_other_slot_puts_it_on_trial);
	tcase_add_test(tcase, switch_to_an_empty_slot_is_refused);
	tcase_add_test(tcase, switch_without_a_way_back_is_refused);
	tcase_add_test(tcase, transition_during_an_update_names_the_holder);
	tcase_add_test(tcase, further_variables_are_stored_even_if_the_state_keeps);
	tcase_add_test(tcase, transition_refuses_what_it_cannot_understand);
	tcase_add_test(tcase, transition_leaves_no_descriptor_behind);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
