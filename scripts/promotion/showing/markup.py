"""Build HTML in which every text is escaped, unless it is markup already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Return `<tag>` with its children; `class_` and `data_label` stand for class and data-label."""
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items()
    )
    return Markup(f"<{tag}{pairs}>{join(children)}</{tag}>")


def join(children: Iterable[str]) -> Markup:
    """Return `children` one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))
