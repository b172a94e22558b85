"""A release on its own branch, for a pull request: many hosts let nobody push to a protected `env/<env>`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from basics import progress
from basics.errors import Conflict
from promotion.planning.plan import Plan
from promotion.record.release import Release, branch_of
from promotion.releasing.apply import Applier
from promotion.repository.git import Repository


@dataclass(frozen=True)
class PullRequest:
    """A plan whose release waits on `branch` to be merged into `base`.

    `replaces` is the commit that `branch` pointed to before.
    """

    branch: str
    base: str
    replaces: str | None
    plan: Plan
    release: Release


def follow_requests(repository: Repository, environment: str) -> None:
    """Let `repository` fetch the branches of pull requests to `environment`; nothing else needs them."""
    repository.follow(f"{_folder(environment)}*")


def request_branch(environment: str, number: int) -> str:
    """Return the branch of the pull request for the release `number`."""
    return f"{_folder(environment)}{number}"


def _folder(environment: str) -> str:
    return f"release/{environment}/"


def requests(repository: Repository, environment: str) -> dict[int, str]:
    """Return, by release number, the commits of the pull requests' branches at the last fetch."""
    names = {ref.removeprefix(f"refs/heads/{_folder(environment)}"): oid for ref, oid in repository.heads.items()}
    return {int(name): oid for name, oid in names.items() if re.fullmatch("[1-9][0-9]*", name)}


def propose(plan: Plan, replan: Callable[[], Plan], repository: Repository) -> PullRequest:
    """Make the release that `plan` says and push it to its own branch; raise what `Applier` raises.

    It replaces an older proposal with the same number, unless that moved meanwhile: a pull request is not a
    record, and only one of each number can be merged. Other branches stay.
    """
    name = plan.request.environment.name
    follow_requests(repository, name)
    repository.fetch()
    known = requests(repository, name)

    def push(release: Release, before: str | None) -> None:
        repository.fetch()  # the gates may have taken minutes
        if repository.head(branch_of(name)) != before:
            raise Conflict("lost-race", f"{branch_of(name)} moved while this command ran", fix="run it again")
        branch = request_branch(name, release.number)
        with progress.step(f"push release {release.number} to {branch}"):
            repository.push(branch, release.commit, known.get(release.number))

    plan, release = Applier(repository, replan, push).carry_out(plan)
    branch = request_branch(name, release.number)
    return PullRequest(branch, branch_of(name), known.get(release.number), plan, release)
