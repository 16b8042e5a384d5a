/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The orders of writes of docs/uefi.md. Each step leaves out what is there already. */
#include "slot/backend_uefi.h"

#include "base/bytes.h"
#include "base/err.h"
#include "slot/uefi_vars.h"
#include "slot/variables.h"

#include <errno.h>
#include <string.h>

/* One store: what was read, what is wanted. */
struct job {
	const struct jota_uefi *u;
	struct jota_uefi_stored stored; /* fw follows what is written */
	struct jota_uefi_side want;	/* vars are ours to free */
	bool has_counted;		/* of `want`, as in a record */
	uint32_t counted;
};

static int write_record(const struct job *j, const struct jota_uefi_record *record,
			struct jota_err *err)
{
	uint8_t bytes[JOTA_UEFI_RECORD_BYTES];
	int r = jota_uefi_record_encode(record, bytes, err);

	return r < 0 ? r : jota_efivar_write(&j->u->io, &jota_uefi_record, bytes, (size_t)r, err);
}

/* R(want) */
static int settle_record(const struct job *j, struct jota_err *err)
{
	const struct jota_uefi_record record = { .is = j->want,
						 .has_counted = j->has_counted,
						 .counted = j->counted };

	return write_record(j, &record, err);
}

/* R(is, to): until BootChainFwNext moves, everything is as it was. */
static int announce(const struct job *j, struct jota_err *err)
{
	struct jota_uefi_record record = { .has_to = true, .to = j->want };

	record.is.state = j->stored.state;
	if (j->stored.vars)
		record.is.vars = *j->stored.vars;
	/* A trial that is to begin has no boots; one that is to end keeps its count until then. */
	record.has_counted = j->stored.record.has_counted;
	record.counted = j->stored.record.counted;
	return write_record(j, &record, err);
}

static int drop_request(struct job *j, struct jota_err *err)
{
	int r = j->stored.fw.has_next ?
			jota_efivar_delete(&j->u->io, &jota_uefi_next_request, err) :
			0;

	if (r == 0)
		j->stored.fw.has_next = j->stored.fw.next_known = false;
	return r;
}

/* Only after drop_request(): a request may be void because of this status, and would come alive. */
static int drop_status(struct job *j, struct jota_err *err)
{
	int r = j->stored.fw.has_status ? jota_efivar_delete(&j->u->io, &jota_uefi_status, err) : 0;

	if (r == 0)
		j->stored.fw.has_status = false;
	return r;
}

static int mark_slot(struct job *j, enum jota_slot slot, struct jota_err *err)
{
	bool bad = j->want.state.slot[slot] == JOTA_EMPTY;
	int r;

	if (j->stored.fw.bad[slot] == bad)
		return 0;
	r = jota_efivar_write_u32(&j->u->io, &jota_uefi_slot_status[slot], bad ? JOTA_UEFI_BAD : 0,
				  err);
	if (r == 0)
		j->stored.fw.bad[slot] = bad;
	return r;
}

/* The firmware is to go on with the chain that runs. */
static int stay(struct job *j, struct jota_err *err)
{
	enum jota_slot other = jota_slot_other(j->stored.fw.current);
	int r = drop_request(j, err);

	if (r == 0)
		r = drop_status(j, err);
	if (r == 0)
		r = mark_slot(j, j->stored.fw.current, err);
	return r < 0 ? r : mark_slot(j, other, err);
}

/* The firmware is to go to the other chain: its slot must be bootable before, the one to be left may become bad only after. */
static int leave(struct job *j, struct jota_err *err)
{
	enum jota_slot to = j->want.state.next;
	int r = drop_request(j, err);

	if (r == 0)
		r = mark_slot(j, to, err);
	if (r == 0)
		r = drop_status(j, err);
	if (r == 0)
		r = jota_efivar_write_u32(&j->u->io, &jota_uefi_next_request, (uint32_t)to, err);
	return r < 0 ? r : mark_slot(j, jota_slot_other(to), err);
}

/* Asked before anything is written, because the firmware would refuse the flip only after the reboot. */
static int check_way(const struct job *j, struct jota_err *err)
{
	uint8_t buf[2];
	size_t len;
	int r = 0;

	if (j->want.state.next != j->stored.fw.current)
		r = jota_efivar_read(&j->u->io, &jota_uefi_boot_next, buf, sizeof(buf), &len, err);
	if (r > 0)
		return jota_fail(err, EBUSY,
				 "UEFI variable 'BootNext' exists, with it the firmware refuses to "
				 "change the slot: delete it (efibootmgr -N).");
	return r;
}

static int write_all(struct job *j, struct jota_err *err)
{
	const struct jota_boot_state *want = &j->want.state;
	bool moves = !want->factory && want->next != jota_uefi_next(&j->stored.fw);
	int r = moves ? check_way(j, err) : 0;

	if (r == 0 && moves)
		r = announce(j, err);
	if (r == 0 && moves && want->next != j->stored.fw.current)
		r = leave(j, err);
	/* A request that stands stays, and so does what it stands for. */
	else if (r == 0 && !want->factory && want->next == j->stored.fw.current)
		r = stay(j, err);
	return r < 0 ? r : settle_record(j, err);
}

