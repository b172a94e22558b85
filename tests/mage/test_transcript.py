"""The tutorial is what happens: a test types its commands, one after the other, and compares what they print."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

import transcript
from helpers import ROOT, git, repository_files

PAGES = [ROOT / "docs/bring-your-project.md", ROOT / "docs/tutorial.md"]
ADDRESS = "https://git.example.com/your-team/mage.git"


def serve_work_tree(folder: Path) -> dict[str, str]:
    """Put the files of this checkout, committed or not, on `main` of a repository; return how git finds it."""
    for name, file in repository_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, folder / name, follow_symlinks=False)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_is_what_its_commands_print(tmp_path: Path, page: Path) -> None:
    server = tmp_path / "server"
    server.mkdir()
    variables = serve_work_tree(server)
    transcript.check(page, transcript.Terminal(tmp_path, variables).type)
