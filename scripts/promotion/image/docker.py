"""Every command to Docker and kind."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from basics.errors import PromotionError
from basics.process import CommandError, run
from promotion.repository.tree import Tree

_LINES_SHOWN = 15
_LOCAL = ("localhost:", "127.0.0.1:")


def labels_of(reference: str) -> Mapping[str, str] | None:
    """Return the labels of the image `reference` on this machine, or None if there is no such image."""
    if not _docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"reference={reference}").strip():
        return None
    inspected = json.loads(_docker("image", "inspect", "--format", "{{json .Config.Labels}}", reference))
    return inspected or {}


def build(reference: str, context: Tree, *, arguments: Mapping[str, str], labels: Mapping[str, str]) -> None:
    """Build `reference` only from the files of `context`; DOCKER_BUILD_OPTIONS may add options."""
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    options += [f"--label={name}={value}" for name, value in labels.items()]
    options += shlex.split(os.environ.get("DOCKER_BUILD_OPTIONS", ""))
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        _write(context, Path(folder))
        try:
            _docker("build", "--tag", reference, *options, folder)
        except CommandError as error:
            raise PromotionError(
                "image-not-built",
                f"`docker build` of {reference} failed:\n{_last_lines(error)}",
                fix="correct the Dockerfile or requirements.txt; behind a proxy or a mirror see "
                "DOCKER_BUILD_OPTIONS and --base-image",
            ) from error


def is_in_registry(reference: str) -> bool:
    """Ask whether the registry has `reference`; raise when it gives no answer."""
    plain_http = (
        ["--insecure"] if reference.startswith(_LOCAL) else []
    )  # Docker, too, trusts a registry on this machine
    try:
        _docker("manifest", "inspect", *plain_http, reference)
    except CommandError as error:
        if any(word in error.stderr.lower() for word in ("no such manifest", "manifest unknown", "not found")):
            return False
        raise _not_reached(reference, error) from error
    return True


def push(reference: str) -> None:
    """Push `reference` to the registry that its name says."""
    try:
        _docker("push", "--quiet", reference)
    except CommandError as error:
        raise _not_reached(reference, error) from error


def load(reference: str, cluster: str) -> None:
    """Load `reference` into every node of the kind cluster; nodes that have it are left alone."""
    try:
        run("kind", "load", "docker-image", reference, "--name", cluster, cwd=Path.cwd())
    except CommandError as error:
        raise PromotionError(
            "image-not-loaded",
            f"{reference} did not get into the kind cluster {cluster}:\n{_last_lines(error)}",
            fix="one of `kind get clusters`",
        ) from error


def _docker(*arguments: str) -> str:
    try:
        return run("docker", *arguments, cwd=Path.cwd()).decode(errors="replace")
    except CommandError as error:
        if "docker daemon" in error.stderr:
            raise PromotionError(
                "docker-unreachable", error.stderr, fix="start Docker, or join the group `docker`"
            ) from error
        raise


def _write(context: Tree, folder: Path) -> None:
    """Write the files readable by everybody, whatever the umask is, because the image has another user."""
    context.write_to(folder)
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def _not_reached(reference: str, error: CommandError) -> PromotionError:
    registry = reference.split("/", maxsplit=1)[0] if "/" in reference else "Docker Hub"
    return PromotionError(
        "registry-unreachable",
        f"{registry} did not answer or did not take the image {reference}:\n{_last_lines(error)}",
        fix="--repository must begin with your registry; log in to it: docker login ADDRESS",
    )


def _last_lines(error: CommandError) -> str:
    return "\n".join(error.stderr.splitlines()[-_LINES_SHOWN:])
