"""Which image a pod runs, from what Kubernetes says of it; tests/kind asks a real cluster."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from helpers import refused, write_program
from promotion.cluster.images import Running, running_images, version

ONE, OTHER = (f"sha256:{digit * 64}" for digit in "12")
REPOSITORY = "registry.example.com/team/mage"


def pod(image: str, image_id: str, phase: str = "Running", environment: str = "dev") -> dict[str, Any]:
    container = {"name": "mage", "image": image, "env": [{"name": "ENV", "value": environment}]}
    beside = {"name": "git-sync", "image": "git-sync:1"}
    states = [{"name": "git-sync", "imageID": f"git-sync@{OTHER}"}, {"name": "mage", "imageID": image_id}]
    return {
        "metadata": {"name": "web-1"},
        "spec": {"containers": [beside, container]},
        "status": {"phase": phase, "containerStatuses": states if image_id else []},
    }


@pytest.mark.parametrize(
    ("image", "image_id", "digest"),
    [
        (f"{REPOSITORY}@{ONE}", f"{REPOSITORY}@{ONE}", ONE),
        (f"{REPOSITORY}@{ONE}", f"other.example.com/mage@{OTHER}", ONE),  # the same bytes, known by another digest
        (f"{REPOSITORY}:1", f"{REPOSITORY}@{OTHER}", OTHER),
        (f"{REPOSITORY}@{ONE}", "", None),  # not pulled yet
        ("mage:1", f"sha256:{'3' * 64}", None),  # loaded into the node: no registry has given a digest
    ],
)
def test_the_digest_is_that_of_what_runs(image: str, image_id: str, digest: str | None) -> None:
    assert running_images([pod(image, image_id)], "dev") == [Running("web-1", image, digest)]


@pytest.mark.parametrize(
    ("reference", "found"),
    [(f"{REPOSITORY}:1@{ONE}", ONE), (f"{REPOSITORY}:1", "1"), ("localhost:5000/mage:2", "2")],
)
def test_a_version_is_the_digest_or_else_the_tag(reference: str, found: str) -> None:
    assert version(reference) == found


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_is_history(phase: str) -> None:
    assert running_images([pod(f"{REPOSITORY}@{ONE}", f"{REPOSITORY}@{ONE}", phase)], "dev") == []


def test_a_pod_of_another_environment_is_not_asked() -> None:
    assert running_images([pod(f"{REPOSITORY}@{ONE}", f"{REPOSITORY}@{ONE}", environment="prod")], "dev") == []


def test_a_pod_that_has_not_started_has_the_version_that_it_names() -> None:
    (found,) = running_images([pod(f"{REPOSITORY}@{ONE}", "")], "dev")
    assert (found.digest, found.version) == (None, ONE)


def test_the_pod_of_a_block_is_known() -> None:
    block = pod(f"{REPOSITORY}@{ONE}", "")
    block["metadata"]["labels"] = {"app.kubernetes.io/component": "executor"}
    assert [found.is_block for found in running_images([block, pod(REPOSITORY, "")], "dev")] == [True, False]


def test_without_a_digest_in_the_record_nothing_can_be_compared(promoted_to_dev: Path, tmp_path: Path) -> None:
    # A stand-in, as no cluster is here.
    containers = [{"name": "mage", "env": [{"name": "ENV", "value": "dev"}]}]
    installed = {"labels": {"app.kubernetes.io/instance": "mage-dev"}, "annotations": {"mage/release": "1"}}
    scheduler = {
        "kind": "StatefulSet",
        "metadata": {"name": "mage-dev-scheduler", **installed},
        "spec": {"template": {"spec": {"containers": containers}}},
        "status": {"updateRevision": "one"},
    }
    pod = {
        "kind": "Pod",
        "metadata": {"name": "mage-dev-scheduler-0", "labels": {"controller-revision-hash": "one"}},
        "spec": {"containers": []},
        "status": {"startTime": "2026-01-01T00:00:00Z"},
    }
    write_program(tmp_path / "kubectl", f"echo '{json.dumps({'items': [scheduler, pod]})}'")
    error = refused(promoted_to_dev, "image", "verify", "dev", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (error["code"], error["exit_code"]) == ("image-not-pinned", 1)
