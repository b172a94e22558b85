"""Every command to Docker and kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from basics.errors import PromotionError
from basics.process import CommandError, run

_LINES_SHOWN = 15


def endpoint() -> str:
    """Return the address of the engine that Docker's commands talk to."""
    return docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()


def labels_of(reference: str) -> Mapping[str, str] | None:
    """Return the labels of the image `reference` on this machine, or None if there is no such image."""
    if not docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"reference={reference}").strip():
        return None
    inspected = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", reference))
    return inspected or {}


def push(reference: str) -> None:
    """Push `reference` to the registry that its name says."""
    try:
        docker("push", "--quiet", reference)
    except CommandError as error:
        raise not_reached(reference, last_lines(error)) from error


def pull(reference: str, digest: str) -> None:
    """Have the image with `digest` on this machine under the name `reference`."""
    pinned = f"{reference.rpartition(':')[0]}@{digest}"
    try:
        docker("pull", "--quiet", pinned)
    except CommandError as error:
        raise not_reached(pinned, last_lines(error)) from error
    docker("tag", pinned, reference)


def not_reached(reference: str, said: str) -> PromotionError:
    """Return the refusal for a registry that gave no answer, or did not take an image."""
    host = reference.split("/", maxsplit=1)[0]
    return PromotionError(
        "registry-unreachable",
        f"the registry of {reference} did not answer, or refused:\n{said}",
        fix=f"log in: docker login {host}; a registry that makes no repository by itself needs it made first",
    )


def load(reference: str, cluster: str) -> None:
    """Load `reference` into every node of the kind cluster; nodes that have it are left alone."""
    try:
        run("kind", "load", "docker-image", reference, "--name", cluster, cwd=Path.cwd())
    except CommandError as error:
        raise PromotionError(
            "image-not-loaded",
            f"{reference} did not get into the kind cluster {cluster}:\n{last_lines(error)}",
            fix="one of `kind get clusters`",
        ) from error


def docker(*arguments: str) -> str:
    """Run docker and return what it printed; raises `CommandError`, or `PromotionError` without an engine."""
    try:
        return run("docker", *arguments, cwd=Path.cwd()).decode(errors="replace")
    except CommandError as error:
        if "docker daemon" in error.stderr:
            raise PromotionError(
                "docker-unreachable", error.stderr, fix="start Docker, or join the group `docker`"
            ) from error
        raise


def last_lines(error: CommandError) -> str:
    """Return the end of what a command of Docker said."""
    return "\n".join(error.stderr.splitlines()[-_LINES_SHOWN:])
