"""A Mage project in a tree: its pipelines, and for each the closure (every file that it needs)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from promotion.errors import Finding, Malformed
from promotion.pipeline import PIPELINE_NAME, Block, Pipeline, parse_pipeline
from promotion.python_source import Import, read_python
from promotion.tree import SUBMODULE, SYMLINK, Tree, not_utf8
from promotion.yaml_file import load_mapping, located, mapping

FOLDER = "mage_project"  # part of every Python import of the project, hence the same everywhere


@dataclass(frozen=True)
class Closure:
    """Every file that a pipeline needs, each with the reason, and what could not be resolved."""

    pipeline: Pipeline | None
    files: Mapping[str, str]  # path in the tree → why it is needed
    findings: tuple[Finding, ...]


class Project:
    """The Mage project of one tree, read without Mage and without a work tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._closures: dict[str, Closure] = {}
        self._digests: dict[str, str] = {}

    @cached_property
    def pipelines(self) -> list[str]:
        """The names of all pipelines: the folders below `pipelines/`."""
        prefix = f"{FOLDER}/pipelines/"
        below = (path.removeprefix(prefix) for path in self.tree if path.startswith(prefix))
        return sorted({path.split("/")[0] for path in below if "/" in path})

    def closure(self, name: str) -> Closure:
        """Return the closure of the pipeline `name`."""
        if name not in self._closures:
            self._closures[name] = _ClosureBuilder(self).build(name)
        return self._closures[name]

    def digest(self, name: str) -> str:
        """Return the digest of the pipeline `name`: equal exactly when every file that it needs is."""
        if name not in self._digests:
            self._digests[name] = self.tree.only(self.closure(name).files).digest()
        return self._digests[name]

    def users(self, path: str) -> list[str]:
        """Return the pipelines whose closure holds `path`."""
        return [name for name in self.pipelines if path in self.closure(name).files]

    @cached_property
    def claimed(self) -> frozenset[str]:
        """The paths that belong to at least one pipeline."""
        return frozenset(path for name in self.pipelines for path in self.closure(name).files)

    def needed_first(self, names: list[str]) -> list[str]:
        """Return `names` and the pipelines whose tables they read, each after what it reads."""
        ordered: list[str] = []
        visiting: set[str] = set()

        def visit(name: str) -> None:
            if name in ordered or name in visiting or name not in self.pipelines:
                return
            visiting.add(name)
            pipeline = self.closure(name).pipeline
            for needed in pipeline.needs if pipeline else ():
                visit(needed)
            ordered.append(name)

        for name in names:
            visit(name)
        return ordered


class _ClosureBuilder:
    """Follows one pipeline's references until nothing new turns up."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.tree = project.tree
        self.files: dict[str, str] = {}
        self.findings: list[Finding] = []
        self._seen: set[str] = set()  # pipelines
        self._unread: list[str] = []  # files whose references are not followed yet

    def build(self, name: str) -> Closure:
        pipeline = self._pipeline(name)
        while self._unread:
            self._follow(self._unread.pop())
        return Closure(pipeline, dict(sorted(self.files.items())), tuple(sorted(set(self.findings))))

    def _pipeline(self, name: str) -> Pipeline | None:
        self._seen.add(name)
        folder = f"{FOLDER}/pipelines/{name}"
        for path in self.tree.under(folder):
            self._add(path, f"folder of pipeline {name}")
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
            pipeline = parse_pipeline(name, metadata, self.tree.text(metadata), self._promotion(folder))
        except Malformed as error:
            self._malformed(error.finding)
            return None
        for block in pipeline.blocks:
            self._block(pipeline, block)
        return pipeline

    def _promotion(self, folder: str) -> str | None:
        path = f"{folder}/promotion.yaml"
        return self.tree.text(path) if path in self.tree else None

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
            self._need(block_path(block), f"block {block.uuid}", pipeline.metadata_path)
        if block.has_callback:
            callback = f"{FOLDER}/callbacks/{block.uuid.replace('/', '_')}_callback.py"
            self._need(callback, f"callback of block {block.uuid}", pipeline.metadata_path)

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
        if other not in self.project.pipelines:
            problem = f"block {block.uuid}: global data product {product!r} is not defined"
            self._report(pipeline.metadata_path, "block-file-missing", problem, f"define it in {registry}")
            return
        self._add(registry, f"defines the global data product {product}")
        if other not in self._seen:
            self._pipeline(other)

    # Files: what each one refers to

    def _need(self, path: str, reason: str, referrer: str) -> None:
        if path in self.tree:
            self._add(path, reason)
        else:
            fix = "restore the file, or remove the block from the pipeline"
            self._report(referrer, "block-file-missing", f"{reason}: there is no file {path}", fix)

    def _add(self, path: str, reason: str) -> None:
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
                self._add(target, f"target of the link {path}")
            return
        try:
            text = self.tree.read(path).decode()
        except UnicodeDecodeError:
            if path.endswith((".py", ".sql", ".r", ".yaml", ".yml", ".md")):
                self.findings.append(not_utf8(path))
            return
        if path.endswith(".py"):
            self._follow_python(path, text)

    def _follow_python(self, path: str, text: str) -> None:
        source = read_python(text)
        if source.error:
            problem, line = source.error
            self._report(path, "syntax-error", f"Python does not compile: {problem}", "fix the line", line)
        for imported in source.imports:
            for module in self._project_modules(path, imported):
                self._follow_import(path, imported, module)

    def _follow_import(self, path: str, imported: Import, module: str) -> None:
        found = list(self._files_of_module(module))
        if not found:
            fix = f"add {module.replace('.', '/')}.py, or remove the import"
            self._report(
                path, "import-missing", f"imports {module}, which is not in the project", fix, imported.line
            )
        for new in found:
            self._add(new, f"imported by {path}")

    def _project_modules(self, path: str, imported: Import) -> Iterator[str]:
        """Yield the modules of the project that an import names, as dotted names from the folder on."""
        module = imported.module
        if imported.level:
            package = PurePosixPath(path).parts[: -imported.level]
            module = ".".join((*package, module)).rstrip(".")
        elif module.split(".")[0] != FOLDER:
            return
        if not imported.names or any(self._is_attribute(module, name) for name in imported.names):
            yield module
        for name in imported.names:
            if not self._is_attribute(module, name):
                yield f"{module}.{name}"

    def _is_attribute(self, module: str, name: str) -> bool:
        """Tell whether `from module import name` takes something out of a file rather than a submodule."""
        return name == "*" or (not any(self._own_files(f"{module}.{name}")) and any(self._own_files(module)))

    def _files_of_module(self, module: str) -> Iterator[str]:
        own = list(self._own_files(module))
        is_package = any(path.startswith(module.replace(".", "/") + "/") for path in self.tree)
        if not own and not is_package:
            return
        parts = module.split(".")
        for depth in range(1, len(parts)):
            yield from (path for path in ("/".join(parts[:depth]) + "/__init__.py",) if path in self.tree)
        yield from own

    def _own_files(self, module: str) -> Iterator[str]:
        base = module.replace(".", "/")
        yield from (path for path in (f"{base}.py", f"{base}/__init__.py") if path in self.tree)

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
