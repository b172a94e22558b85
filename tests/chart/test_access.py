"""What accounts may do, and what nobody may read: RBAC and secrets in the rendered text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chart.engine import Object
from chart.objects import of_kind, one, walk
from chart.rendering import Renderer
from chart.scenarios import Scenario, ci_scenario

EXECUTOR_RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "delete"]},
]
UNTIL = "2027-01-31T09:15:00Z"
CREATE_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}
# Values that look like secrets of every kind, given where an operator names things: none may come out as a literal
# besides the places that name a Secret or a key.
CANARY = "canary-7d1f"


def rules(objects: list[Object], name: str) -> Any:
    """Return the rules of a Role."""
    return one(objects, "Role", name)["rules"]


def test_there_are_no_roles_but_those_of_credentials_scheduler_and_preview(objects: list[Object]) -> None:
    components = {role["metadata"]["labels"]["app.kubernetes.io/component"] for role in of_kind(objects, "Role")}
    assert components <= {"credentials", "scheduler", "preview"}


def test_a_preview_may_remove_its_own_namespace_and_no_other(render: Renderer) -> None:
    objects = render({"env": "dev", "preview": {"until": UNTIL}}, namespace="preview-pr-12")
    rule = {
        "apiGroups": [""],
        "resources": ["namespaces"],
        "resourceNames": ["preview-pr-12"],
        "verbs": ["get", "delete"],
    }
    assert rules(objects, "mage-preview") == [rule]
    assert not of_kind(objects, "ClusterRole", "ClusterRoleBinding")


def test_nothing_but_a_preview_may_touch_its_namespace(render: Renderer) -> None:
    everywhere = [rule for role in of_kind(render({"env": "dev"}), "Role") for rule in role["rules"]]
    assert not [rule for rule in everywhere if "namespaces" in rule["resources"]]


@pytest.mark.parametrize(("minute", "schedule"), [("00", "0 * * * *"), ("09", "9 * * * *"), ("45", "45 * * * *")])
def test_a_preview_looks_at_the_minute_of_its_end(render: Renderer, minute: str, schedule: str) -> None:
    objects = render({"env": "dev", "preview": {"until": f"2027-01-31T09:{minute}:00Z"}})
    spec = one(objects, "CronJob", "mage-preview")["spec"]
    assert (spec["schedule"], spec["timeZone"]) == (schedule, "Etc/UTC")


def test_no_rule_holds_a_wildcard(objects: list[Object]) -> None:
    all_rules = [rule for role in of_kind(objects, "Role") for rule in role["rules"]]
    assert not any("*" in entries for rule in all_rules for entries in rule.values())


def test_the_scheduler_may_do_what_mages_executor_does_and_no_more(render: Renderer) -> None:
    assert rules(render(ci_scenario("executor-k8s").values), "mage-scheduler") == EXECUTOR_RULES


def test_without_executor_jobs_the_scheduler_may_do_nothing(render: Renderer) -> None:
    objects = render(ci_scenario("no-postgres").values)
    assert {role["metadata"]["name"] for role in of_kind(objects, "Role")} == {"mage-credentials"}


def test_credentials_are_created_and_completed_but_never_deleted(render: Renderer) -> None:
    own = {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": ["mage-credentials"],
        "verbs": ["get", "patch"],
    }
    assert rules(render({"env": "dev"}), "mage-credentials") == [CREATE_SECRETS, own]


def test_credentials_that_are_not_kept_may_be_deleted(render: Renderer) -> None:
    objects = render({"env": "dev", "credentials": {"keepOnUninstall": False}})
    assert rules(objects, "mage-credentials")[1]["verbs"] == ["get", "patch", "delete"]


def test_with_a_secret_of_theirs_nothing_may_touch_secrets(render: Renderer) -> None:
    objects = render(ci_scenario("existing-credentials").values)
    assert of_kind(objects, "Role", "RoleBinding", "Job") == of_kind(objects, "Job")
    assert {job["metadata"]["name"] for job in of_kind(objects, "Job")} == {"mage-schedules"}


def test_no_secret_is_rendered(objects: list[Object]) -> None:
    assert of_kind(objects, "Secret") == []


@pytest.mark.parametrize(
    "values",
    [
        {"io": {"secrets": {"CANARY": {"name": CANARY, "key": CANARY}}}},
        {"credentials": {"existingSecret": CANARY}},
        {
            "postgres": {"enabled": False},
            "database": {"external": {"host": "db", "passwordSecret": {"name": CANARY}}},
        },
        {"postgres": {"enabled": False}, "database": {"external": {"urlSecret": {"name": CANARY, "key": CANARY}}}},
        {
            "project": {
                "source": "git",
                "git": {"repository": "https://x", "auth": "password", "existingSecret": CANARY},
            }
        },
        {"pod": {"env": {"CANARY": {"valueFrom": {"secretKeyRef": {"name": CANARY, "key": CANARY}}}}}},
    ],
    ids=["io", "credentials", "password", "url", "git", "pod-env"],
)
def test_what_names_a_secret_comes_out_only_as_a_reference(render: Renderer, values: dict[str, Any]) -> None:
    found = [path for item in render({"env": "dev"}, values) for path, value in walk(item) if value == CANARY]
    assert found
    assert all(_is_reference(path) for path in found)


def _is_reference(path: tuple[str, ...]) -> bool:
    return path[-2:] in (("secretKeyRef", "name"), ("secretKeyRef", "key")) or path[-1] == "secretName"


def test_no_url_with_a_password_is_rendered(render: Renderer, scenario: Scenario) -> None:
    text = render.text(scenario.values, release=scenario.release, namespace=scenario.namespace)
    manifests = text.replace("\\n", "\n")
    code = "mage_pod"  # which speaks of URLs
    objects = [item for item in render.scenario(scenario) if not item["metadata"]["name"].endswith("-app")]
    assert code in manifests
    assert not any(re.search(r"://[^/@\s]*:[^/@\s]+@", str(value)) for item in objects for _, value in walk(item))
