/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * ELF header, 64 bit, little endian: ident[16] 0, type 16, machine 18, phoff 32, phentsize 54, phnum 56; program header:
 * type 0, offset 8, filesz 32. Source: System V ABI, chapter 4 and 5.
 */
#include "health/new_program.h"

#include "base/bytes.h"
#include "base/err.h"
#include "health/newroot.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_BYTES 64u
#define PROGRAM_HEADER_BYTES 56u
#define PROGRAM_HEADERS_MAX 64u
#define LINE_BYTES 256u

#if defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#else
#define MACHINE EM_NONE /* not known: any will do */
#endif

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{ EM_AARCH64, "AArch64" }, { EM_X86_64, "x86-64" }, { EM_ARM, "32-bit Arm" },
	{ EM_386, "i386" },	   { EM_RISCV, "RISC-V" },
};

const char *jota_elf_machine_name(uint16_t machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "another machine";
}

static int fail_truncated(const char *path, struct jota_err *err)
{
	return jota_fail(err, ENOEXEC, "'%.160s' of the new root ends within its ELF header.", path);
}

static int check_loader(const struct jota_newroot *root, const char *path, uint64_t offset_bytes,
			uint64_t len_bytes, struct jota_err *err)
{
	struct jota_newroot_node node;
	char loader[LINE_BYTES + 1];
	size_t got = 0;
	int r;

	if (len_bytes < 2 || len_bytes > LINE_BYTES)
		return jota_fail(err, ENOEXEC,
				 "'%.160s' of the new root names its loader in %" PRIu64 " bytes.",
				 path, len_bytes);
	r = jota_newroot_read(root, path, offset_bytes, loader, (size_t)len_bytes, &got, err);
	if (r < 0)
		return r;
	loader[got] = '\0';
	if (got != len_bytes || loader[0] != '/' || strlen(loader) + 1 != got)
		return jota_fail(err, ENOEXEC, "'%.160s' of the new root names no loader.", path);
	r = jota_newroot_stat(root, loader, true, &node, err);
	if (r == -ENOENT)
		return jota_fail(err, ENOENT,
				 "'%.120s' of the new root needs the loader '%.120s', which is not "
				 "there.",
				 path, loader);
	if (r == 0 && !S_ISREG(node.mode))
		r = jota_fail(err, ENOEXEC, "the loader '%.160s' of the new root is no file.",
			      loader);
	return r;
}

static int check_program_headers(const struct jota_newroot *root, const char *path,
				 const uint8_t *header, struct jota_err *err)
{
	uint64_t at = get_le64(header + 32);
	uint16_t entry_bytes = get_le16(header + 54), count = get_le16(header + 56);

	if (entry_bytes != PROGRAM_HEADER_BYTES || count == 0 || count > PROGRAM_HEADERS_MAX ||
	    at > INT64_MAX / 2)
		return jota_fail(err, ENOEXEC,
				 "'%.160s' of the new root has %u program headers of %u bytes.",
				 path, count, entry_bytes);
	for (unsigned i = 0; i < count; i++, at += entry_bytes) {
		uint8_t entry[PROGRAM_HEADER_BYTES];
		size_t got = 0;
		int r = jota_newroot_read(root, path, at, entry, sizeof(entry), &got, err);

		if (r < 0)
			return r;
		if (got != sizeof(entry))
			return fail_truncated(path, err);
		if (get_le32(entry) == PT_INTERP)
			return check_loader(root, path, get_le64(entry + 8), get_le64(entry + 32),
					    err);
	}
	return 0;
}

static int check_elf(const struct jota_newroot *root, const char *path, const uint8_t *header,
		     size_t bytes, struct jota_err *err)
{
	uint16_t type, machine;

	if (bytes < HEADER_BYTES)
		return fail_truncated(path, err);
	type = get_le16(header + 16);
	machine = get_le16(header + 18);
	if ((MACHINE != EM_NONE && machine != MACHINE) || header[EI_CLASS] != ELFCLASS64 ||
	    header[EI_DATA] != ELFDATA2LSB)
		return jota_fail(
			err, ENOEXEC,
			"'%.160s' of the new root is for %s (number %u), this machine is %s.", path,
			jota_elf_machine_name(machine), machine, jota_elf_machine_name(MACHINE));
	if (type != ET_EXEC && type != ET_DYN)
		return jota_fail(err, ENOEXEC, "'%.160s' of the new root is ELF, but no program.",
				 path);
	return check_program_headers(root, path, header, err);
}

/* Reads the head of a file that must be executable. */
static int read_head(const struct jota_newroot *root, const char *path, uint8_t head[LINE_BYTES],
		     size_t *ret_bytes, struct jota_err *err)
{
	struct jota_newroot_node node;
	int r = jota_newroot_stat(root, path, true, &node, err);

	if (r < 0)
		return r;
	if (!S_ISREG(node.mode))
		return jota_fail(err, ENOEXEC, "'%.160s' of the new root is no regular file.", path);
	if (!(node.mode & 0111))
		return jota_fail(err, EACCES,
				 "'%.160s' of the new root is not executable (mode %04o).", path,
				 (unsigned)(node.mode & 07777));
	if (node.size_bytes == 0)
		return jota_fail(err, ENOEXEC, "'%.160s' of the new root is empty.", path);
	return jota_newroot_read(root, path, 0, head, LINE_BYTES, ret_bytes, err);
}

static bool is_elf(const uint8_t *head, size_t bytes)
{
	return bytes >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* "#! /bin/sh -e": the path behind the marks. False: none, or too long. */
static bool find_interpreter(const uint8_t *head, size_t bytes, char interpreter[LINE_BYTES])
{
	size_t at = 2, len = 0;

	while (at < bytes && (head[at] == ' ' || head[at] == '\t'))
		at++;
	while (at + len < bytes && !strchr(" \t\r\n", head[at + len]))
		len++;
	if (len == 0 || at + len == bytes || head[at] != '/')
		return false;
	memcpy(interpreter, head + at, len);
	interpreter[len] = '\0';
	return true;
}

int jota_new_program_check(const struct jota_newroot *root, const char *path, struct jota_err *err)
{
	uint8_t head[LINE_BYTES];
	char interpreter[LINE_BYTES];
	size_t bytes = 0;
	int r = read_head(root, path, head, &bytes, err);

	if (r < 0)
		return r;
	if (is_elf(head, bytes))
		return check_elf(root, path, head, bytes, err);
	if (bytes < 2 || head[0] != '#' || head[1] != '!' ||
	    !find_interpreter(head, bytes, interpreter))
		return jota_fail(err, ENOEXEC,
				 "'%.160s' of the new root is neither ELF nor a script.", path);
	r = read_head(root, interpreter, head, &bytes, err);
	if (r == 0 && is_elf(head, bytes))
		r = check_elf(root, interpreter, head, bytes, err);
	else if (r == 0)
		r = jota_fail(err, ENOEXEC, "'%.160s' of the new root is no ELF program.",
			      interpreter);
	return r < 0 ? jota_wrap(err, "interpreter of '%.100s': ", path) : 0;
}
