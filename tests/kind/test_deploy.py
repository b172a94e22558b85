"""`deploy.py`: a release comes into the cluster and works there, or is taken back with the reason."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import (
    ROOT,
    Program,
    Result,
    command,
    environment,
    promote,
    run_at_most,
    write_policy,
)
from kind.cluster import Cluster, Namespace, eventually
from kind.environments import change_dev_values, example_clone
from kind.release import SMALL

SECONDS = 900
# What Kubernetes knows is told within 30 s; the rest is for helm to end on a machine that is busy.
SOON = timedelta(seconds=90)

pytestmark = pytest.mark.timeout(2 * SECONDS)


@dataclass(frozen=True)
class Dev:
    """A clone with a release of dev, and the namespace that its policy names.

    Who deploys has the rights of gitops/ci/deployer.yaml, who asks what runs those of gitops/read-only.yaml.
    """

    clone: Path
    namespace: Namespace
    deployer: Path
    reader: Path

    def deploy(self, *arguments: str) -> Result:
        """Deploy dev without a question, as a program."""
        words = command("deploy", "dev", *(arguments or ("--yes",)), "--json")
        return run_at_most(SECONDS, words, self.clone, KUBECONFIG=str(self.deployer))

    def live(self) -> dict[str, Any]:
        """Return what `status.py --live` says of the cluster."""
        words = command("status", "dev", "--live", "--json")
        result = run_at_most(SECONDS, words, self.clone, KUBECONFIG=str(self.reader))
        assert result.exit_code == 0, result.stderr
        (column,) = result.document["status"]["environments"]
        found: dict[str, Any] = column["live"]
        return found

    def release(self, **values: Any) -> None:
        """Release a change of values to dev."""
        change_dev_values(self.clone, values)
        promote(self.clone, "main", "dev")

    def object(self, name: str) -> dict[str, Any]:
        """Return an object as it is in the cluster."""
        shown: dict[str, Any] = json.loads(self.namespace.kubectl("get", name, "--output=json"))
        return shown

    def sql(self, statement: str) -> str:
        """Run a statement in Mage's database and return what it prints."""
        words = ["psql", "--username=postgres", "--dbname=mage", "--tuples-only", f"--command={statement}"]
        return self.namespace.kubectl("exec", "mage-dev-postgres-0", "--", *words)

    def number(self) -> str:
        """Return the number of the release that the web says it is of."""
        return str(self.object("deployment/mage-dev-web")["metadata"]["annotations"]["mage/release"])

    def helm_status(self) -> str:
        """Return what Helm says of the newest revision."""
        shown = json.loads(self.namespace.helm("status", "mage-dev", "--output=json"))
        return str(shown["info"]["status"])


