# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Every .swu that jetson-swu makes, through the real swupdate. `make check` runs the short form.

COMBINATIONS_ARGS ?=

.PHONY: check-combinations combinations-table

check-combinations: all test-programs hosts | host-deps ## Install every signature x compression x encryption x split x layout
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' $(PYTHON) -B tests/combinations/run.py --build '$(BUILD)' \
		$(COMBINATIONS_ARGS)

combinations-table: ## Put the table of the last check-combinations into docs/combinations.md
	$(Q)$(PYTHON) -B tests/combinations/page.py '$(BUILD)' docs/combinations.md
