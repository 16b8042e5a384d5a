# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Packages of another maker. It needs PyPI, so `make check` does not run it.

.PHONY: check-swugenerator

check-swugenerator: all | test-deps ## Verify packages that swugenerator (from PyPI) made
	$(Q)$(PYTHON) tests/swu/check-swugenerator.py $(BUILD)
