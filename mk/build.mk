# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The library, the plugin for an unmodified swupdate, and the programs.

LIBJOTA := $(OUT)/lib/libjota.a
PLUGIN := $(OUT)/plugin/jetson-handlers.so

# lib/swu is an archive of its own: only the program that packs updates needs OpenSSL and the
# compressors, a device's plugin and tools do not.
LIBSWU := $(OUT)/lib/libjota-swu.a
swu_objects := $(patsubst %.c,$(OUT)/obj/%.o,$(sort $(wildcard lib/swu/*.c)))
# lib/health too: libcurl and libsystemd have no business inside swupdate.
LIBHEALTH := $(OUT)/lib/libjota-health.a
health_objects := $(patsubst %.c,$(OUT)/obj/%.o,$(sort $(wildcard lib/health/*.c)))
lib_objects := $(filter-out $(swu_objects) $(health_objects),$(patsubst %.c,$(OUT)/obj/%.o,$(sort $(wildcard lib/*/*.c))))
plugin_objects := $(patsubst %.c,$(OUT)/obj/%.o,$(sort $(wildcard handlers/*.c)))
TOOLS := $(sort $(patsubst tools/%/,%,$(dir $(wildcard tools/*/*.c))))
TOOL_PROGRAMS := $(TOOLS:%=$(OUT)/bin/%)
tool_objects = $(patsubst %.c,$(OUT)/obj/%.o,$(sort $(wildcard tools/$(1)/*.c)))

# One set of objects serves the plugin and the programs: position independent, nothing exported
# that does not say so.
$(lib_objects): CPPFLAGS_HERE = -Ilib $(lib_cflags) -fPIC -fvisibility=hidden
$(swu_objects): CPPFLAGS_HERE = -Ilib $(lib_cflags) $(swu_cflags) -fPIC -fvisibility=hidden
$(health_objects): CPPFLAGS_HERE = -Ilib $(lib_cflags) $(health_cflags) -fPIC -fvisibility=hidden

# SWUpdate's headers are not ours to keep free of warnings, hence -isystem. The weak references let
# child processes of the host load the plugin without the host's symbols; a compiled-in build has none.
HOST_STAMP := $(BUILD)/host/swupdate-2022.12.stamp
# SWUpdate compiles with _GNU_SOURCE, so the handlers do in both forms.
HOST_INCLUDES := -D_GNU_SOURCE -isystem $(BUILD)/host/swupdate-2022.12/include
$(plugin_objects): CPPFLAGS_HERE = -Ilib $(HOST_INCLUDES) $(lib_cflags) -fPIC \
	-fvisibility=hidden $(addprefix -include ,$(wildcard handlers/weak_host.h))
$(plugin_objects): | $(HOST_STAMP)

# The launcher loads no library but libc, so that nothing can go wrong before swupdate starts.
$(OUT)/obj/tools/%: CPPFLAGS_HERE = -Ilib $(lib_cflags) $(json_cflags)
tool_libs = $(lib_libs) $(json_libs)
$(OUT)/bin/swupdate-jetson: tool_libs =
$(OUT)/bin/jetson-swu: tool_libs = $(lib_libs) $(swu_libs) $(json_libs) $(curl_libs)
$(OUT)/bin/jetson-health: tool_libs = $(lib_libs) $(health_libs) $(json_libs)
$(call tool_objects,swupdate-jetson): CPPFLAGS_HERE = -Ilib \
	-DJOTA_PLUGIN_PATH='"$(PREFIX)/lib/swupdate-jetson/jetson-handlers.so"'
$(call tool_objects,swupdate-jetson): $(OUT)/prefix

# Another PREFIX means another plugin path in the launcher: the file changes with it.
.PHONY: always
$(OUT)/prefix: always
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@

# An order-only step: packages are looked after before the first compilation, and nothing is built
# again because of it.
$(OUT)/obj/%.o: %.c | deps-build
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(COMPILE) $(CPPFLAGS_HERE) -c -o $@ $<

$(HOST_STAMP): deps/pins.txt | deps-build
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' deps/swupdate-source.sh
	@touch $@

# Removed first: an archive keeps members whose source file is gone.
$(LIBJOTA): $(lib_objects)
	@mkdir -p $(@D)
	@echo '  AR      $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIBSWU): $(swu_objects)
	@mkdir -p $(@D)
	@echo '  AR      $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIBHEALTH): $(health_objects)
	@mkdir -p $(@D)
	@echo '  AR      $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# -z defs: only the weak references to the host may stay open.
$(PLUGIN): $(plugin_objects) $(LIBJOTA)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -shared -Wl,-z,defs -Wl,--exclude-libs,ALL -Wl,-soname,$(@F) -o $@ $^ $(lib_libs)

define tool_rule
$(OUT)/bin/$(1): $(call tool_objects,$(1)) $(if $(filter jetson-swu,$(1)),$(LIBSWU)) $(if $(filter jetson-health,$(1)),$(LIBHEALTH) $(LIBSWU)) $(LIBJOTA)
	@mkdir -p $$(@D)
	@echo '  LINK    $$@'
	$$(Q)$$(LINK) -o $$@ $$^ $$(tool_libs)
endef
$(foreach tool,$(TOOLS),$(eval $(call tool_rule,$(tool))))

-include $(lib_objects:.o=.d) $(swu_objects:.o=.d) $(health_objects:.o=.d) $(plugin_objects:.o=.d) \
	$(foreach tool,$(TOOLS),$(patsubst %.o,%.d,$(call tool_objects,$(tool))))
