"""Mage's metadata in a PostgreSQL of somebody else: TLS with a CA of their own, and a password hard to quote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from basics.process import CommandError
from kind.cluster import Namespace, eventually
from kind.external_database import Authority, ask, run_external_database, values
from kind.release import Release, mounted_project
from mage.projects import Block, write_project

_HERE = """
@custom
def run(*args, **kwargs):
    import socket
    assert ('-scheduler-' in socket.gethostname()) is {}, socket.gethostname()
    return [1]
"""
PIPELINES = {
    "in_the_scheduler": [
        Block("here", _HERE.format(True), type="custom", options={"executor_type": "local_python_force"})
    ],
    "in_a_job": [Block("there", _HERE.format(False), type="custom")],
}
_ENCRYPTED = """
SELECT ssl, count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL GROUP BY ssl
"""


@pytest.fixture(scope="module")
def namespace(namespaces: Callable[[str], Namespace], external_database_image: str) -> Namespace:
    """A namespace with the external database."""
    made = namespaces("ex-db")
    run_external_database(made, external_database_image)
    return made


@pytest.fixture(scope="module")
def common(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The values of all releases here: the project, whose blocks need no database."""
    folder = write_project(tmp_path_factory.mktemp("p"), PIPELINES)
    (folder / "io_config.yaml").unlink()
    return mounted_project(namespace, folder) | values() | {"env": "dev", "executor": {"type": "k8s"}}


@pytest.fixture(scope="module")
def release(namespace: Namespace, releases: Callable[..., Release], common: dict[str, Any]) -> Release:
    made: Release = releases("mage", namespace)
    return made.install(common)


def test_the_release_brings_no_postgres_of_its_own(release: Release) -> None:
    assert release.pods("postgres") == []


def test_the_owner_can_log_in(release: Release) -> None:
    assert release.api().call("GET", "/api/pipelines")["pipelines"]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_block_runs(release: Release, pipeline: str) -> None:
    assert release.run(pipeline)["status"] == "completed"


def test_every_connection_is_encrypted(release: Release) -> None:
    rows = [row.split("|") for row in ask(release.namespace, _ENCRYPTED)]
    assert [encrypted for encrypted, _ in rows] == ["t"]


def test_a_certificate_of_another_authority_is_told_in_the_pod_s_status(
    namespace: Namespace, releases: Callable[..., Release], common: dict[str, Any]
) -> None:
    namespace.make_secret("other-ca", **{"ca.crt": Authority("somebody else").certificate})
    wrong: Release = releases("mistaken", namespace)
    patience = {"database": {"timeoutSeconds": 10}}
    with pytest.raises(CommandError, match="mistaken-mage-schedules"):
        wrong.install(common, values("other-ca"), patience, wait=False)
    told = eventually(lambda: _last_words(wrong), "its last words", seconds=240)
    wrong.uninstall()
    assert "certificate verify failed" in told
    assert "database.external" in told


def _last_words(release: Release) -> str | None:
    """Return what the web's first container has said as it ended."""
    for pod in release.pods("web"):
        for container in pod["status"].get("initContainerStatuses", []):
            for state in (container["state"], container["lastState"]):
                if words := state.get("terminated", {}).get("message"):
                    return str(words)
    return None
