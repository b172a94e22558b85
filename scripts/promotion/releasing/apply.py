"""Carry out a plan: prove it, record it, and move a branch by compare-and-swap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from basics import progress
from basics.errors import Conflict
from promotion.gates.static_gate import remember_passed
from promotion.planning.plan import Plan
from promotion.record.release import FILE, Image, Release, branch_of, remember
from promotion.releasing.allow_list import refuse_other_paths
from promotion.releasing.pin import check_image, pin
from promotion.releasing.prove import prove
from promotion.releasing.record import message, record_of
from promotion.repository.git import Repository
from promotion.repository.tree import Tree

_ATTEMPTS = 5  # tries, each lost to a push that changed nothing in the plan

# Pushes a release, given the commit of the release before; raises `Conflict` if that is no longer the newest one.
Push = Callable[[Release, str | None], None]
Pin = Callable[[Plan], Image]


def apply(plan: Plan, replan: Callable[[], Plan], repository: Repository, pin_image: Pin = pin) -> Release:
    """Release what `plan` says to the environment's branch; raise what `Applier.carry_out` raises."""

    def push(release: Release, before: str | None) -> None:
        branch = branch_of(release.environment)
        with progress.step(f"push release {release.number} to {branch}"):
            repository.push(branch, release.commit, before)

    return Applier(repository, replan, push, pin_image).carry_out(plan)[1]


@dataclass(frozen=True)
class Applier:
    """How a plan becomes a release: in which repository, how it is computed again, and how it is pushed."""

    repository: Repository
    replan: Callable[[], Plan]
    push: Push
    pin: Pin = pin

    def carry_out(self, plan: Plan) -> tuple[Plan, Release]:
        """Make the release that `plan` says and push it; nothing is written before every gate has passed.

        After a lost race, `replan` computes the plan again: if it makes the same changes, it is pushed; if not,
        `Conflict` is raised. Returns the plan that was carried out, and its release. Raises what the gates raise.
        """
        identity = self.repository.identity()  # read before the smoke tests, which take minutes
        check_image(plan)
        proofs = prove(plan)
        branch = branch_of(plan.request.environment.name)
        for _ in range(_ATTEMPTS):
            before = plan.request.target.endpoint.commit
            release = self._commit(plan, record_of(plan, proofs, identity, self.pin(plan)))
            try:
                self.push(release, before)
            except Conflict:
                if self.repository.head(branch) == before:
                    raise  # another branch moved, not the environment's
                plan = _same_plan(plan, self.replan())
            else:
                self._remember(plan, release)
                return plan, release
        raise Conflict("lost-race", f"{branch} keeps moving", fix="run the command again")

    def _commit(self, plan: Plan, release: Release) -> Release:
        """Return `release` with its commit, which holds only what a release may hold."""
        record = Tree({FILE: self.repository.write_blob(release.to_yaml().encode())}, self.repository)
        tree, before = plan.draft.tree.overlaid_with(record), plan.request.target.endpoint.commit
        commit = self.repository.commit(tree, before, message(plan.draft, release), release.at)
        refuse_other_paths(self.repository.tree(commit), release.environment)
        return replace(release, commit=commit)

    def _remember(self, plan: Plan, release: Release) -> None:
        """Remember for the next plan what is known about the new release."""
        remember(self.repository, release)
        plan.draft.project.remember(release.environment)
        if "static" in release.gates:
            remember_passed(self.repository.memory, release.commit)


def _same_plan(plan: Plan, later: Plan) -> Plan:
    if plan.same_changes(later) and not later.verdict.refusals:
        return later
    raise Conflict(
        "stale-plan",
        f"{plan.request.target.endpoint.environment} got another release meanwhile, and the plan has changed",
        fix="run the command again and read the new plan",
    )
