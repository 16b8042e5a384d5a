# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The programs that make and check keys: for the machines that sign, not for devices.

keys_dir = $(share_dir)/keys

.PHONY: install-keys check-keys

install: install-keys

install-keys:
	install -d $(keys_dir)/lib $(sbin_dir)
	install -m 0755 keys/jetson-keys keys/make-dev-keys.sh $(keys_dir)
	install -m 0644 keys/README.md $(keys_dir)
	install -m 0644 $(wildcard keys/lib/*.sh) $(keys_dir)/lib
	ln -sfn ../share/swupdate-jetson/keys/jetson-keys $(sbin_dir)/jetson-keys

check-keys: all | test-deps host-deps ## Run the tests of keys/, with the real swupdate as the device
	$(Q)$(RUN_TESTS) keys
