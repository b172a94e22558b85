"""Whether an environment's branch holds what its records say: digests, records, chain and signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from basics.errors import Finding, PromotionError
from promotion.changes.differences import platform_digest
from promotion.configuration.environment import FOLDER as ENVIRONMENTS
from promotion.configuration.environment import load_environment
from promotion.configuration.policy import email
from promotion.pipelines.project import Project
from promotion.record.release import FILE, Release, branch_of, has_digest, image_tag, is_intact
from promotion.repository.git import Repository
from promotion.repository.merge import is_merge_of

_ROLL_BACK = "somebody wrote to the branch by hand: roll back"
_REWRITTEN = "somebody rewrote the branch: compare with a clone"


def audit(repository: Repository, name: str, history: Sequence[Release]) -> Iterator[Finding]:
    """Yield what is wrong with the releases of the environment `name`, given newest first."""
    expected = False
    for position, release in enumerate(reversed(history), start=1):
        expected = expected or has_digest(_record(repository, release))  # from the first one on that has one
        yield from audit_release(repository, name, release, position, expect_digest=expected)


def audit_release(
    repository: Repository, name: str, release: Release, position: int, *, expect_digest: bool
) -> Iterator[Finding]:
    """Yield what is wrong with the release at `position` (from 1) of the environment `name`."""
    record = _record(repository, release)
    place = f"{branch_of(name)} release {release.number} ({release.commit[:8]})"
    yield from _digest_findings(repository, release, place)
    if expect_digest or has_digest(record):
        yield from _record_findings(record, place)
    yield from _chain_findings(repository, release, name, position, place)
    yield from _policy_findings(repository, release, place)


def _record(repository: Repository, release: Release) -> str:
    return repository.read(f"{release.commit}:{FILE}").decode()


def _digest_findings(repository: Repository, release: Release, place: str) -> Iterator[Finding]:
    """Derive again what the record says, and look for what it cannot say anything about."""
    project = Project(repository.tree(release.commit))
    own = project.tree.under(f"{ENVIRONMENTS}/{release.environment}")
    derived = {f"pipelines.{name}": digest for name, digest in project.digests().items()}
    derived |= {"platform": platform_digest(project), "configuration": own.digest()}
    derived |= {"image.tag": image_tag(project.tree)}
    recorded = {f"pipelines.{name}": entry.digest for name, entry in release.pipelines.items()}
    recorded |= {"platform": release.platform, "configuration": release.configuration, "image.tag": release.image}
    for key in sorted({*derived, *recorded}):
        if derived.get(key) != recorded.get(key):
            problem = f"{key} is recorded as {recorded.get(key)} and derived as {derived.get(key)}"
            yield Finding(place, None, "digest-mismatch", problem, _ROLL_BACK)
    for path in project.tree.under(ENVIRONMENTS).without(own):
        yield Finding(place, None, "unexpected-file", f"{path} belongs to another environment", _ROLL_BACK)


def _record_findings(record: str, place: str) -> Iterator[Finding]:
    """Who, why and what proved it: no digest of a tree covers that, so the record has one of its own."""
    if not is_intact(record):
        problem = f"{FILE} is not as it was written: its own digest is another"
        yield Finding(place, None, "record-changed", problem, "git log -p says what was changed, and by whom")


def _chain_findings(
    repository: Repository, release: Release, name: str, position: int, place: str
) -> Iterator[Finding]:
    """The branch holds the releases of `name`, one commit each, numbered from 1."""
    if release.environment != name:
        problem = f"the record is one of {release.environment}"
        yield Finding(place, None, "chain-broken", problem, _REWRITTEN)
    if release.number != position:
        problem = f"the record says release {release.number}, but the commit is number {position} of the branch"
        yield Finding(place, None, "chain-broken", problem, _REWRITTEN)
    for merged in repository.header(release.commit).parents[1:]:
        if not is_merge_of(repository, release.commit, merged):
            problem = f"the commit merges {merged[:8]}, which is not the release as one commit on the one before"
            yield Finding(place, None, "chain-broken", problem, _ROLL_BACK)


def _policy_findings(repository: Repository, release: Release, place: str) -> Iterator[Finding]:
    """What a release's own policy asks for, it is: signed, itself or what it merges, and approved by others."""
    commits = (*repository.header(release.commit).parents[1:], release.commit)
    with suppress(PromotionError):  # a configuration that today's rules no longer take
        policy = load_environment(repository.tree(release.commit), release.environment).policy
        signer = next(filter(None, map(repository.signer, commits)), None) if policy.signed else None
        if policy.signed and signer is None:
            problem = "git verify-commit finds no good signature"
            fix = (
                "add the key to your keyring or to gpg.ssh.allowedSignersFile; "
                "if a squash or a rebase lost the signature, roll back and have it merged by a merge commit"
            )
            yield Finding(place, None, "unsigned-release", problem, fix)
        if release.action == "promotion" and not _skipped_approvals(release):
            yield from _approval_findings(release, policy.approvals, signer, place)


def _skipped_approvals(release: Release) -> bool:
    return release.emergency is not None and "approvals" in release.emergency.skipped


def _approval_findings(release: Release, asked: int, signer: str | None, place: str) -> Iterator[Finding]:
    """Who made the release is no other, under whatever name he signed it."""
    own = {email(release.by), email(signer or "")}
    others = [identity for identity in release.approved_by if email(identity) not in own]
    if len(others) < asked:
        problem = f"{len(others)} of {asked} approvals by others are recorded"
        yield Finding(place, None, "unapproved-release", problem, "have others look at it, or roll back")
