"""What the target's policy says about a draft: all its refusals, not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from basics.errors import NotYet, PolicyRefused
from basics.wording import near
from promotion.changes.draft import Draft
from promotion.configuration.freeze import freeze_at
from promotion.configuration.policy import EVERYBODY, People, Policy
from promotion.gates.observed_runs import too_few_runs
from promotion.gates.soak import still_soaking
from promotion.layout import PROJECT

_Refusals = Iterator[PolicyRefused]


@dataclass(frozen=True)
class PolicyGate:
    """The policy of the draft's target, and whose approvals of the draft count."""

    draft: Draft
    approved_by: tuple[str, ...] = ()

    def refusals(self) -> _Refusals:
        """Yield the refusals of the policy, without those that an emergency skips.

        A rollback is checked only for its promoter and signature, and in a freeze for versions that are new here.
        """
        yield from self._promoter()
        yield from self._signature()
        if self.draft.request.is_promotion:
            yield from self._standing_holds()
            yield from self._unknown_holds()
        for name, check in self._skippable.items():
            if name not in self.draft.request.options.emergency:
                yield from check()

    def refusing(self) -> set[str]:
        """Return the names of the checks that an emergency may skip and that refuse the draft."""
        return {name for name, check in self._skippable.items() if any(check())}

    def approver_refusals(self, identity: str) -> _Refusals:
        """Yield the refusals of an approval of the draft by `identity`."""
        approvers = self._policy.approvers
        if identity not in approvers:
            yield PolicyRefused(
                "not-an-approver",
                f"{identity} may not approve releases to {self._name}: {approvers} may",
                fix=f"ask one of them, or add yourself to `approvers` in {self._file} on main",
            )
        yield from self._signature()

    @property
    def _skippable(self) -> Mapping[str, Callable[[], _Refusals]]:
        return {"soak": self._soak, "runs": self._runs, "freeze": self._freeze, "approvals": self._approvals}

    @property
    def _policy(self) -> Policy:
        return self.draft.request.environment.policy

    @property
    def _name(self) -> str:
        return self.draft.request.environment.name

    @property
    def _file(self) -> str:
        return f"environments/{self._name}/policy.yaml"

    def _promoter(self) -> _Refusals:
        """The promoter must be one of those whom the policy lists."""
        identity, promoters = self.draft.request.by, self._policy.promoters
        if identity is not None and identity not in promoters:
            yield PolicyRefused(
                "not-a-promoter",
                f"{identity} may not release to {self._name}: {promoters} may",
                fix=f"ask one of them, or add yourself to `promoters` in {self._file} on main",
            )

    def _signature(self) -> _Refusals:
        """Releases may have to be signed: it is better to know before the smoke tests than after them."""
        if self._policy.signed and not self.draft.request.signing:
            yield PolicyRefused(
                "not-signing",
                f"releases of {self._name} must be signed, and your git does not sign commits",
                fix="git config user.signingkey … && git config commit.gpgsign true "
                "(gpg.format ssh for an SSH key)",
            )

    def _standing_holds(self) -> _Refusals:
        """A hold that was written on `main` stays until it is removed there."""
        moves = self.draft.pipelines
        names = {name: [c.name, c.renamed_from] for c in moves for name in (c.name, c.renamed_from) if name}
        held = [hold for hold in self._policy.holds if hold.pipeline is None or hold.pipeline in names]
        if held:
            told = (f"{hold.pipeline or 'all of it'} ({hold.reason})" for hold in held)
            leave = {name for hold in held for name in names.get(hold.pipeline or "", []) if name}
            exclude = " ".join(f"--exclude {name}" for name in sorted(leave))
            way_out = f"leave them out ({exclude}), or " if all(hold.pipeline for hold in held) else ""
            yield PolicyRefused(
                "standing-hold",
                f"on hold in {self._name}: {', '.join(told)}",
                fix=f"{way_out}remove the entry of `holds` from {self._file} on main",
            )

    def _unknown_holds(self) -> _Refusals:
        """A hold with a misspelled name would hold nothing, and nobody would notice."""
        trees = (self.draft.request.source.tree, self.draft.request.target.tree)
        for hold in self._policy.holds:
            folder = f"{PROJECT}/pipelines/{hold.pipeline}"
            if hold.pipeline and not any(tree.has_folder(folder) for tree in trees):
                yield PolicyRefused(
                    "unknown-hold",
                    f"{self._file} on main holds {hold.pipeline} ({hold.reason}), and there is no such pipeline",
                    fix=f"{near(hold.pipeline, self.draft.project.pipelines)}; or remove the entry",
                )

    def _soak(self) -> _Refusals:
        """Promoted versions must have run long enough in the source."""
        soaking = list(still_soaking(self.draft)) if self.draft.request.is_promotion else []
        if soaking:
            waits = all(soak.over for soak in soaking)
            source = self.draft.request.source.endpoint.environment
            then = "run the command again then" if waits else f"{_as_in(source)}, and wait"
            refusal = NotYet if waits else PolicyRefused
            yield refusal(
                "soaking",
                f"not yet {self._policy.soak:g} hours in {source}: {', '.join(map(str, soaking))}",
                fix=f"{then}, or {_override('soak')}",
            )

    def _runs(self) -> _Refusals:
        """Promoted versions must have completed enough scheduled runs in the source, and not have failed last."""
        too_few = list(too_few_runs(self.draft)) if self.draft.request.is_promotion else []
        if too_few:
            waits = all(runs.is_there for runs in too_few)
            source, asked = self.draft.request.source.endpoint.environment, self._policy.runs
            again = f"once they have run: scripts/promote.py observe {source}"
            refusal = NotYet if waits else PolicyRefused
            yield refusal(
                "too-few-runs",
                f"not yet {asked} scheduled runs completed in {source}: {', '.join(map(str, too_few))}",
                fix=f"{again if waits else _as_in(source)}, or {_override('runs')}",
            )

    def _freeze(self) -> _Refusals:
        """No new version comes while the environment is frozen."""
        request = self.draft.request
        freeze = freeze_at(self._policy.freezes, request.now)
        if freeze and (request.is_promotion or not self._known_here()):
            yield NotYet(
                "frozen",
                f"{self._name} is frozen {freeze}",
                fix=f"run the command again after it, or {_override('freeze')}",
            )

    def _known_here(self) -> bool:
        """Tell whether every version that comes ran in the environment before, or was proven for it."""
        draft = self.draft
        ran = {entry for release in draft.request.target.releases for entry in release.digests.items()}
        return all(
            change.after is None or (change.name, change.after) in ran or change.name in draft.evidence
            for change in draft.pipelines
        )

    def _approvals(self) -> _Refusals:
        """Enough other people must approve this very draft; a rollback does not wait for them."""
        asked, draft = self._policy.approvals, self.draft
        if draft.request.is_promotion and len(self.approved_by) < asked and not draft.is_empty:
            yield NotYet(
                "not-approved",
                f"{self._name} requires approvals by others: {approvals_of(asked, self.approved_by)}",
                fix=f"keep the plan (--plan -o plan.json), have {_another_of(self._policy.approvers)} type "
                f"scripts/promote.py approve plan.json, and apply it then, or {_override('approvals')}",
            )


def approvals_of(asked: int, given: tuple[str, ...]) -> str:
    """Return how many of the `asked` approvals were `given`, and by whom."""
    by = f": {', '.join(given)}" if given else ""
    return f"{len(given)} of {asked}{by}"


def _as_in(source: str) -> str:
    return f"also promote what it runs with in {source}"


def _another_of(people: People) -> str:
    return "somebody else" if people == EVERYBODY else f"another of {people}"


def _override(check: str) -> str:
    return f"in an emergency add --emergency {check} --reason TEXT"
