# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# A real hawkBit for the tests: publishing, the CI examples, and devices that poll it. Its libraries come
# from Maven Central, pinned by deps/hawkbit.sha256. HAWKBIT_JAR=FILE: an update server's jar of your own
# instead. HAWKBIT_ARGS: hosts and scenarios for `make hawkbit`, see tests/hawkbit/table.py.

HAWKBIT_JAR ?=
HAWKBIT_ARGS ?=
hawkbit_env = JOTA_BUILD='$(abspath $(BUILD))' HAWKBIT_JAR='$(HAWKBIT_JAR)'

.PHONY: hawkbit hawkbit-table hawkbit-packages hawkbit-deps hawkbit-optional hawkbit-server check-hawkbit

hawkbit-packages:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh hawkbit
endif

hawkbit-deps: hawkbit-packages ## Fetch hawkBit's libraries from Maven Central, once
	$(Q)$(hawkbit_env) deps/hawkbit.sh

# For `make check`: where the packages, or Maven Central, cannot be had, its part is named as not run.
hawkbit-optional: | test-deps host-deps
ifneq ($(DEPS),no)
	$(Q)deps/install.sh hawkbit || echo 'make: without these packages the part hawkbit-short is not run'
endif
	$(Q)$(hawkbit_env) deps/hawkbit.sh || [ $$? -eq 77 ]

check: | hawkbit-optional

hawkbit-server: hawkbit-deps ## Run a hawkBit of one's own on the loopback interface until Ctrl-C
	$(Q)$(hawkbit_env) tests/hawkbit/server.py

hawkbit: all test-programs host-deps hosts hawkbit-deps ## What hawkBit says and what the device says, scenario by host (HAWKBIT_ARGS=...)
	$(Q)$(hawkbit_env) $(PYTHON) -B tests/hawkbit/table.py --build '$(BUILD)' $(HAWKBIT_ARGS)

hawkbit-table: ## Put the table of the last whole make hawkbit into docs/hawkbit.md
	$(Q)$(hawkbit_env) $(PYTHON) -B tests/hawkbit/table.py --build '$(BUILD)' --into-page

# Where hawkBit cannot be had, every test is named as not run, and the target fails: nothing was shown.
check-hawkbit: all test-programs host-deps hawkbit-packages ## Publish to a real hawkBit, install from it (HAWKBIT_JAR=FILE)
	$(Q)$(hawkbit_env) deps/hawkbit.sh || [ $$? -eq 77 ]
	$(Q)$(hawkbit_env) $(RUN_TESTS) hawkbit
