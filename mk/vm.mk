# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The virtual Jetson: docs/virtual-jetson.md, tests/vm/README.md. Every step looks at the hash of what
# it is made of and does nothing when that did not change. VM_JOBS: machines at the same time; N: power
# cuts; SEED: as a run printed it; SAMPLE: prefixes that are booted.

VM_JOBS ?= 2
N ?= 20
SAMPLE ?= 6
VM_ENV = JOTA_BUILD='$(abspath $(BUILD))'

.PHONY: vm vm-image vm-image-full vm-test vm-test-short vm-full vm-deps vm-full-deps vm-table check-arm64 \
	vm-powercut vm-powercut-planted vm-replay

vm-deps:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build host demo vm
endif
	$(Q)$(VM_ENV) deps/debian-source.sh u-boot-2023.01
	$(Q)$(VM_ENV) deps/arm64.sh 'linux-image-6.1.*-arm64' >/dev/null
	$(Q)$(VM_ENV) deps/arm64-root.sh vm-www swupdate-www
	$(Q)$(VM_ENV) deps/arm64-root.sh vm-sysroot libc6-dev libarchive-dev libssl-dev \
		libubootenv-dev libconfig-dev libjson-c-dev zlib1g-dev libxxhash-dev libmd-dev \
		libzstd-dev liblzma-dev libext2fs-dev comerr-dev libcurl4-openssl-dev libsystemd-dev check \
		libubootenv-tool busybox-static dropbear-bin

# Where hawkBit cannot be had, its scenarios are shown as missing.
vm-full-deps: vm-deps hawkbit-packages
ifneq ($(DEPS),no)
	$(Q)deps/install.sh vm-full
endif
	$(Q)$(hawkbit_env) deps/hawkbit.sh || [ $$? -eq 77 ]
	$(Q)$(VM_ENV) deps/arm64-root.sh vm-systemd systemd systemd-sysv udev dbus e2fsprogs mount

vm-image: $(OUT)/bin/jetson-swu | vm-deps ## Build the virtual Jetson: boot stages, kernel, system, card
	$(Q)$(VM_ENV) tests/vm/build-uboot.sh
	$(Q)+$(VM_ENV) MAKE='$(MAKE)' tests/vm/build-suite.sh
	$(Q)$(VM_ENV) tests/vm/build-guest.sh

vm-image-full: vm-image | vm-full-deps ## The same, and its system with systemd
	$(Q)$(VM_ENV) tests/vm/build-systemd.sh

vm: vm-image ## Start the virtual Jetson on this terminal; Ctrl-A X leaves it (VM_FRESH=1)
	$(Q)$(VM_ENV) tests/vm/interactive.sh

vm-test: vm-image-full ## Run every scenario on the virtual Jetson (VM_JOBS=2, SCENARIOS=...)
	$(Q)$(PYTHON) -B tests/vm/run.py --build $(BUILD) --jobs $(VM_JOBS) $(SCENARIOS)

vm-test-short: vm-image ## The same, only install, confirm and one fall-back; part of make check
	$(Q)$(RUN_TESTS) vm-short

vm-full: vm-test vm-uefi-test ## Every scenario, 240 power cuts, every prefix of an update's writes
	$(Q)$(RUN_CUTS) -n 200
	$(Q)$(RUN_REPLAY) --sample $(SAMPLE)
	$(Q)$(RUN_REPLAY) --plant
	$(Q)$(RUN_UEFI_CUTS) -n 40
	$(Q)$(RUN_UEFI_CUTS) -n 6 --plant delete-first

vm-table: ## Put results and consoles of the last runs into docs/virtual-jetson.md
	$(Q)$(PYTHON) -B tests/vm/page.py --build $(BUILD) docs/virtual-jetson.md

# Their packages are those of the machine: the same libraries, another processor.
check-arm64: | vm-deps ## Run the unit suites compiled for arm64, with qemu-user
	$(Q)+$(VM_ENV) MAKE='$(MAKE)' tests/vm/check-arm64.sh

RUN_CUTS = $(PYTHON) -B tests/vm/powercut.py --build $(BUILD) --jobs $(VM_JOBS) $(if $(SEED),--seed $(SEED))
RUN_REPLAY = $(PYTHON) -B tests/vm/replay.py --build $(BUILD)

vm-powercut: vm-image ## Cut the virtual Jetson's power N times (default 20; SEED=...)
	$(Q)$(RUN_CUTS) -n $(N)

vm-powercut-planted: vm-image ## The same with a flip in the wrong place: cuts must show violations
	$(Q)$(RUN_CUTS) -n 4 --plant early-flip

vm-replay: vm-image ## Replay every write of an update to the card, boot SAMPLE prefixes; with a planted defect, too
	$(Q)$(RUN_REPLAY) --sample $(SAMPLE)
	$(Q)$(RUN_REPLAY) --plant
