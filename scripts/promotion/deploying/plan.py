"""What an installation would change in the cluster, worked out by the cluster itself, which changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import filterfalse, islice

from basics.errors import Conflict, GateRefused
from basics.process import CommandError
from promotion.cluster.revisions import Revision, read_revision, revisions
from promotion.cluster.state import Object
from promotion.cluster.target import Target
from promotion.deploying.chart_files import chart_files
from promotion.deploying.differences import Change, changes
from promotion.record.release import Release
from promotion.repository.tree import Tree

_POLICY = "helm.sh/resource-policy"
_OF_FLUX = "helm.toolkit.fluxcd.io/name"  # the label that Flux gives to each object

# What somebody changed by hand is set back: by helm, and by kubectl that asks in helm's name what would change.
SETTING_BACK = ("--server-side=true", "--force-conflicts")
_AS_HELM = (*SETTING_BACK, "--field-manager=helm")


@dataclass(frozen=True)
class Plan:
    """A release and what its installation would change; `current` is what Helm has now, None: nothing."""

    target: Target
    release: Release
    tree: Tree
    current: Revision | None
    wanted: Revision
    changes: Sequence[Change]

    @property
    def what(self) -> str:
        """The release, as people name it."""
        return f"release {self.release.number} of {self.target.environment}"

    @property
    def is_empty(self) -> bool:
        """Whether the release is installed already, as a whole and unchanged."""
        return not self.changes and self.current is not None and self.current.status == "deployed"


def plan_deployment(target: Target, release: Release, tree: Tree) -> Plan:
    """Ask the cluster what the installation of `release`, whose files are `tree`, would change.

    Raises `Conflict` where somebody else installs here, and `GateRefused` where the cluster would not take it.
    """
    current = next(islice(revisions(target), 1), None)
    if current:
        refuse_other_helm(target, current)
    wanted = _preview(target, tree)
    return Plan(target, release, tree, current, wanted, _changes(target, current, wanted))


def _preview(target: Target, tree: Tree) -> Revision:
    with chart_files(tree, target.environment) as files:
        try:
            shown = target.cluster.helm(*installing(target, files), "--dry-run=server", "--output=json")
        except CommandError as error:
            raise _refused(target, error) from error
    return read_revision(shown)


def installing(target: Target, files: Sequence[str]) -> list[str]:
    """Return helm's arguments that install or upgrade."""
    return ["upgrade", "--install", target.release, *files, *SETTING_BACK]


def _changes(target: Target, current: Revision | None, wanted: Revision) -> list[Change]:
    hooks = changes(current.hooks if current else (), wanted.hooks)
    if current is None:
        return [*changes((), wanted.objects), *hooks]
    gone = changes(filterfalse(_is_kept, current.objects), wanted.objects)
    before = _asked(target, wanted, "get", "--ignore-not-found")
    after = _asked(target, wanted, "apply", "--dry-run=server", *_AS_HELM)
    return [
        *changes(before, after),
        *(change for change in gone if change.what == "removed"),
        *hooks,
    ]


def _is_kept(each: Object) -> bool:
    """Tell whether helm leaves the object in the cluster when a release no longer has it."""
    kept: bool = each["metadata"].get("annotations", {}).get(_POLICY) == "keep"
    return kept


def _asked(target: Target, wanted: Revision, *question: str) -> list[Object]:
    """Return the wanted objects as kubectl's answer has them."""
    try:
        answer = target.cluster.kubectl(*question, "--filename=-", "--output=json", stdin=wanted.manifest)
    except CommandError as error:
        raise _refused(target, error) from error
    shown = json.loads(answer or '{"items": []}')  # no object: no answer
    found: list[Object] = shown.get("items", [shown])  # one object comes without a list
    return found


def _refused(target: Target, error: CommandError) -> GateRefused:
    return GateRefused(
        "cluster-refuses",
        f"{target} would not take the release:\n{error.stderr}",
        fix="correct what it names: on main, followed by a promotion, or in the cluster",
    )


def refuse_other_helm(target: Target, current: Revision) -> None:
    """Raise `Conflict` while a helm is at work, or was cut off, and where Flux would undo what we do."""
    if current.is_pending:
        raise Conflict(
            "helm-at-work",
            f"{target}: Helm says {current.status} of revision {current.number}",
            fix="wait until the other helm has ended; if there is none, it was cut off: "
            f"{' '.join(target.cluster.helm_command(*_way_out(target, current)))}",
        )
    if any(_OF_FLUX in each["metadata"].get("labels", {}) for each in current.objects):
        told = f"{target} is installed by Flux, which follows the branch by itself"
        raise Conflict("installed-by-flux", told, fix=f"flux get helmreleases --context={target.cluster.context}")


def _way_out(target: Target, current: Revision) -> list[str]:
    if current.number == 1:
        return ["uninstall", target.release]
    return ["rollback", target.release]
