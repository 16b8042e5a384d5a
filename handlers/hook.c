/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The postinstall hook: compares what was written with what was signed, completes the slot, arms
 * the flip, and lets the new slot be looked at.
 */
#include <errno.h>
#include <string.h>

#include "host.h"
#include "suite.h"
#include "update/session.h"
#include "write/part.h"

/* Space-separated words of a property, in a copy of it. */
struct words {
	char *text;
	const char *word[JOTA_HOOK_NAMES_MAX];
	size_t count;
};

static int split_words(const char *property, const char *text, struct words *w, struct jota_err *err)
{
	char *at;

	w->count = 0;
	w->text = strdup(text);
	if (!w->text)
		return jota_fail(err, ENOMEM, "%s: read property %s", JOTA_HOOK_TYPE, property);
	at = w->text;
	for (;;) {
		at += strspn(at, " \t\n");
		if (!*at)
			return 0;
		if (w->count == JOTA_HOOK_NAMES_MAX)
			return jota_fail(err, EINVAL, "%s: property %s has more than %d words.",
					 JOTA_HOOK_TYPE, property, JOTA_HOOK_NAMES_MAX);
		w->word[w->count++] = at;
		at += strcspn(at, " \t\n");
		if (*at)
			*at++ = '\0';
	}
}

static int check_properties(struct img_type *img, struct jota_err *err)
{
	struct dict_entry *e;

	LIST_FOREACH(e, &img->properties, next)
	if (strcmp(e->key, "images") != 0 && strcmp(e->key, "keep") != 0)
		return jota_fail(err, EINVAL,
				 "%s: unknown property '%.64s'; known are images and keep.",
				 JOTA_HOOK_TYPE, e->key);
	return 0;
}

static int keep_roles(struct jota_session *session, const struct words *keep, struct jota_err *err)
{
	for (size_t i = 0; i < keep->count; i++) {
		char what[64];
		struct jota_said said = { .what = what };
		enum jota_role role;
		int rc = jota_role_parse(keep->word[i], &role);

		if (rc < 0)
			return jota_fail(
				err, EINVAL,
				"%s: property keep names '%.64s'; it takes kernel, bootloader and rootfs.",
				JOTA_HOOK_TYPE, keep->word[i]);
		(void)snprintf(what, sizeof(what), "keeping the %s", jota_role_name(role));
		rc = jota_session_keep(session, role, jota_say_progress, &said, err);
		if (rc < 0)
			return rc;
		INFO("%s: copied from the running slot to slot %s", jota_role_name(role),
		     jota_slot_name(jota_session_target(session)));
	}
	return 0;
}

static int arm(struct jota_suite *s, struct img_type *img, struct words *images, struct words *keep,
	       struct jota_err *err)
{
	const char *text;
	int rc = check_properties(img, err);

	if (rc < 0)
		return rc;
	text = dict_get_value(&img->properties, "images");
	if (!text)
		return jota_fail(
			err, EINVAL,
			"%s: property images is missing; it names all A/B images of this update, "
			"as in images = \"boot.img rootfs.ext4\".",
			JOTA_HOOK_TYPE);
	rc = split_words("images", text, images, err);
	if (rc < 0)
		return rc;
	text = dict_get_value(&img->properties, "keep");
	if (text) {
		rc = split_words("keep", text, keep, err);
		if (rc < 0)
			return rc;
	}
	if (!s->session || !jota_session_begun(s->session))
		return jota_fail(
			err, EPROTO,
			"%s: image '%s' of this update was not written: no A/B image was; the running slot stays selected.",
			JOTA_HOOK_TYPE, images->count ? images->word[0] : "");
	/* Armed already: a second hook must say the same, and there is nothing left to copy or to look at. */
	if (jota_session_armed(s->session))
		return jota_session_arm(s->session, images->word, images->count, err);
	rc = keep_roles(s->session, keep, err);
	/*
	 * Armed in memory first, because half a slot is refused there, in better words than a check of what is missing would find. What
	 * fails from here on disarms: postinstall() aborts the session, and only this thread could flip it.
	 */
	if (rc == 0)
		rc = jota_session_arm(s->session, images->word, images->count, err);
	return rc < 0 ? rc : jota_suite_preflip(s, err);
}

static int postinstall(struct jota_suite *s, struct img_type *img)
{
	struct words images = { 0 }, keep = { 0 };
	struct jota_err err = { 0 };
	int rc = jota_suite_admit(s, JOTA_HOOK_TYPE, &err);

	if (!rc)
		rc = arm(s, img, &images, &keep, &err);
	if (rc < 0) {
		ERROR("%s", err.msg);
		jota_suite_abort(s);
	} else {
		INFO("slot %s is complete and will be selected when SWUpdate has finished",
		     jota_slot_name(jota_session_target(s->session)));
	}
	jota_suite_sync(s);
	free(images.text);
	free(keep.text);
	return rc < 0 ? -1 : 0;
}

static int run_hook(struct img_type *img, void *data)
{
	const struct script_handler_data *call = data;
	struct jota_suite *s = jota_suite();

	/*
	 * Newer hosts know calls that this header does not: POSTFAILURE, and what may come. All
	 * of them disarm.
	 */
	switch ((int)call->scriptfn) {
	case PREINSTALL:
		return 0;
	case POSTINSTALL:
		return postinstall(s, img);
	default:
		jota_suite_abort(s);
		return 0;
	}
}

int jota_hook_register(void)
{
	if (register_handler(JOTA_HOOK_TYPE, run_hook, SCRIPT_HANDLER | NO_DATA_HANDLER, NULL) < 0) {
		fprintf(stderr, "jetson handlers: swupdate does not take the hook '%s'.\n",
			JOTA_HOOK_TYPE);
		return -1;
	}
	return 0;
}
