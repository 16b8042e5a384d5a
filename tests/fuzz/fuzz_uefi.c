/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The uefi backend's record: decoding, encoding, and what it means beside the firmware's variables.
 * Input: a byte of facts about the firmware (bit 0 chain, 1 and 2 a request and its chain, 3 a status, 4 and 5 slots marked bad, 6: the record is
 * given the right checksum and version), then the record.
 */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "slot/policy.h"
#include "slot/uefi_state.h"
#include "slot/variables.h"

static struct jota_uefi_firmware read_firmware(uint8_t facts)
{
	struct jota_uefi_firmware fw = { 0 };

	fw.current = facts & 1u ? JOTA_SLOT_B : JOTA_SLOT_A;
	fw.has_next = fw.next_known = (facts & 2u) != 0;
	fw.next = facts & 4u ? JOTA_SLOT_B : JOTA_SLOT_A;
	fw.has_status = (facts & 8u) != 0;
	fw.bad[JOTA_SLOT_A] = (facts & 16u) != 0;
	fw.bad[JOTA_SLOT_B] = (facts & 32u) != 0;
	return fw;
}

/* The firmware's word stands above the record's, and nothing that a policy cannot read comes out. */
static void judge_state(const struct jota_uefi_record *record, const struct jota_uefi_firmware *fw)
{
	const struct jota_env *vars = NULL;
	const struct jota_boot_state state = jota_uefi_resolve(record, fw, &vars);

	PROMISE(vars == &record->is.vars || vars == &record->to.vars);
	if (state.factory)
		return;
	PROMISE(state.next == jota_uefi_next(fw));
	for (int i = 0; i < JOTA_SLOT_COUNT; i++) {
		PROMISE(!fw->bad[i] || state.slot[i] == JOTA_EMPTY);
		PROMISE(state.slot[i] != JOTA_READY);
		PROMISE(state.slot[i] != JOTA_TRIAL || (enum jota_slot)i == state.next);
	}
	PROMISE(state.slot[state.next] == JOTA_TRIAL || state.boots_counted == 0);
}

/* What was decoded can be stored again, and then reads the same. */
static void judge_again(const struct jota_uefi_record *record)
{
	uint8_t bytes[JOTA_UEFI_RECORD_BYTES];
	struct jota_uefi_record again = { 0 };
	struct jota_err err = { 0 };
	int r = jota_uefi_record_encode(record, bytes, &err);

	fuzz_check_result(r, &err);
	if (r < 0)
		return;
	r = jota_uefi_record_decode(bytes, (size_t)r, &again, &err);
	fuzz_check_result(r, &err);
	PROMISE(r == 0);
	PROMISE(again.has_to == record->has_to);
	PROMISE(!jota_boot_state_difference(&record->is.state, &again.is.state));
	PROMISE(!record->has_to || !jota_boot_state_difference(&record->to.state, &again.to.state));
	PROMISE(!jota_variables_difference(&record->is.vars, &again.is.vars));
	PROMISE(again.has_counted == record->has_counted && again.counted == record->counted);
	jota_uefi_record_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct jota_uefi_record record = { 0 };
	struct jota_uefi_firmware fw;
	struct jota_err err = { 0 };
	uint8_t *copy;
	int r;

	if (len_bytes < 1 + JOTA_ENV_HEADER_BYTES + 2 || len_bytes > 1 + JOTA_UEFI_RECORD_BYTES)
		return 0;
	fw = read_firmware(data[0]);
	len_bytes--;
	copy = fuzz_copy(data + 1, len_bytes, len_bytes);
	if (data[0] & 64u) {
		copy[4] = 1;
		put_le32(copy, jota_crc32(copy + JOTA_ENV_HEADER_BYTES,
					  len_bytes - JOTA_ENV_HEADER_BYTES));
	}
	r = jota_uefi_record_decode(copy, len_bytes, &record, &err);
	fuzz_check_result(r, &err);
	if (r == 0) {
		fuzz_plant(record.has_to && record.to.state.boots_counted > 2,
			   record.to.state.record.boot_id);
		judge_state(&record, &fw);
		judge_again(&record);
	}
	jota_uefi_record_done(&record);
	free(copy);
	return 0;
}
