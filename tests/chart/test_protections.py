"""Each protection is taken out of a copy of the chart once, and the test that guards it fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chart import test_access, test_every_object, test_every_pod, test_network
from chart.engine import Engine, Object
from chart.rendering import Renderer
from chart.scenarios import CHART, environment

Check = Callable[[list[Object]], None]
PROD = environment("prod")


def _tokens(objects: list[Object]) -> None:
    test_every_pod.test_mounts_a_token_only_where_the_api_is_used(objects, PROD)


def _secrets(objects: list[Object]) -> None:
    test_every_pod.test_refers_to_secrets_of_the_credentials_or_of_the_values(objects, PROD)


def _policies(objects: list[Object]) -> None:
    test_network.test_every_pod_is_under_a_policy_of_its_own(objects, PROD)


def _matrix(objects: list[Object]) -> None:
    assert test_network.matrix(objects, PROD.namespace) == test_network.MATRIX


def _scheduler_role(objects: list[Object]) -> None:
    assert test_access.rules(objects, "mage-prod-scheduler") == test_access.EXECUTOR_RULES


PROTECTIONS: dict[str, tuple[str, str, str, Check]] = {
    "capabilities": ("_security.tpl", "drop: [ALL]", "drop: []", test_every_pod.test_is_restricted),
    "escalation": (
        "_security.tpl",
        "allowPrivilegeEscalation: false",
        "allowPrivilegeEscalation: true",
        test_every_pod.test_is_restricted,
    ),
    "read-only": (
        "_security.tpl",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        test_every_pod.test_cannot_write_to_its_image,
    ),
    "host-path": (
        "_pod.tpl",
        "- name: tmp\n  emptyDir: {}",
        "- name: tmp\n  hostPath: {path: /tmp}",
        test_every_pod.test_is_restricted,
    ),
    "web-token": (
        "web/deployment.yaml",
        "automountServiceAccountToken: false",
        "automountServiceAccountToken: true",
        _tokens,
    ),
    "account-token": (
        "web/serviceaccount.yaml",
        "automountServiceAccountToken: false",
        "automountServiceAccountToken: true",
        test_every_pod.test_an_account_gives_no_token_by_itself,
    ),
    "own-account": (
        "schedules/job.yaml",
        'serviceAccountName: {{ include "mage.schedules.name" . }}',
        'serviceAccountName: {{ include "mage.web.name" . }}',
        test_every_pod.test_has_an_account_of_its_own,
    ),
    "resources": (
        "web/deployment.yaml",
        '"resources" .Values.web.resources "env"',
        '"resources" dict "env"',
        test_every_pod.test_says_what_it_needs,
    ),
    "probes": (
        "scheduler/statefulset.yaml",
        "livenessProbe:",
        "x-probe:",
        test_every_pod.test_is_probed_while_it_runs,
    ),
    "validity": (
        "scheduler/statefulset.yaml",
        "livenessProbe:",
        "x-probe:",
        lambda objects: test_every_object.test_is_valid_for_kubernetes(objects, "1.34"),
    ),
    "literal-secret": (
        "web/_env.tpl",
        "- name: JWT_SECRET\n",
        "- {name: SIGNING_SECRET, value: materia}\n- name: JWT_SECRET\n",
        test_every_pod.test_takes_secrets_by_reference_only,
    ),
    "unknown-secret": ("web/_env.tpl", '"jwt-secret"', '"jwt-sceret"', _secrets),
    "wildcard": (
        "scheduler/role.yaml",
        "verbs: [create, get, delete]",
        'verbs: ["*"]',
        test_access.test_no_rule_holds_a_wildcard,
    ),
    "narrow-role": ("scheduler/role.yaml", "resources: [pods]", "resources: [pods, secrets]", _scheduler_role),
    "policy": ("scheduler/networkpolicy.yaml", "[Ingress, Egress]", "[Egress]", _policies),
    "postgres-peers": ("postgres/networkpolicy.yaml", "- from:", "- x-from:", _matrix),
    "same-pod": (
        "web/_env.tpl",
        "- name: JWT_SECRET\n",
        "- {name: ENV, value: other}\n- name: JWT_SECRET\n",
        test_every_pod.test_gives_each_variable_once,
    ),
    "one-scheduler": (
        "scheduler/statefulset.yaml",
        "kind: StatefulSet",
        "kind: Deployment",
        test_every_pod.test_the_scheduler_is_alone,
    ),
    "grace": (
        "scheduler/statefulset.yaml",
        "add .Values.scheduler.drainSeconds 30",
        "add 30 0",
        test_every_pod.test_a_stopping_pod_has_longer_than_it_needs_to_drain,
    ),
}


@pytest.mark.parametrize(("file", "before", "after", "check"), PROTECTIONS.values(), ids=PROTECTIONS)
def test_without_it_a_test_fails(
    engine: Engine, tmp_path: Path, file: str, before: str, after: str, check: Check
) -> None:
    copy = tmp_path / CHART.name
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("__pycache__"))
    check(Renderer(engine, copy).scenario(PROD))
    template = copy / "templates" / file
    text = template.read_text()
    assert text.count(before) >= 1, f"{file} has no {before!r} any more"
    template.write_text(text.replace(before, after))
    objects = Renderer(engine, copy).scenario(PROD)
    with pytest.raises(AssertionError):
        check(objects)
