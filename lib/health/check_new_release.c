/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Is the new root the system that belongs here? Its os-release, and what both slots say about each other in
 * /etc/swupdate-jetson/release, lines KEY=VALUE as in os-release; both are signed, as part of their images:
 *
 *  MINIMUM_VERSION  of the running slot: no VERSION_ID below it may follow
 *  MINIMUM_FROM     of the new slot: the VERSION_ID that must run to update to it
 *  DATA_VERSION     of the new slot: the form into which it brings the shared data
 *  DATA_MAX         of the running slot: the highest form of the shared data that it can read
 */
#include "health/new_check.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "health/version.h"

#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

#define RELEASE_PATH "/etc/swupdate-jetson/release"
#define TEXT_BYTES_MAX 65536u
#define DESCRIPTION_BYTES_MAX (4u << 20)
#define WORD_BYTES 96

enum { ID, SAME_ID, VERSION, OF_UPDATE };
static const struct jota_field fields[] = {
	[ID] = { .name = "id", .type = JOTA_FIELD_TEXT, .about = "ID of os-release, exactly" },
	[SAME_ID] = { .name = "same_id",
		      .type = JOTA_FIELD_BOOL,
		      .has_number = true,
		      .number = 1,
		      .about = "ID must be that of the running system, unless id is given" },
	[VERSION] = { .name = "version",
		      .type = JOTA_FIELD_REGEX,
		      .about = "extended regular expression for VERSION_ID" },
	[OF_UPDATE] = { .name = "version_of_update",
			.type = JOTA_FIELD_BOOL,
			.has_number = true,
			.about = "VERSION_ID must be 'version' of the signed sw-description" },
};

/* Empty: not said. */
struct release {
	char id[WORD_BYTES], version[WORD_BYTES];
	char minimum_version[WORD_BYTES], minimum_from[WORD_BYTES];
	char data_version[WORD_BYTES], data_max[WORD_BYTES];
	bool has_os_release;
};

static int take(const char *text, const char *file, const char *key, char word[WORD_BYTES],
		struct jota_err *err)
{
	if (jota_new_value(text, key, word, WORD_BYTES) == -ENAMETOOLONG)
		return jota_fail(err, EINVAL, "%s of '%s' has more than %d characters.", key, file,
				 WORD_BYTES - 1);
	return 0;
}

static int read_os_release(const struct jota_newroot *root, struct release *ret,
			   struct jota_err *err)
{
	const char *file = "/etc/os-release";
	CLEANUP_FREE char *text = NULL;
	int r = jota_newroot_text(root, file, TEXT_BYTES_MAX, &text, err);

	if (r == -ENOENT) {
		file = "/usr/lib/os-release";
		r = jota_newroot_text(root, file, TEXT_BYTES_MAX, &text, err);
	}
	if (r == -ENOENT)
		return 0;
	ret->has_os_release = r == 0;
	if (r == 0)
		r = take(text, file, "ID", ret->id, err);
	return r == 0 ? take(text, file, "VERSION_ID", ret->version, err) : r;
}

static int read_release(const struct jota_newroot *root, struct release *ret, struct jota_err *err)
{
	const struct {
		const char *key;
		char *word;
	} wanted[] = {
		{ "MINIMUM_VERSION", ret->minimum_version },
		{ "MINIMUM_FROM", ret->minimum_from },
		{ "DATA_VERSION", ret->data_version },
		{ "DATA_MAX", ret->data_max },
	};
	CLEANUP_FREE char *text = NULL;
	int r = read_os_release(root, ret, err);

	if (r == 0)
		r = jota_newroot_text(root, RELEASE_PATH, TEXT_BYTES_MAX, &text, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; r == 0 && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		r = take(text, RELEASE_PATH, wanted[i].key, wanted[i].word, err);
	return r;
}

/* True: what must not be above is not above. Without one of the two there is nothing to compare. */
static bool in_order(const char *low, const char *low_name, const char *high, const char *high_name,
		     enum jota_reason reason, struct jota_finding *ret)
{
	int order = 0;

	if (low[0] == '\0')
		return true;
	if (high[0] == '\0')
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_VERSION, "%s is %s, but there is no %s",
			   low_name, low, high_name);
	else if (jota_version_compare(low, high, &order) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_VERSION, "%s '%s' or %s '%s' is no version",
			   low_name, low, high_name, high);
	else if (order > 0)
		jota_found(ret, JOTA_FAIL, reason, "%s is %s, %s is %s", high_name, high, low_name,
			   low);
	else
		return true;
	return false;
}

