"""Whether an environment's branch holds what its records say: digests, records, chain and signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from basics.errors import Finding, PromotionError
from promotion.changes.differences import platform_digest
from promotion.configuration.environment import load_environment
from promotion.configuration.policy import email
from promotion.layout import ENVIRONMENTS
from promotion.pipelines.project import Project
from promotion.record.release import FILE, Release, branch_of, has_digest, image_tag, is_intact
from promotion.repository.git import Repository
from promotion.repository.merge import is_merge_of

_ROLL_BACK = "the branch was changed by hand: roll back"
_SIGN = (
    "add the key to your keyring or to gpg.ssh.allowedSignersFile; "
    "if a squash or a rebase lost the signature, roll back and use a merge commit"
)
_REWRITTEN = "the branch was rewritten: compare it with a clone"


@dataclass(frozen=True)
class Audit:
    """An audit of releases of the environment `name`, read from the branches of `repository`."""

    repository: Repository
    name: str

    def of_all(self, history: Sequence[Release]) -> Iterator[Finding]:
        """Yield the findings of `history`, which has all releases, newest first."""
        expected = False
        for position, release in enumerate(reversed(history), start=1):
            expected = expected or has_digest(self._record(release))  # after the first, each has one
            yield from self.of_one(release, position, expect_digest=expected)

    def of_one(self, release: Release, position: int, *, expect_digest: bool) -> Iterator[Finding]:
        """Yield the findings of `release`, which is at `position` (from 1) on the branch."""
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
        """Derive the digests again and compare them with the record; refuse files that no record covers."""
        project = Project(self.repository.tree(release.commit))
        own = project.tree.under(f"{ENVIRONMENTS}/{release.environment}")
        derived = {f"pipelines.{name}": digest for name, digest in project.digests().items()}
        derived |= {"platform": platform_digest(project), "configuration": own.digest()}
        derived |= {"image.tag": image_tag(project.tree)}
        recorded = {f"pipelines.{name}": entry.digest for name, entry in release.pipelines.items()}
        recorded |= {"platform": release.platform, "configuration": release.configuration}
        recorded |= {"image.tag": release.image.tag}
        for key in sorted({*derived, *recorded}):
            if derived.get(key) != recorded.get(key):
                problem = f"{key} is recorded as {recorded.get(key)}, but the files have {derived.get(key)}"
                yield Finding(where, None, "digest-mismatch", problem, _ROLL_BACK)
        for path in project.tree.under(ENVIRONMENTS).without(own):
            yield Finding(where, None, "unexpected-file", f"{path} belongs to another environment", _ROLL_BACK)

    def _chain(self, release: Release, position: int, where: str) -> Iterator[Finding]:
        """The branch must hold the releases of the environment, one commit each, numbered from 1."""
        if release.environment != self.name:
            problem = f"the record belongs to {release.environment}"
            yield Finding(where, None, "chain-broken", problem, _REWRITTEN)
        if release.number != position:
            problem = f"the record says release {release.number}, but this is commit {position} of the branch"
            yield Finding(where, None, "chain-broken", problem, _REWRITTEN)
        for merged in self._merged_by(release):
            if not is_merge_of(self.repository, release.commit, merged):
                problem = f"the commit merges {merged[:8]}, which is not this release on top of the last one"
                yield Finding(where, None, "chain-broken", problem, _ROLL_BACK)

    def _merged_by(self, release: Release) -> Sequence[str]:
        return self.repository.header(release.commit).parents[1:]

    def _policy(self, release: Release, where: str) -> Iterator[Finding]:
        """A release must satisfy its policy: it, or the commit that it merges, is signed, and it is approved."""
        commits = (*self._merged_by(release), release.commit)
        with suppress(PromotionError):  # a configuration that today's rules refuse
            policy = load_environment(self.repository.tree(release.commit), release.environment).policy
            signer = next(filter(None, map(self.repository.signer, commits)), None) if policy.signed else None
            if policy.signed and signer is None:
                yield Finding(where, None, "unsigned-release", "git verify-commit finds no good signature", _SIGN)
            if release.action == "promotion" and not _skipped_approvals(release):
                yield from _approvals(release, policy.approvals, signer, where)


def _intactness(record: str, where: str) -> Iterator[Finding]:
    """The person, the reason and the evidence are in no digest of a tree, so the record has its own digest."""
    if not is_intact(record):
        problem = f"{FILE} was changed after it was written: its digest does not match"
        yield Finding(where, None, "record-changed", problem, "git log -p shows the change, and who made it")


def _skipped_approvals(release: Release) -> bool:
    return release.emergency is not None and "approvals" in release.emergency.skipped


def _approvals(release: Release, asked: int, signer: str | None, where: str) -> Iterator[Finding]:
    """An approval counts only if neither the promoter nor the signer gave it."""
    own = {email(release.by), email(signer or "")}
    others = [identity for identity in release.approved_by if email(identity) not in own]
    if len(others) < asked:
        problem = f"{len(others)} of {asked} approvals by others are recorded"
        yield Finding(where, None, "unapproved-release", problem, "have other people check it, or roll back")
