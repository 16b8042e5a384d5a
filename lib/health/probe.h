/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* One attempt of one check, in processes of its own. */
#pragma once

#include "health/kind.h"

/**
 * What ending a stuck check may take beyond its deadline, in the worst case. jota_probe() returns by run->deadline_ms plus this,
 * whatever the check does.
 */
#define JOTA_PROBE_EXTRA_MS 3000u

/** Do it. Always fills *ret; nothing that the check started is left, unless the kernel cannot end it. */
void jota_probe(const struct jota_check_run *run, struct jota_finding *ret);
