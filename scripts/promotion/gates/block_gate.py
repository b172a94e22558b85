"""What Mage requires of the files of blocks."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from basics.errors import Finding
from promotion.pipelines.pipeline import Block, Pipeline
from promotion.pipelines.project import Project
from promotion.pipelines.python_source import PythonSource, python_source

# MAGE.md: decorators
_DECORATOR = {
    "data_loader": "data_loader",
    "transformer": "transformer",
    "data_exporter": "data_exporter",
    "sensor": "sensor",
    "custom": "custom",
    "callback": "callback",
    "conditional": "condition",
}
_ALSO = {"callback": ("on_success", "on_failure")}
_OF_EVERY_BLOCK = ("test", "preprocesser")
_STREAMING = {"data_loader": "streaming_source", "data_exporter": "streaming_sink"}  # classes
_INTEGRATION = {"data_loader": "data_integration_source", "data_exporter": "data_integration_destination"}
# MAGE.md: templates-stand-alone
_OTHER_FILES = re.compile(r"\{%[-+]?\s*(include|import|extends|from)\b")
_COMMENT = re.compile(r"\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\b", re.DOTALL)


def block_findings(project: Project, name: str) -> list[Finding]:
    """Return what keeps Mage from running blocks of the pipeline `name`."""
    return project.recall("blocks", name, _findings)


def _findings(project: Project, name: str) -> list[Finding]:
    closure, tree = project.closure(name), project.tree
    if closure.pipeline is None:
        return []
    found: list[Finding] = []
    for block, path in zip(closure.pipeline.blocks, closure.block_paths, strict=True):
        if path not in closure.files or not tree.is_text(path):
            continue
        if tree.recall("byte order", path, _begins_with_mark) and block.language in ("python", "sql"):
            problem = "the file begins with a byte-order mark, which Mage takes for code"
            found.append(Finding(path, 1, "byte-order-mark", problem, "save it as UTF-8 without one"))
        if block.language == "python":
            found += _decorator(python_source(tree, path), closure.pipeline, path, block)
        elif block.type != "dbt":  # dbt renders the Jinja of its models
            for line, tag in tree.recall("templates", path, _other_files):
                problem = f"Mage renders a block's Jinja without other files, so `{tag}` fails when the block runs"
                fix = "write the text into the block, or read the file in a Python block"
                found.append(Finding(path, line, "template-of-another-file", problem, fix))
    return found


def _begins_with_mark(content: bytes) -> bool:
    return content.startswith(BOM_UTF8)


def _decorator(source: PythonSource, pipeline: Pipeline, path: str, block: Block) -> Iterator[Finding]:
    """Python blocks must be in the form that Mage runs."""
    expected = (_STREAMING if pipeline.type == "streaming" else {}).get(block.type) or _DECORATOR.get(block.type)
    for name, line, guards in source.decorator_imports:
        if name == expected and not guards & {expected, *_OF_EVERY_BLOCK}:
            problem = f"the import of {name} replaces Mage's decorator"
            fix = f"remove it, as Mage gives the block {name}, or write `if '{name}' not in globals():` above it"
            yield Finding(path, line, "unguarded-decorator", problem, fix)
    found = source.decorators.intersection({expected, _INTEGRATION.get(block.type), *_ALSO.get(block.type, ())})
    if expected and not source.references.error and not found:
        kind = "class" if expected in _STREAMING.values() else "function"
        problem = f"no {kind} is decorated with @{expected}, so Mage has nothing to run"
        yield Finding(path, source.begins, "decorator-missing", problem, f"decorate one {kind} with @{expected}")


def _other_files(content: bytes) -> tuple[tuple[int, str], ...]:
    """Return the lines where the Jinja of a block needs another file, each with the tag."""
    text = content.decode()
    if "{%" not in text:  # nearly every file
        return ()
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    found = _OTHER_FILES.finditer(text)
    return tuple((text.count("\n", 0, tag.start()) + 1, f"{{% {tag[1]} … %}}") for tag in found)
