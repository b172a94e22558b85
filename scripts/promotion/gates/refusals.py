"""What stands in the way of a plan, each with the ways out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from basics.errors import Conflict, Finding, GateRefused, PolicyRefused, UsageError
from basics.wording import counted, few
from promotion.changes.differences import FileChange, PipelineChange
from promotion.configuration.environment import Environment
from promotion.options import Options
from promotion.record.release import Hold

_NAMES_TOLD = 10
_NOT_UTF8 = re.compile("[\ud800-\udfff]")  # how Python reads such bytes


def refuse_wrong_source(source: str, environment: Environment) -> None:
    """The target's policy names the one place that it takes releases from."""
    allowed = environment.policy.source
    if source != allowed:
        raise PolicyRefused(
            "wrong-source",
            f"{environment.name} accepts promotions from {allowed} only",
            fix=f"scripts/promote.py {allowed} {environment.name}",
        )


def unknown_pipeline(place: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the refusal of a name that nobody has."""
    return UsageError("unknown-pipeline", f"{place} has no pipeline {name!r}", fix=near(name, known))


def near(name: str, known: Iterable[str]) -> str:
    """Return what to write instead of the unknown `name`: the names like it, or those that there are."""
    names = sorted(known)
    told = get_close_matches(name, names, n=3) or names[:_NAMES_TOLD]
    more = ", …" if len(told) == _NAMES_TOLD < len(names) else ""
    return f"one of {', '.join(told)}{more}" if told else "there is none"


def no_text(names: Iterable[str]) -> Iterator[GateRefused]:
    """A record is UTF-8, and so is every name in it."""
    odd = [ascii(name)[1:-1] for name in names if _NOT_UTF8.search(name)]
    if odd:
        yield GateRefused("bad-name", f"names of pipelines are not UTF-8: {few(odd)}", fix="rename their folders")


def on_hold(held: Sequence[Hold]) -> Iterator[PolicyRefused]:
    """What was rolled back does not come back by itself."""
    if held:
        told = (f"{hold.pipeline} {hold.digest[7:15]} (release {hold.release}: {hold.reason})" for hold in held)
        yield PolicyRefused(
            "on-hold",
            f"rolled back, and on hold since: {', '.join(told)}",
            fix="promote a newer version, or add --release-hold --reason TEXT",
        )


def shared_file(
    command: Callable[[Options], str],
    options: Options,
    selected: Sequence[str],
    changes: Sequence[PipelineChange],
    files: Sequence[FileChange],
    *,
    takes_selectors: bool,
) -> Iterator[Conflict]:
    """An environment has one version of a file: a shared one moves for every pipeline that uses it.

    `command` tells what to type for other options than `options`, which `selected` these pipelines.
    """
    reasons = {change.name: change.reason for change in changes if change.action == "affected"}
    if not reasons:
        return
    affected = list(reasons)
    shared = [file for file in files if reasons.keys() & file.pipelines]
    by_path = takes_selectors and len(affected) > _NAMES_TOLD
    including = [f"path:{file.path}" for file in shared] if by_path else affected
    owner = next(name for file in shared for name in file.pipelines if name not in reasons)
    yield Conflict(
        "shared-file",
        "; ".join(_would_change(reasons)),
        fix=(
            f"one of\n"
            f"  include them:            {command(_including(including, options, selected))}\n"
            f"  prove them as they are:  {command(replace(options, verify_dependants=True))}\n"
            f"  separate them:           give {owner} a copy of the file under a name of its own"
        ),
    )


def _including(more: Sequence[str], options: Options, selected: Sequence[str]) -> Options:
    """Return options that take `more` as well: an exclusion that was typed would take it out again."""
    if not options.exclude:
        return replace(options, pipelines=(*options.pipelines, *more))
    if len(selected) > _NAMES_TOLD:
        return replace(options, exclude=())
    return replace(options, pipelines=(*selected, *more), exclude=())


def _would_change(reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each reason, with all whose reason it is."""
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name in reasons if reasons[name] == reason]
        if len(names) == 1:
            yield f"{names[0]} is not selected and would change: it {reason}"
        else:
            yield f"{few(names)} are not selected and would change: each {reason}"


def still_scheduled(
    findings: Sequence[Finding], environment: Environment, changes: Sequence[PipelineChange], back: str | None
) -> list[Finding]:
    """Return `findings` with the way out of each schedule whose pipeline this very plan removes or renames.

    For a rollback of some pipelines, which leaves the schedules, that is `back`, which takes them back too.
    """
    removed = {change.name for change in changes if change.action == "removed"}
    new_names = {change.renamed_from: change.name for change in changes}
    ways_out = {}
    for schedule in environment.schedules.values():
        key, new = f"schedules.{schedule.name}", new_names.get(schedule.pipeline)
        if back and (new or schedule.pipeline in removed):
            ways_out[key] = f"a rollback of all brings the schedules of then: {back}"
        elif new:
            ways_out[key] = f"write `pipeline: {new}` on main: the trigger and its runs move with the pipeline"
        elif schedule.pipeline in removed:
            ways_out[key] = f"remove {key} on main first: its trigger is deleted, or paused if it ever ran"
    return [replace(found, fix=ways_out.get(found.problem.split(": ")[0], found.fix)) for found in findings]


def static_gate(findings: Sequence[Finding]) -> Iterator[GateRefused]:
    """The composed tree is wrong in places that no run is needed to see."""
    if findings:
        message = f"the static gate has {counted(len(findings), 'finding')}"
        yield GateRefused("static-gate", message, fix="fix each", findings=findings)
