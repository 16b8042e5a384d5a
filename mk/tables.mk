# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The tables of docs/ that are made from whole runs; a person reads the difference before it is
# committed.

.PHONY: hosts-table tables

hosts-table: ## Make docs/hosts.md from the last whole check-hosts
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' $(PYTHON) tests/hosts/page.py

# One after the other: each wants the processors and the loop devices for itself.
tables: ## Run cases, hosts and faults and make their tables in docs/ anew (root; half an hour)
	$(Q)+$(MAKE) --no-print-directory cases-table
	$(Q)+$(MAKE) --no-print-directory check-faults
	$(Q)+$(MAKE) --no-print-directory faults-table
	$(Q)+$(MAKE) --no-print-directory check-hosts
	$(Q)+$(MAKE) --no-print-directory hosts-table