@pytest.fixture(scope="module")
def dev(
    cluster: Cluster,
    namespaces: Callable[[str], Namespace],
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Dev:
    """The example with small sizes, released to dev, whose scheduler asks for more than a node has."""
    folder = tmp_path_factory.mktemp("deploy")
    clone = example_clone(folder)
    namespace = namespaces("deploy")
    place = {"context": f"kind-{cluster.name}", "namespace": namespace.name}
    write_policy(clone, "dev", gates=["static"], cluster=place)
    repository, _, _ = image.rpartition(":")
    change_dev_values(clone, SMALL, {"image": {"repository": repository}})
    rights = ("gitops/ci/deployer.yaml", "gitops/read-only.yaml")
    dev = Dev(clone, namespace, *(kubeconfig_with(each, namespace, folder) for each in rights))
    dev.release(scheduler={"resources": {"requests": {"memory": "900Gi"}, "limits": {"memory": "900Gi"}}})
    return dev


def kubeconfig_with(rights: str, namespace: Namespace, folder: Path) -> Path:
    """Return a kubeconfig of somebody who has the rights of a file in gitops/, and no others."""
    role = str(yaml.safe_load((ROOT / rights).read_text())["metadata"]["name"])
    namespace.kubectl("apply", "--filename", str(ROOT / rights))
    namespace.kubectl("create", "serviceaccount", role)
    account = f"--serviceaccount={namespace.name}:{role}"
    namespace.kubectl("create", "rolebinding", role, f"--role={role}", account)
    config = yaml.safe_load(namespace.cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": namespace.kubectl("create", "token", role).strip()}
    file = folder / role
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o600)
    return file


def error_of(result: Result, code: str = "not-healthy", exit_code: int = 7) -> dict[str, Any]:
    """Return the refusal of a command that must end with one."""
    assert result.exit_code == exit_code, result.stderr
    error: dict[str, Any] = result.document["error"]
    assert error["code"] == code, error
    return error


def fields(result: Result) -> dict[str, tuple[str | None, str | None]]:
    """Return what would change in the scheduler, by key."""
    changes = result.document["deployment"]["changes"]
    (scheduler,) = (change for change in changes if change["name"] == "mage-dev-scheduler")
    return {field["key"]: (field["before"], field["after"]) for field in scheduler["fields"]}


def test_another_context_is_refused(dev: Dev) -> None:
    error_of(dev.deploy("--context", "kind-other", "--plan"), "wrong-context", 4)


def test_what_is_not_installed_is_told_live(dev: Dev) -> None:
    assert dev.live()["problems"] == ["nothing is installed"]


@pytest.fixture(scope="module")
def first(dev: Dev) -> Result:
    """A first installation that cannot come up."""
    return dev.deploy()


def test_a_first_installation_that_fails_stays_and_says_why(first: Result) -> None:
    error = error_of(first)
    assert "Pod mage-dev-scheduler-0: no node takes it: " in error["message"]
    assert "there is no earlier one to go back to" in error["message"]
    assert "get pods,events" in error["fix"]


@pytest.fixture(scope="module")
def installed(dev: Dev, first: Result) -> Result:
    """The installation, once the scheduler asks for what there is."""
    assert first.exit_code
    dev.release(scheduler={"resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "2Gi"}}})
    return dev.deploy()


def test_a_release_is_installed_and_works(dev: Dev, installed: Result) -> None:
    assert installed.exit_code == 0, installed.stderr
    deployed = installed.document["deployed"]
    assert (deployed["release"], deployed["changed"], dev.number()) == (2, True, "2")
    assert "the schema is at head" in deployed["checks"]
    assert "the pipeline healthcheck completes" in deployed["checks"]


def test_what_runs_is_told_live_to_who_may_only_read(dev: Dev, installed: Result) -> None:
    assert installed.exit_code == 0
    live = eventually(lambda: known(dev), "all of it", 120)
    place = f"namespace {dev.namespace.name} of kind-{dev.namespace.cluster.name}"
    assert (live["place"], live["release"], live["agent"]["kind"]) == (place, "2", "Helm")
    assert (live["problems"], live["deviations"], len(live["images"])) == ([], [], 1)


def known(dev: Dev) -> dict[str, Any] | None:
    """Return what is told live, once the scheduler's pod has spoken."""
    live = dev.live()
    return None if live["unknown"] else live


def test_scheduled_runs_are_observed_by_who_may_only_read(dev: Dev, installed: Result) -> None:
    """Somebody changes a trigger, and its pipeline runs again and again; and somebody changes an object."""
    assert installed.exit_code == 0
    trigger, limit = "name = 'airport-reference'", '{"spec": {"revisionHistoryLimit": %d}}'
    dev.sql(f"UPDATE pipeline_schedule SET status = 'ACTIVE', schedule_interval = '@always_on' WHERE {trigger}")
    dev.namespace.kubectl("patch", "deployment/mage-dev-web", f"--patch={limit % 9}")
    observed = eventually(lambda: observations(dev), "a scheduled run that has ended", 300)
    live = dev.live()
    dev.sql(f"UPDATE pipeline_schedule SET status = 'INACTIVE', schedule_interval = '@monthly' WHERE {trigger}")
    dev.namespace.kubectl("patch", "deployment/mage-dev-web", f"--patch={limit % 3}")
    assert (observed["since"], observed["last"]) == (1, "failed"), "the source has no tables here"
    problems = [each["problem"] for each in live["deviations"]]
    assert problems[:2] == [
        "trigger airport-reference: schedule_interval was changed by hand, from @monthly to @always_on",
        "trigger airport-reference: status was changed by hand, from inactive to active",
    ]
    assert problems[2].startswith("Deployment mage-dev-web: kubectl-patch set spec.revisionHistoryLimit at ")
    assert {each["next"] for each in live["deviations"]} == {"scripts/deploy.py dev"}


def observations(dev: Dev) -> dict[str, Any] | None:
    """Return what is observed of the pipeline, once a run of it has ended."""
    words = command("promote", "observe", "dev", "--json")
    result = run_at_most(SECONDS, words, dev.clone, KUBECONFIG=str(dev.reader))
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = result.document["observed"]["airport_reference"]
    return found if found["completed"] + found["failed"] else None


def test_what_is_installed_already_is_looked_at_again(dev: Dev, installed: Result) -> None:
    again = dev.deploy()
    assert again.exit_code == 0, again.stderr
    assert again.document["deployment"]["changes"] == []
    deployed = again.document["deployed"]
    assert deployed == installed.document["deployed"] | {"changed": False}


def test_a_trigger_that_somebody_changed_is_brought_in_line(dev: Dev, installed: Result) -> None:
    assert installed.exit_code == 0
    dev.sql("UPDATE pipeline_schedule SET schedule_interval = '@yearly'")
    again = dev.deploy()
    assert again.exit_code == 0, again.stderr
    assert "differs from values" in again.stderr
    assert again.document["deployed"]["changed"]
    assert "@yearly" not in dev.sql("SELECT schedule_interval FROM pipeline_schedule")


@pytest.fixture(scope="module")
def changed(dev: Dev, installed: Result) -> tuple[Result, Result]:
    """The plan and the installation of another setting, after somebody changed something by hand."""
    assert installed.exit_code == 0
    patch = '{"spec": {"revisionHistoryLimit": 9}}'
    dev.namespace.kubectl("patch", "statefulset/mage-dev-scheduler", "--patch", patch)
    dev.release(io={"settings": {"NEW": "one"}})
    return dev.deploy("--plan"), dev.deploy()


def test_the_plan_tells_what_would_change_and_what_would_be_set_back(changed: tuple[Result, Result]) -> None:
    plan, _ = changed
    assert plan.exit_code == 2, plan.stderr
    told = fields(plan)
    assert told["spec.template.spec.containers[mage].env[NEW].value"] == (None, "one")
    assert told["spec.revisionHistoryLimit"] == ("9", "3")
    assert told["metadata.annotations.mage/release"] == ("2", "3")


def test_the_change_is_installed(dev: Dev, changed: tuple[Result, Result]) -> None:
    _, result = changed
    assert result.exit_code == 0, result.stderr
    scheduler = dev.object("statefulset/mage-dev-scheduler")
    assert (dev.number(), scheduler["spec"]["revisionHistoryLimit"]) == ("3", 3)


@pytest.fixture(scope="module")
def taken_back(dev: Dev, changed: tuple[Result, Result]) -> Result:
    """A release whose PostgreSQL has an image that does not exist."""
    assert changed[1].exit_code == 0
    dev.release(postgres={"image": {"tag": "nonesuch"}})
    return dev.deploy()


def test_an_image_that_cannot_be_pulled_is_told(taken_back: Result) -> None:
    message = error_of(taken_back)["message"]
    assert "Pod mage-dev-postgres-0: container postgres: the image postgres:nonesuch cannot be pulled: " in message


def test_it_goes_back_soon_after_kubernetes_knows_it(dev: Dev, taken_back: Result) -> None:
    assert taken_back.exit_code
    events = dev.namespace.get("events", "--field-selector=reason=Failed,involvedObject.name=mage-dev-postgres-0")
    known = min(datetime.fromisoformat(event["firstTimestamp"]) for event in events)
    history = json.loads(dev.namespace.helm("history", "mage-dev", "--output=json"))
    assert datetime.fromisoformat(history[-1]["updated"]) - known < SOON


def test_the_last_release_that_worked_comes_back(dev: Dev, taken_back: Result) -> None:
    error = error_of(taken_back)
    assert "dev is back at release 3 (revision " in error["message"]
    assert "scripts/rollback.py dev --to 3" in error["fix"]
    assert dev.live()["problems"] == ["it runs release 3, and the branch has 4"]
    assert (dev.number(), dev.helm_status()) == ("3", "deployed")
    postgres = dev.object("pod/mage-dev-postgres-0")
    assert [status["ready"] for status in postgres["status"]["containerStatuses"]] == [True]


@pytest.fixture(scope="module")
def kept(dev: Dev, taken_back: Result) -> Result:
    """A release that wants a Secret which is not there, and stays for a look."""
    assert taken_back.exit_code
    secret = {"TOKEN": {"name": "service", "key": "token"}}
    dev.release(postgres={"image": {"tag": "18"}}, io={"secrets": secret})
    return dev.deploy("--yes", "--keep")


def test_a_missing_secret_is_told_and_stays_for_a_look(dev: Dev, kept: Result) -> None:
    error = error_of(kept)
    assert 'container prepare: secret "service" not found' in error["message"]
    assert error["message"].endswith("it stays for a look")
    assert (dev.number(), dev.helm_status()) == ("5", "failed")
    assert any('secret "service" not found' in problem for problem in dev.live()["problems"])


def test_once_it_is_mended_the_same_release_comes_up(dev: Dev, kept: Result) -> None:
    assert kept.exit_code
    dev.namespace.kubectl("create", "secret", "generic", "service", "--from-literal=token=secret-of-the-service")
    mended = dev.deploy()
    assert mended.exit_code == 0, mended.stderr
    assert mended.document["deployed"]["release"] == 5
    assert "secret-of-the-service" not in mended.stdout + mended.stderr


def test_ctrl_c_says_where_the_cluster_is(dev: Dev, kept: Result) -> None:
    assert kept.exit_code
    dev.release(io={"settings": {"NEW": "two"}})
    variables = environment(KUBECONFIG=str(dev.deployer))
    with Program(*command("deploy", "dev", "--yes", "--json"), environment=variables, cwd=dev.clone) as program:
        eventually(lambda: dev.helm_status() == "pending-upgrade", "helm at work", SECONDS)
        os.kill(program.pid, signal.SIGINT)
        stdout, stderr = program.communicate(timeout=SECONDS)
    error = error_of(Result(program.returncode, stdout, stderr), "interrupted", 130)
    assert "Helm says failed of release 6 (revision " in error["message"]
    assert "back to release 5 (revision " in error["fix"]
    assert dev.helm_status() == "failed", "helm was cut off"
