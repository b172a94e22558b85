"""What Mage itself imports when it runs a pipeline: its clients of databases and streams, and its integrations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from basics.yaml_file import line_of
from promotion.pipelines.closure import Closure
from promotion.pipelines.pipeline import Block
from promotion.repository.tree import Tree

# What a block in YAML talks to, and the folder in Mage where the client is.
_KIND = re.compile(r"^(connector_type|source|destination):\s*['\"]?(\w+)", re.MULTILINE)
_STREAMS = {"data_loader": "mage_ai.streaming.sources", "data_exporter": "mage_ai.streaming.sinks"}
_INTEGRATIONS = {"source": "mage_integrations.sources", "destination": "mage_integrations.destinations"}
_OF_IO = {"bigquery", "clickhouse", "duckdb", "mssql", "mysql", "redshift", "snowflake", "trino"}
_CALLED_OTHERWISE = {"sqlserver": "mssql", "nats": "nats_js"}  # the modules of kinds that are not called like them


class Imported(NamedTuple):
    """An import of something that is not of the project."""

    path: str
    line: int | None
    module: str
    names: tuple[str, ...] = ()
    block: str = ""  # where there is no line: the block of the pipeline's metadata that asks for it

    def line_in(self, tree: Tree) -> int | None:
        """Return the line that asks for it."""
        return line_of(tree.text(self.path), self.block) if self.block else self.line


# MAGE.md: io-clients
def imports_of_mage(tree: Tree, closure: Closure) -> Iterator[Imported]:
    """Yield the modules that Mage imports for the blocks of a pipeline in SQL and in YAML."""
    if closure.pipeline is None:
        return
    for block, path in zip(closure.pipeline.blocks, closure.block_paths, strict=True):
        if block.language == "sql" and block.type != "dbt":
            yield from _of_sql(closure.pipeline.metadata_path, block)
        elif block.language == "yaml" and path in closure.files and tree.is_text(path):
            yield from _of_yaml(path, tree.text(path), block, closure.pipeline.type)


def _of_sql(path: str, block: Block) -> Iterator[Imported]:
    provider = block.configuration.get("data_provider")
    if isinstance(provider, str):
        yield Imported(path, None, _module("mage_ai.io", provider), block=block.uuid)


def _of_yaml(path: str, text: str, block: Block, pipeline_type: str) -> Iterator[Imported]:
    for match in _KIND.finditer(text):
        key, kind = match.groups()
        streams = _STREAMS.get(block.type) if pipeline_type == "streaming" and key == "connector_type" else None
        folder = streams or (_INTEGRATIONS.get(key) if pipeline_type == "integration" else None)
        if folder:
            is_of_io = folder == _STREAMS["data_exporter"] and kind in _OF_IO
            line = text.count("\n", 0, match.start()) + 1
            yield Imported(path, line, _module("mage_ai.io" if is_of_io else folder, kind))


def _module(folder: str, kind: str) -> str:
    return f"{folder}.{_CALLED_OTHERWISE.get(kind, kind)}"
