/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The one door to SWUpdate's headers: only names that are the same from 2022.12 to 2026.05 are
 * used.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if __has_include("swupdate_image.h")
#include "swupdate_image.h"
#else
#include "swupdate.h"
#endif
#include "bootloader.h"
#include "handler.h"
#include "progress.h"
#include "swupdate_dict.h"
#include "util.h"
