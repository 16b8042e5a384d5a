/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "write/kernel_source.h"

#include "base/err.h"
#include "base/io.h"
#include "slot/backend.h"
#include "slot/config.h"
#include "slot/layout.h"
#include "slot/uefi_vars.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODE_EXTLINUX 1u
#define MODE_BOOTIMG 2u
#define OUR_BOOTCMD "run jota_boot"

static void decide(struct jota_kernel_source *ret, enum jota_kernel_place place, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

static void decide(struct jota_kernel_source *ret, enum jota_kernel_place place, const char *fmt,
		   ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	if (vsnprintf(ret->why, sizeof(ret->why), fmt, args) < 0)
		ret->why[0] = '\0';
	va_end(args);
	/* Errors are whole sentences. */
	len = strlen(ret->why);
	if (len > 0 && ret->why[len - 1] == '.')
		ret->why[len - 1] = '\0';
	ret->place = place;
}

static void ask_uefi(const struct jota_io *io, struct jota_kernel_source *ret)
{
	const char *name = jota_uefi_boot_mode.name;
	struct jota_err err = { 0 };
	uint32_t mode = 0;
	int r = jota_efivar_read_u32(io, &jota_uefi_boot_mode, &mode, &err);

	if (r < 0)
		decide(ret, JOTA_KERNEL_UNDECIDED, "%s", err.msg);
	else if (r == 0)
		decide(ret, JOTA_KERNEL_UNDECIDED, "UEFI variable '%s' is absent", name);
	else
		decide(ret,
		       mode == MODE_EXTLINUX ? JOTA_KERNEL_ROOT :
		       mode == MODE_BOOTIMG  ? JOTA_KERNEL_PARTITION :
					       JOTA_KERNEL_UNDECIDED,
		       "%s is %u", name, (unsigned)mode);
}

static void ask_uboot(const struct jota_io *io, const struct jota_config *config,
		      struct jota_kernel_source *ret)
{
	struct jota_backend *backend = NULL;
	struct jota_err err = { 0 };
	char *command = NULL;
	int r = jota_backend_open(io, config, &backend, &err);

	if (r == 0)
		r = jota_backend_get(backend, "bootcmd", &command, &err);
	if (r < 0)
		decide(ret, JOTA_KERNEL_UNDECIDED, "%s", err.msg);
	else if (!command)
		decide(ret, JOTA_KERNEL_UNDECIDED, "U-Boot's environment has no 'bootcmd'");
	else if (strncmp(command, OUR_BOOTCMD, strlen(OUR_BOOTCMD)) == 0)
		decide(ret, JOTA_KERNEL_PARTITION, "U-Boot's bootcmd is '" OUR_BOOTCMD "'");
	else
		decide(ret, JOTA_KERNEL_UNDECIDED, "U-Boot's bootcmd is '%.60s'", command);
	free(command);
	jota_backend_free(backend);
}

void jota_kernel_source_find(const struct jota_io *io, struct jota_kernel_source *ret)
{
	struct jota_config config;
	struct jota_err err = { 0 };

	if (jota_config_read(io, &config, &err) < 0)
		decide(ret, JOTA_KERNEL_UNDECIDED, "%s", err.msg);
	else if (!config.layout->role[JOTA_ROLE_KERNEL].label[JOTA_SLOT_A])
		decide(ret, JOTA_KERNEL_ROOT, "layout '%s' has no kernel partition",
		       config.layout->name);
	else if (strcmp(config.backend, "uefi") == 0)
		ask_uefi(io, ret);
	else if (strcmp(config.backend, "uboot") == 0)
		ask_uboot(io, &config, ret);
	else
		decide(ret, JOTA_KERNEL_UNDECIDED,
		       "the boot loader of backend '%s' may take either", config.backend);
}
