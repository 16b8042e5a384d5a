/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#pragma once

#include "powercut/explore.h"

/**
 * A slot on trial that nobody ever confirms, and power that goes in every power-on, always at the same place: how often
 * does its kernel start until the boot chain gives it up (I8)? Prints one line for each place.
 */
struct explore_tally starts_check(struct board *b);
