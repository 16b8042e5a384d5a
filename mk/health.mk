# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# What each kind of health check says in each situation, for docs/testing.md.

.PHONY: checks-table

checks-table: $(OUT)/tests/health/test_cells ## Make the table of health checks in docs/testing.md
	$(Q)$< --table | tests/into_page.py checks
