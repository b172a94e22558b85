"""`promote.py finalize ENV`: what came of pull requests is their releases and nothing else; their branches go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from basics import progress
from basics.errors import Conflict, Finding, GateCouldNotRun, GateRefused
from promotion.changes.sides import main_side
from promotion.configuration.environment import load_environment
from promotion.record.release import History, branch_of, releases
from promotion.releasing.audit import audit_release
from promotion.releasing.pull_request import follow_requests, request_branch, requests
from promotion.repository.git import Repository
from promotion.repository.merge import is_merge_of
from promotion.showing.release import release_document, release_lines
from promotion.showing.report import Report


def finalize(repository: Repository, name: str, *, report: Report) -> int:
    """Remove the branches of the pull requests to the environment `name` that were merged as they are.

    Returns the exit code. Raises `GateRefused` where a merge brought something else, `Conflict` where another
    release took the number, and `GateCouldNotRun` where nothing was merged yet: this is no verdict, try again.
    """
    with progress.step(f"read {name} and the pull requests to it"):
        follow_requests(repository, name)
        repository.fetch()
        history = releases(repository, name)
        if not history:
            load_environment(main_side(repository).tree, name)  # refuses an environment that does not exist
    waiting = requests(repository, name)
    with progress.step(f"check what came to {branch_of(name)}"):
        _refuse_what_is_no_release(repository, name, history, waiting)
    merged = [number for number in sorted(waiting) if _is_merged(repository, history, number, waiting[number])]
    for number in merged:
        release = history.at_place(number)
        report.result("release", release_document(release), release_lines(release))
        branch = request_branch(name, number)
        with progress.step(f"remove {branch}"):
            repository.push(branch, None, waiting[number])
    left = {number: commit for number, commit in waiting.items() if number not in merged}
    _refuse_what_is_overtaken(repository, name, history, left)
    if left and not merged:
        raise _not_merged(name, left)
    nothing = f"Nothing to finalize: there is no branch {request_branch(name, 0)[:-1]}*."
    report.result("finalized", merged, [] if merged else [(nothing, "green")])
    return 0


def _refuse_what_is_no_release(
    repository: Repository, name: str, history: History, waiting: Mapping[int, str]
) -> None:
    """Look at the last release and at all that may have come of a pull request."""
    newest = len(history)
    spoiled: dict[int, list[Finding]] = {}
    for number in sorted({newest, *waiting}):
        if 0 < number <= newest:
            release = history.at_place(number)
            findings = audit_release(repository, name, release, number, expect_digest=number in waiting)
            if found := list(findings):
                spoiled[number] = found
    if spoiled:
        useless = " ".join(request_branch(name, number) for number in spoiled if number in waiting)
        raise GateRefused(
            "not-as-released",
            f"{branch_of(name)} holds what the promotion did not make",
            fix="see each" + (f", and then: git push {repository.remote} --delete {useless}" if useless else ""),
            findings=[finding for found in spoiled.values() for finding in found],
        )


def _is_merged(repository: Repository, history: History, number: int, commit: str) -> bool:
    """Tell whether the release `number` is what the pull request with `commit` proposed."""
    return number <= len(history) and is_merge_of(repository, history.at_place(number).commit, commit)


def _refuse_what_is_overtaken(
    repository: Repository, name: str, history: History, left: Mapping[int, str]
) -> None:
    findings = list(_overtaken(repository, name, history, left))
    if findings:
        told = ", ".join(finding.path for finding in findings)
        raise Conflict("overtaken", f"{told} can no longer become a release", fix="see each", findings=findings)


def _overtaken(repository: Repository, name: str, history: History, left: Mapping[int, str]) -> Iterator[Finding]:
    """Yield the pull requests that are not one commit on the last release."""
    last = (history[0].commit,) if history else ()
    for number, commit in sorted(left.items()):
        branch = request_branch(name, number)
        fix = f"git push {repository.remote} --delete {branch}; what is still wanted of it: --pr again"
        if number <= len(history):
            came = history.at_place(number).commit
            problem = f"{branch_of(name)} has another release {number} ({came[:8]})"
            yield Finding(branch, None, "number-taken", problem, fix)
        elif repository.header(commit).parents != last:
            problem = f"{commit[:8]} is not one commit on the last release of {branch_of(name)}"
            yield Finding(branch, None, "not-one-commit", problem, fix)


def _not_merged(name: str, left: Mapping[int, str]) -> GateCouldNotRun:
    branches = ", ".join(request_branch(name, number) for number in sorted(left))
    return GateCouldNotRun(
        "not-merged",
        f"{branches} is not merged into {branch_of(name)} yet",
        fix=f"merge the pull request, then scripts/promote.py finalize {name}",
    )
