"""What else refuses a draft, each with its fixes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from basics.errors import Conflict, Finding, GateRefused, PolicyRefused
from basics.wording import counted, few, short
from promotion.changes.draft import Draft
from promotion.gates.static_gate import Part, passes, static_findings
from promotion.options import Options
from promotion.pipelines import io_config
from promotion.pipelines.closure import Closure
from promotion.record.release import Hold

_NAMES_TOLD = 10
_OF_A_BLOCK = ("block-file-missing", "dbt-project-missing", "path-outside-project", "stands-for-content")
_NOT_UTF8 = re.compile("[\ud800-\udfff]")  # Python's form of bytes that are not UTF-8


def no_text(names: Iterable[str]) -> Iterator[GateRefused]:
    """Names must be UTF-8: records are."""
    odd = [ascii(name)[1:-1] for name in names if _NOT_UTF8.search(name)]
    if odd:
        yield GateRefused("bad-name", f"names of pipelines are not UTF-8: {few(odd)}", fix="rename their folders")


def on_hold(held: Sequence[Hold]) -> Iterator[PolicyRefused]:
    """A digest that was rolled back must not come back by accident."""
    if held:
        told = (f"{hold.pipeline} {short(hold.digest)} (release {hold.release}: {hold.reason})" for hold in held)
        yield PolicyRefused(
            "on-hold",
            f"rolled back, and on hold since: {', '.join(told)}",
            fix="promote a newer version, or add --release-hold --reason TEXT",
        )


def failed_in_source(draft: Draft) -> Iterator[PolicyRefused]:
    """A version that fails where it comes from must not go on by accident."""
    coming = {(change.name, change.after) for change in draft.pipelines}
    failed = [entry for entry in draft.request.failed if (entry.pipeline, entry.digest) in coming]
    if failed:
        source = draft.request.source.endpoint.environment
        told = (f"{each.pipeline} {short(each.digest)} (release {each.release}: {each.reason})" for each in failed)
        yield PolicyRefused(
            "failed-in-source",
            f"failed in {source}, and on hold since: {', '.join(told)}",
            fix="promote a newer version, or add --release-hold --reason TEXT",
        )


def shared_file(draft: Draft) -> Iterator[Conflict]:
    """An environment has one version of each file: a shared file changes for every pipeline that uses it."""
    request = draft.request
    reasons = {change.name: change.reason for change in draft.pipelines if change.action == "affected"}
    if not reasons:
        return
    affected = list(reasons)
    shared = [file for file in draft.files if reasons.keys() & file.pipelines]
    by_path = request.is_promotion and len(affected) > _NAMES_TOLD  # a rollback takes no selectors
    including = _including([f"path:{file.path}" for file in shared] if by_path else affected, draft)
    owner = next(name for file in shared for name in file.pipelines if name not in reasons)
    yield Conflict(
        "shared-file",
        "; ".join(_would_change(reasons)),
        fix=(
            f"one of\n"
            f"  include them:            {request.command(including)}\n"
            f"  prove them as they are:  {request.command(replace(request.options, verify_dependants=True))}\n"
            f"  separate them:           give {owner} a copy of the file under another name"
        ),
    )


def _including(more: Sequence[str], draft: Draft) -> Options:
    """Return options that also select `more`, and have no exclusion that could remove them again."""
    options, selected = draft.request.options, draft.selected or ()
    if not options.exclude:
        return replace(options, pipelines=(*options.pipelines, *more))
    if len(selected) > _NAMES_TOLD:
        return replace(options, exclude=())
    return replace(options, pipelines=(*selected, *more), exclude=())


def _would_change(reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each reason, with all pipelines that have it."""
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name in reasons if reasons[name] == reason]
        if len(names) == 1:
            yield f"{names[0]} is not selected and would change: it {reason}"
        else:
            yield f"{few(names)} are not selected and would change: each {reason}"


def untold_files(draft: Draft) -> Iterator[GateRefused]:
    """Every file of a pipeline must be told: a pipeline with too few would be released, and would fail."""
    names = draft.project.pipelines if draft.selected is None else draft.selected
    found = [
        finding
        for name in names
        if name in draft.project and draft.project.summaries[name].findings
        for finding in _short(draft.project.closure(name))
    ]
    if found:
        problem = "it cannot be told which files the pipelines consist of"
        yield GateRefused("untold-files", problem, fix="fix each finding", findings=sorted(set(found)))


def _short(closure: Closure) -> Iterator[Finding]:
    """Yield why the closure may have too few files."""
    unread = closure.pipeline is None
    yield from (finding for finding in closure.findings if unread or finding.code in _OF_A_BLOCK)


def static_gate(draft: Draft) -> Iterator[GateRefused]:
    """The composed tree must have no error that shows without a run."""
    found = static_findings(draft.project, [draft.request.environment], _not_passed(draft))
    ways_out = _ways_out(draft) if found else {}
    findings = [replace(each, fix=ways_out.get(each.problem.split(": ")[0], each.fix)) for each in found]
    if findings:
        message = f"the static gate has {counted(len(findings), 'finding')}"
        yield GateRefused("static-gate", message, fix="fix each finding", findings=findings)


def _not_passed(draft: Draft) -> Part | None:
    """Return the part of the draft that did not pass the gate with the target's current release; None for all.

    A selection changes nothing in the rest, unless a pipeline is removed or a file changes that all share.
    """
    after, environment, commit = draft.project, draft.request.environment, draft.request.target.endpoint.commit
    shared = any(not file.pipelines or file.path == io_config.PATH for file in draft.files)
    gone = any(name not in after for name in draft.before.pipelines)
    if draft.selected is None or commit is None or shared or gone:
        return None
    if not passes(draft.before, environment, commit):
        return None
    paths = {file.path for file in draft.files} | after.files_of(after.renewed)
    return Part(after.renewed, paths & after.tree.keys())


def _ways_out(draft: Draft) -> Mapping[str, str]:
    """Return, by its key, the fix for each schedule whose pipeline this draft removes or renames.

    A rollback of some pipelines leaves the schedules unchanged; a rollback of all restores them too.
    """
    request = draft.request
    back = None if request.is_promotion else request.command(replace(request.options, pipelines=()))
    removed = {change.name for change in draft.pipelines if change.action == "removed"}
    new_names = {change.renamed_from: change.name for change in draft.pipelines}
    ways_out = {}
    for schedule in request.environment.schedules.values():
        key, new = f"schedules.{schedule.name}", new_names.get(schedule.pipeline)
        if back and (new or schedule.pipeline in removed):
            ways_out[key] = f"roll back all pipelines, and the schedules with them: {back}"
        elif new:
            ways_out[key] = f"write `pipeline: {new}` on main: the trigger and its runs move with the pipeline"
        elif schedule.pipeline in removed:
            ways_out[key] = f"remove {key} on main first: its trigger is deleted, or paused if it ever ran"
    return ways_out
