/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Write protection of an eMMC boot area (mmcblk0boot0, mmcblk0boot1): the kernel keeps it read-only
 * until "0" is written to /sys/block/<name>/force_ro. What decides is that a device has this
 * attribute, not how it is called; a partition has none of its own, so a disk that somebody has
 * protected as a whole is not opened up.
 * Lifting is not persistent: after a power cut, or any boot, the kernel protects the boot areas
 * again. A process that is killed leaves its area lifted until then.
 */
#pragma once

#include <stdbool.h>

struct jota_err;
struct jota_io;

/**
 * Is the device (not prefixed, "/dev/mmcblk0boot0") protected by its force_ro? 1 yes, 0 no or no
 * such attribute; -EBADMSG it holds something else than 0 or 1; errors of reading it.
 */
int jota_force_ro_read(const struct jota_io *io, const char *device_path, struct jota_err *err);

/**
 * Make the device writable before it is opened. *lifted becomes true if that took a change, which
 * jota_force_ro_restore() has to take back; when it is true already, nothing is done.
 * -EROFS the kernel took the change, but the attribute still says 1. After a failure the attribute
 * is as it was found, as far as it can be written.
 */
int jota_force_ro_lift(const struct jota_io *io, const char *device_path, bool *lifted,
		       struct jota_err *err);

/**
 * Protect the device again, after the last descriptor that wrote to it is closed. No-op unless
 * *lifted. After a failure *lifted stays, so that it can be tried again.
 */
int jota_force_ro_restore(const struct jota_io *io, const char *device_path, bool *lifted,
			  struct jota_err *err);
