"""A bare clone: it is read for its own branches, so it needs no network."""

from __future__ import annotations

from pathlib import Path

from basics.process import CommandError, run
from promotion.repository.git import Repository
from promotion.repository.memory import Memory
from promotion.repository.settings import read_settings


class BareClone(Repository):
    """A repository without a work tree, like the one that an auditor keeps; its own branches are the record."""

    @classmethod
    def around(cls, folder: Path) -> BareClone | None:
        """Return `folder` as a bare repository, None where it is none."""
        try:
            shown = run("git", "rev-parse", "--is-bare-repository", cwd=folder)
        except CommandError:
            return None
        if shown.strip() != b"true":
            return None
        return cls(folder, remote="", memory=Memory(), settings=read_settings(folder))

    def fetch(self) -> None:
        """Read which commits its own branches point to."""
        listing = self._git("for-each-ref", "--format=%(objectname)\t%(refname)", "refs/heads")
        self._heads = {ref: oid for oid, ref in (line.split("\t") for line in listing.splitlines())}
