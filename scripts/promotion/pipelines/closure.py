"""A pipeline's closure: every file that it needs, found by following references through the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from basics.errors import Finding, Malformed
from basics.yaml_file import line_of, load_mapping, mapping
from promotion.layout import PROJECT
from promotion.pipelines.block_files import below_project, block_path, callback_path, dbt_folders, declared_paths
from promotion.pipelines.gathered_files import GatheredFiles
from promotion.pipelines.gathered_files import Reason as Reason
from promotion.pipelines.own_name import how_to_name
from promotion.pipelines.pipeline import BLOCK_TYPES, NOT_RUN, PIPELINE_NAME, Block, Pipeline, parse_pipeline
from promotion.pipelines.project_files import matching
from promotion.repository.tree import Tree


@dataclass(frozen=True)
class Closure:
    """Every file that a pipeline needs, each with the reason, and what could not be resolved."""

    pipeline: Pipeline | None
    files: Mapping[str, Reason]  # path in the tree → why it is needed
    findings: tuple[Finding, ...]
    block_paths: tuple[str, ...]  # where Mage looks for the file of each block of `pipeline`


def closure_of(tree: Tree, name: str) -> Closure:
    """Return the closure of the pipeline `name` in `tree`."""
    return _ClosureBuilder(tree).build(name)


class _ClosureBuilder:
    """Gathers the files that one pipeline's declarations name, and the files that these refer to."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.files = GatheredFiles(tree)
        self._seen: dict[str, Pipeline | None] = {}

    def build(self, name: str) -> Closure:
        pipeline = self._pipeline(name)
        self.files.follow()
        self._report_unresolved(name)
        return Closure(
            pipeline,
            dict(sorted(self.files.reasons.items())),
            tuple(sorted(set(self.files.findings))),
            tuple(block_path(self.tree, block) for block in pipeline.blocks) if pipeline else (),
        )

    def _pipeline(self, name: str, referrer: str | None = None, product: str | None = None) -> Pipeline | None:
        self._seen[name] = None
        folder = f"{PROJECT}/pipelines/{name}"
        for path in self.tree.under(folder):
            self.files.add(path, Reason(f"folder of pipeline {name}", referrer, name=product))
        metadata = f"{folder}/metadata.yaml"
        if not PIPELINE_NAME.fullmatch(name):
            fix = "use letters, digits, `_`, `-` and `.`"
            self.files.report(folder, "bad-name", f"{name!r} is not a valid name for a pipeline", fix)
            return None
        if metadata not in self.tree:
            fix = f"add {metadata}, or remove the folder"
            self.files.report(folder, "pipeline-without-metadata", "the folder has no metadata.yaml", fix)
            return None
        try:
            pipeline = self._seen[name] = self._parsed(name, metadata, f"{folder}/promotion.yaml")
            self._interactions(f"{folder}/interactions.yaml")
        except Malformed as error:
            self._malformed(error.finding)
            return None
        for mistake in pipeline.mistakes:
            self._malformed(mistake)
        for block in pipeline.blocks:
            self._block(pipeline, block)
        self._declared_files(pipeline)
        return pipeline

    def _parsed(self, name: str, metadata: str, promotion: str) -> Pipeline:
        tree = self.tree
        key = f"{name} {tree[metadata].oid} {tree[promotion].oid if promotion in tree else None}"
        return tree.memory.recall(
            "pipelines",
            key,
            lambda: parse_pipeline(
                name, metadata, tree.text(metadata), tree.text(promotion) if promotion in tree else None
            ),
        )

    def _interactions(self, file: str) -> None:
        """Add the forms in which people set a run's variables; Mage runs without them, so one may be missing."""
        content = load_mapping(file, self.tree.text(file)) if file in self.tree else {}
        blocks = mapping(file, "blocks", content.get("blocks"))
        for entry in (entry for entries in blocks.values() if isinstance(entries, list) for entry in entries):
            if isinstance(entry, dict) and f"{PROJECT}/interactions/{entry.get('uuid')}" in self.tree:
                reason = Reason("interaction of the pipeline", file, name=entry["uuid"])
                self.files.add(f"{PROJECT}/interactions/{entry['uuid']}", reason)

    # Blocks

    def _block(self, pipeline: Pipeline, block: Block) -> None:
        if block.type == "global_data_product" and not block.replicated:
            self._global_data_product(pipeline, block)
            return
        if block.type not in BLOCK_TYPES:
            self._of_unknown_type(pipeline, block)
            return
        # A replicated block runs the file of another block of this pipeline, which has its own entry.
        if not block.replicated and not self._leaves_project(pipeline, block):
            self._need(block_path(self.tree, block), f"block {block.uuid}", pipeline, block)
            if block.type == "dbt":
                self._dbt_project(pipeline, block)
        if block.has_callback:
            self._need(callback_path(block), f"callback of block {block.uuid}", pipeline, block)

    def _of_unknown_type(self, pipeline: Pipeline, block: Block) -> None:
        """Add the files that the block may have: Mage cannot run it, and has no rule for them."""
        paths = {f"{PROJECT}/{folder}/{block.uuid}.py" for folder in (block.type, f"{block.type}s")}
        for path in sorted({*paths, block_path(self.tree, block)}):
            if path in self.tree:
                self.files.add(path, Reason(f"block {block.uuid}", pipeline.metadata_path, name=block.uuid))

    def _leaves_project(self, pipeline: Pipeline, block: Block) -> bool:
        for path in declared_paths(block):
            if below_project(self.tree, path) is None:
                problem = f"block {block.uuid}: {path!r} is outside the project"
                fix = self._relative(path) or f"name a path below {PROJECT}/"
                self._report_block(pipeline, block, "path-outside-project", problem, fix)
                return True
        return False

    def _global_data_product(self, pipeline: Pipeline, block: Block) -> None:
        registry = f"{PROJECT}/global_data_products.yaml"
        try:
            key = f"{block.uuid}.configuration.global_data_product"
            declared = mapping(pipeline.metadata_path, key, block.configuration.get("global_data_product"))
            product = str(declared.get("uuid"))
            products = load_mapping(registry, self.tree.text(registry)) if registry in self.tree else {}
            other = mapping(registry, product, products.get(product)).get("object_uuid")
        except Malformed as error:
            self._malformed(error.finding)
            return
        if not isinstance(other, str) or not self.tree.has_folder(f"{PROJECT}/pipelines/{other}"):
            problem = f"block {block.uuid}: global data product {product!r} is not defined"
            self._report_block(pipeline, block, "block-file-missing", problem, f"define it in {registry}")
            return
        reason = f"defines the global data product {product}"
        self.files.add(registry, Reason(reason, pipeline.metadata_path, name=block.uuid))
        if other not in self._seen:
            self._pipeline(other, registry, product)

    def _dbt_project(self, pipeline: Pipeline, block: Block) -> None:
        folders = dbt_folders(self.tree, block)
        if not folders:
            problem = f"block {block.uuid}: no folder around its file has a dbt_project.yml"
            self._report_block(pipeline, block, "dbt-project-missing", problem, "add the dbt project")
        reason = Reason(f"dbt project of block {block.uuid}", pipeline.metadata_path, name=block.uuid)
        for path in self.tree.under(*folders):
            self.files.add(path, reason)

    def _need(self, path: str, reason: str, pipeline: Pipeline, block: Block) -> None:
        if path in self.tree:
            self.files.add(path, Reason(reason, pipeline.metadata_path, name=block.uuid))
        elif block.type not in NOT_RUN:
            other_name = self._other_name(path.removeprefix(f"{PROJECT}/"))
            fix = other_name or "restore the file, or remove the block from the pipeline"
            problem = f"{reason}: there is no file {path}"
            self._report_block(pipeline, block, "block-file-missing", problem, fix)

    def _report_block(self, pipeline: Pipeline, block: Block, code: str, problem: str, fix: str) -> None:
        line = line_of(self.tree.text(pipeline.metadata_path), block.uuid)
        self.files.report(pipeline.metadata_path, code, problem, fix, line)

    def _relative(self, path: str) -> str | None:
        """Return how the absolute `path` of some machine is written if the project has that file."""
        tails = (path.split("/", depth)[-1] for depth in range(1, path.count("/") + 1))
        return next(
            (f"write {tail}, which is below {PROJECT}/" for tail in tails if f"{PROJECT}/{tail}" in self.tree),
            None,
        )

    def _other_name(self, path: str) -> str | None:
        """Return how the file is found if `path` begins with a name that the project has somewhere else."""
        name, _, rest = path.partition("/")
        return how_to_name(self.tree, name) if f"{PROJECT}/{rest}" in self.tree else None

    # What a pipeline's promotion.yaml declares, and what it should declare

    def _declared_files(self, pipeline: Pipeline) -> None:
        for referrer, globs in pipeline.files.items():
            for glob in globs:
                found = list(matching(self.tree, f"{PROJECT}/{glob}"))
                if not found:
                    problem = f"files.{referrer}: {glob} matches no file of the project"
                    self.files.report(pipeline.promotion_path, "declared-in-vain", problem, "correct the path")
                for path in found:
                    self.files.add(
                        path, Reason(f"declared for {referrer}", pipeline.promotion_path, name=referrer)
                    )

    def _report_unresolved(self, name: str) -> None:
        read = (pipeline for pipeline in self._seen.values() if pipeline)
        declared = {f"{PROJECT}/{referrer}": each.promotion_path for each in read for referrer in each.files}
        for path, promotion in declared.items():
            if path not in self.files.reasons:
                problem = f"files.{_below(path)}: no such file belongs to the pipeline"
                self.files.report(promotion, "declared-in-vain", problem, "correct the path, or remove the key")
        for path, line, problem in self.files.unresolved:
            if path not in declared:
                key = f"`files: {{{_below(path)}: [GLOB]}}`"
                fix = f"write it literally, or add its possible values to pipelines/{name}/promotion.yaml: {key}"
                self.files.report(path, "unresolved", problem, fix, line)

    def _malformed(self, finding: Finding) -> None:
        self.files.report(finding.path, finding.code, finding.problem, finding.fix, finding.line)


def _below(path: str) -> str:
    return path.removeprefix(f"{PROJECT}/")
