"""What keeps a smoke test on kind from a verdict: each says what it was, and is a no to nothing."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

import stock
from helpers import refused, write_program
from promotion.smoke.sandboxes import kind

CHART_VALUES = "postgres: {image: {repository: postgres, tag: '18'}}\n"
PASSWORDS = ("owner-password", "smoke_source-password", "smoke_warehouse-password")
SECRET = json.dumps({"data": {name: base64.b64encode(b"x").decode() for name in PASSWORDS}})
# Stand-ins, as no cluster is here: what each program answers while all is well. Nothing listens on port 9.
PROGRAMS = {
    "docker": "",
    "helm": "",
    "kind": "",
    "kubectl": f"""case " $* " in
        *" get secret "*) echo '{SECRET}';;
        *" get pods,"*|*" get events "*) echo '{{"items": []}}';;
        *" port-forward "*) echo 'Forwarding from 127.0.0.1:9 -> 5432'; exec sleep 60;;
    esac""",
}


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not answer is asked again for two seconds, not for two minutes."""
    monkeypatch.setattr(kind, "_SILENT_SECONDS", 2)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose dev asks for evidence from a cluster, and programs that pretend to have one."""
    for name, script in PROGRAMS.items():
        write_program(tmp_path / "programs" / name, script)
    policy = "source: main\ngates: [smoke]\nsmoke: kind\n"
    return stock.make_clone(
        tmp_path / "a team's work",
        {"environments/dev/policy.yaml": policy, "charts/mage/values.yaml": CHART_VALUES},
    )


@pytest.mark.parametrize(
    ("program", "words", "code"),
    [
        ("docker", "image ls", "command-failed"),
        ("docker", "build", "image-not-built"),
        ("kind", "create cluster", "no-cluster"),
        ("kind", "load docker-image", "image-not-loaded"),
        ("helm", "install", "not-installed"),
        ("kubectl", "port-forward", "lost-cluster"),
    ],
)
def test_a_program_that_fails_is_told_with_its_words(
    clone: Path, tmp_path: Path, program: str, words: str, code: str
) -> None:
    fails = f'case " $* " in *" {words} "*) echo \'out of luck\' >&2; exit 1;; esac\n'
    write_program(tmp_path / "programs" / program, fails + PROGRAMS[program])
    error = smoke_is_refused(clone)
    assert (error["code"], error["exit_code"]) == (code, 6)
    assert "out of luck" in error["message"]


def test_a_cluster_that_no_longer_answers_is_told(clone: Path) -> None:
    error = smoke_is_refused(clone)
    assert (error["code"], error["exit_code"]) == ("lost-cluster", 6)
    assert "port 9 failed: Connection refused" in error["message"]


def smoke_is_refused(clone: Path) -> dict[str, Any]:
    path = f"{clone.parent.parent / 'programs'}:{os.environ['PATH']}"
    return refused(clone, "promote", "main", "dev", "--yes", PATH=path)
