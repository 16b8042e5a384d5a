/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The bill of materials that a .swu carries: what it calls itself and how much it lists. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

struct jota_swu_description;
struct swu_file;

/** Is the i-th entry an SBOM with a file, and the first with that file? Each board may list it. */
bool sbom_is_first(const struct jota_swu_description *d, size_t i);
/** "SPDX-2.3, 120 packages", printable. */
void sbom_describe(const struct swu_file *swu, const char *filename, char *buf, size_t buf_bytes);
json_object *sbom_json(const struct swu_file *swu);
