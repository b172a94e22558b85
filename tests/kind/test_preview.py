"""`preview.py`: what a merge would make of dev comes up beside dev, and goes by itself."""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import ROOT, Result, command, commit, git, run_at_most, write_policy
from kind.cluster import Cluster, Namespace, eventually
from kind.environments import change_dev_values, example_clone
from kind.release import SMALL, Release

SECONDS = 900
A_FEW_MINUTES = "0.04"  # hours
GITHUB, GITLAB = ".github/workflows/preview.yml", ".gitlab-ci.yml"
DAY = {"execution_date": "2013-01-05"}

pytestmark = pytest.mark.timeout(2 * SECONDS)


def commands_of(file: str, job: str) -> list[str]:
    """Return the commands of a job of CI that start, show or stop a preview."""
    content = yaml.safe_load((ROOT / file).read_text())
    steps = content["jobs"][job]["steps"] if "jobs" in content else content[job]["script"]
    lines = [step if isinstance(step, str) else step.get("run", "") for step in steps]
    return [line for line in lines if "preview" in line]


@dataclass(frozen=True)
class Previews:
    """A clone with a commit that main does not have, and the name of a preview of it."""

    clone: Path
    cluster: Cluster
    name: str

    def run(self, *arguments: str) -> Result:
        """Run the script against the cluster of the tests."""
        words = command("preview", *arguments, "--json")
        return run_at_most(SECONDS, words, self.clone, **self.cluster.variables)

    def run_ci(self, file: str, job: str, **variables: str) -> None:
        """Run the commands of a job of CI that are about previews, as the hosts do."""
        for line in commands_of(file, job):
            typed = line.replace("scripts/preview.py", shlex.join(command("preview")))
            words = ["bash", "-e", "-o", "pipefail", "-c", typed]
            number = self.name.removeprefix("pr-")
            done = run_at_most(SECONDS, words, self.clone, NUMBER=number, **self.cluster.variables, **variables)
            assert done.exit_code == 0, done.stderr

    def start(self, *arguments: str) -> dict[str, Any]:
        """Start it, and return what is told of it."""
        result = self.run("start", self.name, *arguments)
        assert result.exit_code == 0, result.stderr
        found: dict[str, Any] = result.document["preview"]
        return found

    @property
    def namespace(self) -> Namespace:
        """Where it is."""
        return self.cluster.namespace(f"preview-{self.name}")


@pytest.fixture(scope="module")
def previews(cluster: Cluster, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Previews]:
    """The example, whose dev is in the cluster of the tests, with another schedule in a commit of its own."""
    clone = example_clone(tmp_path_factory.mktemp("preview"))
    place = {"context": f"kind-{cluster.name}"}
    write_policy(clone, "dev", gates=["static"], cluster=place)
    change_dev_values(clone, SMALL)
    git(clone, "switch", "--quiet", "--create", "feature")
    change_schedule(clone, "*/1 * * * *")
    found = Previews(clone, cluster, f"pr-{secrets.randbelow(10**6)}")
    yield found
    found.run("stop", found.name)


def change_schedule(clone: Path, interval: str) -> None:
    """Commit another interval of a schedule that fires, and do not push it."""
    file = clone / "environments/dev/values.yaml"
    values = yaml.safe_load(file.read_text())
    values["schedules"]["flights-daily"] |= {"interval": interval, "enabled": True}
    file.write_text(yaml.safe_dump(values))
    commit(clone)


@pytest.fixture(scope="module")
def summary(previews: Previews) -> str:
    """What the workflow of GitHub shows when it has started the preview."""
    file = previews.clone.parent / "summary.md"
    previews.run_ci(GITHUB, "start_preview", GITHUB_STEP_SUMMARY=str(file))
    return file.read_text()


@pytest.fixture(scope="module")
def started(previews: Previews, summary: str) -> dict[str, Any]:
    """What is told of the preview."""
    listed = previews.run("list").document["previews"]
    (found,) = (each for each in listed if each["name"] == previews.name)
    assert found["forward"] in summary
    return dict(found)


@pytest.fixture(scope="module")
def release(previews: Previews, started: dict[str, Any], image: str) -> Iterator[Release]:
    """The preview as its users have it."""
    assert started["namespace"] == previews.namespace.name
    release = Release(previews.namespace, image, "mage")
    yield release
    release.close()


