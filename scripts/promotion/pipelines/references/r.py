"""What an R file refers to: the files that it sources and reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from promotion.pipelines.references.expressions import PROJECT, joined
from promotion.pipelines.references.values import LOOKS_LIKE_PATH, UNKNOWN, NamedPath, References

_TEXT = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_TEXTS = re.compile(_TEXT, re.DOTALL)
_COMMENTS = re.compile(rf"({_TEXT})|#[^\n]*", re.DOTALL)
_SOURCE = re.compile(r"(?<![\w.$@])(?:sys\.)?source\s*\(")
_READERS = re.compile(r"(?<![\w.$@])(?:read[\w.]*|fread|scan|file|load)\s*\(")
_MAKERS = re.compile(r"(?<![\w.$@])(?:file\.path|paste0)\s*\(")
_ROOT = re.compile(r"Sys\.getenv\s*\(\s*['\"]MAGE_REPO_PATH['\"]\s*\)")
_ASSIGNED = r"(?<![\w.$@]){}\s*(?:<-|=(?!=))\s*([^\n;]+)"


def r_references(text: str) -> References:
    """Return what the file `text` refers to."""
    return References(paths=tuple(dict.fromkeys(_paths(_COMMENTS.sub(lambda match: match[1] or "", text)))))


def _paths(code: str) -> Iterator[NamedPath]:
    for literal in _TEXTS.finditer(code):
        if LOOKS_LIKE_PATH.fullmatch(literal[0][1:-1]):
            yield NamedPath("anywhere", literal[0][1:-1], _line(code, literal), file_only=True)
    for call in _SOURCE.finditer(code):  # sourced code counts even if its path cannot be told
        yield from _named(_value(code, _arguments(code, call.end())[0]), _line(code, call))
    for call in _READERS.finditer(code):
        value = _value(code, _arguments(code, call.end())[0])
        if not value.startswith(UNKNOWN):
            yield from _named(value, _line(code, call))
    for call in _MAKERS.finditer(code):
        value = _value(code, code[call.start() : _end(code, call.end())])
        if value.startswith(PROJECT):
            yield from _named(value, _line(code, call), file_only=UNKNOWN not in value)


def _named(value: str, line: int, *, file_only: bool = False) -> Iterator[NamedPath]:
    if value.startswith(PROJECT):
        yield NamedPath("project", value.removeprefix(PROJECT).strip("/"), line, file_only)
    else:
        yield NamedPath("anywhere", value, line, file_only)


def _value(code: str, expression: str, depth: int = 0) -> str:
    """Return the text that `expression` makes, with `UNKNOWN` for parts that `code` does not tell."""
    expression = expression.partition("=")[2] if re.match(r"\s*file\s*=", expression) else expression
    expression = expression.strip()
    if _TEXTS.fullmatch(expression):
        return expression[1:-1]
    if _ROOT.fullmatch(expression):
        return PROJECT
    if (call := _MAKERS.match(expression)) and _end(expression, call.end()) == len(expression) and depth < 9:
        parts = [_value(code, part, depth + 1) for part in _arguments(expression, call.end())]
        return "".join(parts) if expression.startswith("paste0") else joined(parts)
    if re.fullmatch(r"[\w.]+", expression) and depth < 9:
        assigned = re.findall(_ASSIGNED.format(re.escape(expression)), code)
        return _value(code, assigned[0], depth + 1) if len(assigned) == 1 else UNKNOWN
    return UNKNOWN


def _arguments(code: str, start: int) -> list[str]:
    """Return the arguments of a call; `start` is right after its opening parenthesis."""
    arguments, level = [""], 0
    for token in re.finditer(rf"{_TEXT}|.", code[start : _end(code, start) - 1], re.DOTALL):
        level += (token[0] in "([{") - (token[0] in ")]}")
        if token[0] == "," and level == 0:
            arguments.append("")
        else:
            arguments[-1] += token[0]
    return arguments


def _end(code: str, start: int) -> int:
    """Return where a call ends; `start` is right after its opening parenthesis."""
    level = 1
    for token in re.finditer(rf"{_TEXT}|[()]", code[start:], re.DOTALL):
        level += (token[0] == "(") - (token[0] == ")")
        if level == 0:
            return start + token.end()
    return len(code)


def _line(code: str, match: re.Match[str]) -> int:
    return code.count("\n", 0, match.start()) + 1
