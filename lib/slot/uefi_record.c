/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "slot/uefi_record.h"

#include "base/bytes.h"
#include "base/err.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VERSION 1u
#define NO_LETTER '-'
#define FACTORY_LETTER 'F'
#define STATE_CHARS 9u /* in front of the boot_id */
#define ID_DIGITS 32u
#define COUNT_MAX 255u

struct side_words {
	const char *state, *reason, *vars;
};
static const struct side_words is_words = { "i", "ir", "v." }, to_words = { "t", "tr", "w." };
/* In the order of enum jota_condition; READY is never stored. */
static const char condition_letters[] = "e?tg";
/* Where the dashes of a boot_id stand. */
static const size_t dashes[] = { 8, 13, 18, 23 };

static int fail_value(const char *name, const char *value, struct jota_err *err)
{
	return jota_fail(err, EBADMSG,
			 "the record in the UEFI variables has '%s' = '%.60s', which does not "
			 "belong there: another program wrote it; delete it to begin anew.",
			 name, value ? value : "(nothing)");
}

static bool read_letter(char letter, const char *letters, size_t *ret)
{
	const char *at = letter != '\0' && letter != '?' ? strchr(letters, letter) : NULL;

	if (at)
		*ret = (size_t)(at - letters);
	return at != NULL;
}

static bool read_hex(const char *text, size_t digits, uint32_t *ret)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t value = 0;

	for (size_t i = 0; i < digits; i++) {
		size_t digit;

		if (!read_letter(text[i], hex, &digit))
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*ret = value;
	return true;
}

static bool is_dash(size_t at)
{
	for (size_t i = 0; i < sizeof(dashes) / sizeof(dashes[0]); i++)
		if (dashes[i] == at)
			return true;
	return false;
}

static bool read_id(const char *text, char ret[37])
{
	uint32_t ignored;

	if (text[0] == '\0')
		return true;
	if (strlen(text) != ID_DIGITS || !read_hex(text, ID_DIGITS, &ignored))
		return false;
	for (size_t i = 0; i < 36; i++) {
		if (is_dash(i))
			ret[i] = '-';
		else
			ret[i] = *text++;
	}
	ret[36] = '\0';
	return true;
}

/* "AgeB103...": the letters, then the counts. */
static bool read_letters(const char *text, struct jota_boot_state *ret)
{
	size_t next, condition[JOTA_SLOT_COUNT], target, ustate;

	if (!read_letter(text[0], "ABF", &next) || !read_letter(text[3], "-01237", &ustate) ||
	    !read_letter(text[4], "-AB", &target))
		return false;
	for (int i = 0; i < JOTA_SLOT_COUNT; i++) {
		if (!read_letter(text[1 + i], condition_letters, &condition[i]))
			return false;
		ret->slot[i] = (enum jota_condition)condition[i];
	}
	ret->factory = text[0] == FACTORY_LETTER;
	ret->next = next == 1 ? JOTA_SLOT_B : JOTA_SLOT_A;
	ret->record.ustate = ustate > 0 ? (enum jota_ustate)text[3] : JOTA_USTATE_NONE;
	ret->record.has_target = target > 0;
	ret->record.target = target == 2 ? JOTA_SLOT_B : JOTA_SLOT_A;
	return true;
}

static int read_state(const struct jota_env *env, const struct side_words *words,
		      struct jota_boot_state *ret, struct jota_err *err)
{
	const char *text = jota_env_get(env, words->state);
	const char *reason = jota_env_get(env, words->reason);

	if (!text || strlen(text) < STATE_CHARS || !read_letters(text, ret) ||
	    !read_hex(text + 5, 2, &ret->boots_counted) ||
	    !read_hex(text + 7, 2, &ret->boot_limit) ||
	    !read_id(text + STATE_CHARS, ret->record.boot_id))
		return fail_value(words->state, text, err);
	if (reason && strlen(reason) >= sizeof(ret->record.reason))
		return fail_value(words->reason, reason, err);
	for (size_t i = 0; reason && reason[i] != '\0'; i++)
		ret->record.reason[i] =
			(char)(reason[i] >= ' ' && reason[i] <= '~' ? reason[i] : '?');
	return 0;
}

static int read_vars(const struct jota_env *env, const char *prefix, struct jota_env *ret,
		     struct jota_err *err)
{
	size_t len = strlen(prefix);

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->var[i].name, prefix, len) == 0 && env->var[i].name[len] != '\0' &&
		    jota_env_put(ret, env->var[i].name + len, env->var[i].value) < 0)
			return jota_fail(err, ENOMEM, "read the record in the UEFI variables");
	return 0;
}

static int read_side(const struct jota_env *env, const struct side_words *words,
		     struct jota_uefi_side *ret, struct jota_err *err)
{
	int r = read_state(env, words, &ret->state, err);

	return r < 0 ? r : read_vars(env, words->vars, &ret->vars, err);
}

static int read_record(const struct jota_env *env, struct jota_uefi_record *ret,
		       struct jota_err *err)
{
	const char *to = jota_env_get(env, to_words.state), *counted = jota_env_get(env, "c");
	int r = read_side(env, &is_words, &ret->is, err);

