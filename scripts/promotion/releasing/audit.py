"""Whether an environment's branch holds what its records say: digests, records, chain and signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

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
_SIGN = (
    "add the key to your keyring or to gpg.ssh.allowedSignersFile; "
    "if a squash or a rebase lost the signature, roll back and have it merged by a merge commit"
)
_REWRITTEN = "somebody rewrote the branch: compare with a clone"


@dataclass(frozen=True)
class Audit:
    """An audit of releases of the environment `name`, read from the branches of `repository`."""

    repository: Repository
    name: str

    def of_all(self, history: Sequence[Release]) -> Iterator[Finding]:
        """Yield what is wrong with the releases of `history`, which has all of them, newest first."""
        expected = False
        for position, release in enumerate(reversed(history), start=1):
            expected = expected or has_digest(self._record(release))  # from the first one on that has one
            yield from self.of_one(release, position, expect_digest=expected)

    def of_one(self, release: Release, position: int, *, expect_digest: bool) -> Iterator[Finding]:
        """Yield what is wrong with `release`, which is at `position` (from 1) on the branch."""
        record = self._record(release)
        where = f"{branch_of(self.name)} release {release.number} ({release.commit[:8]})"
        yield from self._digests(release, where)
        if expect_digest or has_digest(record):
            yield from _intactness(record, where)
        yield from self._chain(release, position, where)
        yield from self._policy(release, where)

    def _record(self, release: Release) -> str:
        return self.repository.read(f"{release.commit}:{FILE}").decode()

    def _digests(self, release: Release, where: str) -> Iterator[Finding]:
        """Derive again what the record says, and look for what it cannot say anything about."""
        project = Project(self.repository.tree(release.commit))
        own = project.tree.under(f"{ENVIRONMENTS}/{release.environment}")
        derived = {f"pipelines.{name}": digest for name, digest in project.digests().items()}
        derived |= {"platform": platform_digest(project), "configuration": own.digest()}
        derived |= {"image.tag": image_tag(project.tree)}
        recorded = {f"pipelines.{name}": entry.digest for name, entry in release.pipelines.items()}
        recorded |= {"platform": release.platform, "configuration": release.configuration}
        recorded |= {"image.tag": release.image}
        for key in sorted({*derived, *recorded}):
            if derived.get(key) != recorded.get(key):
                problem = f"{key} is recorded as {recorded.get(key)} and derived as {derived.get(key)}"
                yield Finding(where, None, "digest-mismatch", problem, _ROLL_BACK)
        for path in project.tree.under(ENVIRONMENTS).without(own):
            yield Finding(where, None, "unexpected-file", f"{path} belongs to another environment", _ROLL_BACK)

    def _chain(self, release: Release, position: int, where: str) -> Iterator[Finding]:
        """The branch holds the releases of the environment, one commit each, numbered from 1."""
        if release.environment != self.name:
            problem = f"the record is one of {release.environment}"
            yield Finding(where, None, "chain-broken", problem, _REWRITTEN)
        if release.number != position:
            problem = f"the record says release {release.number}, but this is commit {position} of the branch"
            yield Finding(where, None, "chain-broken", problem, _REWRITTEN)
        for merged in self._merged_by(release):
            if not is_merge_of(self.repository, release.commit, merged):
                problem = f"the commit merges {merged[:8]}, which is not the release in one commit on the last one"
                yield Finding(where, None, "chain-broken", problem, _ROLL_BACK)

    def _merged_by(self, release: Release) -> Sequence[str]:
        return self.repository.header(release.commit).parents[1:]

    def _policy(self, release: Release, where: str) -> Iterator[Finding]:
        """A release is what its own policy asks for: signed, itself or what it merges, and approved by others."""
        commits = (*self._merged_by(release), release.commit)
        with suppress(PromotionError):  # a configuration that today's rules no longer take
            policy = load_environment(self.repository.tree(release.commit), release.environment).policy
            signer = next(filter(None, map(self.repository.signer, commits)), None) if policy.signed else None
            if policy.signed and signer is None:
                yield Finding(where, None, "unsigned-release", "git verify-commit finds no good signature", _SIGN)
            if release.action == "promotion" and not _skipped_approvals(release):
                yield from _approvals(release, policy.approvals, signer, where)


def _intactness(record: str, where: str) -> Iterator[Finding]:
    """Who, why and what proved it: no digest of a tree covers that, so the record has one of its own."""
    if not is_intact(record):
        problem = f"{FILE} is not as it was written: its own digest is another"
        yield Finding(where, None, "record-changed", problem, "git log -p says what was changed, and by whom")


def _skipped_approvals(release: Release) -> bool:
    return release.emergency is not None and "approvals" in release.emergency.skipped


def _approvals(release: Release, asked: int, signer: str | None, where: str) -> Iterator[Finding]:
    """Who made the release is no other, under whatever name he signed it."""
    own = {email(release.by), email(signer or "")}
    others = [identity for identity in release.approved_by if email(identity) not in own]
    if len(others) < asked:
        problem = f"{len(others)} of {asked} approvals by others are recorded"
        yield Finding(where, None, "unapproved-release", problem, "have others look at it, or roll back")
