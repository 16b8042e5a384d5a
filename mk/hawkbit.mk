# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# A real hawkBit for the tests: publishing, the CI examples, and devices that poll it. It comes from
# Maven Central, so it is no part of `make check`, which has a simulation of it. HAWKBIT_JAR=FILE: a
# jar of your own; HAWKBIT_VERSION, HAWKBIT_SHA256: another release, its digest.

HAWKBIT_JAR ?=
HAWKBIT_VERSION ?=
HAWKBIT_SHA256 ?=
hawkbit_env = JOTA_BUILD='$(abspath $(BUILD))' HAWKBIT_JAR='$(HAWKBIT_JAR)' \
	HAWKBIT_VERSION='$(HAWKBIT_VERSION)' HAWKBIT_SHA256='$(HAWKBIT_SHA256)'

.PHONY: hawkbit-packages hawkbit-deps hawkbit-server check-hawkbit

hawkbit-packages:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh hawkbit
endif

hawkbit-deps: hawkbit-packages ## Fetch hawkBit's update server from Maven Central
	$(Q)$(hawkbit_env) deps/hawkbit.sh

hawkbit-server: hawkbit-deps ## Run a hawkBit of one's own on the loopback interface until Ctrl-C
	$(Q)$(hawkbit_env) tests/hawkbit/server.py

# Where hawkBit cannot be had, every test is named as not run, and the target fails: nothing was shown.
check-hawkbit: all test-programs host-deps hawkbit-packages ## Publish to a real hawkBit, install from it (HAWKBIT_JAR=FILE)
	$(Q)$(hawkbit_env) deps/hawkbit.sh || [ $$? -eq 77 ]
	$(Q)$(hawkbit_env) $(RUN_TESTS) hawkbit
