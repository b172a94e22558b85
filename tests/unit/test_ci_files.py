"""The files for CI on GitHub and GitLab: their commands, in their order, on a checkout as these hosts make it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from helpers import GIT, PROJECT, ROOT, change_dev, commit, digests, git, remote_of, write
from unit.watched_dev import Dev, runs

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"
GITOPS = ROOT / "gitops/ci"
Commands = Callable[[str], Iterator[str]]


def of_github(job: str, *, by_pull_request: bool = False) -> Iterator[str]:
    """Return the commands of a job; of some steps the form says whether they run."""
    runs = {
        None: True,
        "inputs.by_pull_request": by_pull_request,
        "${{ !inputs.by_pull_request }}": not by_pull_request,
        "vars.REGISTRY": False,
        "failure() && contains(vars.CI_DEPLOYS, matrix.environment)": False,
    }
    jobs = {name: each for file in WORKFLOWS for name, each in yaml.safe_load(file.read_text())["jobs"].items()}
    return (step["run"] for step in jobs[job]["steps"] if "run" in step and runs[step.get("if")])


def of_gitlab(job: str) -> Iterator[str]:
    return iter(yaml.safe_load(GITLAB.read_text())[job]["script"])


@dataclass
class Ci:
    """A machine of a CI: it checks a commit out without a branch, and runs the commands of a job."""

    remote: Path
    folder: Path

    def run(self, ref: str, commands: Iterator[str], **variables: str) -> Path:
        """Run those that are not `make`, as the hosts do; return the checkout."""
        checkout = self.folder / str(len(list(self.folder.iterdir())))
        checkout.mkdir()
        git(checkout, "init", "--quiet")
        git(checkout, "remote", "add", "origin", str(self.remote))
        git(
            checkout,
            "fetch",
            "--quiet",
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
            f"+{ref}:refs/remotes/ci",
        )
        git(checkout, "checkout", "--quiet", "--detach", "refs/remotes/ci")
        (checkout / ".git/info").mkdir(exist_ok=True)
        (checkout / ".git/info/exclude").write_text("/scripts\n/bin\n*.md\n")
        (checkout / "scripts").symlink_to(ROOT / "scripts")
        for command in commands:
            if not command.startswith("make "):
                self._run(command, checkout, variables)
        return checkout

    def _run(self, command: str, checkout: Path, variables: dict[str, str]) -> None:
        environment = os.environ | GIT | variables
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.fixture
def ci(tmp_path: Path) -> Ci:
    """A CI of the clone in this test."""
    (tmp_path / "ci").mkdir()
    return Ci(remote_of(tmp_path / "a team's work/clone"), tmp_path / "ci")


@pytest.fixture(params=[of_github, of_gitlab], ids=["github", "gitlab"])
def commands(request: pytest.FixtureRequest) -> Commands:
    """The commands of a job of either host, by its name."""
    found: Commands = request.param
    return found


def test_a_pull_request_gets_the_plan_of_its_merge(promoted_to_dev: Path, ci: Ci, commands: Commands) -> None:
    git(promoted_to_dev, "switch", "--quiet", "--create", "feature")
    with (promoted_to_dev / f"{PROJECT}/data_loaders/load_orders.py").open("a") as block:
        block.write("# newer\n")
    commit(promoted_to_dev)
    git(promoted_to_dev, "push", "--quiet", "origin", "HEAD:refs/pull/1/merge")
    before = git(promoted_to_dev, "ls-remote", "origin")
    summary = ci.folder / "plan.md"  # where GitHub reads it; on GitLab it lies in the checkout
    checkout = ci.run("refs/pull/1/merge", commands("plan"), GITHUB_STEP_SUMMARY=str(summary))
    text = (summary if summary.exists() else checkout / "plan.md").read_text()
    assert "orders" in text
    assert "| changed" in text
    assert git(promoted_to_dev, "ls-remote", "origin") == before


def test_main_goes_to_dev_by_itself_and_on_demand_to_prod(project: Path, ci: Ci, commands: Commands) -> None:
    ci.run("refs/heads/main", commands("dev"))
    assert branches(project) == {"env/dev"}
    first = git(project, "ls-remote", "origin")
    ci.run("refs/heads/main", commands("dev"))  # of a merge meanwhile: the first has brought it
    assert git(project, "ls-remote", "origin") == first
    for source, target in (("dev", "staging"), ("staging", "prod")):
        job = target if commands is of_gitlab else "promote"
        ci.run("refs/heads/main", commands(job), SOURCE=source, TARGET=target, REASON="")
    assert branches(project) == {"env/dev", "env/staging", "env/prod"}


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed: apt install jq")
def test_a_promotion_by_pull_request_opens_one(promoted_to_dev: Path, ci: Ci) -> None:
    gh = ci.folder / "gh"  # answers nothing: what it is asked is what counts
    write(
        ci.folder, {gh.name: f"#!/bin/sh\ncat > '{ci.folder}/body'\nprintf '%s\\n' \"$@\" > '{ci.folder}/asked'\n"}
    )
    gh.chmod(0o755)
    variables = {"SOURCE": "dev", "TARGET": "staging", "REASON": "", "PATH": f"{ci.folder}:{os.environ['PATH']}"}
    ci.run("refs/heads/main", of_github("promote", by_pull_request=True), **variables)
    asked = (ci.folder / "asked").read_text().splitlines()
    assert asked[asked.index("--head") + 1 :][:3] == ["release/staging/1", "--base", "env/staging"]
    assert "orders" in (ci.folder / "body").read_text()
    assert branches(promoted_to_dev) == {"env/dev", "release/staging/1"}


def test_a_version_that_fails_is_taken_back_by_the_clock(
    promoted_to_staging: Path, ci: Ci, commands: Commands
) -> None:
    change_dev(promoted_to_staging, f"{PROJECT}/data_loaders/load_stock.py", "newer = 1\n")
    dev = Dev(promoted_to_staging)
    dev.policy(on_failure="rollback")
    variables = {"ENVIRONMENT": "dev", "WATCH": "dev", "PATH": dev.path}
    ci.run("refs/heads/main", commands("watch"), **variables)  # nothing fails yet
    dev.tells(stock={1: runs(9, 0), 2: runs(0, 2)})
    with pytest.raises(AssertionError, match="taken back"):
        ci.run("refs/heads/main", commands("watch"), **variables)
    assert digests(promoted_to_staging, "dev") == digests(promoted_to_staging, "staging")


def test_only_jobs_that_deploy_or_watch_may_have_a_token_for_clusters() -> None:
    permissions = {
        (file.stem, name): each.get("permissions", {})
        for file in WORKFLOWS
        for name, each in yaml.safe_load(file.read_text())["jobs"].items()
    }
    for (_, name), allowed in permissions.items():
        assert ("id-token" in allowed) == (name in ("deploy", "watch"))
        assert name != "deploy" or allowed == {"contents": "read", "id-token": "write"}
    gitlab = yaml.safe_load(GITLAB.read_text())
    assert [name for name, job in gitlab.items() if "id_tokens" in job] == [".in_cluster"]
    assert {name for name, job in gitlab.items() if "extends" in job and job["extends"] == ".in_cluster"} == {
        "watch",
        *(f"deploy-{name}" for name in ("dev", "staging", "prod")),
    }


def test_a_job_that_watches_is_no_job_of_the_environment_it_may_change() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/watch.yml").read_text())
    gitlab = yaml.safe_load(GITLAB.read_text())
    assert workflow["jobs"]["watch"]["environment"] == "${{ matrix.environment }}-watch"
    assert gitlab["watch"]["environment"] == "$WATCH-watch"


def test_a_pipeline_by_the_clock_only_watches() -> None:
    gitlab = yaml.safe_load(GITLAB.read_text())
    for name, job in gitlab.items():
        if "script" not in job:
            continue
        rules = [rule["if"] for rule in (gitlab.get(job.get("extends", ""), {}) | job)["rules"]]
        clock, merge = '$CI_PIPELINE_SOURCE == "schedule"', '$CI_PIPELINE_SOURCE == "merge_request_event"'
        assert all((clock in rule) == (name == "watch") for rule in rules)
        assert name == "watch" or all(
            '$CI_PIPELINE_SOURCE != "schedule"' in rule or merge in rule for rule in rules
        )


def test_a_token_is_asked_for_by_the_audience_that_clusters_accept() -> None:
    trusted = yaml.safe_load((GITOPS / "authentication.yaml").read_text())["jwt"]
    (asked,) = re.findall(r'^AUDIENCE = "(.+)"', (GITOPS / "cluster_token.py").read_text(), re.MULTILINE)
    given = yaml.safe_load(GITLAB.read_text())[".in_cluster"]["id_tokens"]["CLUSTER_TOKEN"]["aud"]
    assert [each["issuer"]["audiences"] for each in trusted] == [[asked], [given]]


@pytest.mark.parametrize(
    "variables",
    [
        yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())["jobs"]["deploy"]["env"],
        yaml.safe_load(GITLAB.read_text())[".in_cluster"]["variables"],
    ],
)
def test_a_job_in_the_cluster_finds_the_clusters(variables: dict[str, str]) -> None:
    config = yaml.safe_load((ROOT / variables["KUBECONFIG"]).read_text())
    program = (ROOT / variables["KUBECONFIG"]).parent / config["users"][0]["user"]["exec"]["command"]
    assert os.access(program, os.X_OK)


def branches(project: Path) -> set[str]:
    git(project, "fetch", "--quiet", "--prune", "origin")
    names = git(project, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin").splitlines()
    return {name for name in names if name.startswith(("env/", "release/"))}
