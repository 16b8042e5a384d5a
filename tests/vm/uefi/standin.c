/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A STAND-IN for NVIDIA's L4TLauncher and the part of its firmware that changes the boot chain, for a virtual machine with Debian's UEFI firmware.
 * It acts on NVIDIA's variables as tests/models/l4t_logic.c does, and none of NVIDIA's code is in it. What a board has in hardware, it keeps in
 * variables of its own: the chain that the boot ROM starts, and the scratch register that a power cut clears.
 */
#include "standin.h"

#include "models/l4t_logic.h"

#define NAME_CHARS 64u
#define STORED_FOR_US 3u /* NV, BS */
#define REGISTER_MAGIC 0xFACEu
/* QEMU's fw_cfg device on its generic arm64 machine (docs/specs/fw_cfg.rst). */
#define FW_CFG_DATA ((volatile uint8_t *)0x09020000u)
#define FW_CFG_SELECTOR ((volatile uint16_t *)0x09020008u)
#define FW_CFG_DIRECTORY 0x19u
#define FW_CFG_NAME_BYTES 56u
#define POWER_FILE "opt/org.swupdate-jetson/power-on"
#define POWER_BYTES 16u

static const struct efi_guid nvidia = {
	0x781e084c, 0xa330, 0x417c, { 0xb6, 0x78, 0x38, 0xe6, 0x96, 0x38, 0x0c, 0xb9 }
};
static const struct efi_guid global = {
	0x8be4df61, 0x93ca, 0x11d2, { 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c }
};
/* Of the stand-in itself. */
static const struct efi_guid own = {
	0x5d1ab9c4, 0x7c0e, 0x4c1b, { 0x9a, 0x58, 0x3e, 0x6d, 0x0b, 0x1f, 0x42, 0x77 }
};

/* The compiler may call these two for what looks like a loop or an assignment. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

void *memcpy(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((volatile uint8_t *)to)[i] = (uint8_t)value;
	return to;
}

static void widen(const char *text, efi_char wide[NAME_CHARS])
{
	efi_char *const end = wide + NAME_CHARS - 1;

	while (*text != '\0' && wide < end)
		*wide++ = (efi_char)*text++;
	*wide = 0;
}

void standin_say(const struct standin *s, const char *text)
{
	efi_char letter[2] = { 0, 0 };

	for (; *text != '\0'; text++) {
		letter[0] = (efi_char)*text;
		(void)s->system->console_out->output_string(s->system->console_out, letter);
	}
}

void standin_say_number(const struct standin *s, const char *before, unsigned number,
			const char *after)
{
	char digits[12] = "";
	size_t at = sizeof(digits) - 1;

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	standin_say(s, before);
	standin_say(s, digits + at);
	standin_say(s, after);
}

void standin_reset(const struct standin *s)
{
	standin_say(s, "[stand-in] reset\r\n");
	s->system->runtime->reset_system(EFI_RESET_COLD, EFI_SUCCESS, 0, NULL);
	for (;;)
		;
}

static bool get_of(const struct standin *s, const char *name, const struct efi_guid *guid,
		   uint32_t *ret)
{
	efi_char wide[NAME_CHARS];
	uint32_t attributes, value = 0;
	size_t bytes = sizeof(value);

	widen(name, wide);
	if (s->system->runtime->get_variable(wide, guid, &attributes, &bytes, &value) !=
		    EFI_SUCCESS ||
	    bytes != sizeof(value))
		return false;
	*ret = value;
	return true;
}

static void put_of(const struct standin *s, const char *name, const struct efi_guid *guid,
		   uint32_t attributes, uint32_t value)
{
	efi_char wide[NAME_CHARS];

	widen(name, wide);
	if (s->system->runtime->set_variable(wide, guid, attributes, sizeof(value), &value) !=
	    EFI_SUCCESS) {
		standin_say(s, "[stand-in] the firmware rejects ");
		standin_say(s, name);
		standin_say(s, "\r\n");
	}
}

static bool get(void *ctx, const char *name, uint32_t *ret)
{
	return get_of(ctx, name, &nvidia, ret);
}

static bool put(void *ctx, const char *name, uint32_t attributes, uint32_t value)
{
	put_of(ctx, name, &nvidia, attributes, value);
	return true;
}

static bool drop(void *ctx, const char *name)
{
	const struct standin *s = ctx;
	efi_char wide[NAME_CHARS];

	widen(name, wide);
	(void)s->system->runtime->set_variable(wide, &nvidia, 0, 0, NULL);
	return true;
}

static bool has_boot_next(void *ctx)
{
	const struct standin *s = ctx;
	efi_char wide[NAME_CHARS];
	uint32_t attributes;
	size_t bytes = 0;

	widen("BootNext", wide);
	return s->system->runtime->get_variable(wide, &global, &attributes, &bytes, NULL) !=
	       EFI_NOT_FOUND;
}

static bool set_chain(void *ctx, unsigned chain)
{
	put_of(ctx, "StandInChain", &own, STORED_FOR_US, chain);
	return true;
}

static uint32_t read_be32(void)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | *FW_CFG_DATA;
	return value;
}

/* What QEMU was given at its start: another word each time the machine is switched on. */
static bool read_power(uint8_t ret[POWER_BYTES])
{
	static const char wanted[] = POWER_FILE;
	uint32_t count;

	*FW_CFG_SELECTOR = (uint16_t)(FW_CFG_DIRECTORY << 8);
	for (count = read_be32(); count > 0; count--) {
		uint32_t bytes = read_be32(), select = read_be32() >> 16;
		bool same = true;

		for (size_t i = 0; i < FW_CFG_NAME_BYTES; i++) {
			char letter = (char)*FW_CFG_DATA;

			same &= i >= sizeof(wanted) || letter == wanted[i];
		}
		if (!same || bytes != POWER_BYTES)
			continue;
		*FW_CFG_SELECTOR = (uint16_t)(select << 8 | select >> 8);
		for (size_t i = 0; i < POWER_BYTES; i++)
			ret[i] = *FW_CFG_DATA;
		return true;
	}
	return false;
}

