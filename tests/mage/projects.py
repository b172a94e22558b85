"""Write small Mage projects for tests."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_SUFFIX = {"python": "py", "sql": "sql", "r": "r"}
_IO_CONFIG = """\
default:
  POSTGRES_DBNAME: "{{ env_var('WAREHOUSE_DATABASE') }}"
  POSTGRES_HOST: "{{ env_var('WAREHOUSE_HOST') }}"
  POSTGRES_PASSWORD: "{{ env_var('WAREHOUSE_PASSWORD') }}"
  POSTGRES_PORT: "{{ env_var('WAREHOUSE_PORT') }}"
  POSTGRES_USER: "{{ env_var('WAREHOUSE_USER') }}"
"""
# For the code of a block that talks to the warehouse by itself.
WAREHOUSE_LOGIN = """
def warehouse_login():
    import os
    names = dict(host='HOST', port='PORT', dbname='DATABASE', user='USER', password='PASSWORD')
    return {key: os.environ[f'WAREHOUSE_{name}'] for key, name in names.items()}
"""
# It leaves a row in the warehouse each time.
VISIT = (
    WAREHOUSE_LOGIN
    + """
import psycopg2

@custom
def visit(*args, **kwargs):
    with psycopg2.connect(**warehouse_login()) as connection, connection.cursor() as cursor:
        cursor.execute('CREATE TABLE IF NOT EXISTS visits (day timestamptz DEFAULT now())')
        cursor.execute('INSERT INTO visits DEFAULT VALUES')
"""
)


@dataclass(frozen=True)
class Block:
    """One block: `code` is its body after the decorator (Python) or its whole text (SQL, R)."""

    uuid: str
    code: str = ""
    upstream: Sequence[str] = ()
    type: str = "transformer"
    language: str = "python"
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def list_name(self) -> str:
        """The list of the pipeline's metadata.yaml that this block stands in."""
        return f"{self.type}s" if self.type in ("callback", "conditional") else "blocks"

    def metadata(self, blocks: Sequence[Block]) -> dict[str, Any]:
        """Its entry in metadata.yaml."""
        downstream = [b.uuid for b in blocks if self.uuid in b.upstream and b.list_name == "blocks"]
        entry = {"uuid": self.uuid, "name": self.uuid, "type": self.type, "language": self.language}
        links = {"upstream_blocks": list(self.upstream), "downstream_blocks": downstream}
        return entry | links | self.options

    def write(self, project: Path) -> None:
        """Write its file."""
        folder = self.type if self.type == "custom" else f"{self.type}s"
        file = project / folder / f"{self.uuid}.{_SUFFIX[self.language]}"
        file.parent.mkdir(exist_ok=True)
        code = textwrap.dedent(self.code)
        file.write_text(_decorators(self.type) + code if self.language == "python" else code)


def _decorators(block_type: str) -> str:
    name = "condition" if block_type == "conditional" else block_type
    lines = "if '{0}' not in globals():\n    from mage_ai.data_preparation.decorators import {0}\n"
    return lines.format(name) + lines.format("test")


def write_project(folder: Path, pipelines: Mapping[str, Sequence[Block]], **settings: dict[str, Any]) -> Path:
    """Write a project with `pipelines`; `settings` adds keys to the metadata of the pipeline of that name."""
    project = folder / "project"
    project.mkdir(parents=True)
    (project / "metadata.yaml").write_text("project_type: standalone\nproject_uuid: test\n")
    (project / "io_config.yaml").write_text(_IO_CONFIG)
    for name, blocks in pipelines.items():
        _write_pipeline(project, name, blocks, settings.get(name, {}))
    return project


def _write_pipeline(project: Path, name: str, blocks: Sequence[Block], settings: dict[str, Any]) -> None:
    metadata: dict[str, Any] = {"name": name, "uuid": name, "type": "python", **settings}
    for block in blocks:
        metadata.setdefault(block.list_name, []).append(block.metadata(blocks))
        if "replicated_block" not in block.options and block.type != "global_data_product":
            block.write(project)
    folder = project / "pipelines" / name
    folder.mkdir(parents=True)
    (folder / "metadata.yaml").write_text(yaml.safe_dump(metadata))
