"""Build an image with Docker's own builder, or with one of buildx, which can say what went into it and how."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from basics.errors import PromotionError
from basics.process import CommandError
from promotion.image.docker import docker, last_lines
from promotion.repository.tree import Tree

# What buildx adds to an image, the most first. An SBOM needs the image of a scanner. Provenance of the mode `max`
# would tell the build arguments, which may hold a password.
ATTESTATIONS = (("--sbom=true", "--provenance=mode=min"), ("--provenance=mode=min",))
_DRIVER = re.compile(r"^Driver: +(\S+)", re.MULTILINE)
_KEEPS_ATTESTATIONS = "io.containerd.snapshotter"  # the engine's store that keeps them; its older ones do not


@dataclass(frozen=True)
class Recipe:
    """What `reference` is built from: the files of `context` alone, arguments and labels."""

    reference: str
    context: Tree
    arguments: Mapping[str, str]
    labels: Mapping[str, str]

    @property
    def options(self) -> list[str]:
        """The options of `docker build`; DOCKER_BUILD_OPTIONS may add some."""
        arguments = [f"--build-arg={name}={value}" for name, value in self.arguments.items()]
        labels = [f"--label={name}={value}" for name, value in self.labels.items()]
        return [*arguments, *labels, *shlex.split(os.environ.get("DOCKER_BUILD_OPTIONS", ""))]


def build(recipe: Recipe) -> None:
    """Build the image into Docker's engine."""
    _build(recipe, ["buildx", "build", "--load"] if can_attest() else ["build"])


def build_and_push(recipe: Recipe, attestations: Sequence[str]) -> None:
    """Push what `build` has left in the builder's cache, with `attestations`."""
    _build(recipe, ["buildx", "build", "--push", *attestations])


def can_attest() -> bool:
    """Tell whether the chosen builder of buildx can add attestations; Docker's classic one cannot."""
    try:
        driver = _DRIVER.search(docker("buildx", "inspect"))
    except CommandError:  # there is no buildx
        return False
    if driver is None or driver[1] != "docker":
        return driver is not None
    return _KEEPS_ATTESTATIONS in docker("info", "--format={{.DriverStatus}}")


def _build(recipe: Recipe, words: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        _write(recipe.context, Path(folder))
        try:
            docker(*words, "--tag", recipe.reference, *recipe.options, folder)
        except CommandError as error:
            raise PromotionError(
                "image-not-built",
                f"`docker build` of {recipe.reference} failed:\n{last_lines(error)}",
                fix="correct the Dockerfile or requirements.txt; behind a proxy or a mirror see "
                "DOCKER_BUILD_OPTIONS and --base-image",
            ) from error


def _write(context: Tree, folder: Path) -> None:
    """Write the files readable by everybody, whatever the umask is, because the image has another user."""
    context.write_to(folder)
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
