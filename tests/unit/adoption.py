"""A Mage project from elsewhere, and how tests adopt it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from helpers import Result, call_script, git

PIPELINE = {"name": "sales", "uuid": "sales", "type": "python", "blocks": []}
FILES: dict[str, bytes] = {
    "metadata.yaml": b"project_type: standalone\nproject_uuid: 77\n",
    "pipelines/sales/metadata.yaml": yaml.safe_dump(PIPELINE).encode(),
    "transformers/clean.py": b"def clean(data):\n    return data\n",
    "data/rates.csv": b"a,b\r\n\xff\n",
}
BRANCH = "adopt/unit_3"


def adopt(clone: Path, folder: Path, *more: str) -> Result:
    """Adopt without a question."""
    result = call_script(clone, "adopt", str(folder), "--yes", *more)
    assert result.exit_code == 0, result.stderr
    return result


def plan_of(clone: Path, folder: Path) -> dict[str, Any]:
    result = call_script(clone, "adopt", str(folder), "--plan", "--json")
    assert result.exit_code == 2, result.stderr
    plan: dict[str, Any] = result.document["adoption"]
    return plan


def listed(clone: Path, *roots: str) -> list[str]:
    return git(clone, "ls-tree", "-r", "--name-only", BRANCH, "--", *roots).splitlines()


def content(clone: Path, path: str) -> str:
    return git(clone, "show", f"{BRANCH}:{path}")


def in_git(folder: Path) -> Path:
    """Put the project, with the folder around it, under version control."""
    git(folder.parent, "init", "--quiet", "--template=")
    git(folder.parent, "add", "--all")
    git(folder.parent, "commit", "--quiet", "-m", "Begin")
    return folder
