/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What "/" stands on, down through overlay, loop and device mapper. Part of blockdev. */
#pragma once

#include <stddef.h>

struct jota_blockdevs;
struct jota_io;
struct jota_mount;
struct jota_mounts;
struct jota_partition;

/**
 * The block device of a mount, by device number, else by a source of the form /dev/NAME. NULL:
 * none that is listed.
 */
const struct jota_partition *jota_blockdev_of_mount(const struct jota_blockdevs *devs,
						    const struct jota_mount *mount);

/**
 * Kernel name of the one partition or disk below "/"; "" when nothing is found or more than one
 * would do: a guess here could
 * end with writing the running system.
 */
void jota_blockdev_find_root(const struct jota_io *io, const struct jota_blockdevs *devs,
			     const struct jota_mounts *mounts, char *ret_name, size_t name_bytes);

/**
 * Entries of /sys/class/block/<name>/<leaf> ("holders", "slaves"): their number, 0 when there is
 * no such directory.
 * ret_first: name of one of them, "" when none.
 */
size_t jota_blockdev_list_one(const struct jota_io *io, const char *name, const char *leaf,
			      char *ret_first, size_t first_bytes);
