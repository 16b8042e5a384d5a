# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Whole updates onto storage that fails: loop devices over faultfs, a file system that fails on
# demand. Only root can mount it and make the loop devices.

FAULTFS := $(OUT)/bin/faultfs
fuse_libs = $(eval fuse_libs := $$(shell pkg-config --libs fuse3))$(fuse_libs)

$(OUT)/obj/tests/faults/faultfs.o: | test-deps

$(FAULTFS): $(OUT)/obj/tests/faults/faultfs.o
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(fuse_libs)

-include $(OUT)/obj/tests/faults/faultfs.d

test-programs: $(FAULTFS)

.PHONY: check-faults faults-table

check-faults: all test-programs host-deps ## Run updates onto storage that fails (root; PYTEST_ARGS=...)
	$(Q)$(RUN_TESTS) faults
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' $(PYTHON) tests/faults/report.py

faults-table: ## Put the table of the last check-faults into docs/testing.md
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' $(PYTHON) tests/faults/report.py docs/testing.md
