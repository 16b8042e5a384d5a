/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * UEFI variables through the kernel's efivarfs: <name>-<guid>, 4 bytes of attributes, little endian, then the value.
 * The kernel takes each write(2) as a whole SetVariable, and the firmware has made it durable when that returns.
 * Source: Linux Documentation/filesystems/efivarfs.rst, fs/efivarfs/file.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct jota_err;
struct jota_io;

#define JOTA_EFIVARS "/sys/firmware/efi/efivars"
#define JOTA_EFI_ATTRIBUTES_BYTES 4u
/** Largest value that is read or written here. */
#define JOTA_EFI_VALUE_BYTES_MAX 1024u

/* UEFI specification, EFI_VARIABLE_*. */
#define JOTA_EFI_NV 1u
#define JOTA_EFI_BS 2u
#define JOTA_EFI_RT 4u

struct jota_efivar {
	const char *name;
	const char *guid;
	uint32_t attributes; /* that it must have; 0: any, for one that is only read */
};

/**
 * Read a value into buf. 1: present, 0: absent (also a file of 0 bytes: created, never written). -EBADMSG: no regular file, shorter than
 * attributes and one byte, longer than buf, other attributes; the variable is named. Other -errno of open and read.
 */
int jota_efivar_read(const struct jota_io *io, const struct jota_efivar *var, void *buf,
		     size_t buf_bytes, size_t *ret_bytes, struct jota_err *err);

/** The same for a 32-bit number; -EBADMSG when it has another size. */
int jota_efivar_read_u32(const struct jota_io *io, const struct jota_efivar *var,
			 uint32_t *ret_value, struct jota_err *err);

/**
 * Set a variable by one write, and read it back. An immutable flag is cleared for the write and set again, on failure too.
 * -EBADMSG: it reads back differently; else the error of the kernel or the firmware, the variable is named.
 */
int jota_efivar_write(const struct jota_io *io, const struct jota_efivar *var, const void *value,
		      size_t value_bytes, struct jota_err *err);
int jota_efivar_write_u32(const struct jota_io *io, const struct jota_efivar *var, uint32_t value,
			  struct jota_err *err);

/** Delete; an absent one is fine. */
int jota_efivar_delete(const struct jota_io *io, const struct jota_efivar *var,
		       struct jota_err *err);
