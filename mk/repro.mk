# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The same sources make the same bytes, wherever and whenever they are compiled; and both compilers
# make programs that pass their tests.

.PHONY: check-reproducible check-compilers

# Debugging information and __FILE__ would name this folder. For a debugger started in the top of the
# tree nothing changes.
HARDEN_FLAGS += -ffile-prefix-map=$(CURDIR)=.

check-reproducible: | deps-build ## Build plugin and tools twice, elsewhere and later; compare the bytes
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' tests/hosts/reproducible.sh gcc clang

# Sources of SWUpdate are not downloaded twice.
check-compilers: | test-deps ## Build everything with gcc and with clang, run unit suites and models
	$(Q)+for cc in gcc clang; do \
		echo "== $$cc: $$($$cc --version | head -n 1)"; \
		JOTA_CACHE="$${JOTA_CACHE:-$(abspath $(BUILD))/cache}" $(MAKE) --no-print-directory \
			DEPS=no CC=$$cc BUILD='$(BUILD)/compilers/'$$cc all test-programs check-unit check-models || exit 1; \
	done
