"""Releases whose image is in a registry: built once, pinned by digest, and never missed by a pod."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    PROJECT,
    ROOT,
    call_script,
    git,
    head,
    make_clone,
    promote,
    push,
    refused,
    released_text,
    remote_of,
    run_script,
    tree_of,
    write,
)
from kind.docker import docker, why_no_docker
from kind.registry import Registry, forget_images, layers, why_no_registry
from mage_pod.waiting import until
from promotion.configuration.environment import load_environment
from promotion.image.build import can_attest
from promotion.image.ensure import ensure_same
from promotion.image.wanted import Wanted
from promotion.previews.install import provide_image

NAME = "team/mage"
DOCKERFILE = f"FROM scratch\nCOPY {PROJECT} /{PROJECT}\n"
LOAD_STOCK = f"{PROJECT}/data_loaders/load_stock.py"
LOAD_ORDERS = f"{PROJECT}/data_loaders/load_orders.py"
USER = {"ada": "correct horse"}
_REASON = why_no_docker() or why_no_registry()
_BUILDER = "docker buildx create --use --driver-opt network=host"

pytestmark = pytest.mark.skipif(_REASON is not None, reason=_REASON or "")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    yield from started(Registry(tmp_path / "registry"))


@pytest.fixture
def closed_registry(tmp_path: Path) -> Iterator[Registry]:
    yield from started(Registry(tmp_path / "registry", USER))


def started(registry: Registry) -> Iterator[Registry]:
    yield registry
    registry.kill()
    forget_images(registry)


@pytest.fixture
def clone(tmp_path: Path, registry: Registry) -> Path:
    return clone_for(tmp_path / "work", registry)


def clone_for(folder: Path, registry: Registry) -> Path:
    """A clone whose releases have their image in `registry`."""
    clone = make_clone(folder)
    write(
        clone,
        {"Dockerfile": DOCKERFILE, "environments/registry.yaml": f"repository: {registry.address}/{NAME}\n"},
    )
    push(clone)
    return clone


def image(clone: Path, name: str) -> dict[str, str]:
    """What the environment's release says of its image."""
    found = yaml.safe_load(released_text(clone, name, "release.yaml"))["image"]
    assert isinstance(found, dict)
    return found


def change(clone: Path, path: str = LOAD_STOCK) -> None:
    write(clone, {path: f"x = {len(git(clone, 'log', '--format=%h'))}\n"})
    push(clone)


def test_a_release_pins_the_digest_that_the_registry_gave(clone: Path, registry: Registry) -> None:
    promote(clone, "main", "dev")
    pinned = image(clone, "dev")
    assert pinned["repository"] == f"{registry.address}/{NAME}"
    assert pinned["digest"] == registry.digest(NAME, pinned["tag"]) is not None


def test_a_preview_pushes_the_image_that_the_release_takes_then(clone: Path, registry: Registry) -> None:
    tree = tree_of(clone)
    reference = provide_image(tree, load_environment(tree, "dev"), "a-cluster-that-pulls")
    assert registry.digest(NAME, reference.rpartition(":")[2])
    promoted = promote(clone, "main", "dev")
    assert reference == f"{registry.address}/{NAME}:{image(clone, 'dev')['tag']}"
    assert "nothing to build" in promoted.stderr


def test_a_promotion_of_everything_takes_the_bytes_of_its_source(clone: Path, registry: Registry) -> None:
    promote(clone, "main", "dev")
    forget_images(registry)
    promoted = promote(clone, "dev", "staging")
    assert image(clone, "staging") == image(clone, "dev")
    assert "build" not in promoted.stderr


def test_a_partial_promotion_builds_what_differs(clone: Path, registry: Registry) -> None:
    promote(clone, "main", "dev")
    promote(clone, "dev", "staging")
    change(clone, LOAD_STOCK)
    change(clone, LOAD_ORDERS)
    promote(clone, "main", "dev")
    promote(clone, "dev", "staging", "-p", "stock")
    digests = {image(clone, name)["digest"] for name in ("dev", "staging")}
    assert len(digests) == 2
    assert image(clone, "staging")["digest"] == registry.digest(NAME, image(clone, "staging")["tag"])


