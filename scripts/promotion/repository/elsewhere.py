"""Commits of another repository: they are fetched without a remote, and no ref of this clone moves."""

from __future__ import annotations

from pathlib import Path

from basics.errors import PromotionError, UsageError
from basics.process import CommandError, run, without_credentials
from basics.wording import near
from promotion.repository.git import FETCH, Repository

_TAGS, _BRANCHES = "refs/tags/", "refs/heads/"


def fetch_commit(repository: Repository, address: str, ref: str | None) -> str:
    """Fetch the tag or branch `ref` (None: what is checked out there) with its history, and return its commit.

    `address` is whatever git reads from: a folder, the name of a remote, a URL.
    """
    where = str(Path(address).resolve()) if Path(address).is_dir() else address
    try:
        listing = _git(repository, "ls-remote", "--quiet", "--", where)
        known = {name: oid for oid, name in (line.split("\t") for line in listing.splitlines())}
        name = next((name for name in _names(ref) if name in known), None)
        if name is not None:
            _git(repository, *FETCH, "--", where, name)
            return _git(repository, "rev-parse", "--verify", f"{known[name]}^{{commit}}")
    except CommandError as error:
        raise PromotionError(
            "template-unreadable",
            f"git cannot read a whole history from {without_credentials(address)}:\n{error.stderr}",
            fix="name a clone that is not shallow, a remote or a URL; git ls-remote shows whether git reads it",
        ) from error
    choice = {name.removeprefix(_TAGS).removeprefix(_BRANCHES) for name in known if not name.endswith("^{}")}
    raise UsageError(
        "unknown-version",
        f"{without_credentials(address)} has no tag or branch {ref or 'HEAD'}",
        fix=near(ref or "", choice - {"HEAD"}),
    )


def _names(ref: str | None) -> tuple[str, ...]:
    """Return the full names that `ref` may have, in the order in which git looks for them."""
    return ("HEAD",) if ref is None else (_TAGS + ref, _BRANCHES + ref)


def _git(repository: Repository, *arguments: str) -> str:
    variables = {"GIT_TERMINAL_PROMPT": "0"}
    return (
        run("git", *arguments, cwd=repository.root, environment=variables).decode(errors="surrogateescape").strip()
    )
