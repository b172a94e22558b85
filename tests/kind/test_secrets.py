"""Passwords and keys: seen by nobody but Secrets, and changed by the commands of the chart's README."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from basics.process import CommandError
from kind.cluster import Namespace, eventually
from kind.release import OWNER, Release, mounted_project
from mage.projects import VISIT, Block, write_project
from mage_pod.mage_api import ApiError, MageApi

TOKEN = "a-token-of-the-team"
CHANGED = ("database-password", "warehouse-password", "owner-password", "jwt-secret")

# It stays until the test has seen its Job; its row says that it could log in to the warehouse.
_VISIT = f"{VISIT}    __import__('time').sleep(float(kwargs.get('stay', 0)))\n"
_LOG_IN = "import os, psycopg2, sys; psycopg2.connect(host=os.environ['DB_HOST'], user=sys.argv[1], \
dbname=sys.argv[1], password=sys.argv[2])"


@dataclass(frozen=True)
class Seen:
    """What people may read who may not read Secrets, and what none of it may hold."""

    texts: dict[str, str]
    secrets: dict[str, str]

    def leaks(self) -> list[str]:
        """Return where which secret stands, in clear or as Kubernetes writes it in Secrets."""
        forms = {
            name: (value, base64.b64encode(value.encode()).decode().rstrip("="))
            for name, value in self.secrets.items()
        }
        return [
            f"{name} in {place}"
            for place, text in self.texts.items()
            for name, values in forms.items()
            if any(value in text for value in values)
        ]


@pytest.fixture(scope="module")
def release(releases: Callable[..., Release], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release whose blocks run as Jobs with a Secret of the team; `said` gets the log of the credentials Job."""
    prepared = releases("se-secret")
    prepared.namespace.make_secret("team", token=TOKEN)
    visit = {"visit": [Block("visit", _VISIT, type="custom")]}
    mounted = mounted_project(prepared.namespace, write_project(tmp_path_factory.mktemp("secrets"), visit))
    io = {"io": {"secrets": {"TEAM_TOKEN": {"name": "team", "key": "token"}}}}
    return prepared.install(mounted, io, {"env": "dev", "executor": {"type": "k8s"}})


@pytest.fixture(scope="module")
def seen(release: Release) -> Seen:
    """Everything, while a Job of a block and the Job that makes the credentials are there."""
    number = release.start("visit", {"stay": 20})
    eventually(lambda: release.pods("executor"), "a Job of a block", seconds=120)
    texts = manifests(release.namespace)
    with ThreadPoolExecutor() as pool:
        making = pool.submit(said_by_credentials, release)
        release.upgrade()
        texts["log of the credentials Job"] = making.result()
    assert release.ended(number)["status"] == "completed"
    texts |= logs(release)
    return Seen(texts, secrets_of(release.namespace))


def manifests(namespace: Namespace) -> dict[str, str]:
    """Return every object but Secrets, by kind and name."""
    listing = ["api-resources", "--namespaced", "--verbs=list", "--output=name"]
    kinds = {*namespace.kubectl(*listing).split()} - {"secrets"}
    objects = namespace.get(",".join(sorted(kinds)))
    return {f"{item['kind']}/{item['metadata']['name']}": json.dumps(item) for item in objects}


def said_by_credentials(release: Release) -> str:
    """Return what the Job says that makes the credentials; it is gone when the upgrade is over."""
    selector = f"--selector=app.kubernetes.io/instance={release.name},app.kubernetes.io/component=credentials"

    def look() -> str:
        return release.namespace.kubectl("logs", selector, "--follow")

    return eventually(look, "a log of the credentials Job", seconds=180, pause=0.1)


def logs(release: Release) -> dict[str, str]:
    """Return the logs of all pods, executor pods included: Mage keeps what they say on its volume."""
    pods = [pod["metadata"]["name"] for pod in release.namespace.get("pods")]
    said = {f"log of {pod}": release.namespace.kubectl("logs", pod, "--all-containers") for pod in pods}
    kept = release.execute("web", "sh", "-c", "find /var/lib/mage -name '*.log' -exec cat {} +")
    return {**said, "logs of runs": kept}


def secrets_of(namespace: Namespace) -> dict[str, str]:
    """Return all texts of all Secrets but Helm's records, whose texts are manifests."""
    return {
        f"{secret['metadata']['name']}/{key}": base64.b64decode(value).decode()
        for secret in namespace.get("secrets")
        if not secret["type"].startswith("helm.sh/")
        for key, value in secret["data"].items()
    }


def test_nothing_secret_stands_in_manifests_or_logs(seen: Seen) -> None:
    assert seen.leaks() == []