def test_an_image_that_somebody_has_pushed_before_is_not_built_again(clone: Path, registry: Registry) -> None:
    pushed = run_script(clone, "image", "build", "--push", "--json").document["image"]
    forget_images(registry)
    promoted = promote(clone, "main", "dev")
    assert image(clone, "dev")["digest"] == pushed["digest"]
    assert "nothing to build" in promoted.stderr


@pytest.mark.skipif(_REASON is None and can_attest(), reason="the chosen builder of buildx adds attestations")
def test_a_builder_that_adds_no_attestations_is_told(clone: Path) -> None:
    assert "without SBOM and provenance" in promote(clone, "main", "dev").stderr


attesting = pytest.mark.skipif(
    _REASON is None and not can_attest(), reason=f"Docker's builder adds no attestations: {_BUILDER}"
)


@attesting
def test_provenance_travels_with_the_image_that_was_built_before(clone: Path, registry: Registry) -> None:
    promote(clone, "main", "dev")
    pinned = image(clone, "dev")
    whole = f"{pinned['repository']}@{pinned['digest']}"
    provenance = docker("buildx", "imagetools", "inspect", "--format", "{{json .Provenance}}", whole)
    assert "buildType" in provenance
    (ours,) = (each for each in registry.manifests(NAME, pinned["digest"]) if "annotations" not in each)
    assert registry.layers(NAME, ours["digest"]) == layers(f"{pinned['repository']}:{pinned['tag']}")
    promote(clone, "dev", "staging")
    assert image(clone, "staging") == pinned


@attesting
def test_an_sbom_travels_with_the_image(clone: Path) -> None:
    if "not with --sbom=true" in promote(clone, "main", "dev").stderr:
        pytest.skip("the builder cannot run the scanner: docker pull docker/buildkit-syft-scanner:stable-1")
    whole = "{repository}@{digest}".format(**image(clone, "dev"))
    assert "SPDX" in docker("buildx", "imagetools", "inspect", "--format", "{{json .SBOM}}", whole)


def test_without_a_login_nothing_is_released(tmp_path: Path, closed_registry: Registry) -> None:
    clone = clone_for(tmp_path / "work", closed_registry)
    error = refused(clone, "promote", "main", "dev", "--yes", DOCKER_CONFIG=str(tmp_path / "nobody"))
    assert (error["code"], error["exit_code"]) == ("registry-unreachable", 6)
    assert f"docker login {closed_registry.address}" in error["fix"]


def test_with_a_login_it_is(tmp_path: Path, closed_registry: Registry) -> None:
    clone = clone_for(tmp_path / "work", closed_registry)
    config = log_in(tmp_path / "docker", closed_registry, "ada")
    result = call_script(clone, "promote", "main", "dev", "--yes", DOCKER_CONFIG=str(config))
    assert result.exit_code == 0, result.stderr
    assert USER["ada"] not in result.stdout + result.stderr


def log_in(folder: Path, registry: Registry, name: str) -> Path:
    words = ["docker", "--config", str(folder), "login", "--username", name, "--password-stdin", registry.address]
    subprocess.run(words, input=USER[name], text=True, capture_output=True, check=True)
    return folder


@pytest.mark.parametrize("job", ["dev", "promote"])
def test_the_workflows_for_ci_log_in(tmp_path: Path, closed_registry: Registry, job: str) -> None:
    jobs = [yaml.safe_load(file.read_text())["jobs"] for file in (ROOT / ".github/workflows").glob("*.yml")]
    (steps,) = (each[job]["steps"] for each in jobs if job in each)
    (login,) = (step["run"] for step in steps if step.get("if") == "vars.REGISTRY")
    known = {
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "REGISTRY": closed_registry.address,
        "REGISTRY_USER": "ada",
        "REGISTRY_PASSWORD": USER["ada"],
    }
    subprocess.run(["bash", "-ec", login], env=os.environ | known, check=True, capture_output=True)
    clone = clone_for(tmp_path / "work", closed_registry)
    assert call_script(clone, "promote", "main", "dev", "--yes", **known).exit_code == 0


