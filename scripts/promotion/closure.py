"""A pipeline's closure: every file that it needs, found by following references through the tree."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from promotion.errors import Finding, Malformed
from promotion.pipeline import PIPELINE_NAME, Block, Pipeline, parse_pipeline
from promotion.python_modules import files_of_module, imported_modules
from promotion.references.of_file import references_of
from promotion.references.values import Import, References
from promotion.tree import SUBMODULE, SYMLINK, Tree, not_utf8
from promotion.yaml_file import load_mapping, located, mapping

_TEXTS = (".py", ".sql", ".r", ".yaml", ".yml", ".md")

FOLDER = "mage_project"  # part of every Python import of the project, hence the same everywhere


class Reason(NamedTuple):
    """Why a closure has a file: in words, and by which file, whose own reason is the next link of the chain."""

    text: str
    referrer: str | None = None  # None: the pipeline itself
    line: int | None = None
    name: str | None = None  # in YAML instead of the line, which only those look up who show it: a `uuid` or a key


@dataclass(frozen=True)
class Closure:
    """Every file that a pipeline needs, each with the reason, and what could not be resolved."""

    pipeline: Pipeline | None
    files: Mapping[str, Reason]  # path in the tree → why it is needed
    findings: tuple[Finding, ...]


def closure_of(tree: Tree, name: str) -> Closure:
    """Return the closure of the pipeline `name` in `tree`."""
    return _ClosureBuilder(tree).build(name)


class _ClosureBuilder:
    """Follows one pipeline's references until nothing new turns up."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.files: dict[str, Reason] = {}
        self.findings: list[Finding] = []
        self._seen: set[str] = set()  # pipelines
        self._unread: deque[str] = deque()  # whose references are not followed yet; in turn: chains stay short

    def build(self, name: str) -> Closure:
        pipeline = self._pipeline(name)
        while self._unread:
            self._follow(self._unread.popleft())
        return Closure(pipeline, dict(sorted(self.files.items())), tuple(sorted(set(self.findings))))

    def _pipeline(self, name: str, referrer: str | None = None, product: str | None = None) -> Pipeline | None:
        self._seen.add(name)
        folder = f"{FOLDER}/pipelines/{name}"
        for path in self.tree.under(folder):
            self._add(path, Reason(f"folder of pipeline {name}", referrer, name=product))
        metadata = f"{folder}/metadata.yaml"
        if not PIPELINE_NAME.fullmatch(name):
            self._report(
                folder, "bad-name", f"{name!r} is no pipeline name", "use letters, digits, `_`, `-` and `.`"
            )
            return None
        if metadata not in self.tree:
            fix = f"add {metadata}, or remove the folder"
            self._report(folder, "pipeline-without-metadata", "the folder has no metadata.yaml", fix)
            return None
        try:
            pipeline = self._parsed(name, metadata, f"{folder}/promotion.yaml")
        except Malformed as error:
            self._malformed(error.finding)
            return None
        for block in pipeline.blocks:
            self._block(pipeline, block)
        return pipeline

    def _parsed(self, name: str, metadata: str, promotion: str) -> Pipeline:
        tree = self.tree
        key = (name, tree[metadata].oid, tree[promotion].oid if promotion in tree else None)
        return tree.memory.recall(
            "pipelines",
            key,
            lambda: parse_pipeline(
                name, metadata, tree.text(metadata), tree.text(promotion) if promotion in tree else None
            ),
        )

    # Blocks: Mage's own rules of where a block's file is

    def _block(self, pipeline: Pipeline, block: Block) -> None:
        if block.replicated:
            return  # runs the file of another block of this pipeline, which has its own entry
        if block.type == "global_data_product":
            self._global_data_product(pipeline, block)
            return
        if block.type == "dbt":
            problem = f"block {block.uuid}: the files of a dbt block cannot be resolved yet"
            self._report(pipeline.metadata_path, "unresolved", problem, "run dbt outside of this pipeline")
            return
        if not self._leaves_project(pipeline, block):
            self._need(block_path(block), f"block {block.uuid}", pipeline, block)
        if block.has_callback:
            callback = f"{FOLDER}/callbacks/{block.uuid.replace('/', '_')}_callback.py"
            self._need(callback, f"callback of block {block.uuid}", pipeline, block)

    def _leaves_project(self, pipeline: Pipeline, block: Block) -> bool:
        source = block.configuration.get("file_source")
        declared = block.configuration.get("file_path")
        for path in (declared, source.get("path") if isinstance(source, dict) else None):
            if isinstance(path, str) and _leaves(path):
                problem = f"block {block.uuid}: {path!r} leaves the project"
                self._report(
                    pipeline.metadata_path, "path-outside-project", problem, f"name a path below {FOLDER}/"
                )
                return True
        return False

    def _global_data_product(self, pipeline: Pipeline, block: Block) -> None:
        registry = f"{FOLDER}/global_data_products.yaml"
        try:
            key = f"{block.uuid}.configuration.global_data_product"
            declared = mapping(pipeline.metadata_path, key, block.configuration.get("global_data_product"))
            product = str(declared.get("uuid"))
            products = load_mapping(registry, self.tree.text(registry)) if registry in self.tree else {}
            other = mapping(registry, product, products.get(product)).get("object_uuid")
        except Malformed as error:
            self._malformed(error.finding)
            return
        if not isinstance(other, str) or not self.tree.has_folder(f"{FOLDER}/pipelines/{other}"):
            problem = f"block {block.uuid}: global data product {product!r} is not defined"
            self._report(pipeline.metadata_path, "block-file-missing", problem, f"define it in {registry}")
            return
        reason = f"defines the global data product {product}"
        self._add(registry, Reason(reason, pipeline.metadata_path, name=block.uuid))
        if other not in self._seen:
            self._pipeline(other, registry, product)

    # Files: what each one refers to

    def _need(self, path: str, reason: str, pipeline: Pipeline, block: Block) -> None:
        if path in self.tree:
            self._add(path, Reason(reason, pipeline.metadata_path, name=block.uuid))
        else:
            fix = "restore the file, or remove the block from the pipeline"
            problem = f"{reason}: there is no file {path}"
            self._report(pipeline.metadata_path, "block-file-missing", problem, fix)

    def _add(self, path: str, reason: Reason) -> None:
        if path in self.files:
            return
        self.files[path] = reason
        self._unread.append(path)

    def _follow(self, path: str) -> None:
        mode = self.tree[path].mode
        if mode == SUBMODULE:
            return
        if mode == SYMLINK:
            target = self.tree.linked(path)
            if target in self.tree:  # the static gate refuses every other link
                self._add(target, Reason(f"target of the link {path}", path))
            return
        key = (path, self.tree[path].oid)
        references = self.tree.memory.recall("references", key, lambda: self._references(path))
        if references is None:
            self.findings.append(not_utf8(path))
        else:
            self._follow_references(path, references)

    def _references(self, path: str) -> References | None:
        """Return what `path` refers to; None where it should be text and is not."""
        try:
            return references_of(path, self.tree.read(path).decode())
        except UnicodeDecodeError:
            return None if path.endswith(_TEXTS) else References()

    def _follow_references(self, path: str, references: References) -> None:
        if references.error:
            problem, line = references.error
            self._report(path, "syntax-error", f"Python does not compile: {problem}", "fix the line", line)
        for imported in references.imports:
            for module in imported_modules(self.tree, FOLDER, path, imported):
                self._follow_import(path, imported, module)

    def _follow_import(self, path: str, imported: Import, module: str) -> None:
        found = list(files_of_module(self.tree, module))
        if not found:
            fix = f"add {module.replace('.', '/')}.py, or remove the import"
            self._report(
                path, "import-missing", f"imports {module}, which is not in the project", fix, imported.line
            )
        for new in found:
            self._add(new, Reason(f"imported by {path}", path, imported.line))

    def _malformed(self, finding: Finding) -> None:
        lacks_line = finding.line is None and self.tree.is_text(finding.path)
        self.findings.append(located(finding, self.tree.text(finding.path)) if lacks_line else finding)

    def _report(self, path: str, code: str, problem: str, fix: str, line: int | None = None) -> None:
        self.findings.append(Finding(path, line, code, problem, fix))


def block_path(block: Block) -> str:
    """Return where in the tree Mage looks for the file of `block`."""
    declared = block.configuration.get("file_path")
    if isinstance(declared, str):
        return f"{FOLDER}/{declared.removeprefix(FOLDER + '/')}"
    return f"{FOLDER}/{block.default_path}"


def _leaves(path: str) -> bool:
    return path.startswith("/") or posixpath.normpath(path).startswith("..")
