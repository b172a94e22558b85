"""What Mage asks of the files of blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from promotion.block_files import block_path
from promotion.environment import Environment
from promotion.errors import Finding
from promotion.pipeline import Block, Pipeline
from promotion.project import Project
from promotion.python_source import python_source

_DECORATOR = {
    "data_loader": "data_loader",
    "transformer": "transformer",
    "data_exporter": "data_exporter",
    "sensor": "sensor",
    "custom": "custom",
    "callback": "callback",
    "conditional": "condition",
}
_STREAMING = {"data_loader": "streaming_source", "data_exporter": "streaming_sink"}  # classes
_INTEGRATION = {"data_loader": "data_integration_source", "data_exporter": "data_integration_destination"}
_OTHER_FILES = re.compile(r"\{%[-+]?\s*(include|import|extends|from)\b")
_COMMENT = re.compile(r"\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\b", re.DOTALL)


def block_findings(project: Project, _: Environment) -> Iterator[Finding]:
    """Return what keeps Mage from running blocks."""
    for pipeline, path, block in _blocks(project):
        if block.language == "python":
            yield from _decorator(project, pipeline, path, block)
        elif block.type != "dbt":  # a model's Jinja is rendered by dbt
            for line, tag in project.tree.recall("templates", path, _other_files):
                problem = f"Mage renders a block's Jinja without other files: `{tag}` fails when the block runs"
                fix = "write the text into the block, or read the file in a Python block"
                yield Finding(path, line, "template-of-another-file", problem, fix)


def _blocks(project: Project) -> Iterator[tuple[Pipeline, str, Block]]:
    for name in project.pipelines:
        closure = project.closure(name)
        for block in closure.pipeline.blocks if closure.pipeline else ():
            path = block_path(project.tree, block)
            if closure.pipeline and path in closure.files and project.tree.is_text(path):
                yield closure.pipeline, path, block


def _decorator(project: Project, pipeline: Pipeline, path: str, block: Block) -> Iterator[Finding]:
    """Python blocks must be in the form that Mage runs."""
    source = python_source(project.tree, path)
    expected = (_STREAMING if pipeline.type == "streaming" else {}).get(block.type) or _DECORATOR.get(block.type)
    for name, line in source.unguarded:
        fix = f"write `if '{expected}' not in globals():` above an import of {expected}"
        yield Finding(path, line, "unguarded-decorator", f"the import of {name} replaces Mage's own", fix)
    found = source.decorators.intersection({expected, _INTEGRATION.get(block.type)})
    if expected and not source.references.error and not found:
        kind = "class" if expected in _STREAMING.values() else "function"
        problem = f"no {kind} is decorated with @{expected}, so Mage has nothing to run"
        yield Finding(path, None, "decorator-missing", problem, f"decorate one {kind} with @{expected}")


def _other_files(content: bytes) -> tuple[tuple[int, str], ...]:
    """Return the lines where the Jinja of a block asks for another file, with the tag that does."""
    text = content.decode()
    if "{%" not in text:  # nearly every file
        return ()
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    found = _OTHER_FILES.finditer(text)
    return tuple((text.count("\n", 0, tag.start()) + 1, f"{{% {tag[1]} … %}}") for tag in found)
