# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# docs/failures.md is made from a whole run of the integration tests, as root so that no case is left
# out; a person reads the difference before it is committed.

.PHONY: cases-table

cases-table: all test-programs host-deps ## Make docs/failures.md anew from a run of the integration tests (root)
	$(Q)REQUIRE_ROOT=1 PYTEST_ARGS='--deselect tests/integration/test_table.py' $(RUN_TESTS) integration
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' $(PYTHON) tests/integration/table.py
