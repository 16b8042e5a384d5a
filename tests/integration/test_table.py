# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""docs/failures.md says what a user really sees. Runs last, see conftest.py."""

import pytest
import table


def test_the_page_of_failures_is_up_to_date(records):
    rows = records.rows()
    if not rows:
        pytest.skip("no case was run")
    page = table.PAGE.read_text().splitlines() if table.PAGE.exists() else []
    missing = [row for row in rows if row not in page]
    stale = [] if records.partial else [
        line for line in page if line.startswith("| ") and line not in rows
        and not line.startswith("| case ")]
    hint = "read build/test-logs/cases.md, then run tests/integration/table.py"
    assert (missing, stale) == ([], []), hint
