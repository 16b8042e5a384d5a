/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* jetson-health confirm, rollback and on-trial: the steps of a boot that its units take. */
#include "boot.h"
#include "health_tool.h"
#include "outcome.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "update/session.h"

static int run_after(const struct jota_io *io, const struct boot *boot, bool fresh,
		     struct jota_err *err)
{
	if (after_confirm_run(io, boot, fresh, err) == 0)
		return EXIT_WELL;
	(void)jota_wrap(err, "the slot is good, but a script of " CONFIRM_DIR
			     " failed and is tried again at the next boot: ");
	return EXIT_UNWELL;
}

int verb_confirm(const struct jota_io *io, const struct options *options, const char *argument,
		 struct jota_err *err)
{
	struct boot boot;
	int r;

	(void)options;
	(void)argument;
	if (boot_read(io, &boot, err) < 0)
		return EXIT_UNREADABLE;
	if (boot.reboot_pending) {
		(void)printf("the last change waits for its reboot: nothing is confirmed\n");
		return EXIT_WELL;
	}
	if (boot.situation == JOTA_LEAVING) {
		(void)jota_fail(err, EPERM, "slot %s was given up: reboot now.", boot_slot(&boot));
		return EXIT_ROLLED_BACK;
	}
	if (!outcome_is_marked_healthy(io, &boot)) {
		if (boot.situation != JOTA_ON_TRIAL)
			return run_after(io, &boot, false, err);
		(void)jota_fail(
			err, EPERM,
			"slot %s is not confirmed: 'jetson-health run --apply --defer-confirm' has "
			"not found this boot healthy.",
			boot_slot(&boot));
		return EXIT_UNWELL;
	}
	r = outcome_confirm(io, &boot, err);
	if (r < 0) {
		(void)jota_wrap(err, "healthy, but the confirmation is not stored: ");
		return EXIT_NOT_STORED;
	}
	(void)printf("slot %s is good%s\n", boot_slot(&boot),
		     r == JOTA_KEEP ? " (nothing changed)" : ", its trial is over");
	return run_after(io, &boot, boot.situation == JOTA_ON_TRIAL, err);
}

static int give_up(const struct jota_io *io, const struct boot *boot, const char *reason,
		   struct jota_err *err)
{
	int r;

	outcome_unmark_healthy(io);
	outcome_keep_evidence(io, boot, reason);
	r = jota_transition_give_up(io, &boot->config, JOTA_DO_ROLLBACK, reason, NULL, err);
	if (r == -EPERM) {
		(void)jota_wrap(err, "%s, but not rolled back: ", reason);
		return EXIT_UNWELL;
	}
	if (r < 0) {
		(void)jota_wrap(err, "%s, but the rollback is not stored: ", reason);
		return EXIT_NOT_STORED;
	}
	outcome_note_end(io, boot, "rolled-back", reason);
	(void)printf("rolled back (%s): reboot now\n", reason);
	return EXIT_ROLLED_BACK;
}

int verb_rollback(const struct jota_io *io, const struct options *options, const char *argument,
		  struct jota_err *err)
{
	enum jota_reason why = JOTA_WHY_BOOT_INCOMPLETE;
	char reason[JOTA_REASON_BYTES];
	struct boot boot;

	(void)options;
	if (argument && jota_reason_parse(argument, &why) < 0) {
		(void)jota_fail(err, EINVAL, "'%.40s' is no reason; 'boot-incomplete' is one.",
				argument);
		return EXIT_USAGE;
	}
	if (boot_read(io, &boot, err) < 0)
		return EXIT_UNREADABLE;
	if (!boot.reboot_pending && boot.situation == JOTA_LEAVING) {
		(void)printf("slot %s was given up: reboot now\n", boot_slot(&boot));
		return EXIT_ROLLED_BACK;
	}
	if (boot.reboot_pending || boot.situation != JOTA_ON_TRIAL) {
		(void)printf("slot %s is not on trial: it stays\n", boot_slot(&boot));
		return EXIT_WELL;
	}
	(void)snprintf(reason, sizeof(reason), "health:-:%s", jota_reason_word(why));
	return give_up(io, &boot, reason, err);
}

int verb_on_trial(const struct jota_io *io, const struct options *options, const char *argument,
		  struct jota_err *err)
{
	struct boot boot;

	(void)options;
	(void)argument;
	if (boot_read(io, &boot, err) < 0)
		return EXIT_UNREADABLE;
	return boot.situation == JOTA_ON_TRIAL && !boot.reboot_pending ? EXIT_WELL : EXIT_UNWELL;
}
