/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "models/l4t_model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NVIDIA "781e084c-a330-417c-b678-38e696380cb9"
#define GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define RESETS_MAX 8

static void make_path(const struct l4t_machine *m, const char *name, const char *guid,
		      char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/%s-%s", m->dir, name, guid);
}

bool l4t_machine_get(const struct l4t_machine *m, const char *name, uint32_t *ret)
{
	char path[PATH_MAX];
	uint8_t b[8];
	size_t n;
	FILE *f;

	make_path(m, name, NVIDIA, path);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(b, 1, sizeof(b), f);
	(void)fclose(f);
	if (n != sizeof(b))
		return false;
	*ret = b[4] | (uint32_t)b[5] << 8 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 24;
	return true;
}

void l4t_machine_set(const struct l4t_machine *m, const char *name, uint32_t attributes,
		     uint32_t value)
{
	const uint8_t b[8] = { (uint8_t)attributes,
			       0,
			       0,
			       0,
			       (uint8_t)value,
			       (uint8_t)(value >> 8),
			       (uint8_t)(value >> 16),
			       (uint8_t)(value >> 24) };
	char path[PATH_MAX];
	FILE *f;

	make_path(m, name, NVIDIA, path);
	f = fopen(path, "we");
	if (!f || fwrite(b, 1, sizeof(b), f) != sizeof(b) || fclose(f) != 0) {
		(void)fprintf(stderr, "l4t model: cannot write %s\n", path);
		abort();
	}
}

void l4t_machine_delete(const struct l4t_machine *m, const char *name)
{
	char path[PATH_MAX];

	make_path(m, name, NVIDIA, path);
	(void)unlink(path);
}

/* False: the power failed instead. */
static bool has_power(struct l4t_machine *m)
{
	return m->cut_after == 0 || --m->cut_after > 0;
}

static bool get(void *ctx, const char *name, uint32_t *ret)
{
	return l4t_machine_get(ctx, name, ret);
}

static bool put(void *ctx, const char *name, uint32_t attributes, uint32_t value)
{
	if (attributes == L4T_STORED && !has_power(ctx))
		return false;
	l4t_machine_set(ctx, name, attributes, value);
	return true;
}

static bool drop(void *ctx, const char *name)
{
	if (strcmp(name, "BootChainOsCurrent") != 0 && !has_power(ctx))
		return false;
	l4t_machine_delete(ctx, name);
	return true;
}

static bool has_boot_next(void *ctx)
{
	char path[PATH_MAX];

	make_path(ctx, "BootNext", GLOBAL, path);
	return access(path, F_OK) == 0;
}

static bool set_chain(void *ctx, unsigned chain)
{
	(void)chain;
	return has_power(ctx);
}

void l4t_machine_init(struct l4t_machine *m, const char *dir)
{
	*m = (struct l4t_machine){ 0 };
	(void)snprintf(m->dir, sizeof(m->dir), "%s", dir);
	l4t_machine_set(m, "RootfsStatusSlotA", L4T_STORED, 0);
	l4t_machine_set(m, "RootfsStatusSlotB", L4T_STORED, 0);
	l4t_machine_set(m, "RootfsRedundancyLevel", L4T_VOLATILE, 1);
	l4t_machine_set(m, "RootfsRetryCountMax", L4T_VOLATILE, L4T_TRIES_MAX);
}

enum l4t_outcome l4t_machine_boot(struct l4t_machine *m, bool cold)
{
	const struct l4t_store store = { get, put, drop, has_boot_next, set_chain, m };

	if (cold)
		m->reg.has_register = false;
	for (int i = 0; i < RESETS_MAX; i++) {
		switch (l4t_start(&m->reg, &store)) {
		case L4T_GO_ON:
			m->slot = m->reg.slot;
			return L4T_BOOTED;
		case L4T_NO_POWER:
			return L4T_CUT;
		case L4T_GIVE_UP:
			return L4T_RECOVERY;
		case L4T_RESET:
			break;
		}
	}
	return L4T_LOOP;
}

void l4t_machine_verify(struct l4t_machine *m)
{
	const char *name = m->slot == 0 ? "RootfsStatusSlotA" : "RootfsStatusSlotB";
	uint32_t value = 0;

	m->reg.has_register = false;
	if (l4t_machine_get(m, name, &value) && value != 0)
		l4t_machine_set(m, name, L4T_STORED, 0);
}
