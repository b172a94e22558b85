"""Docker as tests use it, and the reason where it cannot be used."""

from __future__ import annotations

import os
import shlex
import subprocess
import tarfile
import tempfile
from pathlib import Path

from basics.errors import PromotionError
from basics.process import require


def docker(*arguments: str, timeout: float = 120) -> str:
    """Run docker and return what it printed; it must succeed within `timeout` seconds."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"docker {arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def build(image: str, folder: str) -> str:
    """Build `image` from a folder of this one unless Docker remembers it, and return its name."""
    options = shlex.split(os.environ.get("DOCKER_BUILD_OPTIONS", ""))
    docker("build", "--tag", image, *options, str(Path(__file__).parent / folder), timeout=600)
    return image


def why_no(*programs: str) -> str | None:
    """Return which of `programs` is missing, with what would bring it."""
    try:
        require(*programs)
    except PromotionError as error:
        return f"{error.message}: {error.fix}"
    return None


def why_no_docker() -> str | None:
    """Return what is missing for tests that build images, with what would enable them."""
    if reason := why_no("docker"):
        return reason
    if subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode:
        return "Docker does not answer: start it, or join the group `docker`"
    return None


def files_of(image: str) -> dict[str, tarfile.TarInfo]:
    """Return the files and folders of `image` by their paths."""
    container = docker("create", image, "no-command")
    try:
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            docker("export", "--output", archive.name, container)
            with tarfile.open(archive.name) as tar:
                return {member.name: member for member in tar}
    finally:
        docker("rm", container)
