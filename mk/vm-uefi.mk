# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The virtual machine with UEFI firmware: docs/virtual-jetson-uefi.md. VM_JOBS, N and SEED as for the other one.

RUN_UEFI = $(PYTHON) -B tests/vm/uefi/run.py --build $(BUILD)
RUN_UEFI_CUTS = $(PYTHON) -B tests/vm/uefi/powercut.py --build $(BUILD) $(if $(SEED),--seed $(SEED))

.PHONY: vm-uefi-deps vm-uefi-image vm-uefi-test vm-uefi-powercut vm-uefi-powercut-planted

vm-uefi-deps: vm-deps
ifneq ($(DEPS),no)
	$(Q)deps/install.sh vm-uefi
endif
	$(Q)$(VM_ENV) deps/arm64.sh gnu-efi >/dev/null

vm-uefi-image: $(OUT)/bin/jetson-swu | vm-uefi-deps ## Build the UEFI machine: stand-in for L4TLauncher, kernel, system, disk
	$(Q)+$(VM_ENV) MAKE='$(MAKE)' tests/vm/build-suite.sh
	$(Q)$(VM_ENV) tests/vm/uefi/build.sh

vm-uefi-test: vm-uefi-image ## Run every scenario on the UEFI machine (VM_JOBS=2, SCENARIOS=...)
	$(Q)$(RUN_UEFI) --jobs $(VM_JOBS) $(SCENARIOS)

vm-uefi-powercut: vm-uefi-image ## Cut the UEFI machine's power N times (default 20; SEED=...)
	$(Q)$(RUN_UEFI_CUTS) -n $(N)

vm-uefi-powercut-planted: vm-uefi-image ## The same with a record that is deleted before it is stored anew: cuts must show violations
	$(Q)$(RUN_UEFI_CUTS) -n 6 --plant delete-first
