"""What an installation would change, by object and key; and whether what runs is what was installed."""

from __future__ import annotations

from typing import Any

from promotion.cluster.running import differences
from promotion.cluster.state import State
from promotion.deploying.differences import Change, Field, changes


def an_object(kind: str = "ConfigMap", name: str = "mage-app", **content: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, **content}


def fields(before: dict[str, Any], after: dict[str, Any]) -> list[Field]:
    (change,) = changes([before], [after])
    assert change.what == "changed"
    return list(change.fields)


def test_equal_objects_are_no_change() -> None:
    assert changes([an_object(data={"a": "1"})], [an_object(data={"a": "1"})]) == []


def test_an_object_comes_and_another_goes() -> None:
    told = changes([an_object(name="old")], [an_object(name="new")])
    assert told == [Change("added", "ConfigMap", "new"), Change("removed", "ConfigMap", "old")]


def test_what_the_cluster_writes_is_no_change() -> None:
    before = an_object(status={"replicas": 1})
    before["metadata"] |= {"uid": "1", "generation": 4, "annotations": {"meta.helm.sh/release-name": "mage-dev"}}
    assert changes([before], [an_object()]) == []


def test_entries_of_lists_go_by_their_names() -> None:
    before = an_object(spec={"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]})
    after = an_object(spec={"env": [{"name": "NEW", "value": "0"}, {"name": "B", "value": "3"}]})
    told = {(field.key, field.before, field.after) for field in fields(before, after)}
    assert told == {
        ("spec.env[NEW].value", None, "0"),
        ("spec.env[B].value", "2", "3"),
        ("spec.env[A].value", "1", None),
    }


def test_of_long_texts_the_lines_that_differ_are_counted() -> None:
    before, after = an_object(data={"a.py": "one\ntwo\n"}), an_object(data={"a.py": "one\n2\n3\n"})
    assert fields(before, after) == [Field("data.a.py", "1 line", "2 lines")]


def test_no_value_of_a_secret_is_told() -> None:
    before = an_object("Secret", stringData={"password": "correct horse"})
    after = an_object("Secret", stringData={"password": "battery staple", "token": "tell nobody"})
    told = str(changes([before], [after]))
    assert "password" in told
    assert not any(value in told for value in ("correct", "battery", "nobody"))


def test_a_password_in_an_address_is_not_told() -> None:
    before = an_object(data={"url": "https://a:first@db"})
    after = an_object(data={"url": "https://a:second@db2"})
    assert fields(before, after) == [Field("data.url", "https://…@db", "https://…@db2")]


# What runs


def workload(number: str = "2", image: str = "mage:src-2") -> dict[str, Any]:
    spec = {"containers": [{"name": "mage", "image": image}]}
    labels = {"component": "web"}
    content = {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"spec": spec}}
    made = an_object("Deployment", "mage-web", spec=content)
    made["metadata"]["annotations"] = {"mage/release": number}
    return made


def pod(image: str = "mage:src-2", *, ready: bool = True, image_id: str = "", **metadata: str) -> dict[str, Any]:
    made = an_object("Pod", "mage-web-1", spec={"containers": [{"name": "mage", "image": image}]})
    made["metadata"] |= {"labels": {"component": "web", "more": "x"}, **metadata}
    made["status"] = {"containerStatuses": [{"name": "mage", "ready": ready, "imageID": image_id}]}
    return made


def wrong(*objects: dict[str, Any], installed: dict[str, Any] | None = None) -> list[str]:
    return list(differences(State(objects), [installed or workload(), an_object()]))


def test_what_runs_as_installed_has_no_difference() -> None:
    assert wrong(workload(), pod()) == []


def test_the_same_version_from_a_mirror_is_no_difference() -> None:
    pinned = "registry.example.com/mage@sha256:0a"
    mirrored = pod("mirror.example.com/mage@sha256:0a")
    assert wrong(workload(), mirrored, installed=workload(image=pinned)) == []


def test_a_workload_is_missing() -> None:
    assert wrong(pod()) == ["Deployment mage-web: it is not there"]


def test_another_release_is_told() -> None:
    assert wrong(workload("1"), pod()) == ["Deployment mage-web: it is of release 1, not 2"]


def test_another_image_is_told() -> None:
    assert wrong(workload(), pod("mage:src-1")) == [
        "Deployment mage-web: pod mage-web-1: container mage runs mage:src-1, not mage:src-2"
    ]


def test_a_pod_that_is_not_ready_is_told() -> None:
    assert wrong(workload(), pod(ready=False)) == [
        "Deployment mage-web: pod mage-web-1: container mage is not ready"
    ]


def test_a_pod_that_goes_away_does_not_count() -> None:
    leaving = pod("mage:src-1", deletionTimestamp="2026-11-29T17:12:00Z")
    assert wrong(workload(), pod(), leaving) == []
    assert wrong(workload(), leaving) == ["Deployment mage-web: 0 of 1 pods are there"]