/* True when the power was off since the last start. */
static bool was_off(const struct standin *s)
{
	uint8_t now[POWER_BYTES], before[POWER_BYTES];
	efi_char name[NAME_CHARS];
	uint32_t attributes;
	size_t bytes = sizeof(before);
	bool same;

	if (!read_power(now)) {
		standin_say(s, "[stand-in] QEMU does not say when the power came\r\n");
		return true;
	}
	widen("StandInPower", name);
	same = s->system->runtime->get_variable(name, &own, &attributes, &bytes, before) ==
		       EFI_SUCCESS &&
	       bytes == sizeof(before);
	for (size_t i = 0; i < POWER_BYTES; i++)
		same = same && now[i] == before[i];
	if (!same)
		(void)s->system->runtime->set_variable(name, &own, STORED_FOR_US, sizeof(now), now);
	return !same;
}

/* The layout of NVIDIA's scratch register: magic, slot, tries of B, tries of A. */
static void read_registers(const struct standin *s, struct l4t_registers *r)
{
	uint32_t value = 0;
	bool off = was_off(s);

	*r = (struct l4t_registers){ 0 };
	if (get_of(s, "StandInChain", &own, &value) && value < 2)
		r->chain = value;
	if (!off && get_of(s, "StandInRegister", &own, &value) &&
	    (value & 0xFFFFu) == REGISTER_MAGIC) {
		r->has_register = true;
		r->tries[1] = value >> 18 & 3u;
		r->tries[0] = value >> 20 & 3u;
	}
	standin_say(s, off ? "[stand-in] power on\r\n" : "[stand-in] warm start\r\n");
}

static void keep_registers(const struct standin *s, const struct l4t_registers *r)
{
	uint32_t value = REGISTER_MAGIC | r->slot << 16 | r->tries[1] << 18 | r->tries[0] << 20;

	/* The system may clear it: that is what nvbootctrl does with the real one. */
	put_of(s, "StandInRegister", &own, L4T_STORED, r->has_register ? value : 0);
}

int standin_choose(const struct standin *s)
{
	const struct l4t_store store = { get, put, drop, has_boot_next, set_chain, (void *)s };
	static const char *const status[2] = { "RootfsStatusSlotA", "RootfsStatusSlotB" };
	struct l4t_registers r;
	enum l4t_step step;
	uint32_t value;

	/* DefaultVariableDxe: what is not there yet, and what policy locks. */
	for (int i = 0; i < 2; i++)
		if (!get((void *)s, status[i], &value))
			(void)put((void *)s, status[i], L4T_STORED, 0);
	(void)put((void *)s, "RootfsRedundancyLevel", L4T_VOLATILE, 1);
	(void)put((void *)s, "RootfsRetryCountMax", L4T_VOLATILE, L4T_TRIES_MAX);
	read_registers(s, &r);
	step = l4t_start(&r, &store);
	keep_registers(s, &r);
	if (step == L4T_RESET) {
		standin_say_number(s, "[stand-in] chain ", r.chain, " is left or entered\r\n");
		standin_reset(s);
	}
	return step == L4T_GO_ON ? (int)r.slot : -1;
}

/* The name that the start-up code of gnu-efi calls. */
uint64_t efi_main(void *image, struct efi_system_table *system);

uint64_t efi_main(void *image, struct efi_system_table *system)
{
	const struct standin s = { image, system };
	int slot;

	(void)system->boot->set_watchdog_timer(0, 0, 0, NULL);
	standin_say(&s, "[stand-in] not NVIDIA's L4TLauncher, but a stand-in for it\r\n");
	slot = standin_choose(&s);
	if (slot < 0) {
		standin_say(&s, "[stand-in] recovery: no slot may be booted\r\n");
		for (;;)
			(void)system->boot->stall(1000000);
	}
	standin_say(&s, slot == 0 ? "[stand-in] slot A\r\n" : "[stand-in] slot B\r\n");
	standin_boot(&s, (unsigned)slot);
	standin_reset(&s);
}
