/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * extlinux.conf of a root file system, as UEFI (L4TLauncher) and U-Boot read it: lines of a keyword in any case and its value; LABEL begins
 * an entry, DEFAULT names the one that boots. Source: edk2-nvidia, L4TLauncher.c; U-Boot, doc/README.pxe.
 */
#pragma once

#include <limits.h>

struct jota_err;
struct jota_newroot;

#define JOTA_EXTLINUX_PATH "/boot/extlinux/extlinux.conf"
#define JOTA_EXTLINUX_LABEL_BYTES 64
#define JOTA_EXTLINUX_APPEND_BYTES 4096

/** The entry that boots. "": it has no such line. */
struct jota_extlinux {
	char label[JOTA_EXTLINUX_LABEL_BYTES];
	char kernel[PATH_MAX], initrd[PATH_MAX], fdt[PATH_MAX]; /* absolute */
	char append[JOTA_EXTLINUX_APPEND_BYTES];
};

/**
 * The entry that DEFAULT names, or the first one. -EINVAL: no entry, DEFAULT names none or two, no LINUX line, a path that is not absolute,
 * a value that is too long; the line is named. -EOPNOTSUPP: it includes another file. Pure.
 */
int jota_extlinux_parse(const char *text, struct jota_extlinux *ret, struct jota_err *err);

/** The same of the file in that tree, at most 64 KiB. -ENOENT there is none; errors of jota_newroot_text(). */
int jota_extlinux_read(const struct jota_newroot *root, struct jota_extlinux *ret,
		       struct jota_err *err);
