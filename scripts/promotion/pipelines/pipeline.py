"""What a pipeline's own folder says: `metadata.yaml` in Mage's form and `promotion.yaml` in ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from basics.errors import Finding, Malformed
from basics.wording import near
from basics.yaml_file import line_of, load_mapping, malformed, mapping

# The characters that Mage leaves in the names that people type (`clean_name`); `/` makes nested block folders.
PIPELINE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
BLOCK_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")

BLOCK_TYPES = {
    "callback",
    "chart",
    "conditional",
    "custom",
    "data_exporter",
    "data_loader",
    "dbt",
    "extension",
    "global_data_product",
    "group",
    "markdown",
    "pipeline",
    "scratchpad",
    "sensor",
    "transformer",
}
_OF_MAGE_PRO = {"ai"}
_OF_MAGES_OWN = {"dynamic_child", "hook"}
# A run of the pipeline reads no file of these: one that is missing hinders nothing.
# MAGE.md: blocks-for-people
NOT_RUN = {"chart", "group", "markdown", "pipeline", "scratchpad"}
LANGUAGES = {"python": "py", "sql": "sql", "r": "r", "yaml": "yaml", "markdown": "md"}
_DAYS = re.compile(r"([1-9][0-9]{0,3})d")
_LISTS = ("blocks", "callbacks", "conditionals", "widgets")


@dataclass(frozen=True)
class Block:
    """One entry of a pipeline's metadata: Mage finds its file by type, name and language."""

    uuid: str
    type: str
    language: str = "python"
    upstream: tuple[str, ...] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict)
    replicated: str | None = None
    has_callback: bool = False
    in_graph: bool = True  # callbacks, conditionals and widgets attach to blocks instead

    # MAGE.md: block-files
    @property
    def default_path(self) -> str:
        """Where Mage keeps the file of such a block, relative to the project."""
        folder = "custom" if self.type == "custom" else f"{self.type}s"
        return f"{folder}/{self.uuid}.{LANGUAGES[self.language]}"


@dataclass(frozen=True)
class Pipeline:
    """A pipeline's declaration; `tags` are Mage's, `needs` are the pipelines whose tables it reads."""

    name: str
    metadata_path: str
    blocks: tuple[Block, ...]
    type: str = "python"
    tags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    smoke_variables: tuple[Mapping[str, Any], ...] = ({},)
    volatile: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # file → what its computed paths may name
    backfill: int | None = None  # days of its data that a change matters to: 0 for none, None for all
    mistakes: tuple[Finding, ...] = ()  # that leave no doubt which files it has

    @property
    def promotion_path(self) -> str:
        """The path of its `promotion.yaml`, which may be missing."""
        return self.metadata_path.replace("metadata.yaml", "promotion.yaml")


def parse_pipeline(name: str, path: str, metadata: str, promotion: str | None) -> Pipeline:
    """Read the two files of the pipeline `name`; raise `Malformed` where they do not tell what it consists of."""
    content, mistakes = _content(path, metadata)
    blocks = tuple(block for kind in _LISTS for block in _blocks(path, content, kind, mistakes))
    for uuid, value in mapping(path, "extensions", content.get("extensions")).items():
        extension = mapping(path, f"extensions.{uuid}", value)
        blocks += tuple(_blocks(path, extension, "blocks", mistakes, f"extensions.{uuid}."))
    _check_graph(path, metadata, blocks)
    tags = _names(path, "tags", content.get("tags") or [])
    kind = content.get("type") or "python"
    if not isinstance(kind, str):
        raise malformed(path, "type", "is not text", "write python, streaming or integration")
    pipeline = Pipeline(name, path, blocks, kind, tags, mistakes=tuple(mistakes))
    return _with_promotion(pipeline, pipeline.promotion_path, promotion)


def _content(path: str, metadata: str) -> tuple[dict[str, Any], list[Finding]]:
    """Return what the file holds; of a key that is there twice the last value, as Mage does, with a finding."""
    try:
        return load_mapping(path, metadata), []
    except Malformed as error:
        if error.finding.code != "duplicate-key":
            raise
        return load_mapping(path, metadata, unique=False), [error.finding]


def _blocks(
    path: str, content: Mapping[str, Any], kind: str, mistakes: list[Finding], prefix: str = ""
) -> Iterator[Block]:
    entries = content.get(kind) or []
    if not isinstance(entries, list):
        raise malformed(path, prefix + kind, "is not a list", "write one block per list entry")
    for number, entry in enumerate(entries):
        block = _block(path, f"{prefix}{kind}[{number}]", entry, in_graph=not prefix and kind == "blocks")
        if block.type not in BLOCK_TYPES:
            mistakes.append(malformed(path, f"{prefix}{kind}[{number}].type", *_unknown_type(block.type)).finding)
        yield block


def _block(path: str, key: str, entry: Any, *, in_graph: bool) -> Block:
    if not isinstance(entry, dict) or entry.get("uuid") is None:
        raise malformed(path, f"{key}.uuid", "is missing", "give the block its name")
    if not isinstance(entry["uuid"], str):
        problem, fix = f"YAML reads this as {entry['uuid']!r}, not as text", "put the name in quotes"
        raise malformed(path, f"{key}.uuid", problem, fix)
    if not isinstance(entry.get("type"), str):
        raise malformed(path, f"{key}.type", f"{entry.get('type')!r} is no type", "write, for example, custom")
    _check_name(path, key, entry["uuid"])
    replicated = entry.get("replicated_block")
    if replicated is not None and not isinstance(replicated, str):
        raise malformed(path, f"{key}.replicated_block", "is not text", "name a block of this pipeline")
    return Block(
        uuid=entry["uuid"],
        type=entry["type"],
        language=_one_of(path, f"{key}.language", entry.get("language") or "python", list(LANGUAGES)),
        upstream=_names(path, f"{key}.upstream_blocks", entry.get("upstream_blocks") or []),
        configuration=mapping(path, f"{key}.configuration", entry.get("configuration")),
        replicated=replicated,
        has_callback=bool(entry.get("has_callback")),
        in_graph=in_graph,
    )


