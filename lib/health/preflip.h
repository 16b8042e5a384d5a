/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The checks before a flip: those that are always done, and those of health.conf. */
#pragma once

struct jota_err;
struct jota_io;
struct jota_plan;

/**
 * The plan of a preflip run: the checks of health.conf for that phase, and every built-in one whose kind health.conf does not have
 * there; so a check is changed, or made a warning, by an entry of its kind. No health.conf: the built-in ones alone.
 * Errors of jota_plan_read() but -ENOENT; -E2BIG too many. jota_plan_done() frees.
 */
int jota_preflip_plan(const struct jota_io *io, struct jota_plan *ret, struct jota_err *err);
