"""`preview.py` up to the cluster: its programs are stand-ins here, and tests/kind has the real ones."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import stock
from basics.errors import GateRefused
from basics.kubectl import Namespace
from helpers import call_script, commit, push, refused, tree_of, write_policy, write_program
from mage_pod.preview_end import read_until
from promotion.configuration.environment import load_environment
from promotion.previews.install import preview_values
from promotion.previews.preview import Preview
from promotion.showing.preview import shown_preview, shown_previews

VALUES = "environments/dev/values.yaml"
CHART_VALUES = "postgres: {image: {repository: postgres, tag: '18'}}\n"
NOTHING = '{"items": []}'
PROGRAMS = {
    "docker": "",
    "kind": "",
    "kubectl": f"""case " $* " in
        *" get-contexts "*) echo 'kind-data\ndata';;
        *" get namespace "*) ;;
        *" get "*) echo '{NOTHING}';;
    esac""",
    "helm": """case " $* " in
        *" version "*) echo v4.1.0;;
        *" history "*) echo 'Error: release: not found' >&2; exit 1;;
        *" upgrade "*) echo 'Error: out of luck' >&2; exit 1;;
    esac""",
}
UNTIL = datetime(2027, 1, 31, 9, 5, tzinfo=UTC)
PREVIEW = Preview(Namespace("preview-pr-12", context="data"), "dev", "0" * 40, UNTIL)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose dev is in a kind cluster."""
    for name, script in PROGRAMS.items():
        write_program(tmp_path / "programs" / name, script)
    clone = stock.make_clone(tmp_path / "a team's work", {"charts/mage/values.yaml": CHART_VALUES})
    place(clone, "kind-data")
    return clone


def place(clone: Path, context: str) -> None:
    write_policy(clone, "dev", gates=[], cluster={"context": context})
    push(clone)


def refusal(clone: Path, *arguments: str) -> dict[str, Any]:
    path = f"{clone.parent.parent / 'programs'}:{os.environ['PATH']}"
    return refused(clone, "preview", *arguments, PATH=path)


@pytest.mark.parametrize("name", ["PR-12", "pr_12", "pr-", "a" * 56, "pr.12", ""])
def test_a_name_that_no_namespace_can_have_is_refused(clone: Path, name: str) -> None:
    for verb in ("start", "stop"):
        error = refusal(clone, verb, name)
        assert (error["code"], error["exit_code"]) == ("bad-name", 64)
        assert "at most 55" in error["fix"]


@pytest.mark.parametrize(
    "words",
    [
        ("start",),
        ("stop",),
        ("list", "pr-12"),
        ("pause", "pr-12"),
        *(("start", "pr-12", "--hours", hours) for hours in ("0", "-1", "721", "nan", "soon")),
    ],
)
def test_a_command_line_that_says_nothing_is_refused(clone: Path, words: tuple[str, ...]) -> None:
    error = refusal(clone, *words)
    assert (error["code"], error["exit_code"]) == ("usage", 64)


def test_a_dev_without_a_cluster_is_told_what_to_write(clone: Path) -> None:
    write_policy(clone, "dev", cluster={})
    push(clone)
    for words in (("start", "pr-12"), ("stop", "pr-12"), ("list",)):
        assert refusal(clone, *words)["code"] == "no-context"


def test_a_cluster_that_needs_a_registry_is_told_what_to_write(clone: Path) -> None:
    place(clone, "data")
    error = refusal(clone, "start", "pr-12")
    assert (error["code"], error["exit_code"]) == ("no-registry", 64)
    assert "environments/registry.yaml" in error["fix"]


def test_code_that_cannot_load_is_refused(clone: Path) -> None:
    write_policy(clone, "dev", gates=["static"])
    push(clone)
    (clone / "mage_project/data_loaders/load_stock.py").write_text("def (:\n")
    commit(clone)
    error = refusal(clone, "start", "pr-12")
    assert (error["code"], error["exit_code"]) == ("static-gate", 3)


def test_what_does_not_come_up_is_told_with_its_reason_and_stays(clone: Path) -> None:
    error = refusal(clone, "start", "pr-12")
    assert (error["code"], error["exit_code"]) == ("preview-not-up", 7)
    assert "out of luck" in error["message"]
    assert "kubectl --namespace=preview-pr-12 --context=kind-data get pods,events" in error["fix"]