static bool matches(const char *pattern, const char *text)
{
	regex_t compiled;
	bool found;

	if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	found = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return found;
}

/* The description is signed, and swupdate has checked that. */
static int update_version(const struct jota_check_run *run, char ret[WORD_BYTES])
{
	const struct jota_io plain = { .ops = run->io->ops, .ctx = run->io->ctx, .root = "/" };
	CLEANUP_FREE char *text = NULL;
	char path[PATH_MAX];
	const char *version;
	config_t parsed;
	int r = -ENOENT, n;

	if (!run->context->update_dir)
		return r;
	n = snprintf(path, sizeof(path), "%s/sw-description", run->context->update_dir);
	if (n < 0 || (size_t)n >= sizeof(path) ||
	    jota_io_read_file(&plain, path, DESCRIPTION_BYTES_MAX, &text, NULL, NULL) < 0)
		return r;
	config_init(&parsed);
	if (config_read_string(&parsed, text) == CONFIG_TRUE &&
	    config_lookup_string(&parsed, "software.version", &version) == CONFIG_TRUE &&
	    strlen(version) < WORD_BYTES) {
		memcpy(ret, version, strlen(version) + 1);
		r = 0;
	}
	config_destroy(&parsed);
	return r;
}

static bool identity_holds(const struct jota_check_run *run, const struct release *new,
			   const struct release *running, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	const char *id = value[ID].set ? value[ID].text : value[SAME_ID].number ? running->id : "";
	char version[WORD_BYTES];

	if (!new->has_os_release)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_MISSING,
			   "the new root has no '/etc/os-release'");
	else if (id[0] != '\0' && strcmp(id, new->id) != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_OTHER_SYSTEM,
			   "ID of the new root's os-release is '%s', expected '%s'", new->id, id);
	else if (value[VERSION].set && !matches(value[VERSION].text, new->version))
		jota_found(ret, JOTA_FAIL, JOTA_WHY_OTHER_SYSTEM,
			   "VERSION_ID of the new root is '%s', expected to match '%.80s'",
			   new->version, value[VERSION].text);
	else if (value[OF_UPDATE].number && update_version(run, version) < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_VERSION,
			   "the version of the update is not known: no sw-description with "
			   "software.version");
	else if (value[OF_UPDATE].number && strcmp(version, new->version) != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_OTHER_SYSTEM,
			   "VERSION_ID of the new root is '%s', the update is version '%s'",
			   new->version, version);
	else
		return true;
	return false;
}

static void judge(const struct jota_check_run *run, const struct release *new,
		  const struct release *running, struct jota_finding *ret)
{
	if (identity_holds(run, new, running, ret) &&
	    in_order(running->minimum_version, "MINIMUM_VERSION of the running system",
		     new->version, "VERSION_ID of the new root", JOTA_WHY_TOO_OLD, ret) &&
	    in_order(new->minimum_from, "MINIMUM_FROM of the new root", running->version,
		     "VERSION_ID of the running system", JOTA_WHY_TOO_OLD, ret) &&
	    /* A running system that says nothing of its data makes no promise to keep. */
	    (running->data_max[0] == '\0' ||
	     in_order(new->data_version, "DATA_VERSION of the new root", running->data_max,
		      "DATA_MAX of the running system", JOTA_WHY_DATA_TOO_NEW, ret)))
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "%s %s", new->id, new->version);
}

static void run_release(const struct jota_check_run *run, struct jota_finding *ret)
{
	struct jota_newroot *root = jota_new_open(run, ret);
	struct jota_newroot *here = root ? jota_new_open_running(run, ret) : NULL;
	struct release new = { 0 }, running = { 0 };
	struct jota_err err = { 0 };

	if (root && here) {
		if (read_release(root, &new, &err) < 0)
			jota_found(ret, JOTA_FAIL, JOTA_WHY_OTHER_SYSTEM, "%s", err.msg);
		else if (read_release(here, &running, &err) < 0)
			jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "running system: %s",
				   err.msg);
		else
			judge(run, &new, &running, ret);
	}
	jota_newroot_free(here);
	jota_newroot_free(root);
}

const struct jota_check_kind jota_kind_new_release = {
	.name = "new-release",
	.about = "the new root is the expected system, and the two slots suit each other",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.field = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.run = run_release,
};
