"""`image.py build`: the image of a tree, built only when no image has its tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from basics import progress
from basics.errors import UsageError
from basics.process import CommandError, run
from promotion.changes.sides import main_side, released_tree
from promotion.configuration.registry import Registry, read_registry
from promotion.image import docker
from promotion.image.ensure import ensure_built, ensure_pushed
from promotion.image.wanted import Wanted
from promotion.record.release import IMAGE_SOURCE
from promotion.repository.git import Repository
from promotion.repository.tree import Tree, tree_of_folder
from promotion.showing.result import Result, Shown


def build_image(what: Path | str, asked: Mapping[str, Any], *, load: str | None, push: bool) -> Iterator[Result]:
    """Build the image of `what`, a folder or the name of an environment; then load it or push it.

    `asked` are fields of `Wanted` that the person chose, in place of those that registry.yaml states.
    """
    with _tree(what) as (tree, registry):
        wanted = replace(Wanted.of(registry), **asked)
        reference = wanted.reference(tree)
        digest, built = ensure_pushed(tree, wanted) if push else (None, ensure_built(tree, wanted))
    if load:
        with progress.step(f"load {reference} into the kind cluster {load}"):
            docker.load(reference, load)
    document = {"reference": reference, "digest": digest, "built": built, "loaded": load, "pushed": push}
    yield Shown("image", document, [(reference, "")])


# Which tree


@contextmanager
def _tree(what: Path | str) -> Iterator[tuple[Tree, Registry | None]]:
    """Yield the files that the image is built from, and the registry that is stated beside them or on `main`."""
    if isinstance(what, Path):
        tree = _buildable(tree_of_checkout(what.resolve()), str(what))
        yield tree, read_registry(tree)
        return
    with Repository.find(Path.cwd()) as repository:
        tree = _buildable(released_tree(repository, what, "build"), what)
        yield tree, read_registry(main_side(repository).tree)


def _buildable(tree: Tree, name: str) -> Tree:
    if "Dockerfile" not in tree:
        raise UsageError("no-dockerfile", f"git knows no Dockerfile in {name}", fix="name the root of a clone")
    return tree


def tree_of_checkout(folder: Path) -> Tree:
    """Return the files of `folder` that git knows, as they are on disk; say what a promotion would not take.

    A file that git does not know is left out: with it, the tag would be one that no release can have.
    """
    tracked = _asked(folder, "ls-files", "-z", "--cached")
    for path in _asked(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", *IMAGE_SOURCE):
        progress.say(
            f"not in the image: {path}, which git does not know; to have it there: git add {path}", "yellow"
        )
    for path in _asked(folder, "diff", "--name-only", "-z", "--relative", "HEAD", "--", *IMAGE_SOURCE):
        progress.say(f"not committed: {path}; no release will have this image's tag", "yellow")
    return tree_of_folder(folder, tracked)


def _asked(folder: Path, *question: str) -> list[str]:
    try:
        listing = run("git", *question, cwd=folder, environment={"GIT_OPTIONAL_LOCKS": "0"})
    except CommandError as error:
        raise UsageError(
            "not-a-project", f"{folder} is no git clone with a commit:\n{error.stderr}", fix="name a clone's root"
        ) from error
    return [path for path in listing.decode(errors="surrogateescape").split("\0") if path]