	ret->has_to = to != NULL;
	if (r == 0 && to)
		r = read_side(env, &to_words, &ret->to, err);
	/* Nothing leads back there. */
	if (r == 0 && to && ret->to.state.factory)
		r = fail_value(to_words.state, to, err);
	ret->has_counted = counted != NULL;
	if (r == 0 && counted && (strlen(counted) != 8 || !read_hex(counted, 8, &ret->counted)))
		r = fail_value("c", counted, err);
	return r;
}

int jota_uefi_record_decode(const uint8_t *bytes, size_t len_bytes, struct jota_uefi_record *ret,
			    struct jota_err *err)
{
	struct jota_uefi_record record = { 0 };
	struct jota_env env = { 0 };
	int r;

	if (!jota_env_copy_valid(bytes, len_bytes))
		return jota_fail(err, EBADMSG,
				 "the record in the UEFI variables fails its checksum: another "
				 "program wrote it; delete it to begin anew.");
	if (bytes[4] != VERSION)
		return jota_fail(err, EBADMSG,
				 "the record in the UEFI variables has version %u, this program "
				 "reads %u: use the swupdate-jetson that wrote it.",
				 bytes[4], VERSION);
	r = jota_env_decode(bytes, len_bytes, &env, err);
	if (r < 0)
		return jota_wrap(err, "the record in the UEFI variables: ");
	r = read_record(&env, &record, err);
	jota_env_done(&env);
	if (r < 0)
		jota_uefi_record_done(&record);
	else
		*ret = record;
	return r;
}

struct text {
	uint8_t *bytes;
	size_t used;
	bool full;
};

static void put(struct text *t, const char *prefix, const char *name, const char *value)
{
	size_t room = JOTA_UEFI_RECORD_BYTES - t->used;
	int n;

	if (value[0] == '\0' || t->full)
		return;
	/* One more zero ends the list. */
	n = snprintf((char *)t->bytes + t->used, room, "%s%s=%s", prefix, name, value);
	if (n < 0 || (size_t)n + 2 > room)
		t->full = true;
	else
		t->used += (size_t)n + 1;
}

/* False: it is no boot_id of a kernel. */
static bool pack_id(const char *id, char ret[ID_DIGITS + 1])
{
	size_t used = 0;

	if (id[0] != '\0' && strlen(id) != 36)
		return false;
	for (size_t i = 0; id[i] != '\0'; i++) {
		if (is_dash(i) != (id[i] == '-') ||
		    (id[i] != '-' && !isxdigit((unsigned char)id[i])))
			return false;
		if (id[i] != '-')
			ret[used++] = (char)tolower((unsigned char)id[i]);
	}
	ret[used] = '\0';
	return true;
}

static unsigned in_byte(uint32_t count)
{
	return count < COUNT_MAX ? (unsigned)count : COUNT_MAX;
}

static int put_side(struct text *t, const struct side_words *words,
		    const struct jota_uefi_side *side, struct jota_err *err)
{
	const struct jota_boot_state *s = &side->state;
	const struct jota_record *r = &s->record;
	char id[ID_DIGITS + 1], text[STATE_CHARS + ID_DIGITS + 1];

	if (!pack_id(r->boot_id, id))
		return jota_fail(err, EINVAL, "'%.40s' is no boot_id of a kernel.", r->boot_id);
	(void)snprintf(text, sizeof(text), "%c%c%c%c%c%02x%02x%s",
		       s->factory ? FACTORY_LETTER : jota_slot_name(s->next)[0],
		       condition_letters[s->slot[JOTA_SLOT_A]],
		       condition_letters[s->slot[JOTA_SLOT_B]],
		       r->ustate ? (char)r->ustate : NO_LETTER,
		       r->has_target ? jota_slot_name(r->target)[0] : NO_LETTER,
		       in_byte(s->boots_counted), in_byte(s->boot_limit), id);
	put(t, words->state, "", text);
	put(t, words->reason, "", r->reason);
	for (size_t i = 0; i < side->vars.count; i++)
		put(t, words->vars, side->vars.var[i].name, side->vars.var[i].value);
	return 0;
}

int jota_uefi_record_encode(const struct jota_uefi_record *record,
			    uint8_t ret_bytes[JOTA_UEFI_RECORD_BYTES], struct jota_err *err)
{
	struct text t = { .bytes = ret_bytes, .used = JOTA_ENV_HEADER_BYTES };
	char counted[9] = "";
	int r;

	memset(ret_bytes, 0, JOTA_UEFI_RECORD_BYTES);
	ret_bytes[4] = VERSION;
	r = put_side(&t, &is_words, &record->is, err);
	if (r == 0 && record->has_to)
		r = put_side(&t, &to_words, &record->to, err);
	if (r < 0)
		return r;
	if (record->has_counted)
		(void)snprintf(counted, sizeof(counted), "%08" PRIx32, record->counted);
	put(&t, "c", "", counted);
	if (t.full)
		return jota_fail(
			err, ENOSPC,
			"the record in the UEFI variables would need more than its %u bytes: "
			"put fewer or shorter variables into bootenv sections.",
			JOTA_UEFI_RECORD_BYTES);
	t.used++;
	put_le32(ret_bytes,
		 jota_crc32(ret_bytes + JOTA_ENV_HEADER_BYTES, t.used - JOTA_ENV_HEADER_BYTES));
	return (int)t.used;
}

void jota_uefi_record_done(struct jota_uefi_record *record)
{
	jota_env_done(&record->is.vars);
	jota_env_done(&record->to.vars);
}