/* The compare half of compare and swap. */
static int compare_stored(const struct job *j, const struct jota_boot_state *cur,
			  struct jota_err *err)
{
	const char *what = jota_boot_state_difference(&j->stored.state, cur);

	if (what)
		return jota_fail(err, ESTALE,
				 "the stored boot state was changed by another program or by the "
				 "firmware meanwhile (%s), nothing was written: look at it and try "
				 "again.",
				 what);
	return 0;
}

static int check_expressible(const struct jota_boot_state *want, struct jota_err *err)
{
	for (int i = 0; i < JOTA_SLOT_COUNT; i++)
		if (!want->factory &&
		    (want->slot[i] == JOTA_READY ||
		     (want->slot[i] == JOTA_TRIAL && (enum jota_slot)i != want->next)))
			return jota_fail(
				err, EINVAL,
				"the UEFI variables cannot express the state to store (slot "
				"%s is %s, %s is next).",
				jota_slot_name((enum jota_slot)i),
				jota_condition_name(want->slot[i]), jota_slot_name(want->next));
	return 0;
}

static bool is_settled(const struct job *j, bool changes_vars)
{
	const struct jota_uefi_stored *s = &j->stored;

	return s->has_record && !s->record.has_to && !changes_vars && !s->fw.has_status &&
	       !jota_boot_state_difference(&s->state, &j->want.state) &&
	       !jota_boot_state_difference(&s->record.is.state, &j->want.state);
}

static bool same_trial(const struct jota_boot_state *a, const struct jota_boot_state *b)
{
	return !a->factory && !b->factory && a->next == b->next && a->slot[a->next] == JOTA_TRIAL &&
	       b->slot[b->next] == JOTA_TRIAL && a->boots_counted == b->boots_counted;
}

static int keep_vars(struct job *j, struct jota_err *err)
{
	int r = j->stored.vars ? jota_env_copy(j->stored.vars, &j->want.vars) : 0;

	return r < 0 ? jota_fail(err, -r, "store the boot state") : 0;
}

static int plan(struct job *j, const struct jota_boot_state *cur, const struct jota_boot_state *want,
		const struct jota_change *change, size_t change_count, struct jota_err *err)
{
	int r = check_expressible(want, err);

	if (r < 0)
		return r;
	j->want.state = *want;
	if (want->factory || want->slot[want->next] != JOTA_TRIAL)
		j->want.state.boots_counted = 0;
	if (same_trial(cur, want)) {
		j->has_counted = j->stored.record.has_counted;
		j->counted = j->stored.record.counted;
	}
	r = keep_vars(j, err);
	return r < 0 ? r : jota_variables_change(&j->want.vars, change, change_count, err);
}

int jota_uefi_store_locked(const struct jota_uefi *u, const struct jota_boot_state *cur,
			   const struct jota_boot_state *want, const struct jota_change *change,
			   size_t change_count, struct jota_err *err)
{
	struct job j = { .u = u };
	static const struct jota_env none;
	int r = jota_uefi_stored_read(u, &j.stored, err);

	if (r == 0)
		r = compare_stored(&j, cur, err);
	if (r == 0)
		r = plan(&j, cur, want, change, change_count, err);
	if (r == 0) {
		const struct jota_env *vars = j.stored.vars ? j.stored.vars : &none;
		bool nothing = !j.stored.has_record && want->factory && change_count == 0;

		if (!nothing &&
		    !is_settled(&j, jota_variables_difference(vars, &j.want.vars) != NULL))
			r = write_all(&j, err);
	}
	jota_env_done(&j.want.vars);
	jota_uefi_stored_done(&j.stored);
	return r;
}

int jota_uefi_count_locked(const struct jota_uefi *u, const char *boot_id, struct jota_err *err)
{
	struct job j = { .u = u, .has_counted = true };
	const struct jota_boot_state *now = &j.stored.state;
	int r = jota_uefi_stored_read(u, &j.stored, err);

	j.counted = jota_crc32(boot_id, strlen(boot_id));
	if (r == 0 && boot_id[0] == '\0')
		r = jota_fail(err, EINVAL, "the boot to be counted has no boot_id.");
	if (r == 0 && (now->factory || now->next != j.stored.fw.current ||
		       now->slot[now->next] != JOTA_TRIAL))
		r = jota_fail(err, EINVAL, "no slot is on trial, so no boot is to be counted.");
	if (r == 0 && !(now->boots_counted > 0 && j.stored.record.has_counted &&
			j.stored.record.counted == j.counted)) {
		j.want.state = *now;
		if (j.want.state.boots_counted < UINT32_MAX)
			j.want.state.boots_counted++;
		r = keep_vars(&j, err);
		if (r == 0)
			r = settle_record(&j, err);
	}
	jota_env_done(&j.want.vars);
	jota_uefi_stored_done(&j.stored);
	return r;
}
