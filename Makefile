# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Every entry point of the project; `make help` lists them. What is built lands below build/. Sources
# are found by wildcard: a new .c file in a known folder joins the build without a change here.
#
# Variables: CC, WERROR= (keep going on warnings), SAN=1 (address and undefined behaviour sanitizers),
# BUILD (default build), DEPS=no (never install packages), DESTDIR, PREFIX (default /usr),
# SYSCONFDIR (default /etc), JOTA_CACHE (downloads, default build/cache), V=1 (show each command).

BUILD ?= build
OUT := $(BUILD)$(if $(SAN),/asan)
DEPS ?= yes
PREFIX ?= /usr
SYSCONFDIR ?= /etc
WERROR ?= -Werror
PYTHON ?= /usr/bin/python3
Q := $(if $(V),,@)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
# No implicit rules: a file that no rule here makes is an error, not a guess.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

# make's own default for CC is 'cc'; the project is built with gcc unless somebody says otherwise.
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := gcc-ar
endif

STD_FLAGS := -std=gnu17
WARN_FLAGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	$(WERROR)
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The sanitizers check more than the fortified functions do, and the two get into each other's way.
HARDEN_FLAGS := $(if $(SAN),$(SAN_FLAGS),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
	-fstack-protector-strong
CFLAGS ?= -O2 -g
# Compilation and linking are the only readers of these; everything else goes through them.
COMPILE = $(CC) $(STD_FLAGS) $(WARN_FLAGS) $(CPPFLAGS) $(CFLAGS) $(HARDEN_FLAGS) -pthread -MMD -MP
LINK = $(CC) $(CFLAGS) $(HARDEN_FLAGS) -pthread -Wl,-z,relro,-z,now $(LDFLAGS)

# pkg-config is asked once and late: the packages may only be installed by this same run.
LIB_PACKAGES := libubootenv libconfig libxxhash libmd zlib
lib_cflags = $(eval lib_cflags := $$(shell pkg-config --cflags $(LIB_PACKAGES)))$(lib_cflags)
lib_libs = $(eval lib_libs := $$(shell pkg-config --libs $(LIB_PACKAGES)))$(lib_libs)
SWU_PACKAGES := libcrypto libzstd liblzma zlib libarchive ext2fs com_err
swu_cflags = $(eval swu_cflags := $$(shell pkg-config --cflags $(SWU_PACKAGES)))$(swu_cflags)
swu_libs = $(eval swu_libs := $$(shell pkg-config --libs $(SWU_PACKAGES)))$(swu_libs)
# libjota-health: what looks at services, servers and the slot just written, for jetson-health alone.
HEALTH_PACKAGES := libsystemd libcurl libcrypto ext2fs com_err
health_cflags = $(eval health_cflags := $$(shell pkg-config --cflags $(HEALTH_PACKAGES)))$(health_cflags)
health_libs = $(eval health_libs := $$(shell pkg-config --libs $(HEALTH_PACKAGES)))$(health_libs)
md_libs = $(eval md_libs := $$(shell pkg-config --libs libmd))$(md_libs)
json_cflags = $(eval json_cflags := $$(shell pkg-config --cflags json-c))$(json_cflags)
json_libs = $(eval json_libs := $$(shell pkg-config --libs json-c))$(json_libs)
curl_libs = $(eval curl_libs := $$(shell pkg-config --libs libcurl))$(curl_libs)
check_cflags = $(eval check_cflags := $$(shell pkg-config --cflags check))$(check_cflags)
check_libs = $(eval check_libs := $$(shell pkg-config --libs check))$(check_libs)

include mk/build.mk
include mk/test.mk
include mk/install.mk
# Everything that is one topic of its own: hosts, faults, fuzzers, mutants.
include $(sort $(filter-out mk/build.mk mk/test.mk mk/install.mk,$(wildcard mk/*.mk)))

.PHONY: all deps deps-build demo docs-check lint format clean distclean help

all: $(LIBJOTA) $(PLUGIN) $(TOOL_PROGRAMS) ## Build the library, the plugin and the tools (default)

deps: ## Install every missing Debian package that building, testing and linting need
	$(Q)deps/install.sh build host demo test lint fuzz coverage

deps-build:
ifneq ($(DEPS),no)
	$(Q)deps/install.sh build
endif

demo: all $(BUILD)/bin/uboot-model ## Show whole updates on plain files, with Debian's swupdate
ifneq ($(DEPS),no)
	$(Q)deps/install.sh host demo
endif
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' deps/swupdate-binary.sh
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' tests/demo/run.sh

lint: lint-deps all ## Check layout, static analysis, licences and the direction of includes
	$(Q)CC='$(CC)' LINT_STD='$(STD_FLAGS)' LINT_WARN='$(WARN_FLAGS)' \
		LIBJOTA='$(LIBJOTA)' PLUGIN='$(PLUGIN)' \
		LINT_LIB='$(lib_cflags) $(json_cflags) $(check_cflags)' \
		LINT_HOST='$(HOST_INCLUDES)' tests/lint/run.sh

docs-check: ## Compare the dependency table in docs/ with deps/packages.txt
	$(Q)tests/lint/dependencies.sh

format: ## Lay out every C file as clang-format says
	$(Q)tests/lint/files.sh '*.c' '*.h' | xargs -r clang-format -i

clean: ## Remove what was built, keep downloads and unpacked packages
	$(Q)rm -rf $(addprefix $(BUILD)/,obj lib plugin bin tests asan test-logs demo)

distclean: ## Remove build/ altogether, downloads too
	$(Q)rm -rf $(BUILD)

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST) | sort
