"""What the scheduler's account may do in the cluster: as much as Mage's executor needs, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mage_pod.credentials import CredentialsError, in_cluster, namespace, reach

# Verb, API group, resource.
_NEEDED = (
    ("create", "batch", "jobs"),
    ("get", "batch", "jobs"),
    ("delete", "batch", "jobs"),
    ("get", "", "pods"),
    ("list", "", "pods"),
)
# Examples of rights that would let a block control more than its own pod.
_TOO_MUCH = (
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("create", "", "secrets"),
    ("get", "", "configmaps"),
    ("create", "", "pods"),
    ("delete", "", "pods"),
    ("create", "", "pods/exec"),
    ("list", "batch", "jobs"),
    ("patch", "batch", "jobs"),
    ("patch", "apps", "deployments"),
    ("create", "", "serviceaccounts/token"),
    ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ("*", "*", "*"),
)


def wrong_rights(account: Path) -> list[str]:
    """Return the rights that the account lacks, and those that it should not have."""
    from kubernetes.client import AuthorizationV1Api

    api = AuthorizationV1Api(in_cluster(account))
    where = namespace(account)
    missing = [f"it may not {_told(right)}" for right in _NEEDED if not _may(api, where, right)]
    return missing + [f"it may {_told(right)}" for right in _TOO_MUCH if _may(api, where, right)]


def _told(right: tuple[str, str, str]) -> str:
    return f"{right[0]} {right[2]}"


def _may(api: Any, where: str, right: tuple[str, str, str]) -> bool:
    from kubernetes.client import ApiException

    verb, group, resource = right
    name, _, part = resource.partition("/")
    attributes = {"namespace": where, "verb": verb, "group": group, "resource": name, "subresource": part}
    body = {"spec": {"resourceAttributes": attributes}}
    try:
        review = reach(lambda: api.create_self_subject_access_review(body, _request_timeout=10))
    except ApiException as error:
        raise CredentialsError(
            f"The cluster does not say what the account may do: {error.status} {error.reason}."
        ) from None
    return bool(review.status.allowed)
