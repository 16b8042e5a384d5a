/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/evidence.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "slot/blockdev.h"
#include "slot/layout.h"
#include "slot/uefi_vars.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CMDLINE_MAX 65536u
#define ROOT_DEVICE 0
#define FIRST_PARAMETER 1

/* 1: *ret_slot is set, 0: the value says nothing about slots, -EINVAL: it should and does not. */
typedef int (*read_value_fn)(const struct jota_layout *layout, const char *value,
			     enum jota_slot *ret_slot);

static int match_label(const struct jota_layout *layout, const char *label, enum jota_slot *ret_slot)
{
	for (int slot = 0; slot < JOTA_SLOT_COUNT; slot++) {
		const char *known = layout->role[JOTA_ROLE_ROOTFS].label[slot];

		if (known && strcmp(known, label) == 0) {
			*ret_slot = (enum jota_slot)slot;
			return 1;
		}
	}
	return 0;
}

static int read_slot(const struct jota_layout *layout, const char *value, enum jota_slot *ret_slot)
{
	(void)layout;
	return jota_slot_parse(value, ret_slot) == 0 ? 1 : -EINVAL;
}

static int read_root(const struct jota_layout *layout, const char *value, enum jota_slot *ret_slot)
{
	static const char by_label[] = "PARTLABEL=";

	if (strncmp(value, by_label, strlen(by_label)) != 0)
		return 0;
	return match_label(layout, value + strlen(by_label), ret_slot);
}

/* cboot passes nothing for the first slot and "_b" for the second. */
static int read_suffix(const struct jota_layout *layout, const char *value, enum jota_slot *ret_slot)
{
	(void)layout;
	if (strcmp(value, "") == 0 || strcmp(value, "_a") == 0)
		*ret_slot = JOTA_SLOT_A;
	else if (strcmp(value, "_b") == 0)
		*ret_slot = JOTA_SLOT_B;
	else
		return -EINVAL;
	return 1;
}

static const struct {
	const char *key;
	const char *source;
	read_value_fn read;
} parameter[] = {
	{ "jota.slot=", "kernel command line (jota.slot)", read_slot },
	{ "root=", "kernel command line (root)", read_root },
	{ "boot.slot_suffix=", "kernel command line (boot.slot_suffix)", read_suffix },
};
#define PARAMETER_COUNT (sizeof(parameter) / sizeof(parameter[0]))
#define FIRMWARE (FIRST_PARAMETER + PARAMETER_COUNT)
_Static_assert(FIRMWARE + 1 == JOTA_WITNESS_COUNT, "one witness each");

static void remember(struct jota_witness *w, enum jota_slot says, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A detail is for people: what does not fit is cut. */
static void remember(struct jota_witness *w, enum jota_slot says, const char *fmt, ...)
{
	va_list args;

	w->speaks = true;
	w->says = says;
	va_start(args, fmt);
	(void)vsnprintf(w->detail, sizeof(w->detail), fmt, args);
	va_end(args);
}

static void ask_root_device(const struct jota_layout *layout, const struct jota_blockdevs *devs,
			    struct jota_evidence *ev)
{
	const struct jota_partition *p = jota_blockdevs_find(devs, devs->root_name);
	enum jota_slot slot = JOTA_SLOT_A;

	if (devs->root_name[0] == '\0' || !p)
		return;
	memcpy(ev->root_disk, p->disk, sizeof(ev->root_disk));
	if (match_label(layout, p->label, &slot) > 0)
		remember(&ev->witness[ROOT_DEVICE], slot, "%s '%s'", p->name, p->label);
}

/*
 * Next parameter, cut out in place; blanks inside double quotes belong to it, the quotes do not.
 * NULL: no more, or "--", behind which stands what init gets.
 */
static char *next_parameter(char **cursor)
{
	char *start, *to, *from;
	bool quoted = false;

	from = *cursor + strspn(*cursor, " \t\n");
	if (*from == '\0')
		return NULL;
	for (start = to = from; *from != '\0'; from++) {
		if (*from == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" \t\n", *from))
			break;
		else
			*to++ = *from;
	}
	*cursor = *from == '\0' ? from : from + 1;
	*to = '\0';
	return strcmp(start, "--") == 0 ? NULL : start;
}

