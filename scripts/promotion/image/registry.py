"""What a registry says of an image, asked through Docker's engine: with its settings and the user's logins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from basics.errors import PromotionError
from promotion.image.docker import endpoint, not_reached

_DENIED = ("denied", "unauthorized", "no basic auth")  # newer engines say "not found" as well, with these words


def digest_of(reference: str, login: Path | None = None) -> str | None:
    """Return the digest that the registry gives for `reference`, or None where it has no such image.

    `login` is a file like Docker's config.json, used instead of that. Raises `PromotionError` without an answer.
    """
    from docker import errors  # imported here: it takes 0.2 s, and most commands ask no registry

    try:
        return str(_client(login).images.get_registry_data(reference).id)
    except errors.APIError as error:
        said = str(error.explanation)
        if isinstance(error, errors.NotFound) and not any(word in said for word in _DENIED):
            return None
        raise not_reached(reference, said) from error
    except (errors.DockerException, OSError) as error:
        raise PromotionError(
            "docker-unreachable", str(error), fix="start Docker, or join the group `docker`"
        ) from error


def _client(login: Path | None) -> Any:
    import docker

    client = docker.from_env(environment={**os.environ, "DOCKER_HOST": endpoint()}, use_ssh_client=True)
    if login:
        client.api.reload_config(dockercfg_path=str(login))
    return client
