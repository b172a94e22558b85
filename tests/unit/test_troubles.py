"""Why objects do not come up: told from objects and events that were recorded from a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promotion.cluster.state import State
from promotion.cluster.troubles import Trouble, troubles

RECORDED = Path(__file__).with_name("clusters")
PULL = (
    'failed to do request: Head "https://registry.example.com/v2/library/{0}/manifests/nonesuch": dial tcp: '
    "lookup registry.example.com on 10.96.0.10:53: no such host"
)
FROM_THE_FUTURE = (
    "The schema in the database mage at mage-dev-postgres, port 5432 is at revision fromthefuture, which only a "
    "newer Mage knows"
)
REASONS = {
    "claim": "PersistentVolumeClaim mage-dev-data: it stays pending: storageclass.storage.k8s.io "
    '"nonesuch" not found',
    "crash": "Pod mage-dev-postgres-0: container postgres ended with exit code 1: 2026-11-29 18:22:01.143 GMT [1] "
    'FATAL: configuration file "/etc/postgresql/postgresql.conf" contains errors',
    "image": "Pod mage-dev-credentials-9dz4w: container credentials: the image mage:nonesuch cannot be pulled: "
    + PULL.format("mage"),
    "key": "Pod mage-dev-scheduler-0: container prepare: couldn't find key nonesuch in Secret dev/warehouse",
    "migration": f"Pod mage-dev-scheduler-0: container prepare ended with exit code 1: {FROM_THE_FUTURE}",
    "postgresimage": "Pod mage-dev-postgres-0: container postgres: the image postgres:nonesuch cannot be pulled: "
    + PULL.format("postgres"),
    # Mage's pods failed as well, because they waited for PostgreSQL.
    "prepare": "Pod mage-dev-postgres-0: container postgres: the image postgres:nonesuch cannot be pulled: ",
    "quota": "Job mage-dev-credentials: it can make no pod: Error creating: pods "
    '"mage-dev-credentials-p5s5v" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0',
    "secretenv": 'Pod mage-dev-scheduler-0: container prepare: secret "warehouse" not found',
    "secretvolume": 'Pod mage-dev-scheduler-0: MountVolume.SetUp failed for volume "x" : '
    'secret "nonesuch" not found',
    "unschedulable": "Pod mage-dev-scheduler-0: no node takes it: 0/1 nodes are available: 1 Insufficient memory",
}


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return document


def found(document: dict[str, Any]) -> list[Trouble]:
    return troubles(State(document["objects"], document["events"]))


def object_in(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in document["objects"] if each["metadata"]["name"] == name)


def test_every_record_is_read() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == REASONS.keys()


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_comes_first(name: str) -> None:
    assert str(found(recorded(name))[0]).startswith(REASONS[name])


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_is_one_line(name: str) -> None:
    assert all(str(trouble).isprintable() for trouble in found(recorded(name)))


def test_a_password_in_the_last_line_is_not_told() -> None:
    document = recorded("migration")
    (container,) = object_in(document, "mage-dev-scheduler-0")["status"]["initContainerStatuses"]
    container["state"]["terminated"]["message"] = "cannot open postgresql://mage:tell-nobody@db/mage"
    assert str(found(document)[0]).endswith("cannot open postgresql://…@db/mage")


def test_what_only_waits_for_something_else_is_not_told() -> None:
    assert len(found(recorded("claim"))) == 1, "both pods wait for the claim"
    assert len(found(recorded("postgresimage"))) == 1, "both pods wait for PostgreSQL"


def test_what_runs_beside_it_is_no_trouble() -> None:
    told = [trouble.name for trouble in found(recorded("migration"))]
    assert told == ["mage-dev-scheduler-0", "mage-dev-web-844954fd97-wmsb9"]


def test_a_pod_that_goes_away_is_no_trouble() -> None:
    document = recorded("postgresimage")
    object_in(document, "mage-dev-postgres-0")["metadata"]["deletionTimestamp"] = "2026-11-29T17:12:00Z"
    assert found(document) == []


def test_one_failure_of_what_starts_again_is_no_trouble_yet() -> None:
    document = recorded("migration")
    (container,) = object_in(document, "mage-dev-scheduler-0")["status"]["initContainerStatuses"]
    container["restartCount"] = 0
    assert [trouble.name for trouble in found(document)] == ["mage-dev-web-844954fd97-wmsb9"]


def test_one_failure_is_enough_for_what_starts_once() -> None:
    document = recorded("migration")
    pod = object_in(document, "mage-dev-scheduler-0")
    pod["spec"]["restartPolicy"] = "Never"
    pod["status"]["initContainerStatuses"][0]["restartCount"] = 0
    assert found(document)[0].name == "mage-dev-scheduler-0"


@pytest.mark.parametrize(("conditions", "may_heal"), [([], True), ([{"type": "Failed"}], False)])
def test_a_job_may_try_again_until_it_has_failed(conditions: list[dict[str, str]], may_heal: bool) -> None:
    document = recorded("migration")
    pod, job = (object_in(document, name) for name in ("mage-dev-scheduler-0", "mage-dev-schedules"))
    pod["spec"]["restartPolicy"] = "Never"
    pod["metadata"]["ownerReferences"] = [{"kind": "Job", "uid": job["metadata"]["uid"]}]
    job["status"]["conditions"] = conditions
    assert found(document)[0].may_heal is may_heal


def test_what_failed_before_and_is_ready_again_is_no_trouble() -> None:
    document = recorded("migration")
    for each in document["objects"]:
        for container in each["status"].get("initContainerStatuses", []):
            container["ready"] = True
    assert found(document) == []


def test_a_pod_for_which_a_node_is_being_made_may_heal() -> None:
    document = recorded("unschedulable")
    pod = object_in(document, "mage-dev-scheduler-0")
    assert [trouble.may_heal for trouble in found(document)] == [False]
    about = {"kind": "Pod", "uid": pod["metadata"]["uid"]}
    made = {"creationTimestamp": "2026-11-29T17:10:00Z"}
    document["events"].append(
        {"type": "Normal", "reason": "TriggeredScaleUp", "message": "", "involvedObject": about, "metadata": made}
    )
    assert [trouble.may_heal for trouble in found(document)] == [True]


def test_a_pod_may_get_the_place_of_one_that_goes_away() -> None:
    document = recorded("unschedulable")
    object_in(document, "mage-dev-postgres-0")["metadata"]["deletionTimestamp"] = "2026-11-29T17:12:00Z"
    assert [trouble.may_heal for trouble in found(document)] == [True]


def test_a_volume_that_is_attached_elsewhere_may_heal() -> None:
    document = recorded("secretvolume")
    assert [trouble.may_heal for trouble in found(document)] == [False, False]
    for event in document["events"]:
        if event["reason"] == "FailedMount":
            event["message"] = "Multi-Attach error for volume x: it is used by pod(s) mage-dev-web-1"
    assert [trouble.may_heal for trouble in found(document)] == [True, True]


def test_what_was_wrong_before_a_pod_went_on_is_no_trouble() -> None:
    document = recorded("secretvolume")
    for name in ("mage-dev-scheduler-0", "mage-dev-web-5ff9ccd4d-khwhq"):
        about = {"kind": "Pod", "uid": object_in(document, name)["metadata"]["uid"]}
        made = {"creationTimestamp": "2026-11-29T19:00:00Z"}
        document["events"].append(
            {"type": "Normal", "reason": "Pulling", "message": "", "involvedObject": about, "metadata": made}
        )
    assert found(document) == []