def test_everything_was_looked_at(seen: Seen, release: Release) -> None:
    assert {f"{release.full_name}-credentials/owner-password", "team/token"} <= seen.secrets.keys()
    assert any(place.startswith("Job/") and "-block-" in place for place in seen.texts)
    assert "kept the Secret" in seen.texts["log of the credentials Job"]
    assert "visit" in seen.texts["logs of runs"]
    assert f"log of {release.full_name}-postgres-0" in seen.texts


def test_what_is_in_a_manifest_would_be_found(seen: Seen) -> None:
    some, *_ = seen.secrets.values()
    assert Seen({"a log": f"so {some} it is"}, seen.secrets).leaks()


@dataclass(frozen=True)
class Changed:
    """The passwords before they were changed, and a session from before."""

    before: dict[str, str]
    session: MageApi


@pytest.fixture(scope="module")
def changed(release: Release, seen: Seen) -> Changed:
    """The release after its passwords were changed as the README says."""
    assert seen.texts, "the run that it looked at is over"
    before = {key: release.credential(key) for key in CHANGED}
    session = release.api()
    patch = json.dumps({"stringData": {key: secrets.token_hex(16) for key in CHANGED}})
    secret = f"{release.full_name}-credentials"
    release.namespace.kubectl("patch", "secret", secret, "--patch-file=/dev/stdin", stdin=patch)
    restart(release)
    return Changed(before, session)


def restart(release: Release) -> None:
    """Restart what reads passwords, PostgreSQL first."""
    rollout(release, "statefulset/{}-postgres")
    rollout(release, "deployment/{}-web", "statefulset/{}-scheduler")
    # A port-forward leads to the replaced web for as long as that is there, and it knows no new password.
    eventually(lambda: len(release.pods("web")) == 1, "one web", seconds=120)


def rollout(release: Release, *workloads: str) -> None:
    named = [workload.format(release.full_name) for workload in workloads]
    release.namespace.kubectl("rollout", "restart", *named)
    for name in named:
        release.namespace.kubectl("rollout", "status", name, "--timeout=280s")


def may_log_in(release: Release, role: str, password: str) -> bool:
    """Whether PostgreSQL takes the password from a pod that may reach it."""
    try:
        release.execute("web", "python3", "-c", _LOG_IN, role, password)
    except CommandError as error:
        if "password authentication failed" not in str(error):
            raise
        return False
    return True


@pytest.mark.parametrize(("role", "key"), [("mage", "database-password"), ("warehouse", "warehouse-password")])
def test_a_changed_database_password_replaces_the_old_one(
    release: Release, changed: Changed, role: str, key: str
) -> None:
    assert may_log_in(release, role, release.credential(key))
    assert not may_log_in(release, role, changed.before[key])


def test_a_changed_owner_password_replaces_the_old_one(release: Release, changed: Changed) -> None:
    web = release.api()
    assert web.call("GET", "/api/pipelines")["pipelines"]
    with pytest.raises(ApiError):
        MageApi(release.url()).log_in(OWNER, changed.before["owner-password"])


def test_a_changed_signing_key_ends_sessions(release: Release, changed: Changed) -> None:
    assert changed.session._url == release.url()
    with pytest.raises(ApiError):
        changed.session.call("GET", "/api/pipelines")


@pytest.mark.usefixtures("changed")
def test_with_changed_passwords_blocks_run(release: Release) -> None:
    assert release.run("visit")["status"] == "completed"


@pytest.mark.usefixtures("changed")
def test_a_secret_that_was_lost_is_made_anew_and_used(release: Release) -> None:
    visits = release.sql("SELECT count(*) FROM visits", "warehouse")
    release.namespace.kubectl("delete", "secret", f"{release.full_name}-credentials")
    with ThreadPoolExecutor() as pool:
        upgrade = pool.submit(release.upgrade)
        eventually(lambda: release.credential("database-password"), "a new Secret", seconds=180)
        restart(release)
        upgrade.result()
    assert release.run("visit")["status"] == "completed"
    assert release.sql("SELECT count(*) - 1 FROM visits", "warehouse") == visits


@pytest.mark.usefixtures("changed")
def test_without_the_secret_a_new_pod_waits_and_its_events_name_it(release: Release) -> None:
    """The last test of this release: it stays broken."""
    name = f"{release.full_name}-credentials"
    release.namespace.kubectl("delete", "secret", name)
    release.namespace.kubectl("delete", "pod", release.pod("web"))
    missed = f'secret "{name}" not found'
    eventually(lambda: missed in release.namespace.kubectl("get", "events"), "an event that names it", seconds=120)
