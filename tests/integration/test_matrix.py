# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The failure matrix of docs/testing.md: no row without a test that exists, or a reason."""

import re
from pathlib import Path

from package import TOP

HERE = Path(__file__).parent
PAGE = (TOP / "docs/testing.md").read_text()
MATRIX = PAGE.split("<!-- matrix: begin -->")[1].split("<!-- matrix: end -->")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")]
        for line in MATRIX.splitlines() if line.startswith("| ")][1:]


def test_every_row_of_the_matrix_has_a_test_or_a_reason():
    assert len(ROWS) > 40
    for case, outcome, tests in ROWS:
        names = re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
        assert len(names) == tests.count("::"), case
        for file, name in names:
            assert f"\ndef {name}(" in (HERE / file).read_text(), f"{file} has no {name}"
        assert names or case.startswith("**") or outcome.startswith(("not ", "see [")), \
            f"'{case}' has neither a test nor a reason"
