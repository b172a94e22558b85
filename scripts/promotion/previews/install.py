"""Install a preview: small, with passwords of its own, with the sample data, and with no schedule that fires."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from basics import progress
from basics.errors import GateCouldNotRun, GateRefused, Interrupted, Unhealthy, UsageError
from basics.yaml_file import load_mapping
from mage_pod.waiting import NotInTime
from promotion.cluster.revisions import revisions
from promotion.cluster.target import Target
from promotion.configuration.environment import Environment
from promotion.deploying.helm import NotUp, run_helm
from promotion.deploying.plan import installing, refuse_other_helm
from promotion.image.ensure import ensure_built, ensure_pushed
from promotion.image.wanted import Wanted
from promotion.layout import ENVIRONMENTS, REGISTRY
from promotion.previews.preview import Preview
from promotion.repository.tree import Tree
from promotion.smoke.sandboxes.kind import KindSandbox, chart_with, load_images, values_of
from promotion.smoke.sandboxes.throw_away import CREDENTIALS, RELEASE, SOURCE
from runtime.binding import BindingError
from runtime.postgres import ServerError
from runtime.source_data import load_source

_MINUTES = 20  # for pods to come up, as a first pull of an image may take long
_KIND = "kind-"  # how contexts begin whose clusters take images from this machine


class _Beside(Target):
    """An installation as a smoke test makes it, in a namespace where there is no other."""

    @property
    def release(self) -> str:
        """Helm's name of the release."""
        return RELEASE


def provide_image(tree: Tree, environment: Environment, context: str) -> str:
    """Have the image of `tree` where the cluster finds it, and return its name; raise `UsageError` if nowhere."""
    wanted = Wanted.of(environment.registry)
    reference = wanted.reference(tree)
    if wanted.pushed:
        ensure_pushed(tree, wanted)
        return reference
    if not context.startswith(_KIND):
        told = f"the cluster of the context {context} gets images from a registry, and {REGISTRY} names none"
        raise UsageError("no-registry", told, fix=f"write `repository` into {REGISTRY} on main, and push")
    ensure_built(tree, wanted)
    cluster = context.removeprefix(_KIND)
    with progress.step(f"load the images into the kind cluster {cluster}"):
        load_images(tree, reference, cluster)
    return reference


def preview_values(tree: Tree, environment: Environment, image: str, preview: Preview) -> dict[str, Any]:
    """Return the chart's values; raise `GateRefused` when an io profile cannot be pointed at the sample data."""
    try:
        values = values_of(tree, environment, image)
    except BindingError as error:
        fix = "see docs/how-to/connections-and-secrets.md"
        raise GateRefused("cannot-bind", str(error), fix=fix) from error
    path = f"{ENVIRONMENTS}/{environment.name}/values.yaml"
    own = load_mapping(path, tree.text(path))
    return (
        values
        | {
            "preview": {"until": f"{preview.until:%Y-%m-%dT%H:%M:%SZ}"},
            "schedules": {key: _suspended(schedule) for key, schedule in own["schedules"].items()},
        }
        | _entrance(own, preview.url)
    )


def _suspended(schedule: dict[str, Any]) -> dict[str, Any]:
    """Return the schedule switched off; the chart makes a token in place of one in the environment's namespace."""
    return {key: value for key, value in schedule.items() if key != "token"} | {"enabled": False}


def _entrance(values: dict[str, Any], url: str | None) -> dict[str, Any]:
    """Return the entrance as the environment has its own, at `url`."""
    if url is None:
        return {}
    host = urlsplit(url).hostname
    if (values.get("httpRoute") or {}).get("enabled"):
        return {"httpRoute": values["httpRoute"] | {"hostnames": [host]}}
    return {"ingress": (values.get("ingress") or {}) | {"enabled": True, "host": host}}


def install(tree: Tree, preview: Preview, values: dict[str, Any]) -> None:
    """Install or upgrade `preview`, and load the sample data if it is not there.

    Raises `Unhealthy` with the reason when it does not come up; it stays, for a look.
    """
    target = _Beside(preview.environment, preview.namespace)
    if current := next(revisions(target), None):
        refuse_other_helm(target, current)
    try:
        _upgrade(target, tree, values)
        with progress.step("load the sample data"):
            sandbox = KindSandbox(preview.namespace, preview.namespace.secret(CREDENTIALS))
            sandbox.with_server(SOURCE, partial(load_source, database=SOURCE))
    except KeyboardInterrupt:
        fix = f"scripts/preview.py start {preview.name} goes on; scripts/preview.py stop {preview.name} removes it"
        raise Interrupted(f"the preview {preview.name} is there in part", fix=fix) from None
    except (NotInTime, ServerError, psycopg2.Error) as error:
        told = f"the sample data did not get into {target}: {str(error).strip()}"
        raise GateCouldNotRun("lost-cluster", told, fix="try again") from error


def _upgrade(target: Target, tree: Tree, values: dict[str, Any]) -> None:
    with chart_with(tree, values) as files, progress.step(f"install {target}"):
        try:
            run_helm(target, *installing(target, files), "--wait", f"--timeout={_MINUTES}m")
        except NotUp as problem:
            look = " ".join(target.cluster.command("get", "pods,events"))
            told = f"the preview does not come up: {problem}\nit stays for a look"
            raise Unhealthy(
                "preview-not-up", told, fix=f"correct it and start again; look at it: {look}"
            ) from None
