/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Could this program start in the new root? */
#pragma once

#include <stdint.h>

struct jota_err;
struct jota_newroot;

/**
 * A regular, executable file: ELF of this machine whose loader is in the tree, or a script whose interpreter is such a program.
 * -ENOENT, -EACCES not executable, -ENOEXEC something else: one sentence says what was found.
 */
int jota_new_program_check(const struct jota_newroot *root, const char *path, struct jota_err *err);

/** A sentence's word for an ELF machine number: "AArch64"; static storage. */
const char *jota_elf_machine_name(uint16_t machine);
