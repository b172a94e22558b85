"""What `git config` says in a clone, asked once: each question of its own would start git again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from basics.process import run

_REMOTE = re.compile(r"remote\.(.+)\.url", re.DOTALL)


class Settings:
    """Names and values in git's order: of values with the same name, the last one counts.

    A name is `section.key` or `section.subsection.key`, with section and key in lower case. A name without a
    value stands for `true`. See `git help config`.
    """

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        self._entries = entries
        self._values = dict(entries)

    def value(self, name: str) -> str | None:
        """Return the value of `name`, None where it is not set."""
        return self._values.get(name)

    def is_on(self, name: str) -> bool:
        """Tell whether the switch `name` is set, and not to one of git's words for off."""
        return self._values.get(name, "").lower() not in ("", "false", "no", "off", "0")

    def of(self, sections: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield each entry of `sections`."""
        return ((name, value) for name, value in self._entries if name.partition(".")[0] in sections)

    def remotes(self) -> list[str]:
        """Return the name of each remote that has an address."""
        return [found[1] for name in self._values if (found := _REMOTE.fullmatch(name))]


def read_settings(folder: Path) -> Settings:
    """Return what git is told in `folder`, from all of its files and variables."""
    listing = run("git", "config", "--list", "-z", cwd=folder).decode(errors="surrogateescape")
    entries = (entry.partition("\n") for entry in listing.split("\0")[:-1])
    return Settings([(name, value if has_value else "true") for name, has_value, value in entries])
