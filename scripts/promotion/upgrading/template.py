"""The template that a repository was made from: its versions, and which of them the repository has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from basics.errors import PromotionError, UsageError
from basics.process import run
from basics.yaml_file import load_mapping
from basics.yaml_text import section
from promotion.layout import CHART, ENVIRONMENTS, EXAMPLE, PROJECT
from promotion.repository.git import Repository
from promotion.repository.tree import Tree

# Which version a repository has. A file comes through a squash, a rebase and a copy, and goes with a revert.
RECORD = ".template.yaml"
OF_THE_TEAM = (PROJECT, ENVIRONMENTS)
_CHART_FILE = f"{CHART}/Chart.yaml"
_HEADER = re.compile(r"([0-9a-f]{40,64}) [0-9a-f]{40,64}")
_WORDS = "# The version of the template that this repository has: scripts/upgrade.py writes and reads it.\n"


@dataclass(frozen=True)
class Version:
    """A version of the template: its commit, the number that it gives itself, and its files."""

    commit: str
    number: str
    tree: Tree

    @property
    def name(self) -> str:
        """The version as a part of a branch's name: many commits have the same number."""
        return f"{self.number}-{self.commit[:8]}"

    @property
    def record(self) -> bytes:
        """The content of the file that says which version a repository has."""
        return (_WORDS + section({"version": self.number, "commit": self.commit})).encode()


def read_version(repository: Repository, commit: str) -> Version:
    """Return the version at `commit`; raise `UsageError` where its tree is not one."""
    tree = repository.tree(commit)
    if _CHART_FILE not in tree:
        raise UsageError(
            "not-a-version",
            f"the commit {commit[:8]} has no {_CHART_FILE}, as every version of this repository has",
            fix="name the repository that yours was made from, or a clone of it",
        )
    number = load_mapping(_CHART_FILE, tree.text(_CHART_FILE)).get("version")
    return Version(commit, str(number), tree)


def version_taken(repository: Repository, head: str, newest: Version) -> Version:
    """Return the version that `head` has: the recorded one, or else the one that it has the most files of.

    A recorded version that `newest` does not come from is not used.
    """
    ours, history = repository.tree(head), _history(repository, newest.commit)
    if RECORD in ours:
        commit = str(load_mapping(RECORD, ours.text(RECORD)).get("commit"))
        if commit in history:
            return read_version(repository, commit)
    return read_version(repository, _likest(repository, head, history))


def _history(repository: Repository, commit: str) -> Mapping[str, str]:
    """Return the commits up to `commit`, the oldest first, each with the id of its tree."""
    listing = _git(repository, "log", "--reverse", "--topo-order", "--no-show-signature", "--format=%H %T", commit)
    return dict(line.split() for line in listing.splitlines())


def _likest(repository: Repository, head: str, history: Mapping[str, str]) -> str:
    """Return the commit of `history` whose files `head` has the most of, the oldest of several.

    What the commit has and `head` lacks does not count, nor does the team's own. So no commit is found that is
    newer than what `head` was made from: its changes would be taken for changes that the team took back.
    """
    first: dict[str, str] = {}
    for commit, tree in history.items():
        first.setdefault(tree, commit)
    tools = [".", *(f":!{root}" for root in (*OF_THE_TEAM, EXAMPLE))]
    missed = _differing(repository, first, head, tools)
    least = min(missed.values())
    ours = repository.tree(head)
    if least == len(ours) - len(ours.under(*OF_THE_TEAM, EXAMPLE)):
        raise PromotionError(
            "no-common-version",
            "no version of the template has a file of this repository",
            fix="name the repository that yours was made from, or a clone of it",
        )
    likest = [tree for tree in first if missed[tree] == least]
    missed = _differing(repository, likest, head, ["."])
    return first[min(likest, key=lambda tree: missed[tree])]


def _differing(repository: Repository, trees: Iterable[str], head: str, paths: Sequence[str]) -> dict[str, int]:
    """Return for each of `trees` how many files below `paths` are in `head` and not, or not the same, in it."""
    ours = _git(repository, "rev-parse", f"{head}^{{tree}}")
    questions = "".join(f"{tree} {ours}\n" for tree in trees).encode()
    words = ("diff-tree", "--stdin", "-r", "--name-only", "--no-renames", "--diff-filter=d", "--", *paths)
    counted: dict[str, int] = {}
    tree = ""
    for line in _git(repository, *words, stdin=questions).splitlines():
        if header := _HEADER.fullmatch(line):
            tree = header[1]
            counted[tree] = 0
        else:
            counted[tree] += 1
    return counted


def _git(repository: Repository, *arguments: str, stdin: bytes | None = None) -> str:
    return run("git", *arguments, cwd=repository.root, stdin=stdin).decode(errors="surrogateescape").strip()
