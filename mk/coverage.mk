# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Lines and branches of lib/ and handlers/ that the tests reach. A build of its own below
# build/coverage/; the plugin in it is the one that the integration tests load into swupdate.
# COVERAGE_PARTS: parts of tests/run.py, default the unit suites and the integration tests.

COVERAGE_OUT := $(BUILD)/coverage
COVERAGE_PARTS ?= unit integration
COVERAGE_HTML := $(COVERAGE_OUT)/html/index.html

.PHONY: coverage coverage-deps coverage-build coverage-run coverage-report coverage-table

coverage-deps: host-deps
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build test coverage
endif

# -O0: a line that the optimiser moved has no count of its own. Counts are atomic, for the threads of
# swupdate.
coverage-build: | coverage-deps
	$(Q)+$(MAKE) --no-print-directory OUT=$(COVERAGE_OUT) HARDEN_FLAGS= \
		CFLAGS='-O0 -g --coverage -fprofile-update=atomic' all test-programs
	$(Q)ln -sfn ../host $(COVERAGE_OUT)/host

# A failing test leaves a report that is still worth reading.
coverage-run: coverage-build
	$(Q)find $(COVERAGE_OUT)/obj -name '*.gcda' -delete
	-$(Q)PYTEST_ARGS='-k "not another_layout and not right_headers"' \
		$(PYTHON) tests/run.py --build $(COVERAGE_OUT) $(COVERAGE_PARTS) \
		>$(COVERAGE_OUT)/tests.log 2>&1; tail -n 1 $(COVERAGE_OUT)/tests.log

coverage-report:
	$(Q)mkdir -p $(dir $(COVERAGE_HTML))
	$(Q)gcovr --root . --object-directory $(COVERAGE_OUT)/obj $(COVERAGE_OUT)/obj/lib \
		$(COVERAGE_OUT)/obj/handlers --filter lib/ --filter handlers/ \
		--csv $(COVERAGE_OUT)/coverage.csv --html-details $(COVERAGE_HTML)
	$(Q)tests/coverage/table.awk $(COVERAGE_OUT)/coverage.csv
	@echo 'every line: $(COVERAGE_HTML)'

coverage: coverage-run ## Lines and branches per file that the tests reach, as a table and as HTML
	$(Q)+$(MAKE) --no-print-directory coverage-report

coverage-table: ## Put the table of the last coverage into docs/testing.md
	$(Q)tests/coverage/table.awk $(COVERAGE_OUT)/coverage.csv | tests/into_page.py coverage

clean: clean-coverage
clean-coverage:
	$(Q)rm -rf $(COVERAGE_OUT)
