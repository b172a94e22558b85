"""Who is at the keyboard, as far as a policy wants to know."""

from __future__ import annotations

from basics.errors import PolicyRefused
from promotion.configuration.policy import EVERYBODY, Policy
from promotion.repository.git import Repository


def promoter(repository: Repository, policy: Policy) -> str | None:
    """Return who promotes, None where `policy` treats everybody alike: a plan needs no name then."""
    return None if policy.promoters == EVERYBODY and not policy.approvals else repository.identity()


def answering(repository: Repository, name: str, policy: Policy) -> str:
    """Return who answers for the environment `name`: `policy` must let them release."""
    identity = repository.identity()
    if identity not in policy.promoters:
        raise PolicyRefused(
            "not-a-promoter",
            f"{identity} may not speak for {name}: {policy.promoters} may",
            fix="ask one of them",
        )
    return identity
