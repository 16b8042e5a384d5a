# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The long forms of the power cuts, and the defects that power cuts and suites must notice.

.PHONY: powercut-full powercut-mutants powercut-mutants-short

powercut-full: $(POWERCUT) ## The same, deeper: every verb after each first cut, more torn patterns (long)
	$(Q)$(POWERCUT) --full $(POWERCUT_ARGS)

powercut-mutants: test-programs ## Plant each defect of tests/mutants/defects.toml and see it noticed
	$(Q)$(PYTHON) tests/mutants/defects.py --build $(BUILD) $(DEFECTS)

powercut-mutants-short: test-programs
	$(Q)$(PYTHON) tests/mutants/defects.py --build $(BUILD) --short
