"""What the static gate says of a chart that Helm could not install with the values of the environment."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from helpers import (
    SECRET,
    call_script,
    only,
    places,
    promote,
    push,
    released_text,
    static_findings,
    values,
    write,
    write_environment_gates,
)
from promotion.record.release import Image

CHART = Path(__file__).resolve().parents[2] / "charts/mage"
VALUES = "environments/dev/values.yaml"


@pytest.fixture
def with_chart(sources: Path) -> Path:
    """The small project with the chart of this repository."""
    shutil.copytree(CHART, sources / "charts/mage", dirs_exist_ok=True)
    return sources


def test_a_chart_that_helm_can_render_passes(with_chart: Path) -> None:
    assert static_findings(with_chart) == []


@pytest.mark.parametrize(
    ("text", "key", "nearest", "line"),
    [
        ("executer: {type: k8s}\n", "executer", "executor", 1),
        ("web:\n  resourcs: {}\n", "web.resourcs", "resources", 2),
        ("postgres: {databasez: []}\n", "postgres.databasez", "databases", 1),
    ],
)
def test_a_key_that_the_chart_does_not_know_is_named_with_the_nearest(
    with_chart: Path, text: str, key: str, nearest: str, line: int
) -> None:
    finding = only(static_findings(with_chart, {VALUES: text + values("dev")}))
    assert places([finding]) == [("chart-refuses-values", VALUES, line)]
    assert (finding.problem, finding.fix) == (f"{key}: is not a value of the chart", f"write {nearest}")


def test_a_key_that_only_a_newer_chart_knows_says_how_it_gets_there(with_chart: Path) -> None:
    finding = only(static_findings(with_chart, {VALUES: values("dev", quantumComputer={})}))
    assert "promote all pipelines if a newer charts/mage knows it" in finding.fix


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"executor": {"type": "pod"}}, "executor.type"),
        ({"scheduler": {"replicas": "one"}}, "scheduler.replicas"),
        ({"image": {"digest": "latest"}}, "image.digest"),
        ({"image": "mage"}, "image"),
    ],
)
def test_a_value_that_the_schema_refuses_is_named_by_its_key(
    with_chart: Path, changes: dict[str, Any], key: str
) -> None:
    finding = only(static_findings(with_chart, {VALUES: values("dev", **changes)}))
    assert finding.code == "chart-refuses-values"
    assert finding.problem.startswith(f"{key}: ")


def test_all_that_the_charts_own_rules_refuse_is_told_at_once(with_chart: Path) -> None:
    changes: dict[str, Any] = {"scheduler": {"replicas": 2}, "project": {"source": "git"}}
    findings = static_findings(with_chart, {VALUES: values("dev", **changes)})
    assert [finding.problem.split(":")[0] for finding in findings] == [
        "project.git.repository",
        "scheduler.replicas",
    ]
    assert all(finding.code == "chart-refuses-values" for finding in findings)


def test_a_secret_in_the_place_of_its_name_is_not_repeated(with_chart: Path) -> None:
    io = {"settings": {"WAREHOUSE_HOST": "w"}, "secrets": {"WAREHOUSE_PASSWORD": {"name": f"{SECRET}!"}}}
    finding = only(static_findings(with_chart, {VALUES: values("dev", io=io)}))
    assert finding.problem.startswith("io.secrets.WAREHOUSE_PASSWORD.name: does not match")
    assert SECRET not in repr(finding)


def test_a_template_that_does_not_render_is_told_in_helms_words(with_chart: Path) -> None:
    finding = only(static_findings(with_chart, {"charts/mage/templates/broken.yaml": "a: {{ .Values.a.b }}\n"}))
    assert places([finding]) == [("chart-does-not-render", "charts/mage", None)]
    assert "broken.yaml" in finding.problem


def test_a_folder_that_is_no_chart_is_told(with_chart: Path) -> None:
    finding = only(static_findings(with_chart, {"charts/mage/Chart.yaml": "name: mage\n"}))
    assert finding.code == "chart-does-not-render"


def test_a_project_without_a_chart_passes(sources: Path) -> None:
    shutil.rmtree(sources / "charts")
    assert static_findings(sources) == []


def test_the_chart_takes_what_a_release_records(project: Path) -> None:
    promote(project, "main", "dev")
    record = yaml.safe_load(released_text(project, "dev", "release.yaml"))
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(record)
        rendered = chart.render(yaml.safe_load(values("dev")) | record, name="mage-dev", namespace="dev")
    assert record["image"]["tag"] in rendered["mage/templates/web/deployment.yaml"]


def test_the_chart_takes_the_digest_that_a_release_records() -> None:
    digest = f"sha256:{'1' * 64}"
    record = {"image": vars(Image("src-0123456789abcdef", digest, "registry.example.com/team/mage"))}
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(record)
        rendered = chart.render(yaml.safe_load(values("dev")) | record, name="mage-dev", namespace="dev")
    lines = [line.strip() for text in rendered.values() for line in text.splitlines()]
    ours = {line for line in lines if line.startswith("image:") and "team/mage" in line}
    assert ours == {f'image: "registry.example.com/team/mage@{digest}"'}


def test_a_plan_says_what_helm_would_refuse(project: Path) -> None:
    shutil.copytree(CHART, project / "charts/mage", dirs_exist_ok=True)
    write_environment_gates(project, "dev", ["static"])
    write(project, {VALUES: values("dev", executor={"type": "pod"})})
    push(project)
    planned = call_script(project, "promote", "main", "dev", "--plan")
    assert planned.exit_code == 3
    assert "executor.type: value must be one of 'local', 'k8s'" in planned.stderr
