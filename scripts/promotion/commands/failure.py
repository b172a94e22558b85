"""The answer to a version that fails in the cluster, as the policy says: tell it, hold it, or take it back."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from basics import progress
from basics.errors import Conflict, GateCouldNotRun, GateRefused, PromotionError, Unhealthy
from basics.wording import few
from promotion.changes.sides import Side
from promotion.cluster.failing import Failing
from promotion.commands.carry_out import CarryOut
from promotion.commands.question import ask
from promotion.commands.rollback import plan_rollback
from promotion.configuration.environment import Environment
from promotion.configuration.policy import ROLLBACK, TELL
from promotion.options import Options
from promotion.planning.plan import Plan
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.evidence_record import Failed
from promotion.record.release import Release
from promotion.repository.git import Repository
from promotion.showing.result import Result


@dataclass(frozen=True)
class Answer:
    """The answer to failures of the current release of `side`; `mode` is ask, plan or yes."""

    repository: Repository
    environment: Environment
    side: Side
    mode: str

    def give(self, failing: Sequence[Failing]) -> Generator[Result, None, Sequence[Failing]]:
        """Do what the policy says; return what was taken back, which ends the watch.

        Versions of one release are taken back together, the newest first; a later watch takes the others. What
        cannot be taken back is held instead: it had no earlier version, or its rollback is refused.
        """
        policy = self.environment.policy.on_failure
        to_take_back = self._of_one_release(failing) if policy == ROLLBACK else []
        to_hold = [each for each in failing if not any(each in versions for versions in to_take_back)]
        taken_back: Sequence[Failing] = ()
        for versions in to_take_back:
            if (yield from self._take_back(versions)):
                taken_back = versions
                break
            to_hold += versions
        if to_hold and policy != TELL:
            self._hold(to_hold)
        return taken_back

    def _of_one_release(self, failing: Sequence[Failing]) -> list[list[Failing]]:
        """Return the versions that replaced another one, by the release that brought them, the newest first."""
        found = [each for each in failing if self._had_another(each)]
        numbers = sorted({each.since for each in found}, reverse=True)
        return [[each for each in found if each.since == number] for number in numbers]

    def _had_another(self, each: Failing) -> bool:
        """Whether the release replaced a version that may come back.

        What a rollback replaced may not: if the reason is outside of the pipeline, both versions would take turns.
        """
        brought, *before = self._since(each)
        return brought.action == "promotion" and any(each.pipeline in release.pipelines for release in before[:1])

    def _since(self, each: Failing) -> Sequence[Release]:
        """Return the release that brought this version, and those before it, the newest first."""
        releases = self.side.releases
        position = next((n for n, release in enumerate(releases) if release.number == each.since), 0)
        return releases[position:]

    def failure(self, failing: Sequence[Failing], place: object, taken_back: Sequence[Failing]) -> Unhealthy:
        """Return what to tell at the end, with the next command."""
        name, number = self.environment.name, self._release.number
        problem = f"release {number} of {name} fails in {place}: {_told(failing)}"
        is_done = self.environment.policy.on_failure != TELL and self.mode != "plan"
        left = [each for each in failing if each not in taken_back]
        if taken_back and is_done:
            which = f": {few([each.pipeline for each in taken_back])}" if left else ""
            problem += f"; taken back{which}"
            fix = f"where no Argo CD or Flux follows env/{name}: scripts/deploy.py {name}; mend it on main"
        else:
            problem += "; it goes no further" if is_done else ""
            names = " ".join(f"-p {each.pipeline}" for each in failing)
            fix = f"mend it on main; or take it back: scripts/rollback.py {name} {names} --reason TEXT"
        return Unhealthy("failed-in-cluster", problem, fix=fix)

    @property
    def _release(self) -> Release:
        return self.side.releases[0]

    def _take_back(self, failing: Sequence[Failing]) -> Generator[Result, None, bool]:
        """Roll back exactly these pipelines, which one release brought; return False where that is refused."""
        names = tuple(each.pipeline for each in failing)
        options = Options(pipelines=names, reason=f"watched: {_told(failing)}")
        number = len(self._since(failing[0])) - 1  # what ran until the release came

        def plan() -> Plan:
            return plan_rollback(self.repository, self.environment.name, number, options)

        with progress.step(f"read {self.environment.name}"):
            planned = plan()
        self._refuse_later_release(planned)
        if planned.verdict.refusals:
            return _cannot(names, planned.verdict.refusals[0])
        try:
            yield from CarryOut(plan, self.repository, self.mode).decide(planned)
        except (GateRefused, GateCouldNotRun) as refusal:
            return _cannot(names, refusal)
        return True

    def _refuse_later_release(self, plan: Plan) -> None:
        """A release that came meanwhile may have mended it already."""
        name, number = self.environment.name, plan.request.target.releases[0].number
        if number != self._release.number:
            problem = f"{name} got release {number} meanwhile, so nothing was taken back"
            raise Conflict("stale-plan", problem, fix=f"scripts/promote.py watch {name}")

    def _hold(self, failing: Sequence[Failing]) -> None:
        """Let these versions go no further; one that is on hold already stays so."""
        branch = EvidenceBranch(self.repository, self.environment.name)
        known = {(each.pipeline, each.digest) for each in branch.record().failed}
        new = [each for each in failing if (each.pipeline, each.digest) not in known]
        if not new or self.mode == "plan":
            return
        names = few([each.pipeline for each in new])
        ask(self.mode, f"Hold {names} of {self.environment.name}?", "nothing is on hold")
        with progress.step(f"push the hold of {names} to {branch.name}"):
            branch.add_failed(tuple(map(self._failed, new)))

    def _failed(self, each: Failing) -> Failed:
        number, by = self._release.number, self.repository.identity()
        return Failed(each.pipeline, each.digest, number, str(each), by, datetime.now(UTC))


def _told(failing: Sequence[Failing]) -> str:
    return "; ".join(f"{each.pipeline}: {each}" for each in failing)


def _cannot(names: Sequence[str], refusal: PromotionError) -> bool:
    progress.say(f"{few(names)} cannot be taken back: {refusal.message}", "yellow")
    return False
