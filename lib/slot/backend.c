/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/backend.h"

#include "base/err.h"
#include "slot/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *truth;		    /* where this kind of boot chain keeps its choice */
	const struct jota_backend_ops *ops; /* NULL: not in this version */
} known[] = {
	{ "uboot", "the redundant U-Boot environment", &jota_backend_uboot },
	{ "smd", "cboot's SMD partitions", NULL },
	{ "uefi", "UEFI variables", &jota_backend_uefi },
	{ "record", "a record of our own for custom boot stages", NULL },
};

int jota_backend_open(const struct jota_io *io, const struct jota_config *config,
		      struct jota_backend **ret, struct jota_err *err)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, config->backend) != 0)
			continue;
		if (!known[i].ops)
			return jota_fail(
				err, ENOTSUP,
				"backend '%s' (%s) is not part of this version of "
				"swupdate-jetson, 'uboot' and 'uefi' are: set backend in %s, or use a "
				"version that has it.",
				known[i].name, known[i].truth, JOTA_CONFIG_PATH);
		return known[i].ops->open(io, config, ret, err);
	}
	return jota_fail(err, ENOTSUP, "backend '%s' is not known: set backend = \"uboot\" in %s.",
			 config->backend, JOTA_CONFIG_PATH);
}

void jota_backend_free(struct jota_backend *b)
{
	if (b)
		b->ops->free(b);
}

int jota_backend_load(struct jota_backend *b, struct jota_boot_state *ret, struct jota_err *err)
{
	return b->ops->load(b, ret, err);
}

int jota_backend_store(struct jota_backend *b, const struct jota_boot_state *cur,
		       const struct jota_boot_state *want, const struct jota_change *change,
		       size_t change_count, struct jota_err *err)
{
	return b->ops->store(b, cur, want, change, change_count, err);
}

bool jota_backend_needs_count(const struct jota_backend *b)
{
	return b->ops->count_boot != NULL;
}

int jota_backend_count_boot(struct jota_backend *b, const char *boot_id, struct jota_err *err)
{
	return b->ops->count_boot ? b->ops->count_boot(b, boot_id, err) : 0;
}

int jota_backend_get(struct jota_backend *b, const char *name, char **ret_value,
		     struct jota_err *err)
{
	return b->ops->get(b, name, ret_value, err);
}

bool jota_backend_owns(const struct jota_backend *b, const char *name)
{
	return b->ops->owns(name);
}

void jota_backend_check(struct jota_backend *b, const struct jota_blockdevs *devs,
			struct jota_problems *problems)
{
	b->ops->check(b, devs, problems);
}

void jota_problem_add(struct jota_problems *problems, bool blocks_update, const char *fmt, ...)
{
	static const char more[] = "There are more problems than are listed here: mend these, then "
				   "look again.";
	va_list args;
	char *text;
	int n;

	if (problems->count == JOTA_PROBLEMS_MAX) {
		size_t last = JOTA_PROBLEMS_MAX - 1;

		memcpy(problems->problem[last].text, more, sizeof(more));
		problems->problem[last].blocks_update |= blocks_update;
		return;
	}
	problems->problem[problems->count].blocks_update = blocks_update;
	text = problems->problem[problems->count++].text;
	va_start(args, fmt);
	n = vsnprintf(text, JOTA_PROBLEM_BYTES, fmt, args);
	va_end(args);
	if (n < 0)
		text[0] = '\0';
	else if ((size_t)n >= JOTA_PROBLEM_BYTES)
		memcpy(text + JOTA_PROBLEM_BYTES - 4, "...", 4);
}
