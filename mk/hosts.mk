# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Every swupdate that the integration tests run on, beside Debian's: two releases, with the plugin or
# with the handlers compiled in. See docs/compiled-in.md. The last two verify plain RSA instead of CMS,
# for the table of combinations and tests/hosts/test_anchor.py.

BUILT_HOSTS := luafree-plugin-2022.12 builtin-2022.12 builtin-2024.12.1 rsa-2022.12 rsa-pss-2022.12
HOSTS_DIR := $(BUILD)/hosts
BUILD_HOST = JOTA_BUILD='$(abspath $(BUILD))' CC='$(CC)' deps/swupdate-hosts.sh
UBOOTENV_NEW := libubootenv-0.3.5
SWUPDATE_NEW := swupdate-2024.12.1

.PHONY: install-dev hosts hosts-deps check-hosts check-ubootenv $(BUILT_HOSTS:%=host-%)

# For a SWUpdate that our handlers are compiled into. Headers that did not change keep their time: it
# decides what SWUpdate's make compiles again.
dev_dir = $(DESTDIR)$(PREFIX)
dev_handlers = $(dev_dir)/share/swupdate-jetson/handlers
install-dev: $(LIBJOTA) ## Install library, headers and handlers for a SWUpdate of one's own (DESTDIR=, PREFIX=/usr)
	$(Q)install -d $(dev_dir)/lib
	$(Q)install -C -m 0644 $(LIBJOTA) $(dev_dir)/lib
	$(Q)for folder in $(filter-out lib/swu/ lib/health/,$(sort $(dir $(wildcard lib/*/*.h)))); do \
		into=$(dev_dir)/include/swupdate-jetson/$${folder#lib/}; \
		install -d "$$into" && install -C -m 0644 "$$folder"*.h "$$into" || exit 1; done
	$(Q)rm -rf $(dev_handlers)
	$(Q)install -d $(dev_handlers)/compiled-in
	$(Q)install -m 0644 $(wildcard handlers/*.[ch]) $(dev_handlers)
	$(Q)install -m 0755 handlers/integrate.sh $(dev_handlers)
	$(Q)install -m 0644 $(wildcard handlers/compiled-in/*) $(dev_handlers)/compiled-in

hosts-deps:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build hosts
endif
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' deps/debian-source.sh swupdate-2022.12
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' deps/debian-source.sh $(SWUPDATE_NEW)
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' deps/debian-source.sh $(UBOOTENV_NEW)

hosts: $(BUILT_HOSTS:%=host-%) ## Build every swupdate of the tests: Lua-free, handlers compiled in

host-luafree-plugin-2022.12: | hosts-deps
	$(Q)$(BUILD_HOST) luafree-plugin-2022.12

host-builtin-2022.12: | hosts-deps
	$(Q)+$(MAKE) --no-print-directory DEPS=no PREFIX= \
		DESTDIR='$(abspath $(HOSTS_DIR))/builtin-2022.12/dev' install-dev
	$(Q)$(BUILD_HOST) builtin-2022.12 '$(abspath $(HOSTS_DIR))/builtin-2022.12/dev'

host-rsa-2022.12: host-builtin-2022.12
	$(Q)$(BUILD_HOST) rsa-2022.12 '$(abspath $(HOSTS_DIR))/builtin-2022.12/dev'

# Made from what the one before it compiled.
host-rsa-pss-2022.12: host-rsa-2022.12
	$(Q)$(BUILD_HOST) rsa-pss-2022.12 '$(abspath $(HOSTS_DIR))/builtin-2022.12/dev'

# The library is compiled once more, with the newer libubootenv.
host-builtin-2024.12.1: | hosts-deps
	$(Q)$(BUILD_HOST) $(UBOOTENV_NEW)
	$(Q)+PKG_CONFIG_PATH='$(abspath $(HOSTS_DIR))/$(UBOOTENV_NEW)/lib/pkgconfig' \
		$(MAKE) --no-print-directory DEPS=no BUILD='$(HOSTS_DIR)/builtin-2024.12.1/own' PREFIX= \
		DESTDIR='$(abspath $(HOSTS_DIR))/builtin-2024.12.1/dev' install-dev
	$(Q)$(BUILD_HOST) builtin-2024.12.1 '$(abspath $(HOSTS_DIR))/builtin-2024.12.1/dev'

check-hosts: all test-programs hosts | host-deps ## Run the integration tests on every host: build/test-logs/hosts.md
	$(Q)$(PYTHON) tests/hosts/check_hosts.py --build '$(BUILD)'

# The library's own tests once more, with the libubootenv that newer releases bring.
check-ubootenv: host-builtin-2024.12.1 | test-deps ## Run the unit suites with libubootenv 0.3.5
	$(Q)+PKG_CONFIG_PATH='$(abspath $(HOSTS_DIR))/$(UBOOTENV_NEW)/lib/pkgconfig' \
		LD_LIBRARY_PATH='$(abspath $(HOSTS_DIR))/$(UBOOTENV_NEW)/lib' \
		$(MAKE) --no-print-directory DEPS=no BUILD='$(HOSTS_DIR)/builtin-2024.12.1/own' check-unit
