"""A real image registry on a free port of this machine, which tests can break."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.response import addinfourl

import bcrypt
import yaml

from kind.docker import docker
from mage_pod.waiting import until

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
_SECONDS = 30


def why_no_registry() -> str | None:
    """Return what is missing for tests with a registry, with what would enable them."""
    if shutil.which("docker-registry") is None:
        return "`docker-registry` is not on PATH: install the Debian package docker-registry, or distribution v2"
    return None


class Registry:
    """A registry with its data in `folder`, for this machine and its nodes; with `users`, all have to log in."""

    def __init__(self, folder: Path, users: dict[str, str] | None = None) -> None:
        self.port = _free_port()
        self.address = f"localhost:{self.port}"
        self._data, self._file = folder / "data", folder / "registry.yml"
        folder.mkdir(parents=True)
        configuration: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self._data)}, "delete": {"enabled": True}},
            "http": {"addr": f":{self.port}"},
        }
        if users:
            (folder / "htpasswd").write_text("".join(_line(name, word) for name, word in users.items()))
            configuration["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
        self._file.write_text(yaml.safe_dump(configuration))
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["docker-registry", "serve", str(self._file)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, "the registry", _SECONDS)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def digest(self, name: str, tag: str) -> str | None:
        """Return the digest of a manifest, or None."""
        try:
            with self._ask("HEAD", f"{name}/manifests/{tag}") as answer:
                return str(answer.headers["Docker-Content-Digest"])
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def layers(self, name: str, digest: str) -> list[str]:
        """Return the digests of the layers' contents."""
        with self._ask("GET", f"{name}/manifests/{digest}") as answer:
            configuration = json.load(answer)["config"]["digest"]
        with self._ask("GET", f"{name}/blobs/{configuration}") as answer:
            found: list[str] = json.load(answer)["rootfs"]["diff_ids"]
            return found

    def manifests(self, name: str, digest: str) -> list[dict[str, Any]]:
        """Return the entries of an index."""
        with self._ask("GET", f"{name}/manifests/{digest}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["manifests"]
            return found

    def forget(self, name: str, digest: str) -> None:
        """Remove a manifest with all its tags."""
        self._ask("DELETE", f"{name}/manifests/{digest}").close()

    def forget_tag(self, name: str, tag: str) -> None:
        """Remove a tag alone."""
        shutil.rmtree(self._data / "docker/registry/v2/repositories" / name / "_manifests/tags" / tag)

    @property
    def is_receiving(self) -> bool:
        """Whether an upload has begun and is not complete."""
        return any(self._data.rglob("_uploads/*/data"))

    def _answers(self) -> bool:
        try:
            self._ask("GET", "").close()
        except HTTPError as error:
            return error.code == HTTPStatus.UNAUTHORIZED
        except URLError:
            return False
        return True

    def _ask(self, method: str, path: str) -> addinfourl:
        url, headers = f"http://{self.address}/v2/{path}", {"Accept": ", ".join(_MANIFESTS)}
        asked = urllib.request.Request(url, method=method, headers=headers)
        answer: addinfourl = urllib.request.urlopen(asked, timeout=_SECONDS)
        return answer


def layers(image: str) -> list[str]:
    """Return the digests of the layers' contents of an image that Docker has."""
    found: list[str] = json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image))
    return found


def forget_images(registry: Registry) -> None:
    """Remove the images of `registry` from Docker: what is needed next comes from the registry, or is built."""
    written = "{{.Repository}} {{.Tag}} {{.Digest}}"
    listing = docker("image", "ls", "--digests", "--format", written, f"{registry.address}/*/*")
    for repository, tag, digest in map(str.split, listing.splitlines()):
        docker("image", "rm", f"{repository}@{digest}" if tag == "<none>" else f"{repository}:{tag}")


def _line(name: str, word: str) -> str:
    return f"{name}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()}\n"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
