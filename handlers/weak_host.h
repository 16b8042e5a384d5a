/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Plugin form only, included before everything else: every symbol of the host is referenced
 * weakly. A child of
 * swupdate that inherits the preload (a shell, say) has none of them and must start all the
 * same; the gate in plugin.c
 * then leaves the plugin asleep.
 */
#pragma once

/* Declared first: clang takes the pragma for known names only. */
#include "host.h"
#include "cpiohdr.h"
#include "installer.h"

#pragma weak check_if_required
#pragma weak copyimage
#pragma weak count_elem_list
#pragma weak dict_drop_db
#pragma weak dict_get_value
#pragma weak dict_set_value
#pragma weak get_bootloader
#pragma weak get_output_size
#pragma weak get_tmpdir
#pragma weak loglevel
#pragma weak notify
#pragma weak register_bootloader
#pragma weak register_handler
#pragma weak register_notifier
#pragma weak swupdate_progress_info