def schedules(release: Release) -> dict[str, dict[str, Any]]:
    """Return what Mage lists for the pipeline, by name."""
    found = release.api().call("GET", "/api/pipelines/flights_daily/pipeline_schedules")
    return {each["name"]: each for each in found["pipeline_schedules"]}


def test_a_pipeline_of_the_commit_runs_with_the_sample_data(release: Release) -> None:
    run = release.run("flights_daily", DAY)
    assert run["status"] == "completed"
    (count,) = release.sql("SELECT count(*) > 100 FROM mart.flights", "smoke_warehouse")
    assert count == ["t"]


def test_its_schedules_are_listed_as_the_commit_has_them_and_none_fires(release: Release) -> None:
    schedule = schedules(release)["flights-daily"]
    assert (schedule["schedule_interval"], schedule["status"]) == ("*/1 * * * *", "inactive")
    assert release.sql(
        "SELECT count(*) FROM pipeline_schedule WHERE status = 'ACTIVE' AND schedule_type = 'TIME'"
    ) == [["0"]]


def test_it_says_of_which_commit_it_is(previews: Previews, started: dict[str, Any]) -> None:
    assert started["commit"] == git(previews.clone, "rev-parse", "HEAD")


def test_what_looks_before_the_end_leaves_it_and_says_when_that_is(
    previews: Previews, release: Release, started: dict[str, Any]
) -> None:
    assert f"stays: its end is {started['until']}" in look(release)
    annotation = "mage/preview-until"
    words = ("annotate", "namespace", previews.namespace.name, "--overwrite")
    previews.cluster.kubectl(*words, f"{annotation}-")
    assert f"it is no preview, since it has no annotation {annotation}" in look(release)
    previews.cluster.kubectl(*words, f"{annotation}=soon")
    assert f"its annotation {annotation} is no time: 'soon'" in look(release)
    previews.cluster.kubectl(*words, f"{annotation}={started['until']}")


def look(release: Release) -> str:
    """Start what the CronJob starts, and return what it says."""
    job = f"look-{secrets.token_hex(3)}"
    release.namespace.kubectl("create", "job", job, "--from=cronjob/mage-preview")
    release.namespace.kubectl("wait", f"job/{job}", "--for=condition=Complete", "--timeout=120s")
    return release.namespace.kubectl("logs", f"job/{job}")


def test_a_second_start_upgrades_it_and_at_its_end_it_is_gone_without_anybody(
    previews: Previews, release: Release, started: dict[str, Any]
) -> None:
    change_schedule(previews.clone, "@weekly")
    again = previews.start("--hours", A_FEW_MINUTES)
    assert again["until"] < started["until"]
    assert schedules(release)["flights-daily"]["schedule_interval"] == "@weekly"
    release.close()
    eventually(lambda: not there(previews), f"{previews.namespace} gone", 300)


def there(previews: Previews) -> bool:
    """Tell whether the namespace is there, and not on its way out."""
    words = ("get", "namespace", previews.namespace.name, "--ignore-not-found", "--output=json")
    shown = previews.cluster.kubectl(*words)
    return bool(shown.strip()) and json.loads(shown)["status"]["phase"] == "Active"


def test_a_namespace_that_is_no_preview_is_left_alone(previews: Previews) -> None:
    name = f"t{secrets.token_hex(3)}"
    previews.cluster.kubectl("create", "namespace", f"preview-{name}")
    try:
        for verb in ("stop", "start"):
            error = previews.run(verb, name).document["error"]
            assert (error["code"], error["exit_code"]) == ("not-a-preview", 5)
        assert previews.cluster.kubectl("get", "namespace", f"preview-{name}")
    finally:
        previews.cluster.kubectl("delete", "namespace", f"preview-{name}", "--wait=false")


def test_ci_removes_it_whether_it_is_there_or_not(previews: Previews) -> None:
    previews.run_ci(GITHUB, "stop_preview")
    previews.run_ci(GITLAB, "stop_preview")
    assert previews.run("stop", previews.name).document["preview_removed"]["was_there"] is False


def test_both_hosts_start_a_preview_the_same_way() -> None:
    github, gitlab = (commands_of(file, "start_preview") for file in (GITHUB, GITLAB))
    assert github[-2].replace("pr-", "mr-") == gitlab[0]
