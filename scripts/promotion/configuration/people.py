"""The person who runs the command, read only where a policy asks for it."""

from __future__ import annotations

from basics.errors import PolicyRefused
from promotion.configuration.policy import EVERYBODY, Policy
from promotion.repository.git import Repository


def promoter(repository: Repository, policy: Policy) -> str | None:
    """Return who promotes; None where `policy` treats everybody alike, and a plan needs no name."""
    return None if policy.promoters == EVERYBODY and not policy.approvals else repository.identity()


def answering(repository: Repository, name: str, policy: Policy) -> str:
    """Return who runs the command; raise `PolicyRefused` unless `policy` lets them release to `name`."""
    identity = repository.identity()
    if identity not in policy.promoters:
        raise PolicyRefused(
            "not-a-promoter",
            f"{identity} may not decide for {name}: {policy.promoters} may",
            fix="ask one of them",
        )
    return identity
