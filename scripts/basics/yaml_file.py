"""YAML that people write, parsed so that every mistake in it is a finding with file and line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from basics.errors import Finding, Malformed

# The C classes are ten times as fast; PyYAML has them where it was built with libyaml.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def load_mapping(path: str, text: str, *, unique: bool = True) -> dict[str, Any]:
    """Parse a YAML file that must hold keys and values; otherwise raise `Malformed` with file and line.

    A key that is there twice is refused too, unless `unique` is false: YAML itself would keep the last one.
    """
    return mapping(path, "", _load(path, text, unique=unique))


def mapping(path: str, key: str, value: Any) -> dict[str, Any]:
    """Return `value`, found under `key` of `path`, as a mapping with text keys; None becomes an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed(path, key, f"is a {type(value).__name__}", "write keys and values")
    for name in value:
        if not isinstance(name, str):
            raise malformed(path, key, f"the key {name!r} is not text", "put it in quotes")
    return value


def malformed(path: str, key: str, problem: str, fix: str) -> Malformed:
    """Say what is wrong with `key` of `path`; an empty key is the whole file."""
    return Malformed(Finding(path, None, "malformed-key", f"{key}: {problem}" if key else problem, fix))


def located(finding: Finding, text: str) -> Finding:
    """Return `finding` with the line of the key that its problem begins with, or of the nearest key above it."""
    if finding.line:
        return finding
    key, _, _ = finding.problem.partition(": ")
    try:
        return replace(finding, line=_line(yaml.compose(text, Loader=LOADER), key))
    except (yaml.YAMLError, RecursionError):
        return finding


def line_of(text: str, name: str) -> int | None:
    """Return the line of the list entry whose `uuid` is `name`, or else of the key `name` at the top."""
    root = yaml.compose(text, Loader=LOADER)
    for _, entries, _ in _children(root):
        for _, entry, _ in _children(entries):
            for key, value, line in _children(entry):
                if (key, value.value) == ("uuid", name):
                    return line
    return next((line for key, _, line in _children(root) if key == name), None)


def _line(node: yaml.Node | None, key: str) -> int | None:
    for name, child, line in _children(node):
        if key == name or key.startswith((f"{name}.", f"{name}[")):
            return _line(child, key.removeprefix(name).removeprefix(".")) or line
    return None


def _children(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, int]]:
    """Yield the parts of `node`, each as its key or `[number]`, its value and its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield f"[{number}]", value, value.start_mark.line + 1


def _refuse_duplicates(path: str, root: yaml.Node | None) -> None:
    unread, read = [root], set()
    while unread:
        node = unread.pop()
        if id(node) in read:  # an alias: the node has several parents, or contains itself
            continue
        read.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            unread += node.value
        first: dict[tuple[str, str], int] = {}
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            unread.append(value)
            line, name = key.start_mark.line + 1, (key.tag, str(key.value))
            if name in first:
                problem = f"the key {key.value!r} is there already, on line {first[name]}"
                raise Malformed(Finding(path, line, "duplicate-key", problem, "keep one of the two"))
            first[name] = line


def _load(path: str, text: str, *, unique: bool) -> Any:
    try:
        loader = LOADER(text)
        node = loader.get_single_node()
        if unique:
            _refuse_duplicates(path, node)
        return loader.construct_document(node) if node else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date like 2013-13-45
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else None
        raise Malformed(
            Finding(path, line, "malformed-yaml", f"this is not YAML: {problem}", "fix the line")
        ) from error
