/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* The verbs of jetson-swu. Each parses its own words, argv[0] is its name, and returns an exit code. */
#pragma once

int verb_build(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_lint(int argc, char **argv);
int verb_extract(int argc, char **argv);
int verb_publish(int argc, char **argv);
