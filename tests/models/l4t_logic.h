/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A model of what NVIDIA's UEFI and L4TLauncher do with their variables at each start, written from facts about their public source
 * (BootChainDxe, L4TRootfsValidation); none of their code is in it, and it was never compared with a board. Nothing of the C library is
 * used: the model on files (l4t_model.h) and the EFI application of the virtual Jetson are both made of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Attributes of variables: NV, BS, RT; and those of the ones that are made anew at each start. */
#define L4T_STORED 7u
#define L4T_VOLATILE 6u
#define L4T_TRIES_MAX 3u

/** Where variables are. Writes return false when there was no power for them. */
struct l4t_store {
	bool (*get)(void *ctx, const char *name, uint32_t *ret); /* false: absent */
	bool (*put)(void *ctx, const char *name, uint32_t attributes, uint32_t value);
	bool (*drop)(void *ctx, const char *name);
	bool (*has_boot_next)(void *ctx);
	bool (*set_chain)(void *ctx, unsigned chain); /* what the boot ROM starts from now on */
	void *ctx;
};

/** What a board keeps beside variables. */
struct l4t_registers {
	unsigned chain;	   /* 0 or 1: that runs */
	bool has_register; /* scratch register holds counts; gone after a power cut */
	unsigned tries[2];
	unsigned slot; /* booted by the last start */
};

enum l4t_step { L4T_GO_ON, L4T_RESET, L4T_NO_POWER, L4T_GIVE_UP };

/** One pass of the firmware, up to the kernel of `slot`, a reset, or recovery. */
enum l4t_step l4t_start(struct l4t_registers *r, const struct l4t_store *store);
