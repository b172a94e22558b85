"""Choose the language by the file's name."""

from __future__ import annotations

from promotion.pipelines.python_source import read_python
from promotion.pipelines.references.plain import SUFFIXES, plain_references
from promotion.pipelines.references.r import r_references
from promotion.pipelines.references.values import References


def references_of(path: str, text: str) -> References:
    """Return what the file `path` with the content `text` refers to."""
    if path.endswith(".py"):
        return read_python(text).references
    if path.endswith((".r", ".R")):
        return r_references(text)
    if path.endswith(SUFFIXES) and not path.endswith("/promotion.yaml"):  # promotion.yaml is ours, not Mage's
        return plain_references(path, text)
    return References()
