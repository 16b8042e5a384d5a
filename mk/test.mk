# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Test programs and the targets that run them. One test_*.c is one Check program. tests/run.py runs
# the parts, goes on after a failing one and adds up what passed.

model_test_sources := $(sort $(wildcard tests/models/test_*.c))
unit_sources := $(filter-out $(model_test_sources),$(sort $(wildcard tests/*/test_*.c)))
UNIT_TESTS := $(unit_sources:%.c=$(OUT)/%)
SWU_TESTS := $(filter $(OUT)/tests/swu/%,$(UNIT_TESTS))
HEALTH_TESTS := $(filter $(OUT)/tests/health/%,$(UNIT_TESTS))
MODEL_TESTS := $(model_test_sources:%.c=$(OUT)/%)

object_of = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
support_objects := $(call object_of,$(sort $(wildcard tests/support/*.c)))
powercut_objects := $(call object_of,$(sort $(wildcard tests/powercut/*.c)))
model_main := $(wildcard tests/models/uboot_model_main.c)
model_objects := $(call object_of,$(sort $(filter-out $(model_main) $(model_test_sources),\
	$(wildcard tests/models/*.c))))

LIBMODELS := $(OUT)/lib/libmodels.a
LIBSUPPORT := $(OUT)/lib/libsupport.a
UBOOT_MODEL := $(OUT)/bin/uboot-model
POWERCUT := $(if $(powercut_objects),$(OUT)/bin/powercut)

$(OUT)/obj/tests/%: CPPFLAGS_HERE = -Ilib -Itests $(lib_cflags) $(json_cflags) $(check_cflags)
# The models must not know the library they judge: they do not even see its headers.
$(OUT)/obj/tests/models/%: CPPFLAGS_HERE = -Itests $(check_cflags)

$(LIBMODELS): $(model_objects)
	@mkdir -p $(@D)
	@echo '  AR      $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIBSUPPORT): $(support_objects)
	@mkdir -p $(@D)
	@echo '  AR      $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(UBOOT_MODEL): $(call object_of,$(model_main)) $(LIBMODELS)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(md_libs)

# -rdynamic: the program's own write and fsync must also catch the calls of shared libraries.
$(OUT)/bin/powercut: $(powercut_objects) $(LIBSUPPORT) $(LIBJOTA) $(LIBMODELS)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -rdynamic -o $@ $^ $(lib_libs)

$(SWU_TESTS): $(OUT)/tests/%: $(OUT)/obj/tests/%.o $(LIBSUPPORT) $(LIBSWU) $(LIBJOTA)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(lib_libs) $(swu_libs) $(check_libs)

$(HEALTH_TESTS): $(OUT)/tests/%: $(OUT)/obj/tests/%.o $(LIBSUPPORT) $(LIBHEALTH) $(LIBSWU) $(LIBJOTA)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(lib_libs) $(health_libs) $(check_libs)

$(filter-out $(SWU_TESTS) $(HEALTH_TESTS),$(UNIT_TESTS)): $(OUT)/tests/%: $(OUT)/obj/tests/%.o $(LIBSUPPORT) $(LIBJOTA)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(lib_libs) $(check_libs)

# Judged by a boot model.
$(OUT)/tests/slot/test_backend_uefi_cut: $(LIBMODELS)

$(MODEL_TESTS): $(OUT)/tests/%: $(OUT)/obj/tests/%.o $(LIBMODELS)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(LINK) -o $@ $^ $(md_libs) $(check_libs)

-include $(patsubst %.o,%.d,$(support_objects) $(powercut_objects) $(model_objects) \
	$(call object_of,$(model_main) $(unit_sources) $(model_test_sources)))

.PHONY: check check-core check-unit check-models check-asan check-valgrind check-integration \
	check-root powercut test-deps host-deps lint-deps test-programs asan-programs

test-deps:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build test
endif

host-deps:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh host demo test
endif
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' deps/swupdate-binary.sh

lint-deps:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build test lint
endif

# Test objects need Check's headers, which belong to another group of packages than the build's.
$(call object_of,$(unit_sources) $(model_test_sources)) $(support_objects): | test-deps

test-programs: $(UNIT_TESTS) $(MODEL_TESTS) $(POWERCUT) $(if $(model_main),$(UBOOT_MODEL))

asan-programs: | test-deps
	$(Q)+$(MAKE) --no-print-directory SAN=1 test-programs

RUN_TESTS = $(PYTHON) tests/run.py --build $(BUILD)
POWERCUT_ARGS ?=
export POWERCUT_ARGS

check: | test-deps host-deps ## Run every test; what needs root and cannot run is named
	$(Q)+$(MAKE) --no-print-directory all test-programs hosts
	$(Q)+$(MAKE) --no-print-directory asan-programs
	$(Q)+$(MAKE) --no-print-directory vm-image
	$(Q)$(RUN_TESTS) unit models asan valgrind-short fuzz powercut mutants-short tools combinations \
		keys integration hosts faults-short vm-short hawkbit-short

check-core: all test-programs ## Run the quick tests: unit suites, models and tools
	$(Q)$(RUN_TESTS) unit models tools

check-unit: $(UNIT_TESTS) ## Run the unit suites of the library
	$(Q)$(RUN_TESTS) unit

check-models: $(MODEL_TESTS) ## Run the tests of the boot models
	$(Q)$(RUN_TESTS) models

check-asan: asan-programs ## Run unit suites and models under the address and undefined behaviour sanitizers
	$(Q)$(RUN_TESTS) asan

check-valgrind: test-programs ## Run unit suites and models under valgrind
	$(Q)$(RUN_TESTS) valgrind

powercut: test-programs ## Cut the power before every write and sync of an update (POWERCUT_ARGS=...)
	$(Q)$(RUN_TESTS) powercut

check-integration: all test-programs host-deps ## Run updates through Debian's swupdate (PYTEST_ARGS=...)
	$(Q)$(RUN_TESTS) integration

check-root: all test-programs host-deps ## Run only the integration tests that need root
	$(Q)REQUIRE_ROOT=1 $(RUN_TESTS) root