def _unknown_type(kind: str) -> tuple[str, str]:
    """Return what is wrong with a block of such a type, and how to mend it."""
    if kind in _OF_MAGE_PRO:
        return f"{kind!r} is a type of Mage Pro alone", "write a block of the type custom, or remove it"
    if kind in _OF_MAGES_OWN:
        return (
            f"{kind!r} is a type of blocks that Mage makes itself",
            "write a block of another type, or remove it",
        )
    return f"{kind!r} is unknown to Mage", near(kind, sorted(BLOCK_TYPES))


def _check_name(path: str, key: str, uuid: str) -> None:
    problem = f"{key}.uuid: {uuid!r}"
    if ".." in uuid.split("/"):
        finding = Finding(path, None, "path-outside-project", f"{problem} is outside the project", "name a block")
        raise Malformed(finding)
    if not BLOCK_NAME.fullmatch(uuid):
        raise Malformed(Finding(path, None, "bad-name", problem, "use letters, digits, `_`, `-`, `.` and `/`"))


def _one_of(path: str, key: str, value: Any, known: list[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise malformed(path, key, f"{value!r} is unknown to Mage", near(str(value), known))
    return value


def _names(path: str, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise malformed(path, key, "is not a list of names", "write one name per list entry")
    for name in value:
        if not isinstance(name, str):
            raise malformed(path, key, f"YAML reads a name as {name!r}, not as text", "put the name in quotes")
    return tuple(value)


def _check_graph(path: str, text: str, blocks: tuple[Block, ...]) -> None:
    """Refuse unknown blocks, which Mage drops without a word, and cycles, on which it never ends."""
    graph = {block.uuid: block.upstream for block in blocks if block.in_graph}
    known = {block.uuid for block in blocks}
    for block in blocks:
        for upstream in block.upstream:
            if upstream not in known:
                problem = f"{block.uuid}.upstream_blocks: there is no block {upstream!r}"
                line = line_of(text, block.uuid)
                raise Malformed(Finding(path, line, "unknown-upstream", problem, near(upstream, known)))
        if block.replicated is not None and block.replicated not in known:
            problem = f"{block.uuid}.replicated_block: there is no block {block.replicated!r}"
            line = line_of(text, block.uuid)
            raise Malformed(Finding(path, line, "unknown-block", problem, near(block.replicated, known)))
    if stuck := in_cycles(graph):
        problem = f"upstream_blocks form a cycle: {', '.join(stuck)}"
        raise Malformed(Finding(path, line_of(text, stuck[0]), "cycle", problem, "remove one of the edges"))


def in_cycles(graph: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the names in a cycle, and those that wait for one; a name that `graph` lacks waits for nothing."""
    remaining = dict(graph)
    while remaining:
        ready = [name for name, upstream in remaining.items() if not any(other in remaining for other in upstream)]
        if not ready:
            break
        for name in ready:
            del remaining[name]
    return list(remaining)


def _with_promotion(pipeline: Pipeline, path: str, text: str | None) -> Pipeline:
    content = load_mapping(path, text) if text is not None else {}
    unknown = sorted(set(content) - {"backfill", "files", "needs", "smoke"})
    smoke = mapping(path, "smoke", content.get("smoke"))
    unknown += [f"smoke.{key}" for key in sorted(set(smoke) - {"variables", "volatile"})]
    if unknown:
        known = ("backfill", "files", "needs", "smoke.variables", "smoke.volatile")
        raise malformed(path, unknown[0], "is unknown", near(unknown[0], known))
    needs, variables, volatile = (
        content.get("needs") or [],
        smoke.get("variables") or [{}],
        smoke.get("volatile") or [],
    )
    for key, value, kind in (
        ("needs", needs, str),
        ("smoke.variables", variables, dict),
        ("smoke.volatile", volatile, str),
    ):
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            raise malformed(path, key, f"is not a list of {kind.__name__}", "write a YAML list")
    return replace(
        pipeline,
        needs=tuple(needs),
        smoke_variables=tuple(variables),
        volatile=tuple(volatile),
        files=_files(path, content),
        backfill=_backfill(path, content.get("backfill")),
    )


def _backfill(path: str, value: Any) -> int | None:
    """Read for how many days of its data a change of the pipeline matters."""
    if value is None or value == "never":
        return None if value is None else 0
    days = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if not days:
        fix = "write `backfill: never`, or days, e.g. `backfill: 30d`; leave it out for all of its data"
        raise malformed(path, "backfill", f"{value!r} is no number of days", fix)
    return int(days[1])


def _files(path: str, content: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return, for each file that names others by computed paths, the globs of the files that it may name."""
    files = {}
    for referrer, globs in mapping(path, "files", content.get("files")).items():
        key, globs = f"files.{referrer}", globs or []
        if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
            raise malformed(path, key, "is not a list of paths", "write one path or glob per list entry")
        files[referrer] = tuple(globs)
    return files