static int hear_parameter(const struct jota_layout *layout, size_t i, const char *value,
			  const char *earlier, struct jota_witness *w, struct jota_err *err)
{
	enum jota_slot slot = JOTA_SLOT_A;
	int r = parameter[i].read(layout, value, &slot);

	if (earlier && strcmp(earlier, value) != 0)
		return jota_fail(err, EBADMSG,
				 "the kernel command line contradicts itself: '%s%.60s' and "
				 "'%s%.60s'; correct the boot arguments.",
				 parameter[i].key, earlier, parameter[i].key, value);
	if (r < 0)
		return jota_fail(err, EBADMSG,
				 "'%s%.60s' on the kernel command line is no slot; correct the "
				 "boot arguments.",
				 parameter[i].key, value);
	if (r > 0)
		remember(w, slot, "%s%s", parameter[i].key, value);
	return 0;
}

/* Goes on after a contradiction, so that the witnesses are complete; the first one is reported. */
static int ask_command_line(const struct jota_layout *layout, char *cmdline,
			    struct jota_evidence *ev, struct jota_err *err)
{
	const char *earlier[PARAMETER_COUNT] = { NULL };
	char *cursor = cmdline;
	const char *text;
	int result = 0;

	while ((text = next_parameter(&cursor))) {
		for (size_t i = 0; i < PARAMETER_COUNT; i++) {
			size_t len = strlen(parameter[i].key);
			int r;

			if (strncmp(text, parameter[i].key, len) != 0)
				continue;
			r = hear_parameter(layout, i, text + len, earlier[i],
					   &ev->witness[FIRST_PARAMETER + i],
					   result == 0 ? err : NULL);
			if (result == 0)
				result = r;
			earlier[i] = text + len;
		}
	}
	return result;
}

static bool has_uefi(const struct jota_layout *layout)
{
	for (size_t i = 0; layout->backends[i]; i++)
		if (strcmp(layout->backends[i], jota_backend_uefi.name) == 0)
			return true;
	return false;
}

/* What L4TLauncher says that it booted. */
static int ask_firmware(const struct jota_io *io, const struct jota_layout *layout,
			struct jota_evidence *ev, struct jota_err *err)
{
	uint32_t value = 0;
	int r = has_uefi(layout) ? jota_efivar_read_u32(io, &jota_uefi_os_current, &value, err) : 0;

	if (r <= 0)
		return r;
	if (value >= JOTA_SLOT_COUNT)
		return jota_fail(err, EBADMSG,
				 "UEFI variable '%s' is %u, expected 0 or 1: the firmware booted a "
				 "slot that this version does not know.",
				 jota_uefi_os_current.name, value);
	remember(&ev->witness[FIRMWARE], (enum jota_slot)value, "%s=%u", jota_uefi_os_current.name,
		 value);
	return 0;
}

static int compare_witnesses(struct jota_evidence *ev, struct jota_err *err)
{
	const struct jota_witness *first = NULL;

	for (size_t i = 0; i < JOTA_WITNESS_COUNT; i++) {
		const struct jota_witness *w = &ev->witness[i];

		if (!w->speaks)
			continue;
		if (!first)
			first = w;
		else if (w->says != first->says)
			return jota_fail(err, EBADMSG,
					 "it is unclear which slot runs: %s says %s (%s), %s says "
					 "%s (%s); reboot, or correct the boot arguments.",
					 first->source, jota_slot_name(first->says), first->detail,
					 w->source, jota_slot_name(w->says), w->detail);
	}
	if (!first)
		return jota_fail(err, ENOENT,
				 "nothing tells which slot runs: the root device has no partition "
				 "label of this layout, and the kernel command line has neither "
				 "jota.slot=, root=PARTLABEL= nor boot.slot_suffix=; let the boot "
				 "script pass jota.slot=A or jota.slot=B.");
	ev->known = true;
	ev->running = first->says;
	return 0;
}

int jota_evidence_read(const struct jota_io *io, const struct jota_layout *layout,
		       const struct jota_blockdevs *devs, struct jota_evidence *ret,
		       struct jota_err *err)
{
	CLEANUP_FREE char *cmdline = NULL;
	int r;

	*ret = (struct jota_evidence){ 0 };
	ret->witness[ROOT_DEVICE].source = "root device";
	for (size_t i = 0; i < PARAMETER_COUNT; i++)
		ret->witness[FIRST_PARAMETER + i].source = parameter[i].source;
	ret->witness[FIRMWARE].source = "firmware variable";
	ask_root_device(layout, devs, ret);
	r = jota_io_read_file(io, "/proc/cmdline", CMDLINE_MAX, &cmdline, NULL, err);
	if (r == 0)
		r = ask_command_line(layout, cmdline, ret, err);
	if (r == 0)
		r = ask_firmware(io, layout, ret, err);
	if (r == 0)
		r = compare_witnesses(ret, err);
	return r;
}
