"""What differs between objects as they are and as they would be, by object and by key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from basics.process import without_credentials
from promotion.cluster.state import Object

# What the cluster writes, and what Helm adds when it installs.
_OF_THE_CLUSTER = (
    "status",
    "metadata.creationTimestamp",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.namespace",
    "metadata.resourceVersion",
    "metadata.uid",
    "metadata.annotations.deployment.kubernetes.io/",
    "metadata.annotations.meta.helm.sh/",
)
_SHORT = 60  # characters of a value that are shown


@dataclass(frozen=True)
class Field:
    """A key whose value differs, and how, in words; None: there is no such key."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """An object that comes (`added`), goes (`removed`) or gets other values (`changed`)."""

    what: str
    kind: str
    name: str
    fields: tuple[Field, ...] = ()


def changes(before: Iterable[Object], after: Iterable[Object]) -> list[Change]:
    """Return how `after` differs from `before`, in the order of `after`; no value of a Secret is in it."""
    old, new = ({_key(each): each for each in side} for side in (before, after))
    found = [_change(old.get(key), each) for key, each in new.items()]
    gone = [Change("removed", *key) for key in old if key not in new]
    return [change for change in [*found, *gone] if change.what != "changed" or change.fields]


def _key(each: Object) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def _change(old: Object | None, new: Object) -> Change:
    if old is None:
        return Change("added", *_key(new))
    return Change("changed", *_key(new), tuple(_fields(dict(_flat(old)), dict(_flat(new)), new["kind"])))


def _fields(old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> Iterator[Field]:
    for key in [*new, *(key for key in old if key not in new)]:
        if old.get(key) != new.get(key) and not key.startswith(_OF_THE_CLUSTER):
            yield Field(key, *_told(old.get(key), new.get(key), is_secret=kind == "Secret"))


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with the way to it; entries of a list go by their names where all have one."""
    if isinstance(value, Mapping) and value:
        for name, child in value.items():
            yield from _flat(child, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list) and value:
        named = all(isinstance(child, Mapping) and len(child) > 1 and "name" in child for child in value)
        for number, child in enumerate(value):
            name, rest = _named(child) if named else (number, child)
            yield from _flat(rest, f"{key}[{name}]")
    else:
        yield key, value


def _named(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return entry["name"], {key: value for key, value in entry.items() if key != "name"}


def _told(old: Any, new: Any, *, is_secret: bool) -> tuple[str | None, str | None]:
    """Return both values as one line may show them."""
    if is_secret:
        return old and "(secret)", new and "(another secret)"
    texts = [None if value is None else without_credentials(str(value)) for value in (old, new)]
    if any(text and ("\n" in text or len(text) > _SHORT) for text in texts):
        return _lines_that_differ(*texts)
    return texts[0], texts[1]


def _lines_that_differ(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    compared = list(difflib.ndiff((old or "").splitlines(), (new or "").splitlines()))
    gone, come = (sum(line.startswith(sign) for line in compared) for sign in ("- ", "+ "))
    told = [f"{number} line{'' if number == 1 else 's'}" for number in (gone, come)]
    return (None if old is None else told[0]), (None if new is None else told[1])
