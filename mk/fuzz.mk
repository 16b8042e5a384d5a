# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Fuzz targets, tests/fuzz/fuzz_*.c: each becomes a libFuzzer program (clang) below build/fuzz/, the
# same with a planted defect, and a program of the ordinary compiler that replays the corpus.

FUZZ_TARGETS := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_OUT := $(BUILD)/fuzz
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(FUZZ_OUT)/bin/%)
FUZZ_PLANTED := $(FUZZ_TARGETS:%=$(FUZZ_OUT)/bin/%-planted)
FUZZ_REPLAYS := $(FUZZ_TARGETS:%=$(OUT)/tests/fuzz/replay_%)
T ?= 60

fuzz_sanitizers := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The library and the target are watched for coverage, the device that they run on is not.
# Of lib/swu the pure readers: what needs no more than libconfig.
fuzz_watched := $(patsubst %.c,$(FUZZ_OUT)/obj/%.o,$(sort $(wildcard $(addprefix lib/,base/*.c \
	slot/*.c write/*.c swu/container.c swu/description*.c swu/findings.c swu/lint*.c health/*.c))))
fuzz_device := $(patsubst %.c,$(FUZZ_OUT)/obj/%.o,tests/fuzz/device.c tests/support/tree.c \
	tests/support/tree_env.c)
fuzz_targets := $(FUZZ_TARGETS:%=$(FUZZ_OUT)/obj/tests/fuzz/fuzz_%.o)
fuzz_planted := $(FUZZ_TARGETS:%=$(FUZZ_OUT)/obj/tests/fuzz/planted_%.o)
$(fuzz_watched) $(fuzz_targets) $(fuzz_planted): fuzz_flags := -fsanitize=fuzzer-no-link
$(fuzz_planted): fuzz_flags += -DJOTA_FUZZ_PLANT

fuzz_compile = clang $(STD_FLAGS) $(WARN_FLAGS) -O1 -g -pthread -MMD -MP $(fuzz_sanitizers) \
	$(fuzz_flags) -Ilib -Itests $(lib_cflags) $(health_cflags)

$(fuzz_watched) $(fuzz_device) $(fuzz_targets): $(FUZZ_OUT)/obj/%.o: %.c | fuzz-deps
	@mkdir -p $(@D)
	@echo '  FUZZ-CC $<'
	$(Q)$(fuzz_compile) -c -o $@ $<

$(fuzz_planted): $(FUZZ_OUT)/obj/tests/fuzz/planted_%.o: tests/fuzz/fuzz_%.c | fuzz-deps
	@mkdir -p $(@D)
	@echo '  FUZZ-CC $< (planted)'
	$(Q)$(fuzz_compile) -c -o $@ $<

# An archive: a target links the modules that it reaches, and its edges are counted over those.
$(FUZZ_OUT)/libjota.a: $(fuzz_watched)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FUZZ_OUT)/libdevice.a: $(fuzz_device)
	$(Q)rm -f $@ && ar rcs $@ $^

fuzz_link = @mkdir -p $(@D); echo '  LINK    $@'; \
	clang -fsanitize=fuzzer $(fuzz_sanitizers) -pthread -o $@ $^ $(lib_libs) $(fuzz_more_libs)
# The table of kinds names every kind, so these bring all of lib/health and what checks signatures.
fuzz_health := extlinux health newroot unit
fuzz_health_programs := $(foreach t,$(fuzz_health),$(FUZZ_OUT)/bin/$(t) $(FUZZ_OUT)/bin/$(t)-planted)
$(fuzz_health_programs): fuzz_more_libs = $(LIBSWU) $(LIBJOTA) $(health_libs) $(lib_libs)
$(fuzz_health_programs): | $(LIBSWU) $(LIBJOTA)
$(FUZZ_PROGRAMS): $(FUZZ_OUT)/bin/%: $(FUZZ_OUT)/obj/tests/fuzz/fuzz_%.o $(FUZZ_OUT)/libdevice.a \
	$(FUZZ_OUT)/libjota.a
	$(fuzz_link)
$(FUZZ_PLANTED): $(FUZZ_OUT)/bin/%-planted: $(FUZZ_OUT)/obj/tests/fuzz/planted_%.o \
	$(FUZZ_OUT)/libdevice.a $(FUZZ_OUT)/libjota.a
	$(fuzz_link)

fuzz_replay_objects := $(call object_of,tests/fuzz/replay.c tests/fuzz/device.c)
fuzz_health_replays := $(fuzz_health:%=$(OUT)/tests/fuzz/replay_%)
$(filter-out $(fuzz_health_replays),$(FUZZ_REPLAYS)): $(OUT)/tests/fuzz/replay_%: \
	$(OUT)/obj/tests/fuzz/fuzz_%.o $(fuzz_replay_objects) $(LIBSUPPORT) $(LIBSWU) $(LIBJOTA)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(lib_libs)
$(fuzz_health_replays): $(OUT)/tests/fuzz/replay_%: $(OUT)/obj/tests/fuzz/fuzz_%.o \
	$(fuzz_replay_objects) $(LIBSUPPORT) $(LIBHEALTH) $(LIBSWU) $(LIBJOTA)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(health_libs) $(lib_libs)

-include $(patsubst %.o,%.d,$(fuzz_watched) $(fuzz_device) $(fuzz_targets) $(fuzz_planted) \
	$(fuzz_replay_objects) $(call object_of,$(FUZZ_TARGETS:%=tests/fuzz/fuzz_%.c)))

.PHONY: fuzz fuzz-table fuzz-long fuzz-self-test fuzz-corpus fuzz-seeds fuzz-programs fuzz-deps clean-fuzz

# Corpora run as plain tests under the sanitizers of the ordinary compiler.
test-programs: $(if $(SAN),$(FUZZ_REPLAYS))

fuzz-deps:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build test fuzz
endif

fuzz-programs: $(FUZZ_PROGRAMS) $(FUZZ_PLANTED)
# Built before the parts of `make check` run.
check: | fuzz-programs

RUN_FUZZ = $(PYTHON) tests/fuzz/run.py

fuzz: $(FUZZ_PROGRAMS) ## Run each fuzzer for T seconds (default 60), two at a time
	$(Q)$(RUN_FUZZ) fuzz $(FUZZ_TARGETS) --build $(BUILD) --seconds $(T)

fuzz-table: $(FUZZ_PROGRAMS) ## The same, and the table into docs/testing.md
	$(Q)$(RUN_FUZZ) fuzz $(FUZZ_TARGETS) --build $(BUILD) --seconds $(T) >$(FUZZ_OUT)/table.txt
	$(Q)tests/into_page.py fuzz <$(FUZZ_OUT)/table.txt

fuzz-long: T := 1800
fuzz-long: fuzz ## Run each fuzzer for half an hour

fuzz-self-test: $(FUZZ_PLANTED) ## Each fuzzer must find a planted overflow from the seeds alone
	$(Q)$(RUN_FUZZ) self-test $(FUZZ_TARGETS) --build $(BUILD) --seconds 120

fuzz-corpus: $(FUZZ_PROGRAMS) ## Take what fuzzing found into the corpora, minimised
	$(Q)$(RUN_FUZZ) merge $(FUZZ_TARGETS) --build $(BUILD)

fuzz-seeds: fuzz-deps ## Make the seeds of the corpora anew, with the real tools
	$(Q)tests/fuzz/seeds.py tests/fuzz/corpus

clean: clean-fuzz
clean-fuzz:
	$(Q)rm -rf $(FUZZ_OUT)
