# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# What a device gets. Folders are taken by wildcard, so a new man page or template is installed once
# it exists.

plugin_dir = $(DESTDIR)$(PREFIX)/lib/swupdate-jetson
sbin_dir = $(DESTDIR)$(PREFIX)/sbin
share_dir = $(DESTDIR)$(PREFIX)/share/swupdate-jetson
doc_dir = $(DESTDIR)$(PREFIX)/share/doc/swupdate-jetson
man_dir = $(DESTDIR)$(PREFIX)/share/man
completion_dir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
config_example := $(wildcard tools/swupdate-jetson/swupdate-jetson.conf.example)
config_file = $(DESTDIR)$(SYSCONFDIR)/swupdate-jetson.conf

# files_in PATTERN: what matches and is no folder.
files_in = $(filter-out $(patsubst %/,%,$(wildcard $(1)/)),$(wildcard $(1)))
# install_files FOLDER,FILES: as data, if there are any.
install_files = $(if $(strip $(2)),install -d $(1) && install -m 0644 $(strip $(2)) $(1),@:)

.PHONY: install

install: all ## Install for a device (DESTDIR=, PREFIX=/usr, SYSCONFDIR=/etc)
	install -d $(plugin_dir) $(sbin_dir)
	install -m 0644 $(PLUGIN) $(plugin_dir)
	install -m 0755 $(TOOL_PROGRAMS) $(sbin_dir)
	services/install.sh '$(DESTDIR)' '$(PREFIX)'
	install -d $(DESTDIR)$(SYSCONFDIR)/swupdate-jetson/confirm.d
	$(call install_files,$(share_dir)/uboot,$(call files_in,boot/uboot/*))
	$(call install_files,$(share_dir)/sw-description,$(call files_in,sw-description/*))
	$(call install_files,$(man_dir)/man8,$(wildcard docs/man/*.8))
	$(call install_files,$(man_dir)/man5,$(wildcard docs/man/*.5))
	$(call install_files,$(man_dir)/man1,$(wildcard docs/man/*.1))
	$(call install_files,$(completion_dir),$(wildcard tools/completion/*))
	$(call install_files,$(doc_dir),$(config_example))
	$(call install_files,$(doc_dir)/examples,$(wildcard docs/examples/health-*.conf))
ifneq ($(config_example),)
	@# The owner's configuration is never replaced.
	install -d $(dir $(config_file))
	test -e $(config_file) || install -m 0644 $(config_example) $(config_file)
endif
