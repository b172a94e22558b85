"""The Secret with passwords and keys that nobody supplied, in an API that checks who asks."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from helpers import Result
from mage.cluster import TOKEN, Cluster, serving
from mage.pods import FILES
from mage_pod import credentials

NAME = "mage-credentials"
KINDS = ("owner-password=password", "secrets-key=fernet", "secrets-uuid=uuid")


@dataclass
class Job:
    """A pod that keeps the Secret."""

    cluster: Cluster
    account: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Result:
        code = credentials.main(list(arguments), self.account)
        said = self.capture.readouterr()
        for value in self.values.values():
            for form in (value, base64.b64encode(value.encode()).decode()):
                assert form not in said.out + said.err, "printed a value"
        return Result(code, said.out, said.err)

    def create(self, *pairs: str) -> str:
        result = self.run("create", NAME, *(pairs or KINDS))
        assert result.exit_code == 0, result.stderr
        return result.stdout.strip()

    def refused(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 1, result.stdout
        return result.stderr

    @property
    def values(self) -> dict[str, str]:
        """What the Secret holds."""
        data = self.cluster.secrets.get(NAME, {}).get("data", {})
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def keep(self, **values: str) -> None:
        """Let somebody else write the Secret."""
        self.cluster.keep(NAME, {key: base64.b64encode(value.encode()).decode() for key, value in values.items()})


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Job]:
    """With the rights of the chart's Role."""
    monkeypatch.setattr(credentials, "_REACH_SECONDS", 0)
    cluster = Cluster({(verb, "secrets") for verb in ("create", "get", "patch", "delete")})
    with serving(cluster, tmp_path / "account") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield Job(cluster, tmp_path / "account", capsys)


def test_a_secret_that_is_not_there_is_made_with_all_keys(job: Job) -> None:
    said = job.create()
    assert said == (
        "created the Secret mage-credentials in the namespace data with owner-password, secrets-key, secrets-uuid"
    )
    assert set(job.values) == {"owner-password", "secrets-key", "secrets-uuid"}


def test_a_password_has_32_letters_and_digits(job: Job) -> None:
    job.create()
    assert len(job.values["owner-password"]) == 32
    assert job.values["owner-password"].isalnum()


def test_mage_s_key_encrypts(job: Job) -> None:
    job.create()
    key = Fernet(job.values["secrets-key"])
    assert key.decrypt(key.encrypt(b"text")) == b"text"


def test_the_uuid_is_one_as_mage_writes_it(job: Job) -> None:
    job.create()
    assert uuid.UUID(job.values["secrets-uuid"]).hex == job.values["secrets-uuid"]


def test_each_password_is_another_one(job: Job) -> None:
    job.create("a=password", "b=password")
    assert job.values["a"] != job.values["b"]


def test_a_new_secret_has_the_labels(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"app.kubernetes.io/instance": "mage-dev"}
    monkeypatch.setenv("CREDENTIALS_LABELS", json.dumps(labels))
    job.create()
    assert job.cluster.secrets[NAME]["metadata"]["labels"] == labels


def test_a_second_time_changes_nothing(job: Job) -> None:
    job.create()
    before = json.dumps(job.cluster.secrets)
    assert job.create().startswith("kept the Secret mage-credentials")
    assert json.dumps(job.cluster.secrets) == before


def test_only_missing_keys_are_added(job: Job) -> None:
    job.keep(mine="kept", **{"owner-password": "chosen by hand"})
    assert job.create() == "added secrets-key, secrets-uuid to the Secret mage-credentials in the namespace data"
    assert set(job.values) == {"mine", "owner-password", "secrets-key", "secrets-uuid"}
    assert (job.values["mine"], job.values["owner-password"]) == ("kept", "chosen by hand")


def test_a_secret_without_any_data_gets_all_keys(job: Job) -> None:
    job.keep()
    del job.cluster.secrets[NAME]["data"]
    job.cluster.secrets[NAME]["data"] = {}
    job.create()
    assert len(job.values) == 3


def test_a_secret_that_somebody_makes_at_the_same_time_stays_theirs(job: Job) -> None:
    job.cluster.before["create"] = lambda: job.keep(**{"owner-password": "theirs"})
    job.create()
    assert job.values["owner-password"] == "theirs"
    assert len(job.values) == 3


def test_a_key_that_somebody_adds_at_the_same_time_stays_theirs(job: Job) -> None:
    job.keep(**{"owner-password": "kept"})
    job.cluster.before["patch"] = lambda: job.keep(**{"owner-password": "kept", "secrets-key": "theirs"})
    job.create()
    assert job.values["secrets-key"] == "theirs"
    assert len(job.values) == 3


def test_a_secret_that_somebody_removes_at_the_same_time_is_made_again(job: Job) -> None:
    job.keep(**{"owner-password": "gone"})
    job.cluster.before["patch"] = job.cluster.secrets.clear
    assert job.create().startswith("created")


def test_delete_removes_the_secret(job: Job) -> None:
    job.create()
    assert job.run("delete", NAME).stdout == "deleted the Secret mage-credentials in the namespace data\n"
    assert job.cluster.secrets == {}


def test_delete_of_what_is_gone_is_no_failure(job: Job) -> None:
    assert job.run("delete", NAME).exit_code == 0


@pytest.mark.parametrize("verb", ["get", "create", "patch"])
def test_a_right_that_is_missing_is_named(job: Job, verb: str) -> None:
    if verb == "patch":
        job.keep()
    job.cluster.allowed.remove((verb, "secrets"))
    said = job.refused("create", NAME, *KINDS)
    assert f"may not {verb} the Secret mage-credentials in the namespace data" in said
    assert f'the account cannot {verb} resource "secrets"' in said


def test_a_token_that_the_cluster_does_not_know_is_told(job: Job) -> None:
    (job.account / "token").write_text("old")
    said = job.refused("create", NAME, *KINDS)
    assert "refuses this service account's token" in said
    assert TOKEN not in said


def test_a_pod_without_a_service_account_is_told_how_to_get_one(job: Job) -> None:
    (job.account / "token").unlink()
    assert "automountServiceAccountToken" in job.refused("create", NAME, *KINDS)


def test_an_api_that_cannot_be_reached_is_told(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    assert "The Kubernetes API does not answer" in job.refused("create", NAME, *KINDS)


def test_an_api_with_another_certificate_is_not_trusted(job: Job) -> None:
    other = job.account.parent / "other"
    with serving(job.cluster, other / "account"):
        (job.account / "ca.crt").write_bytes((other / "account/ca.crt").read_bytes())
    assert "SSLError" in job.refused("create", NAME, *KINDS)
    assert job.cluster.secrets == {}


def test_a_kind_that_is_none_is_refused(job: Job) -> None:
    assert "the kind must be one of password, fernet, uuid" in job.refused("create", NAME, "key=pasword")


@pytest.mark.parametrize("arguments", [(), ("create", NAME), ("delete",), ("rotate", NAME)])
def test_arguments_that_say_nothing_are_refused(job: Job, arguments: tuple[str, ...]) -> None:
    assert "create NAME KEY=KIND" in job.refused(*arguments)


def test_the_command_ends_with_1_outside_of_a_pod() -> None:
    command = [sys.executable, "-P", "-m", "mage_pod.credentials", "create", NAME, *KINDS]
    done = subprocess.run(command, env={"PYTHONPATH": str(FILES)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("This pod has no service account")
