"""A temporary clone with its own remote, to try out commands that move branches; both are always removed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from basics.process import run
from promotion.repository.git import Repository
from promotion.repository.settings import read_settings

_WHO = ("user", "author", "committer", "gpg", "commit")  # who commits, and how commits are signed


@contextmanager
def throw_away_clone(repository: Repository) -> Iterator[Repository]:
    """Yield a clone whose remote has the refs that `repository` fetched last; no object is copied."""
    common = repository.root / _ask(repository.root, "rev-parse", "--git-common-dir").removesuffix("\n")
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        remote, clone = Path(folder) / "remote.git", Path(folder) / "clone"
        for path, options in ((remote, ("--bare",)), (clone, ())):
            _ask(Path(folder), "init", "--quiet", "--template=", *options, str(path))
        for own in (remote / "objects", clone / ".git/objects"):
            (own / "info").mkdir(exist_ok=True)
            (own / "info/alternates").write_bytes(os.fsencode(common.resolve() / "objects") + b"\n")
        for ref, commit in repository.heads.items():
            _ask(remote, "update-ref", ref, commit)
        _ask(clone, "remote", "add", "origin", str(remote))
        for name, value in repository.settings.of(_WHO):
            _ask(clone, "config", "--add", name, value)
        with Repository(clone, "origin", repository.memory, read_settings(clone)) as copy:
            yield copy


def _ask(folder: Path, *arguments: str) -> str:
    return os.fsdecode(run("git", *arguments, cwd=folder))
