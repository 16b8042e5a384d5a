/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Rules between the keys of update.conf; inner to the recipe. */
#pragma once

struct jota_err;
struct jota_key_reader;
struct jota_recipe;

/** Complete the recipe (names, defaults) and refuse what no device would take. -EINVAL, -ENOMEM. */
int jota_recipe_check(const struct jota_key_reader *reader, struct jota_recipe *recipe,
		      struct jota_err *err);
/** "2024.12" or "2024.12.1" to 202412. -EINVAL. */
int jota_recipe_parse_release(const char *text, unsigned *ret);
