/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* /etc/swupdate-jetson.conf: the integrator's choices, read with libconfig. */
#pragma once

#include <limits.h>

struct jota_err;
struct jota_io;
struct jota_layout;

#define JOTA_CONFIG_PATH "/etc/swupdate-jetson.conf"
#define JOTA_RUN_DIR "/run/swupdate-jetson"

/** Is the new slot looked at before the flip? */
enum jota_preflip {
	JOTA_PREFLIP_AUTO,     /* where jetson-health is installed, or health.conf asks for it */
	JOTA_PREFLIP_REQUIRED, /* no flip without */
	JOTA_PREFLIP_OFF,
};

struct jota_config {
	const struct jota_layout *layout;
	char backend[16];	   /* one of layout->backends */
	char env_config[PATH_MAX]; /* fw_env.config; default /etc/fw_env.config */
	unsigned boot_tries;	   /* 1..10, default 3 */
	/* kernel name of the disk ("mmcblk0"), "" : found from the running root */
	char root_disk[64];
	enum jota_preflip preflip;
	unsigned preflip_deadline_s; /* 1..3600, default 600: then jetson-health is ended */
};

/**
 * Read and check the configuration (prefixed JOTA_CONFIG_PATH). Keys: layout (required),
 * env_config, boot_tries, root_disk, backend,
 * preflip, preflip_deadline_s.
 * Errors name file and line: -ENOENT no file, -EINVAL syntax, unknown key, wrong type, unknown
 * or missing layout (the message lists the known
 * ones), value out of range, backend that the layout cannot use. root_disk may be given as
 * "/dev/mmcblk0" or "mmcblk0".
 */
int jota_config_read(const struct jota_io *io, struct jota_config *ret_config, struct jota_err *err);
