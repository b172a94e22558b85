"""`smoke.py SRC DST`: prove what a promotion would release, and keep the evidence for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from basics import progress
from promotion.commands.promote import plan_trial
from promotion.options import Options
from promotion.planning.plan import Plan
from promotion.record.evidence_branch import EvidenceBranch
from promotion.record.release import Evidence
from promotion.repository.git import Repository
from promotion.showing.result import Result, Shown


def prove(repository: Repository, source: str, target: str, wanted: Options) -> Iterator[Result]:
    """Prove the pipelines of a promotion from `source` to `target` that have no evidence.

    They are tried even if the promotion would be refused, by the policy or for a shared file.
    """
    with progress.step(f"read {source} and {target}"):
        plan = plan_trial(repository, source, target, wanted)
    proven = _prove(plan, repository) if plan.verdict.due else {}
    if proven:
        branch = EvidenceBranch(repository, target)
        with progress.step(f"push the evidence to {branch.name}"):
            branch.add_evidence(proven)
    yield Shown("smoke", _document(plan, proven), list(_lines(plan, wanted, proven)))


def _prove(plan: Plan, repository: Repository) -> Mapping[str, Evidence]:
    identity = repository.identity()  # checked before minutes of smoke tests, not after
    from promotion.smoke.smoke_gate import smoke  # imports the database driver

    return {name: replace(evidence, by=identity) for name, evidence in smoke(plan).items()}


def _document(plan: Plan, proven: Mapping[str, Evidence]) -> dict[str, object]:
    return {
        "kind": plan.request.smoke,
        "proven": {name: asdict(evidence) for name, evidence in proven.items()},
        "reused": {name: asdict(evidence) for name, evidence in plan.draft.evidence.items()},
    }


def _lines(plan: Plan, wanted: Options, proven: Mapping[str, Evidence]) -> Iterator[tuple[str, str]]:
    for name, evidence in proven.items():
        yield f"✓ {name}  proven now, {evidence.kind}: {evidence.runs} runs, {evidence.seconds:.0f} s", "green"
    for name, evidence in plan.draft.evidence.items():
        yield f"= {name}  proven before, {evidence.kind}, for release {evidence.release}", "dim"
    yield f"{plan.request.command(wanted)} needs no further proof of this tree.", ""
