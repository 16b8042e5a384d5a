/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Compiled-in form: registers like SWUpdate's own handlers, before main(). */
#include "suite.h"

__attribute__((constructor)) static void wake_up(void)
{
	(void)jota_suite_register();
}
