# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Rules taken out one by one: the tests that guard them must fail.

.PHONY: rule-mutants

rule-mutants: all test-programs host-deps ## Take each rule of the update out and see its tests fail
	$(Q)$(PYTHON) tests/mutants/rules.py --build $(BUILD)
