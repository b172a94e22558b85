"""`promote.py finalize ENV`: check what merged pull requests brought, and remove their branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from basics import progress
from basics.errors import Conflict, Finding, GateCouldNotRun, GateRefused
from promotion.changes.sides import main_side
from promotion.configuration.environment import load_environment
from promotion.configuration.registry import Registry, read_registry
from promotion.image.recorded import refuse_lost_image
from promotion.layout import ENVIRONMENTS
from promotion.record.release import History, Release, branch_of, releases
from promotion.releasing.audit import Audit
from promotion.releasing.pull_request import follow_requests, request_branch, requests
from promotion.repository.git import Repository
from promotion.repository.merge import is_merge_of
from promotion.showing.release import shown_release
from promotion.showing.result import Result, Shown


def finalize(repository: Repository, name: str) -> Iterator[Result]:
    """Remove the branches of pull requests to the environment `name` that were merged without a change.

    Raises `GateRefused` where a merge brought something else, `Conflict` where another
    release took the number, and `GateCouldNotRun` where nothing was merged yet: then there is no verdict, try
    again.
    """
    with progress.step(f"read {name} and the pull requests to it"):
        follow_requests(repository, name)
        repository.fetch()
        history = releases(repository, name)
        main = main_side(repository, ENVIRONMENTS).tree
        if not history:
            load_environment(main, name)  # refuses an environment that does not exist
        registry = read_registry(main)
    waiting = _Waiting(repository, name, history, requests(repository, name))
    with progress.step(f"check what came to {branch_of(name)}"):
        waiting.refuse_what_is_no_release()
    merged = [number for number in sorted(waiting.commits) if waiting.is_merged(number)]
    for number in merged:
        yield shown_release(history.at_position(number))
        _refuse_lost_image(history.at_position(number), registry)
        branch = request_branch(name, number)
        with progress.step(f"remove {branch}"):
            repository.push(branch, None, waiting.commits[number])
    left = {number: commit for number, commit in waiting.commits.items() if number not in merged}
    waiting.refuse_what_is_overtaken(left)
    if left and not merged:
        raise _not_merged(name, left)
    nothing = f"Nothing to finalize: there is no branch {request_branch(name, 0)[:-1]}*."
    yield Shown("finalized", merged, [] if merged else [(nothing, "green")])


def _refuse_lost_image(release: Release, registry: Registry | None) -> None:
    """The registry may have lost the image between the proposal and the merge."""
    if registry and release.image.digest:
        otherwise = f"go back: scripts/rollback.py {release.environment} --to {release.number - 1} --reason TEXT"
        refuse_lost_image(release.image, registry.repository, otherwise)


@dataclass(frozen=True)
class _Waiting:
    """The pull requests to an environment: the commit of each, by the number of its release."""

    repository: Repository
    name: str
    history: History
    commits: Mapping[int, str]

    def refuse_what_is_no_release(self) -> None:
        """Check the last release and every one that a pull request may have brought."""
        newest, audit = len(self.history), Audit(self.repository, self.name)
        spoiled: dict[int, list[Finding]] = {}
        for number in sorted({newest, *self.commits}):
            if 0 < number <= newest:
                release = self.history.at_position(number)
                if found := list(audit.of_one(release, number, expect_digest=number in self.commits)):
                    spoiled[number] = found
        if spoiled:
            useless = " ".join(request_branch(self.name, number) for number in spoiled if number in self.commits)
            delete = f", and then: git push {self.repository.remote} --delete {useless}" if useless else ""
            raise GateRefused(
                "not-as-released",
                f"{branch_of(self.name)} has content that the promotion did not make",
                fix=f"see each finding{delete}",
                findings=[finding for found in spoiled.values() for finding in found],
            )

    def is_merged(self, number: int) -> bool:
        """Tell whether the release `number` is what its pull request proposed."""
        if number > len(self.history):
            return False
        return is_merge_of(self.repository, self.history.at_position(number).commit, self.commits[number])

    def refuse_what_is_overtaken(self, left: Mapping[int, str]) -> None:
        """Refuse if one of `left` can no longer be merged."""
        if findings := list(self._overtaken(left)):
            told = ", ".join(finding.path for finding in findings)
            raise Conflict(
                "overtaken", f"{told} can no longer become a release", fix="see each finding", findings=findings
            )

    def _overtaken(self, left: Mapping[int, str]) -> Iterator[Finding]:
        """Yield the pull requests that are not one commit on the last release."""
        last = (self.history[0].commit,) if self.history else ()
        for number, commit in sorted(left.items()):
            branch = request_branch(self.name, number)
            fix = f"git push {self.repository.remote} --delete {branch}; then --pr again, if needed"
            if number <= len(self.history):
                came = self.history.at_position(number).commit
                problem = f"{branch_of(self.name)} has another release {number} ({came[:8]})"
                yield Finding(branch, None, "number-taken", problem, fix)
            elif self.repository.header(commit).parents != last:
                problem = f"{commit[:8]} is not one commit on the last release of {branch_of(self.name)}"
                yield Finding(branch, None, "not-one-commit", problem, fix)


def _not_merged(name: str, left: Mapping[int, str]) -> GateCouldNotRun:
    branches = ", ".join(request_branch(name, number) for number in sorted(left))
    return GateCouldNotRun(
        "not-merged",
        f"{branches} is not merged into {branch_of(name)} yet",
        fix=f"merge the pull request, then scripts/promote.py finalize {name}",
    )
