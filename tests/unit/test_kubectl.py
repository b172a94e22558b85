"""How clusters are asked. kubectl is a stand-in here: tests/kind has the real one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from basics.errors import PromotionError
from basics.kubectl import Namespace, PortForward
from basics.process import CommandError
from helpers import write_program
from mage_pod.waiting import until

FORWARDS = """
echo "$*" >> "{folder}/commands"
echo "Forwarding from 127.0.0.1:4711 -> 80"
while [ ! -e "{folder}/broken" ]; do sleep 0.02; done
rm "{folder}/broken"
echo 'error: lost connection to pod' >&2
exit 1
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is looked into before the others of PATH."""
    folder = tmp_path / "programs"
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def forward(programs: Path, tmp_path: Path) -> Iterator[PortForward]:
    """A port-forward that ends when there is a file `broken`."""
    write_program(programs / "kubectl", FORWARDS.format(folder=tmp_path))
    with PortForward(Namespace("dev"), "service/web", "http") as forward:
        yield forward


def commands(folder: Path) -> list[str]:
    return (folder / "commands").read_text().splitlines()


def test_a_port_forward_stays_while_it_is_whole(forward: PortForward, tmp_path: Path) -> None:
    assert [forward.connect(), forward.connect()] == [4711, 4711]
    assert commands(tmp_path) == ["--namespace=dev port-forward service/web :http"]


def test_one_that_broke_begins_anew_on_the_same_port(forward: PortForward, tmp_path: Path) -> None:
    forward.connect()
    (tmp_path / "broken").touch()
    until(lambda: forward.connect() and forward.begun == 2, "a second one")
    assert forward.connect() == 4711
    assert commands(tmp_path)[1:] == ["--namespace=dev port-forward service/web 4711:http"]


def test_one_that_cannot_begin_says_what_kubectl_says(programs: Path) -> None:
    write_program(programs / "kubectl", "echo 'error: pod is not running' >&2; exit 1")
    with (
        PortForward(Namespace("dev"), "service/web", 80) as forward,
        pytest.raises(PromotionError, match="port-forward to service/web: error: pod is not running") as refusal,
    ):
        forward.connect()
    assert refusal.value.code == "no-port-forward"


def test_context_and_kubeconfig_reach_kubectl_and_helm_by_their_names(programs: Path) -> None:
    for program in ("kubectl", "helm"):
        write_program(programs / program, 'echo "$*"')
    namespace = Namespace("dev", Path("/k"), "east")
    assert namespace.kubectl("get", "pods") == "--namespace=dev --kubeconfig=/k --context=east get pods\n"
    assert namespace.helm("list") == "--namespace=dev --kubeconfig=/k --kube-context=east list\n"


def test_what_takes_too_long_is_ended(programs: Path) -> None:
    write_program(programs / "kubectl", "exec sleep 60")
    with pytest.raises(CommandError, match=r"not ended after 0\.1 s"):
        Namespace("dev").kubectl("get", "pods", seconds=0.1)