def test_a_helm_that_was_cut_off_is_told_with_the_way_out(clone: Path) -> None:
    revision = json.dumps({"version": 1, "info": {"status": "pending-install"}, "manifest": ""})
    cases = f"""*" history "*) echo '[{{"revision": 1}}]';; *" status "*) echo '{revision}';; *) echo v4.1.0;;"""
    write_program(clone.parent.parent / "programs" / "helm", f'case " $* " in {cases} esac')
    error = refusal(clone, "start", "pr-12")
    assert (error["code"], error["exit_code"]) == ("helm-at-work", 5)
    assert error["fix"].endswith("helm --namespace=preview-pr-12 --kube-context=kind-data uninstall mage")


def test_an_end_that_is_no_time_is_told_with_the_command_that_sets_it(clone: Path) -> None:
    metadata = {"name": "preview-pr-12", "labels": {"mage/preview": "dev"}}
    found = json.dumps({"items": [{"metadata": metadata | {"annotations": {"mage/preview-until": "soon"}}}]})
    cases = f"""*get-contexts*) echo kind-data;; *) echo '{found}';;"""
    write_program(clone.parent.parent / "programs" / "kubectl", f'case "$*" in {cases} esac')
    error = refusal(clone, "list")
    assert (error["code"], error["exit_code"]) == ("not-a-preview", 5)
    assert "annotate namespace preview-pr-12 mage/preview-until=" in error["fix"]


def test_an_end_without_a_zone_is_in_utc() -> None:
    assert read_until("2027-01-31T09:05") == read_until("2027-01-31T09:05:00Z") == UNTIL


def test_without_previews_there_is_a_line_that_says_so(clone: Path) -> None:
    path = f"{clone.parent.parent / 'programs'}:{os.environ['PATH']}"
    result = call_script(clone, "preview", "list", PATH=path)
    assert (result.exit_code, result.stdout.strip()) == (0, "there is no preview")


def changed_values(clone: Path, preview: Preview = PREVIEW, **changes: Any) -> dict[str, Any]:
    """Return the values of a preview of dev with `changes`."""
    file = clone / VALUES
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | changes))
    tree = tree_of(clone)
    return preview_values(tree, load_environment(tree, "dev"), "mage:src-1", preview)


def test_every_schedule_is_listed_and_off_and_none_takes_a_token_of_dev(clone: Path) -> None:
    called = {"pipeline": "stock", "type": "api", "enabled": True, "timeout": 60}
    daily = {"pipeline": "stock", "interval": "@daily", "enabled": True, "timeout": 60, "variables": {}}
    token = {"token": {"name": "of-dev", "key": "token"}}
    schedules = changed_values(clone, schedules={"called": called | token, "daily": daily})["schedules"]
    assert schedules == {"called": called | {"enabled": False}, "daily": daily | {"enabled": False}}


def test_an_address_is_an_entrance_as_dev_has_its_own(clone: Path) -> None:
    assert "ingress" not in changed_values(clone)
    here = replace(PREVIEW, url="https://pr-12.previews.example.com")
    assert changed_values(clone, here)["ingress"] == {"enabled": True, "host": "pr-12.previews.example.com"}
    of_dev = {"enabled": True, "host": "dev.example.com", "className": "nginx", "tlsSecret": "tls"}
    expected = of_dev | {"host": "pr-12.previews.example.com"}
    assert changed_values(clone, here, ingress=of_dev)["ingress"] == expected
    route = {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": ["dev.example.com"]}
    values = changed_values(clone, here, ingress={}, httpRoute=route)
    assert values["httpRoute"] == route | {"hostnames": ["pr-12.previews.example.com"]}
    assert "ingress" not in values


def test_where_it_opens_is_told() -> None:
    forwarded, addressed = (
        shown_preview(replace(PREVIEW, url=url)) for url in (None, "https://pr-12.example.com")
    )
    assert "port-forward service/mage-web 6789:80" in forwarded.lines[1][0]
    assert addressed.lines[1][0].split() == ["open", "https://pr-12.example.com"]
    assert addressed.document["forward"] is None
    assert [line for line, _ in shown_previews([addressed.document]).lines] == [
        "preview pr-12: dev after a merge of 00000000, until 2027-01-31 09:05 UTC",
        "  open      https://pr-12.example.com",
    ]


def test_its_end_is_a_minute_that_the_chart_takes(clone: Path) -> None:
    assert changed_values(clone)["preview"] == {"until": "2027-01-31T09:05:00Z"}


def test_a_profile_that_would_reach_the_real_database_is_refused(clone: Path) -> None:
    (clone / "mage_project/io_config.yaml").write_text("default:\n  POSTGRES_HOST: db.example.com\n")
    with pytest.raises(GateRefused) as refusal:
        changed_values(clone)
    assert refusal.value.code == "cannot-bind"
