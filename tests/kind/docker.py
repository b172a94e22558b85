"""Docker as tests use it, and the reason where it cannot be used."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile


def docker(*arguments: str, timeout: float = 120) -> str:
    """Run docker and return what it printed; it must succeed within `timeout` seconds."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"docker {arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def why_no_docker() -> str | None:
    """Return what is missing for tests that build images, with what would enable them."""
    if shutil.which("docker") is None:
        return "there is no Docker: https://docs.docker.com/engine/install"
    if subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode:
        return "Docker does not answer: start it, or become one of the group `docker`"
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
