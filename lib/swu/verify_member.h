/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Between the files of the verifier; not for others. */
#pragma once

#include "swu/decoder.h"
#include "swu/verify.h"

/** One .swu being looked through. */
struct jota_swu_verifier {
	const char *path;
	int fd;
	const struct jota_swu_verify_options *options;
	const struct jota_swu_aes_key *key; /* NULL: none given */
	struct jota_swu_report *report;
	uint64_t done_bytes; /* for the progress */
};

/** Stream one member: checksum, hash, content. Findings go to the report. -errno: unreadable. */
int jota_swu_member_check(struct jota_swu_verifier *v, size_t index, struct jota_err *err);
/** Parts against what was measured, and their order in the archive. -ENOMEM. */
int jota_swu_parts_check(struct jota_swu_verifier *v, struct jota_err *err);

/** Add a finding to a verifier's report; 0 or -ENOMEM with its sentence. */
#define JOTA_SWU_SAY(v, fatal, line, code, err, ...)                                               \
	(jota_swu_finding_add(&(v)->report->findings, fatal, line, code, __VA_ARGS__) < 0 ?        \
		 jota_fail(err, ENOMEM, "keep what is wrong") :                                    \
		 0)