@pytest.mark.parametrize("theirs", ['{"auths": {}}', None], ids=["nobody", "no file"])
def test_a_login_of_clusters_that_cannot_pull_is_found(
    tmp_path: Path, closed_registry: Registry, theirs: str | None
) -> None:
    clone = clone_for(tmp_path / "work", closed_registry)
    ours, file = log_in(tmp_path / "docker", closed_registry, "ada"), tmp_path / "theirs.json"
    if theirs:
        file.write_text(theirs)
    login = {"DOCKER_CONFIG": str(ours), "IMAGE_PULL_CONFIG": str(file)}
    error = refused(clone, "promote", "main", "dev", "--yes", **login)
    assert (error["code"], error["exit_code"]) == ("image-not-pullable", 6)
    assert str(file) in error["message"]


def test_a_login_of_clusters_that_can_pull_is_enough(tmp_path: Path, closed_registry: Registry) -> None:
    clone = clone_for(tmp_path / "work", closed_registry)
    ours = log_in(tmp_path / "docker", closed_registry, "ada")
    login = {"DOCKER_CONFIG": str(ours), "IMAGE_PULL_CONFIG": str(ours / "config.json")}
    result = call_script(clone, "promote", "main", "dev", "--yes", **login)
    assert result.exit_code == 0, result.stderr


def test_a_registry_that_dies_during_the_push_loses_nothing(clone: Path, registry: Registry) -> None:
    write(clone, {f"{PROJECT}/large.bin": os.urandom(60 * 2**20)})
    push(clone)

    def kill() -> None:
        until(lambda: registry.is_receiving, "an upload", 60, pause=0.01)
        registry.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    error = refused(clone, "promote", "main", "dev", "--yes")
    killer.join()
    assert (error["code"], error["exit_code"]) == ("registry-unreachable", 6)
    registry.start()
    promote(clone, "main", "dev")
    assert image(clone, "dev")["digest"] == registry.digest(NAME, image(clone, "dev")["tag"])


@pytest.fixture
def dev(clone: Path) -> dict[str, str]:
    """What dev says of its image, after its first release."""
    promote(clone, "main", "dev")
    return image(clone, "dev")


def overwrite(registry: Registry, tag: str) -> None:
    """Push another image under the tag."""
    name = f"{registry.address}/{NAME}:{tag}"
    container = docker("create", name, "no-command")
    docker("commit", "--message", "not what was released", container, name)
    docker("rm", container)
    docker("push", "--quiet", name)


def test_a_tag_that_was_overwritten_is_found_and_its_mend_works(
    clone: Path, registry: Registry, dev: dict[str, str]
) -> None:
    overwrite(registry, dev["tag"])
    error = refused(clone, "promote", "dev", "staging", "--yes")
    assert (error["code"], error["exit_code"]) == ("image-overwritten", 6)
    mend = error["fix"].partition("put it back: ")[2].partition("; or ")[0]
    subprocess.run(["sh", "-c", mend], check=True, capture_output=True)
    promote(clone, "dev", "staging")
    assert image(clone, "staging") == dev


def test_an_image_that_is_gone_is_found(clone: Path, registry: Registry, dev: dict[str, str]) -> None:
    registry.forget(NAME, dev["digest"])
    error = refused(clone, "promote", "dev", "staging", "--yes")
    assert (error["code"], error["exit_code"]) == ("image-missing", 6)
    assert f"docker push {dev['repository']}:{dev['tag']}" in error["fix"]


def test_an_image_that_is_gone_can_be_built_anew(clone: Path, registry: Registry, dev: dict[str, str]) -> None:
    registry.forget(NAME, dev["digest"])
    forget_images(registry)
    command = refused(clone, "promote", "dev", "staging", "--yes")["fix"].rpartition("scripts/promote.py ")[2]
    promote(clone, *shlex.split(command))
    assert image(clone, "staging")["digest"] == registry.digest(NAME, dev["tag"])


def test_a_digest_whose_tag_is_gone_is_taken(clone: Path, registry: Registry, dev: dict[str, str]) -> None:
    registry.forget_tag(NAME, dev["tag"])
    promote(clone, "dev", "staging")
    assert image(clone, "staging") == dev


def test_a_rollback_takes_the_older_image(clone: Path, dev: dict[str, str]) -> None:
    change(clone)
    promote(clone, "main", "dev")
    assert image(clone, "dev") != dev
    result = call_script(clone, "rollback", "dev", "--yes", "--reason", "wrong")
    assert result.exit_code == 0, result.stderr
    assert image(clone, "dev") == dev


