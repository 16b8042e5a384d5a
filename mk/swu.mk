# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Packing updates: quick tests of their own, and the bench. swugenerator comes from PyPI, so the bench
# is no part of `make check`. BENCH_SWU_ARGS: --size-mib N, --rounds N, --without-swugenerator.

BENCH_SWU_ARGS ?=

.PHONY: check-swu bench-swu bench-swu-deps

check-swu: all $(SWU_TESTS) host-deps ## Run only the tests of jetson-swu (PYTEST_ARGS=...)
	$(Q)for test in $(SWU_TESTS); do $$test || exit 1; done
	$(Q)PYTEST_ARGS='$(PYTEST_ARGS) -k jetson_swu' $(RUN_TESTS) tools

bench-swu-deps:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build demo bench
endif

bench-swu: $(OUT)/bin/jetson-swu | bench-swu-deps ## Time jetson-swu against a script and swugenerator
	$(Q)$(PYTHON) tests/bench/bench-swu.py $(BUILD) $(BENCH_SWU_ARGS)
