#!/usr/bin/env python3
"""Write a clone with a Mage project of N pipelines and a bare remote that it pushes to, for other benchmarks.

Each pipeline has a loader, two transformers (one in SQL) and an exporter of its own; ten neighbours
share a further transformer, and twenty modules of `utils` are shared by all.

examples:
  benchmarks/synthetic_project.py 1000 /tmp/thousand    /tmp/thousand/clone, pushed to /tmp/thousand/remote.git
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from demonstration.example import example_of  # noqa: E402

EXAMPLE = example_of(ROOT)
PLATFORM = ("Dockerfile", "requirements.txt", "charts")
UTILS = 20

_LOADER = """\
import os

from mage_project.utils.helper_{utils} import rounded

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader


@data_loader
def load(*args, **kwargs):
    return [rounded({number}), os.getenv('ENV')]
"""
_TRANSFORMER = """\
from mage_project.utils.helper_{utils} import rounded

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer


@transformer
def transform(data, *args, **kwargs):
    return [rounded(item) + {number} for item in data]
"""
_EXPORTER = """\
if 'data_exporter' not in globals():
    from mage_ai.data_preparation.decorators import data_exporter


@data_exporter
def export(data, *args, **kwargs):
    print(data, {number})
"""
_SQL = "select {number} as number from {{{{ df_1 }}}}\n"


def main(pipelines: int, folder: Path) -> None:
    """Write the clone, commit it and push it."""
    clone = folder / "clone"
    clone.mkdir(parents=True)
    write_project(clone, pipelines)
    for git in (
        ["init", "--quiet", "--bare", "--initial-branch=main", "../remote.git"],
        ["init", "--quiet", "--initial-branch=main"],
        ["config", "user.name", "Ada Example"],
        ["config", "user.email", "ada@example.com"],
        ["remote", "add", "origin", "../remote.git"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=Begin"],
        ["push", "--quiet", "origin", "main"],
    ):
        subprocess.run(["git", *git], cwd=clone, check=True)


def write_project(clone: Path, pipelines: int) -> None:
    """Write the files: the platform is this repository's, gates are static alone, schedules are left out."""
    for name in PLATFORM:
        original = ROOT / name
        shutil.copytree(original, clone / name) if original.is_dir() else shutil.copy(original, clone / name)
    shutil.copytree(EXAMPLE / "environments", clone / "environments")
    for name, source in (("dev", "main"), ("staging", "dev"), ("prod", "staging")):
        _environment(clone / "environments" / name, source)
    project = clone / "mage_project"
    _write(project / "metadata.yaml", "project_type: standalone\nproject_uuid: synthetic\n")
    _write(project / "io_config.yaml", (EXAMPLE / "mage_project" / "io_config.yaml").read_text())
    for number in range(UTILS):
        _write(project / "utils" / f"helper_{number}.py", f"def rounded(amount):\n    return amount + {number}\n")
    for number in range(pipelines):
        _pipeline(project, number)


def _environment(folder: Path, source: str) -> None:
    values = yaml.safe_load((folder / "values.yaml").read_text())
    values |= {"schedules": {}, "test": {"pipeline": ""}}
    _write(folder / "values.yaml", yaml.safe_dump(values, sort_keys=False))
    _write(folder / "policy.yaml", yaml.safe_dump({"source": source, "gates": ["static"]}))


def _pipeline(project: Path, number: int) -> None:
    """Write one pipeline; ten neighbours share a transformer."""
    name, utils = f"pipeline_{number:05}", number % UTILS
    blocks = {
        f"load_{number:05}": ("data_loader", "python", _LOADER),
        f"clean_{number // 10:05}": ("transformer", "python", _TRANSFORMER),
        f"enrich_{number:05}": ("transformer", "python", _TRANSFORMER),
        f"summarise_{number:05}": ("transformer", "sql", _SQL),
        f"export_{number:05}": ("data_exporter", "python", _EXPORTER),
    }
    entries: list[dict[str, Any]] = []
    previous: str | None = None
    for uuid, (kind, language, code) in blocks.items():
        _write(
            project / f"{kind}s" / f"{uuid}.{'sql' if language == 'sql' else 'py'}",
            code.format(number=number, utils=utils),
        )
        entry = {"uuid": uuid, "name": uuid, "type": kind, "language": language}
        entries.append(entry | {"upstream_blocks": [previous] if previous else []})
        previous = uuid
    metadata = {"name": name, "uuid": name, "type": "python", "blocks": entries}
    _write(project / "pipelines" / name / "metadata.yaml", yaml.safe_dump(metadata, sort_keys=False))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
