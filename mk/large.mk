# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Images above 4 GiB through the whole chain. Minutes and some 15 GiB below TMPDIR, so no part of
# `make check`, which has parts of 1 GiB. LARGE_ARGS: --case N.

LARGE_ARGS ?=

.PHONY: check-large

check-large: all $(UBOOT_MODEL) host-deps ## Pack and install images above 4 GiB, read them back (minutes)
	$(Q)JOTA_BUILD='$(abspath $(BUILD))' $(PYTHON) tests/large/check_large.py $(LARGE_ARGS)
