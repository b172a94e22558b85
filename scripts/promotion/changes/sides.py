"""The source and the target of a promotion, read from the remote's branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from basics.errors import PolicyRefused, PromotionError, UsageError
from basics.wording import few, near
from promotion.configuration.environment import Environment, configured, load_environment
from promotion.layout import ENVIRONMENTS, PLATFORM_AND_PROJECT, REGISTRY
from promotion.record.release import Endpoint, Entry, Release, releases
from promotion.repository.git import MAIN, Repository
from promotion.repository.tree import Tree

HEAD = "HEAD"  # `main` as it would be with the commit that is checked out in this clone


@dataclass(frozen=True)
class Side:
    """The source or the target: its endpoint, its tree and, if it is an environment, its releases."""

    endpoint: Endpoint
    tree: Tree
    releases: Sequence[Release] = ()
    history: Sequence[Entry] = ()  # what each release says about itself

    @property
    def current(self) -> Release | None:
        """The release that the environment runs now."""
        return self.releases[0] if self.releases else None


def main_side(repository: Repository, *roots: str) -> Side:
    """Return `main` as the remote has it, or the part of it below `roots`."""
    commit = repository.head(MAIN)
    if commit is None:
        raise PromotionError(
            "no-main", f"the remote has no branch {MAIN}", fix=f"git push {repository.remote} {MAIN}"
        )
    return Side(Endpoint(MAIN, None, commit), repository.tree(commit, *roots))


def environment_side(repository: Repository, name: str) -> Side:
    """Return the environment `name` with its releases; empty before the first one."""
    known = releases(repository, name)
    if not known:
        return Side(Endpoint(name, None, None), Tree({}, repository))
    here, tree = Endpoint(name, known[0].number, known[0].commit), repository.tree(known[0].commit)
    return Side(here, tree, known, list(known.entries()))


def released_side(repository: Repository, name: str) -> Side:
    """Return the environment `name`; raise `UsageError` where it has no release."""
    side = environment_side(repository, name)
    if side.current is None:
        main = main_side(repository).tree
        known = configured(main)
        if name in known:
            raise UsageError("no-release", f"{name} has no release yet", fix=_promotion_to(main, name))
        raise _unknown_environment(name, known)
    return side


def _promotion_to(main: Tree, name: str) -> str:
    return f"scripts/promote.py {load_environment(main, name).policy.source} {name}"


def released_tree(repository: Repository, name: str, purpose: str) -> Tree:
    """Fetch, and return what the environment `name` runs, to do with it what `purpose` says."""
    repository.fetch()
    load_environment(main_side(repository).tree, name)  # refuses an environment that does not exist
    side = environment_side(repository, name)
    if side.current is None:
        raise UsageError("no-release", f"{name} has no release to {purpose}", fix=f"promote to {name} first")
    return side.tree


def source_side(repository: Repository, name: str, main: Side, target: Environment) -> Side:
    """Return the source of a promotion to `target`; the policy must allow it, and it must have a release."""
    name = MAIN if name == HEAD else name
    known = [MAIN, *configured(main.tree)]
    if name not in known:
        raise _unknown_environment(name, known)
    _refuse_wrong_source(name, target)
    return main if name == MAIN else released_side(repository, name)


def _refuse_wrong_source(source: str, environment: Environment) -> None:
    """Raise `PolicyRefused` unless `source` is the one that the target's policy names."""
    allowed = environment.policy.source
    if source != allowed:
        raise PolicyRefused(
            "wrong-source",
            f"{environment.name} accepts promotions from {allowed} only",
            fix=f"scripts/promote.py {allowed} {environment.name}",
        )


def _unknown_environment(name: str, known: Sequence[str]) -> UsageError:
    return UsageError("unknown-environment", f"there is no environment {name!r}", fix=near(name, known))


def refuse_local_changes(repository: Repository, source: str, target: str) -> None:
    """Refuse when this clone has work that is missing on the remote, from which the promotion reads."""
    roots = [f"{ENVIRONMENTS}/{target}", REGISTRY, *(PLATFORM_AND_PROJECT if source in (MAIN, HEAD) else ())]
    if source == HEAD:
        taken = "the plan takes what HEAD has"
    else:
        taken = f"promotions take what {repository.remote}/{MAIN} has"
    if dirty := repository.uncommitted(roots):
        raise PromotionError(
            "uncommitted-changes",
            f"not committed: {few(dirty)}; {taken}",
            fix=f"commit and push to {MAIN}, or set them aside: git stash --include-untracked",
        )
    if source != HEAD and (ahead := repository.unpushed(roots)):
        raise PromotionError(
            "unpushed-commits",
            f"not pushed: {few(ahead)}; {taken}",
            fix=f"git push {repository.remote} {MAIN}",
        )