def test_a_rollback_to_an_image_that_is_gone_is_refused_and_can_build_it_anew(
    clone: Path, registry: Registry, dev: dict[str, str]
) -> None:
    change(clone)
    promote(clone, "main", "dev")
    registry.forget(NAME, dev["digest"])
    forget_images(registry)
    error = refused(clone, "rollback", "dev", "--yes", "--reason", "wrong")
    assert (error["code"], error["exit_code"]) == ("image-missing", 6)
    words = shlex.split(error["fix"].rpartition("scripts/rollback.py ")[2])
    result = call_script(clone, "rollback", *words, "--yes")
    assert result.exit_code == 0, result.stderr
    assert image(clone, "dev")["digest"] == registry.digest(NAME, dev["tag"])


def test_a_kept_plan_goes_the_same_way(clone: Path, registry: Registry, dev: dict[str, str]) -> None:
    planned = call_script(clone, "promote", "dev", "staging", "--plan", "-o", "plan.json", "--json")
    assert planned.document["plan"]["image"] == dev
    overwrite(registry, dev["tag"])
    assert refused(clone, "promote", "apply", "plan.json")["code"] == "image-overwritten"


@pytest.fixture
def merged(clone: Path, dev: dict[str, str]) -> dict[str, str]:
    """What staging says of its image, after a pull request for its second release was merged."""
    promote(clone, "dev", "staging")
    change(clone)
    promote(clone, "main", "dev")
    promote(clone, "dev", "staging", "--pr")
    proposed = head(clone, "release/staging/2")
    git(remote_of(clone), "update-ref", "refs/heads/env/staging", proposed)
    assert image(clone, "staging") == image(clone, "dev") != dev
    return image(clone, "staging")


@pytest.mark.usefixtures("merged")
def test_a_pull_request_whose_image_is_there_is_finalized(clone: Path) -> None:
    result = call_script(clone, "promote", "finalize", "staging", "--json")
    assert (result.exit_code, result.document["finalized"]) == (0, [2]), result.stderr


def test_a_pull_request_whose_image_is_gone_is_not_finalized(
    clone: Path, registry: Registry, merged: dict[str, str]
) -> None:
    registry.forget(NAME, merged["digest"])
    error = refused(clone, "promote", "finalize", "staging")
    assert (error["code"], error["exit_code"]) == ("image-missing", 6)


def test_a_smoke_test_gets_the_image_that_the_registry_has(
    clone: Path, registry: Registry, dev: dict[str, str]
) -> None:
    forget_images(registry)
    ensure_same(tree_of(clone), Wanted(dev["repository"], pushed=True))
    pulled = docker("image", "inspect", "--format", "{{json .RepoDigests}}", f"{dev['repository']}:{dev['tag']}")
    assert f"{dev['repository']}@{dev['digest']}" in pulled


def test_a_rehearsal_pushes_nothing(clone: Path, registry: Registry) -> None:
    tag = planned_tag(clone)
    assert call_script(clone, "promote", "rehearse", "main", "dev").exit_code == 0
    assert registry.digest(NAME, tag) is None


def planned_tag(clone: Path) -> str:
    plan: dict[str, Any] = call_script(clone, "promote", "main", "dev", "--plan", "--json").document["plan"]
    return str(plan["image"]["tag"])


def test_values_may_name_where_the_cluster_pulls_from(clone: Path, registry: Registry) -> None:
    path = clone / "environments" / "dev" / "values.yaml"
    path.write_text(f"{path.read_text()}image: {{repository: mirror.example.com/mage}}\n")
    push(clone)
    promote(clone, "main", "dev")
    assert image(clone, "dev").keys() == {"tag", "digest"}


def test_without_the_registry_file_a_release_has_a_tag_alone(clone: Path) -> None:
    (clone / "environments" / "registry.yaml").unlink()
    push(clone)
    promote(clone, "main", "dev")
    assert image(clone, "dev").keys() == {"tag"}


def test_a_rollback_needs_no_main_to_know_the_registry(clone: Path, dev: dict[str, str]) -> None:
    change(clone)
    promote(clone, "main", "dev")
    write(clone, {"environments/registry.yaml": "repository: [broken\n"})
    push(clone)
    result = call_script(clone, "rollback", "dev", "--yes", "--reason", "wrong")
    assert result.exit_code == 0, result.stderr
    assert image(clone, "dev") == dev
