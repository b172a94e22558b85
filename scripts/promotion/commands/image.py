"""`image.py build`: the image of a tree, built only when there is none with its tag."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from basics import progress
from basics.errors import UsageError
from basics.process import CommandError, run
from promotion.changes.sides import environment_side, main_side
from promotion.configuration.environment import load_environment
from promotion.image import docker
from promotion.record.release import IMAGE_SOURCE, image_tag
from promotion.repository.git import Repository
from promotion.repository.tree import Tree, tree_of_folder
from promotion.showing.report import Report

_OCI = "org.opencontainers.image"
_MAGE = re.compile(r"^mage-ai(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Wanted:
    """What an image is to be called and how it differs from what the Dockerfile says by itself."""

    repository: str = "mage"
    base: str | None = None
    with_r: bool = True

    @property
    def arguments(self) -> dict[str, str]:
        """The Dockerfile's arguments."""
        base = {"BASE_IMAGE": self.base} if self.base else {}
        return base if self.with_r else base | {"WITH_R": "false"}


def build_image(what: Path | str, wanted: Wanted, *, load: str | None, push: bool, report: Report) -> int:
    """Build the image of the folder `what` or of the environment of that name; then load it or push it."""
    with _tree(what) as tree:
        reference = f"{wanted.repository}:{image_tag(tree)}"
        built = ensure_image(tree, wanted, from_registry=push)
    if load:
        with progress.step(f"load {reference} into the kind cluster {load}"):
            docker.load(reference, load)
    document = {"reference": reference, "built": built, "loaded": load, "pushed": push}
    report.result("image", document, [(reference, "")])
    return 0


def ensure_image(tree: Tree, wanted: Wanted, *, from_registry: bool = False) -> bool:
    """Have the image of `tree` on this machine or in its registry; return whether it had to be built.

    What a registry has under this tag stands: an environment runs the very bytes that the one before it proved.
    """
    reference = f"{wanted.repository}:{image_tag(tree)}"
    if from_registry and docker.is_in_registry(reference):
        progress.say(f"{reference} is in the registry: nothing to build")
        return False
    labels = _labels(tree, wanted)
    there = docker.labels_of(reference) or {}
    built = not labels.items() <= there.items()
    if built:
        with progress.step(f"build {reference}"):
            docker.build(reference, tree.under(*IMAGE_SOURCE), arguments=wanted.arguments, labels=labels)
    else:
        progress.say(f"{reference} is there: nothing to build")
    if from_registry:
        with progress.step(f"push {reference}"):
            docker.push(reference)
    return built


def _labels(tree: Tree, wanted: Wanted) -> dict[str, str]:
    """Return what tells the image from every other, one with the same tag and other arguments included."""
    version = _MAGE.search(tree.text("requirements.txt")) if "requirements.txt" in tree else None
    return {
        f"{_OCI}.title": "Mage",
        f"{_OCI}.version": version[1] if version else "",
        f"{_OCI}.revision": tree.under(*IMAGE_SOURCE).digest(),
        "mage-environments.build-arguments": " ".join(f"{k}={v}" for k, v in wanted.arguments.items()),
    }


# Which tree


@contextmanager
def _tree(what: Path | str) -> Iterator[Tree]:
    if isinstance(what, Path):
        yield _buildable(tree_of_checkout(what.resolve()), str(what))
        return
    with Repository.find(Path.cwd()) as repository:
        repository.fetch()
        load_environment(main_side(repository).tree, what)  # refuses an environment that does not exist
        side = environment_side(repository, what)
        if side.current is None:
            raise UsageError("no-release", f"{what} has no release to build", fix=f"promote to {what} first")
        yield _buildable(side.tree, what)


def _buildable(tree: Tree, name: str) -> Tree:
    if "Dockerfile" not in tree:
        raise UsageError("no-dockerfile", f"git knows no Dockerfile in {name}", fix="name the root of a clone")
    return tree


def tree_of_checkout(folder: Path) -> Tree:
    """Return the files of `folder` that git knows, as they are on disk; tell what a promotion would not take.

    A file that git does not know stays out: it would change the tag, and no release could ever say that tag.
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
