"""What `make test` runs in a team's repository: the tests of the project that was brought in."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from helpers import git, repository_files, run_at_most, write
from layouts import LAYOUTS, adopted, mend

SECONDS = 240


def test_the_project_that_was_brought_in_passes_its_tests(tmp_path: Path) -> None:
    clone = tmp_path / "team" / "clone"
    for path, file in repository_files().items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, clone / path, follow_symlinks=False)
    git(clone.parent, "init", "--quiet", "--template=", "--bare", "--initial-branch=main", "remote.git")
    git(clone, "init", "--quiet", "--template=", "--initial-branch=main")
    git(clone, "remote", "add", "origin", "../remote.git")
    with_a_name_of_its_own, *_ = LAYOUTS
    adopted(clone, with_a_name_of_its_own)
    write(clone, {"mage_project/tests/test_money.py": "def test_nothing() -> None:\n    pass\n"})
    mend(clone, with_a_name_of_its_own)
    assert git(clone, "ls-files", "packages") == "packages/README.md\npackages/unit_3"
    tests = [sys.executable, "-m", "pytest", "tests/project", "-q", "-p", "no:cacheprovider", "-k", "not cluster"]
    result = run_at_most(SECONDS, tests, clone)
    assert "6 passed" in result.stdout, result.stdout
