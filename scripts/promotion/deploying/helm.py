"""A command of helm that changes the cluster, watched until it ends or what it waits for cannot come."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from basics.errors import PromotionError
from basics.process import CommandError, run
from basics.supervised import supervised
from promotion.cluster.state import State, read_state
from promotion.cluster.target import Target
from promotion.cluster.troubles import Trouble, troubles
from promotion.deploying.watch import Watch

_PAUSE = 2.0
_HELM_ENDS = 60.0  # seconds for helm to write down that it was stopped


class NotUp(Exception):
    """What did not come up: the message is the reason in one line, and `said` what helm printed."""

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(reason)
        self.said = said


def require_helm() -> None:
    """Raise `PromotionError` unless helm is there, in version 4 or later."""
    version = run("helm", "version", "--template={{.Version}}", cwd=Path.cwd()).decode().strip()
    if version.startswith("v3."):
        told = f"helm is {version}; this needs version 4, which can write over changes made by hand"
        raise PromotionError("helm-too-old", told, fix="install Helm 4: https://helm.sh/docs/intro/install")


def run_helm(target: Target, *arguments: str) -> str:
    """Run helm, and return what it printed; raise `NotUp` when it fails, or when an object stays in trouble.

    Helm is stopped then, and also when this process ends: it writes down that the revision failed.
    """
    before = read_state(target.cluster, target.selector)
    watch = Watch({trouble.uid for trouble in troubles(before)})
    with tempfile.TemporaryFile() as said:
        command = target.cluster.helm_command(*arguments)
        with supervised(command, environment=os.environ, stdout=said, stderr=said, grace=_HELM_ENDS) as helm:
            lasting = _watch(helm, watch, lambda: _wrong(target, before))
        said.seek(0)
        text = said.read().decode(errors="replace")
    if lasting:
        raise NotUp(str(lasting), text)
    if helm.returncode:
        last = (text.strip().splitlines() or ["helm said nothing"])[-1]
        raise NotUp(watch.cause(_wrong(target, before), last), text)
    return text


def _watch(helm: Popen[bytes], watch: Watch, look: Callable[[], list[Trouble]]) -> Trouble | None:
    while helm.poll() is None:
        if lasting := watch.look(look()):
            return lasting
        time.sleep(_PAUSE)
    return None


def _wrong(target: Target, before: State) -> list[Trouble]:
    """Return what is wrong now; nothing while the cluster does not answer, for which helm waits as well.

    Pods that were there before and start only once are left out: they tell of the last time.
    """
    old = {each["metadata"]["uid"] for each in before.of("Pod") if each["spec"]["restartPolicy"] == "Never"}
    try:
        now = read_state(target.cluster, target.selector)
    except CommandError:
        return []
    return troubles(State([each for each in now.objects if each["metadata"]["uid"] not in old], now.events))
